"""Whole steps: motion against formulas, and contacts that hold. What must not make a difference is in `test_invariants`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physics import pytree
from physics.base import FLOOR, FLOOR_WALL, Capacity, Controls
from physics.build import Builder
from tests.physics.scenes import (
    DT,
    GRAVITY,
    LARGE,
    MEDIUM,
    OPEN,
    SMALL,
    collision,
    in_every_world,
    random_scene,
    run,
    run_batch,
    turned,
)

SLOP = 0.01
MU = 0.4 * 2**0.5  # of two bodies with friction 1


def test_free_fall_is_a_parabola():
    builder = Builder(OPEN)
    builder.box((2, 4), (0.1, 0.2), vel=(1.5, 2.0), omega=1.0)
    builder.circle((0, 3), 0.2)
    done, n = run(builder, 60), np.arange(1, 61)
    np.testing.assert_allclose(done.pos[:, 0, 0], 2 + 1.5 * n * DT, atol=1e-4)
    np.testing.assert_allclose(done.pos[:, 1, 0], 4 + 2 * n * DT - GRAVITY * DT**2 * n * (n + 1) / 2, atol=1e-4)
    np.testing.assert_allclose(done.pos[:, 1, 2], 3 - GRAVITY * DT**2 * n * (n + 1) / 2, atol=1e-4)
    np.testing.assert_allclose(done.angle[:, 0], n * DT, atol=1e-4)


def test_clips_hold_positions_and_speeds():
    builder = Builder(OPEN, gravity=(0, 0))
    builder.circle((14.9, 0), 0.2, vel=(120.0, 0), omega=70.0)
    done = run(builder, 10)
    assert (done.pos[-1, 0, 2], done.vel[-1, 0, 2], done.omega[-1, 2]) == (15.0, 100.0, 50.0)


@pytest.mark.parametrize("shape", ["box", "triangle", "circle"])
def test_resting_body_stays(shape):
    builder = Builder(MEDIUM)
    if shape == "box":
        builder.box((2, FLOOR + 0.1), (0.3, 0.1))
    elif shape == "triangle":
        builder.polygon([(-0.3, 0), (0.3, 0), (0.1, 0.4)], at=(2, FLOOR))
    else:
        builder.circle((2, FLOOR + 0.2), 0.2)
    row, done = (2 if shape == "circle" else 0), run(builder, 300)
    sunk = float(builder.finish()[1].pos[1, row]) - done.pos[:, 1, row]
    assert sunk.min() > -1e-3
    assert sunk.max() < SLOP + 0.003
    assert np.abs(done.pos[:, 0, row] - done.pos[0, 0, row]).max() < 2e-3
    assert np.abs(done.angle[:, row]).max() < 5e-3
    assert np.abs(done.vel[-60:, :, row]).max() < 0.01
    assert done.touching.walls[-1, FLOOR_WALL, row]


def test_stack_stands():
    builder = Builder(MEDIUM)
    builder.box((2, FLOOR + 0.2), (0.3, 0.2))
    builder.box((2.05, FLOOR + 0.6), (0.3, 0.2))
    builder.circle((2.05, FLOOR + 0.95), 0.15)
    done = run(builder, 300)
    for row, height in ((0, 0.2), (1, 0.6), (2, 0.95)):
        assert FLOOR + height - 4 * SLOP < done.pos[-1, 1, row] < FLOOR + height + 1e-3
    assert np.abs(done.angle[-1, :2]).max() < 0.01
    assert np.abs(done.vel[-1, :, :2]).max() < 0.02


def test_stack_on_a_triangle_padded_to_four_corners():
    builder = Builder(MEDIUM)
    builder.polygon([(-0.5, 0.4), (0, -0.4), (0.5, 0.4)], at=(2, 1.5), fixed=True)
    builder.box((2.0, 2.1), (0.1, 0.1))
    for x in (1.65, 2.2, 2.42):
        builder.circle((x, 2.05), 0.06)
    done = run(builder, 120)
    np.testing.assert_allclose(done.pos[-1, 1, 1:], [2.0, 1.96, 1.96, 1.96], atol=SLOP + 0.005)


@pytest.mark.parametrize(("body", "wall", "used"), [(0.8, 0.9, 0.8), (1.0, 0.5, 0.5), (0.7, 0.0, 0.0)])
@pytest.mark.parametrize("shape", ["box", "circle"])
def test_bounce(body, wall, used, shape):
    builder = Builder(MEDIUM)
    builder.wall_restitution[FLOOR_WALL] = wall
    half, row = 0.2, 2 if shape == "circle" else 0
    if shape == "box":
        builder.box((2, 2), (half, half), restitution=body)
    else:
        builder.circle((2, 2), half, restitution=body)
    done = run(builder, 60)
    hit = int(np.argmax(np.diff(done.vel[:, 1, row]) > 1)) + 1
    falling = done.vel[hit - 1, 1, row] - GRAVITY * DT
    depth = FLOOR + half - done.pos[hit - 1, 1, row]
    assert falling < -4
    assert done.vel[hit, 1, row] == pytest.approx(-used * falling + 0.2 / DT * max(0, depth - SLOP), abs=0.02)
    assert np.abs(done.omega[:, row]).max() < 0.03  # two points shared out by ten sweeps


@pytest.mark.parametrize("friction", [(1.0, 1.0), (0.5, 0.8)])
def test_friction_on_a_tilted_floor(friction):
    mu = 0.4 * np.hypot(*friction)
    for slope, slides in ((0.9 * mu, False), (1.5 * mu, True)):
        tilt = np.arctan(slope)
        builder = Builder(MEDIUM, gravity=(GRAVITY * np.sin(tilt), -GRAVITY * np.cos(tilt)))
        builder.wall_friction[FLOOR_WALL] = friction[0]
        builder.box((1, FLOOR + 0.1), (0.3, 0.1), friction=friction[1])
        done = run(builder, 60)
        pull = GRAVITY * (np.sin(tilt) - mu * np.cos(tilt)) if slides else 0.0
        assert (done.vel[59, 0, 0] - done.vel[19, 0, 0]) / (40 * DT) == pytest.approx(pull, abs=0.05)


@pytest.mark.parametrize(("tilt", "slides"), [(0.45, False), (0.7, True)])
def test_friction_between_bodies_on_a_slope(tilt, slides):
    builder = Builder(MEDIUM)
    along = turned(np.array([1.0, 0.0]), -tilt)
    builder.box((2.5, 2), (1.5, 0.1), angle=-tilt, fixed=True)
    builder.box(np.array([2.5, 2]) + turned(np.array([-1.0, 0.2]), -tilt), (0.15, 0.1), angle=-tilt)
    speed = run(builder, 50).vel[:, :, 1] @ along
    pull = GRAVITY * (np.sin(tilt) - MU * np.cos(tilt)) if slides else 0.0
    assert (speed[49] - speed[9]) / (40 * DT) == pytest.approx(pull, abs=0.08)


def test_disc_rolls_without_slipping():
    builder = Builder(MEDIUM, gravity=(GRAVITY * np.sin(0.3), -GRAVITY * np.cos(0.3)))
    builder.circle((0.5, FLOOR + 0.2), 0.2)
    done = run(builder, 60)
    assert done.vel[-1, 0, 2] == pytest.approx(2 / 3 * GRAVITY * np.sin(0.3), rel=0.01)
    np.testing.assert_allclose(done.vel[5:, 0, 2], -0.2 * done.omega[5:, 2], rtol=0.04)  # the lever is the radius less the depth


def test_room_keeps_everything_in():
    builder = Builder(MEDIUM, gravity=(0, 0))
    for wall in range(4):
        builder.wall_restitution[wall] = 1.0
    builder.box((2, 2), (0.2, 0.2), vel=(3, 4), omega=2, restitution=1.0)
    builder.circle((3, 3), 0.2, vel=(-4, 3), restitution=1.0)
    done = run(builder, 600)
    deepest = np.linalg.norm(done.vel, axis=1).max() * DT + 0.01  # what is seen after one step of flight
    assert deepest < 0.3
    for row, size in ((0, 0.2), (2, 0.2)):
        assert size - deepest < done.pos[:, 0, row].min() < done.pos[:, 0, row].max() < 5 - size + deepest
        assert FLOOR + size - deepest < done.pos[:, 1, row].min() < done.pos[:, 1, row].max() < 5 - size + deepest
    assert np.linalg.norm(done.vel[-1], axis=0).max() > 1.5


def test_collisions_conserve_momentum():
    builder = collision()
    bodies, motion = builder.finish()[0].bodies, builder.finish()[1]
    mass = np.where(bodies.active, 1 / np.where(bodies.active, bodies.inverse_mass, 1), 0)
    inertia = np.where(bodies.active, 1 / np.where(bodies.active, bodies.inverse_inertia, 1), 0)
    done = run(builder, 60)

    def linear(vel: np.ndarray) -> np.ndarray:
        return (vel * mass).sum(-1)

    def angular(pos: np.ndarray, vel: np.ndarray, omega: np.ndarray) -> np.ndarray:
        return (mass * (pos[..., 0, :] * vel[..., 1, :] - pos[..., 1, :] * vel[..., 0, :]) + inertia * omega).sum(-1)

    start = (np.asarray(motion.pos), np.asarray(motion.vel), np.asarray(motion.omega))
    assert all(np.abs(done.vel[-1, :, row] - start[1][:, row]).max() > 0.3 for row in range(4))  # all of them met
    np.testing.assert_allclose(linear(done.vel), np.broadcast_to(linear(start[1]), (60, 2)), atol=2e-5)
    np.testing.assert_allclose(angular(done.pos, done.vel, done.omega), np.full(60, angular(*start)), atol=1e-4)


@pytest.mark.parametrize("capacity", [SMALL, MEDIUM, LARGE], ids=["s", "m", "l"])
def test_random_scenes_stay_finite_and_in_bounds(capacity):
    random = np.random.RandomState(1)
    controls = Controls(
        motor=jnp.asarray(random.uniform(-1, 1, (capacity.joints, 4)), jnp.float32),
        thruster=jnp.asarray(random.uniform(0, 1, (capacity.thrusters, 4)), jnp.float32),
    )
    done = run_batch(*in_every_world([random_scene(capacity, seed) for seed in range(4)]), 200, controls)
    for leaf in jax.tree.leaves(done.state):
        assert np.isfinite(leaf).all()
    assert np.abs(done.pos).max() <= 15
    assert np.abs(done.vel).max() <= 100
    pytree.check(done.state, worlds=4, **capacity.dims)


@pytest.mark.parametrize(
    "capacity",
    [Capacity(1, 0, 0, 0), Capacity(0, 2, 1, 0, walls=0), Capacity(1, 1, 0, 1, vertices=6)],
    ids=["one polygon", "only circles", "six corners"],
)
def test_small_capacities_step(capacity):
    done = run_batch(*in_every_world([random_scene(capacity, 0)]), 10)
    assert done.pos.shape == (10, 2, capacity.bodies, 1)
    assert np.isfinite(done.pos).all()
    assert np.abs(done.pos[-1] - done.pos[0]).max() > 1e-3
