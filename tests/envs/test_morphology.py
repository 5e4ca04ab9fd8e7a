"""Drawn bodies with legs and wheels: they stand on the floor, are held together, and have a way to go."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from levels_for_tests import QUICK, faults_of, within_reach

from envs.base import MOTOR_CHANNELS, Level, Role
from envs.generate import morphology
from envs.generate.config import MorphologyConfig
from envs.sizes import capacity
from physics.base import FLOOR, ROOM_WIDTH, Capacity
from physics.errors import InputError

COUNT = 256
CONFIG = MorphologyConfig()


@functools.cache
def drawn(size: str) -> Level:
    keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(0), jnp.arange(COUNT))
    draw = jax.jit(
        jax.vmap(lambda key: morphology.sample(key, capacity(size), CONFIG), out_axes=-1),
        compiler_options=QUICK,
    )
    return jax.tree.map(np.asarray, draw(keys))


@pytest.mark.parametrize("size", ["s", "l"])
def test_every_level_is_valid_and_its_own_actuators_can_bring_green_to_blue(size):
    level = drawn(size)
    assert not {name for name, wrong in faults_of(level).items() if wrong.any()}
    assert within_reach(level).all()


@pytest.mark.parametrize("size", ["s", "l"])
def test_the_body_stands_a_little_above_the_floor_and_within_the_walls(size):
    level = drawn(size)
    bodies, polygons = level.scene.bodies, level.scene.bodies.vertices.shape[2]
    cos, sin = np.cos(level.start.angle[:polygons]), np.sin(level.start.angle[:polygons])
    x = level.start.pos[0, :polygons] + cos * bodies.vertices[0] - sin * bodies.vertices[1]
    y = level.start.pos[1, :polygons] + sin * bodies.vertices[0] + cos * bodies.vertices[1]
    lowest = np.where(bodies.active[:polygons], y, 9).min((0, 1))
    wheels = np.where(bodies.active[polygons:-1], level.start.pos[1, polygons:-1] - bodies.radius[:-1], 9).min(0, initial=9)
    np.testing.assert_allclose(np.minimum(lowest, wheels), FLOOR + morphology.CLEARANCE, atol=1e-4)
    inside = (x > 0) & (x < ROOM_WIDTH)
    assert inside.all(0)[bodies.active[:polygons]].all()
    goal = level.start.pos[0, -1]
    assert ((goal >= CONFIG.goal_radius - 1e-5) & (goal <= ROOM_WIDTH - CONFIG.goal_radius + 1e-5)).all()


@pytest.mark.parametrize("size", ["s", "l"])
def test_joints_hold_their_bodies_together_within_limits_and_have_a_motor(size):
    level = drawn(size)
    joints, (x, y) = level.scene.joints, level.start.pos
    slot, world = np.nonzero(joints.active)

    def point(end: str) -> np.ndarray:
        body, (ax, ay) = getattr(joints, f"body_{end}")[slot, world], getattr(joints, f"anchor_{end}")[:, slot, world]
        cos, sin = np.cos(level.start.angle[body, world]), np.sin(level.start.angle[body, world])
        return np.stack([x[body, world] + cos * ax - sin * ay, y[body, world] + sin * ax + cos * ay])

    np.testing.assert_allclose(point("a"), point("b"), atol=1e-5)
    angle = level.start.angle[joints.body_b[slot, world], world] - level.start.angle[joints.body_a[slot, world], world]
    relative = angle - joints.rest_angle[slot, world]
    limited = joints.limited[slot, world]
    assert (relative >= joints.lower[slot, world] - 1e-5)[limited].all()
    assert (relative <= joints.upper[slot, world] + 1e-5)[limited].all()
    assert joints.motor[slot, world].all()
    assert set(level.motor_channel[slot, world]) <= set(range(MOTOR_CHANNELS))


def test_there_are_legs_and_wheels_in_all_numbers_that_the_slots_allow():
    room = morphology.plan(capacity("l"))
    assert room == morphology.Plan(legs=3, knees=True, wheels=3)
    level = drawn("l")
    wheels = level.scene.bodies.active[8:-1].sum(0)
    parts = level.scene.bodies.active[1:8].sum(0)
    assert set(wheels) == {0, 1, 2, 3}
    assert set(parts) == {0, 1, 2, 3, 4, 6}  # one to three legs, with knees or without
    assert not (parts * wheels).any()
    assert abs((wheels > 0).mean() - CONFIG.wheeled_chance) < 0.1


def test_green_is_the_trunk_and_blue_an_immovable_ball_on_either_side():
    level = drawn("l")
    assert (level.role[0] == Role.GREEN).all()
    assert ((level.role == Role.GREEN).sum(0) == 1).all()
    assert (level.role[-1] == Role.BLUE).all()
    assert (level.scene.bodies.inverse_mass[-1] == 0).all()
    right = level.start.pos[0, -1] > level.start.pos[0, 0]
    assert 0.4 < right.mean() < 0.6


def test_over_a_red_floor_the_trunk_stands_on_two_or_more():
    level = drawn("l")
    red = level.wall_role[0] == Role.RED
    on_trunk = (level.scene.joints.active & (level.scene.joints.body_a == 0)).sum(0)
    assert 0.1 < red.mean() < CONFIG.red_floor
    assert on_trunk[red].min() == 2


def test_slots_for_nothing_that_moves_are_refused():
    with pytest.raises(InputError, match=r"generate\.morphology.*a trunk, a goal and a leg or a wheel"):
        morphology.plan(Capacity(polygons=1, circles=1, joints=0, thrusters=2))
