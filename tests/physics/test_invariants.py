"""What must not make a difference: order of slots, empty slots, the size of the batch, devices, neighbours, absent parts.

Worlds of one batch are computed by the same instructions, so what stays in one batch is compared bit for bit.
A batch of another size may be compiled to other instructions: rounding differs there, by about 1e-7 a step. Where
bodies touch, slots decide in which order contacts are solved; that is another approximation of the same answer.
"""

import dataclasses
import json
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physics.base import FLOOR, Capacity, Controls, Motion, Scene
from physics.build import Builder
from tests.physics.scenes import CONFIGS, LARGE, MEDIUM, collision, in_every_world, random_scene, run_batch

FIELDS = ("pos", "vel", "angle", "omega")
MEETING = 5e-3  # m or rad; collisions solved in another order, after 40 steps
RESTING = 2e-3  # the same of a stack, however long
ROUNDING = 2e-5  # another batch size, after 30 steps of overlapping, jointed bodies
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def flight(capacity: Capacity = MEDIUM) -> tuple[Scene, Motion]:
    """Bodies that touch nothing for 30 steps: two jointed pairs, driven, and a disc."""
    builder = Builder(capacity)
    box = builder.box((1.2, 4), (0.3, 0.1), angle=0.3, vel=(0.5, 1), omega=1)
    triangle = builder.polygon([(0, 0), (0.5, 0), (0, 0.4)], at=(3, 3.5), vel=(-0.5, 1))
    wheel, weight, _ = builder.circle((1.5, 4), 0.2), builder.circle((3.5, 4), 0.1, density=4), builder.circle((2.3, 4), 0.2, vel=(0, 1))
    builder.joint(box, wheel, at=(1.5, 4.05), motor=True)
    builder.joint(weight, triangle, at=(3.3, 3.8), fixed=True)
    builder.thruster(triangle, at=(3.1, 3.5), angle=2.0)
    builder.thruster(wheel, at=(1.6, 4), angle=-1.0)
    return builder.finish()


def stack() -> tuple[Scene, Motion]:
    """Two boxes and a disc on each other, and two discs side by side."""
    builder = Builder(MEDIUM)
    builder.box((2, FLOOR + 0.2), (0.3, 0.2))
    builder.box((2.05, FLOOR + 0.6), (0.25, 0.2), density=2)
    builder.circle((2.05, FLOOR + 0.95), 0.15)
    builder.circle((3, FLOOR + 0.2), 0.2)
    builder.circle((3.5, FLOOR + 0.3), 0.3)
    return builder.finish()


def reordered(single: tuple[Scene, Motion], order: list[int]) -> tuple[Scene, Motion]:
    """The world with body `order[i]` in slot `i`; the order mixes no polygons with circles."""
    scene, motion = single
    bodies, polygons = scene.bodies, scene.bodies.vertices.shape[2]
    rows, place = np.array(order), np.argsort(order)
    upper, lower = rows[:polygons], rows[polygons:] - polygons
    per_body = {name: getattr(bodies, name)[rows] for name in _names(bodies) if name not in ("vertices", "vertex_count", "radius")}
    shapes = {"vertices": bodies.vertices[..., upper], "vertex_count": bodies.vertex_count[upper], "radius": bodies.radius[lower]}
    return _renumbered(scene, place, **per_body, **shapes), jax.tree.map(lambda leaf: leaf[..., rows], motion)


def with_empty_slots(single: tuple[Scene, Motion], capacity: Capacity) -> tuple[Scene, Motion]:
    """The world in the first slots of a larger scene."""
    scene, motion = single
    empty_scene, empty_motion = Builder(capacity).finish()
    polygons, count = scene.bodies.vertices.shape[2], motion.angle.shape[0]
    place = np.where(np.arange(count) < polygons, np.arange(count), np.arange(count) + capacity.polygons - polygons)

    def filled(empty: np.ndarray, leaf: np.ndarray) -> np.ndarray:
        after = np.array(empty)
        per_body = (leaf.shape[-1], empty.shape[-1]) == (count, capacity.bodies)
        after[..., place if per_body else np.arange(leaf.shape[-1])] = leaf
        return after

    widened = jax.tree.map(filled, empty_scene, scene)
    return _renumbered(widened, place), jax.tree.map(filled, empty_motion, motion)


def _renumbered(scene: Scene, place: np.ndarray, **bodies: np.ndarray) -> Scene:
    """The scene with new `bodies` and what was said of body `i` said of body `place[i]`. There is no joint to a wall."""
    joints = dataclasses.replace(scene.joints, body_a=_place(place, scene.joints.body_a), body_b=_place(place, scene.joints.body_b))
    thrusters = dataclasses.replace(scene.thrusters, body=_place(place, scene.thrusters.body))
    return dataclasses.replace(scene, bodies=dataclasses.replace(scene.bodies, **bodies), joints=joints, thrusters=thrusters)


def _place(place: np.ndarray, index: np.ndarray) -> np.ndarray:
    return place[index].astype(np.int32)


def _names(value: object) -> list[str]:
    return [field.name for field in dataclasses.fields(value)]  # type: ignore[arg-type]


def full(capacity: Capacity, worlds: int) -> Controls:
    """All actuators on."""
    return Controls(motor=jnp.ones((capacity.joints, worlds)), thruster=jnp.ones((capacity.thrusters, worlds)))


ORDERS = [[0, 1, 2, 3, 4], [1, 0, 2, 3, 4], [0, 1, 4, 2, 3], [1, 0, 3, 4, 2]]


@every_config
def test_order_of_slots_does_not_matter_in_free_flight(config):
    done = run_batch(*in_every_world([reordered(flight(), order) for order in ORDERS]), 30, full(MEDIUM, 4), config)
    assert not done.touching.walls.any()
    for world, order in enumerate(ORDERS):
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(done, field)[..., world], getattr(done, field)[..., order, 0])


@pytest.mark.parametrize(("name", "steps", "close"), [("collision", 40, MEETING), ("stack", 60, RESTING)])
@every_config
def test_order_of_slots_hardly_matters_in_contact(name, steps, close, config):
    single = stack() if name == "stack" else collision(MEDIUM).finish()
    done = run_batch(*in_every_world([reordered(single, order) for order in ORDERS]), steps, config=config)
    assert done.touching.pairs.any()
    for world, order in enumerate(ORDERS):
        np.testing.assert_allclose(done.pos[..., world], done.pos[..., order, 0], atol=close)
        np.testing.assert_allclose(done.angle[..., world], done.angle[..., order, 0], atol=4 * close)


@every_config
def test_empty_slots_do_not_matter(config):
    """Exactly so in free flight; where bodies touch, more slots mean another order of contacts."""
    singles = [flight(), stack(), flight(), collision(MEDIUM).finish()]
    few = run_batch(*in_every_world(singles), 30, full(MEDIUM, 4), config)
    many = run_batch(*in_every_world([with_empty_slots(single, LARGE) for single in singles]), 30, full(LARGE, 4), config)
    rows = [0, 1, *(LARGE.polygons + np.arange(3))]
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(few, field)[..., 0], getattr(many, field)[..., rows, 0])
    np.testing.assert_allclose(few.pos, many.pos[..., rows, :], atol=MEETING)
    np.testing.assert_array_equal(few.touching.walls[-1], many.touching.walls[-1][:, rows])
    rest = np.setdiff1d(np.arange(LARGE.bodies), rows)
    assert not many.pos[..., rest, :].any(), "empty slots stay empty"


@every_config
def test_size_of_the_batch_does_not_matter(config):
    """Equal worlds among 4,096 are equal bit for bit; among 3 others, or alone, they are the same up to rounding."""
    singles = [random_scene(MEDIUM, seed) for seed in range(4)]
    few = run_batch(*in_every_world(singles), 10, config=config)  # later on, rounding has grown
    many = run_batch(*jax.tree.map(lambda leaf: np.tile(leaf, 1024), in_every_world(singles)), 10, config=config)
    for field in FIELDS:
        found = getattr(many, field)
        np.testing.assert_array_equal(found, np.tile(found[..., :4], 1024))
    np.testing.assert_allclose(many.pos[..., :4], few.pos, atol=ROUNDING)
    for world, single in enumerate(singles):
        alone = run_batch(*in_every_world([single]), 10, config=config)
        np.testing.assert_allclose(alone.pos[..., 0], few.pos[..., world], atol=ROUNDING)


def test_number_of_devices_does_not_matter():
    """Worlds dealt to one device and to four, as training does, are the same bit for bit. A process has one number of devices."""
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
    found = subprocess.run(
        [sys.executable, "-m", "tests.physics.deal"], env=os.environ | {"XLA_FLAGS": flags}, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    said = json.loads(found.stdout)
    assert said["devices"] == [1, 4]
    assert said["moved"] > 0.1
    assert said["differing numbers"] == 0


@every_config
def test_worlds_do_not_influence_each_other(config):
    scenes = [random_scene(MEDIUM, seed) for seed in range(6)]
    one = run_batch(*in_every_world([scenes[i] for i in (0, 1, 2, 3)]), 60, config=config)
    other = run_batch(*in_every_world([scenes[i] for i in (0, 4, 5, 1)]), 60, config=config)
    np.testing.assert_array_equal(one.pos[..., 0], other.pos[..., 0])
    np.testing.assert_array_equal(one.pos[..., 1], other.pos[..., 3])
    assert np.abs(one.pos[..., 0] - one.pos[..., 1]).max() > 0.1


def _broken(motion: Motion, world: int, how: str) -> Motion:
    """The batch with one world spoiled in every number, or, `exploding`, torn apart at full speed."""
    motion = jax.tree.map(np.array, motion)
    for field in FIELDS:
        getattr(motion, field)[..., world] = {"nan": np.nan, "inf": np.inf, "minus inf": -np.inf, "huge": 3e38}.get(how, 0)
    if how == "exploding":
        motion.pos[..., world] = 2.5  # all at one place
        motion.vel[..., world] = np.array([[100, -100, 100, -100, 100], [100, 100, -100, -100, 0]])
        motion.omega[..., world] = 50
    return motion


@pytest.mark.parametrize("how", ["nan", "inf", "minus inf", "huge", "exploding"])
@pytest.mark.parametrize("world", [0, 2])  # the first world's numbers are those that `physics.materialise` looks at
@every_config
def test_a_broken_world_leaves_its_neighbours_alone(world, how, config):
    scene, motion = in_every_world([random_scene(MEDIUM, seed) for seed in range(4)])
    clean = run_batch(scene, motion, 30, config=config)
    done = run_batch(scene, _broken(motion, world, how), 30, config=config)
    others = [i for i in range(4) if i != world]
    for before, after in zip(jax.tree.leaves((clean.motion, clean.touching)), jax.tree.leaves((done.motion, done.touching)), strict=True):
        np.testing.assert_array_equal(before[..., others], after[..., others])
    assert not np.array_equal(clean.pos[..., world], done.pos[..., world])


@every_config
def test_absent_parts_change_nothing(config):
    builder = Builder(MEDIUM)
    a, b = builder.box((2, 1.5), (0.3, 0.2), angle=0.4, vel=(1, 0)), builder.circle((2.6, 1.4), 0.2)
    builder.joint(a, b, at=(2.5, 1.4), motor=True)
    scene, motion = in_every_world([builder.finish()] * 4)
    clean = run_batch(scene, motion, 60, full(MEDIUM, 4), config)
    junk = run_batch(*_junk(scene, motion), 60, full(MEDIUM, 4), config)
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(clean, field)[..., [0, 2], :], getattr(junk, field)[..., [0, 2], :])
    np.testing.assert_array_equal(clean.touching.pairs, junk.touching.pairs)
    np.testing.assert_array_equal(clean.touching.walls, junk.touching.walls)


def _junk(scene: Scene, motion: Motion) -> tuple[Scene, Motion]:
    """Absent bodies, joints and thrusters that would matter if they were there."""
    full = in_every_world([random_scene(MEDIUM, seed) for seed in range(4)])[0]
    scene, motion, full = jax.tree.map(jnp.asarray, (scene, motion, full))

    def mixed(now: object, other: object, present: list[int]) -> dict:
        keep = np.array(present, int)
        return {
            field.name: getattr(other, field.name).at[..., keep, :].set(getattr(now, field.name)[..., keep, :])
            for field in dataclasses.fields(now)  # type: ignore[arg-type]
            if field.name not in ("active", "vertices", "vertex_count", "radius")
        }

    bodies = dataclasses.replace(scene.bodies, **mixed(scene.bodies, full.bodies, [0, 2]))
    joints = dataclasses.replace(scene.joints, **mixed(scene.joints, full.joints, [0]))
    thrusters = dataclasses.replace(scene.thrusters, **mixed(scene.thrusters, full.thrusters, []))
    bodies = dataclasses.replace(
        bodies,
        vertices=scene.bodies.vertices.at[:, :, 1].set(full.bodies.vertices[:, :, 1]),
        vertex_count=scene.bodies.vertex_count.at[1].set(3),
        radius=scene.bodies.radius.at[1:].set(0.3),
    )
    elsewhere = jax.tree.map(lambda leaf: leaf.at[..., jnp.array([1, 3, 4]), :].set(1.9), motion)
    return dataclasses.replace(scene, bodies=bodies, joints=joints, thrusters=thrusters), elsewhere
