"""Edits: each does what it says, what is joined stays joined, and no chain of them makes a level invalid."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from levels_for_tests import QUICK

from envs import holdout
from envs.base import Level, Role
from envs.build import LevelBuilder
from envs.generate import GeneratorConfig
from envs.generate.anatomy import masses
from envs.generate.dice import Dice
from envs.generate.edit import NAMES, EditConfig, Editor
from envs.generate.edits import EDITS, NUMBERS
from envs.generate.random import sample
from envs.generate.validity import faults, valid
from envs.sizes import capacity
from physics import diagnose, prepare
from physics.base import FLOOR
from physics.build import FLOOR as FLOOR_REF
from physics.errors import InputError
from physics.pytree import stack, world

CHAINS, LENGTH, DRAWS = 1000, 50, 24
EVERY = EditConfig(count=LENGTH, **dict.fromkeys(NAMES, 1.0))


def arm() -> Level:
    """A green box on a post on the floor, with a fixed tip and a thruster; a blue disc; a red box that cannot move."""
    builder = LevelBuilder(capacity("l"))
    post = builder.box((1.5, FLOOR + 0.5), (0.1, 0.4))
    builder.joint(FLOOR_REF, post, (1.5, FLOOR + 0.1), motor=True, channel=1)
    green = builder.box((1.9, FLOOR + 0.9), (0.4, 0.1), role=Role.GREEN)
    builder.joint(post, green, (1.5, FLOOR + 0.9), motor=True, limits=(-0.5, 0.5))
    tip = builder.box((2.3, FLOOR + 1.1), (0.1, 0.2))
    builder.joint(green, tip, (2.3, FLOOR + 0.9), fixed=True)
    builder.thruster(tip, (2.3, FLOOR + 1.1), 0.3)
    builder.circle((4.0, 2.0), 0.2, role=Role.BLUE)
    builder.box((3.2, 3.5), (0.2, 0.1), role=Role.RED, fixed=True)
    return builder.finish()


ARM = arm()


@functools.cache
def drawn(name: str) -> tuple[Level, np.ndarray]:
    """The arm after one edit, drawn several times: (levels, which were possible)."""

    def once(key: jax.Array) -> tuple[Level, jax.Array]:
        k_dice, k_parts = jax.random.split(key)
        return EDITS[name](jax.tree.map(jnp.asarray, ARM), Dice(k_dice, NUMBERS), k_parts, GeneratorConfig())

    run = jax.jit(jax.vmap(once, out_axes=-1), compiler_options=QUICK)
    return jax.device_get(run(jax.random.split(jax.random.key(3), DRAWS)))


def counts(level: Level) -> tuple[np.ndarray, ...]:
    scene = level.scene
    return tuple(np.asarray(part.active).sum(0) for part in (scene.bodies, scene.joints, scene.thrusters))


@functools.partial(jax.jit, compiler_options=QUICK)
def apart(level: Level) -> jax.Array:
    """How far the ends of joints are from each other at the start, m."""
    return diagnose(prepare(level.scene), level.start).joint_error


check = jax.jit(faults, compiler_options=QUICK)


@pytest.mark.parametrize(
    ("name", "bodies", "joints", "thrusters"),
    [
        ("add_body", 1, 0, 0), ("add_joined", 1, 1, 0), ("add_thruster", 0, 0, 1), ("remove_joint", 0, -1, 0),
        ("remove_thruster", 0, 0, -1), ("swap_roles", 0, 0, 0), ("resize", 0, 0, 0), ("move", 0, 0, 0), ("turn", 0, 0, 0),
        ("bend", 0, 0, 0), ("change_gravity", 0, 0, 0),
    ],
)  # fmt: skip
def test_edits_add_and_remove_what_they_say(name, bodies, joints, thrusters):
    levels, possible = drawn(name)
    before = counts(stack([ARM]))
    for found, start, change in zip(counts(levels), before, (bodies, joints, thrusters), strict=True):
        np.testing.assert_array_equal(found[possible], start[0] + change)
    assert possible.sum() > DRAWS / 3


def test_a_removed_body_takes_what_is_attached_along():
    levels, _ = drawn("remove_body")
    for w in range(DRAWS):
        level = world(levels, w)
        gone = int(np.flatnonzero(np.asarray(ARM.scene.bodies.active) & ~level.scene.bodies.active)[0])
        joints, thrusters = level.scene.joints, level.scene.thrusters
        assert not (joints.active & ((joints.body_a == gone) | (joints.body_b == gone))).any()
        assert not (thrusters.active & (thrusters.body == gone)).any()
        assert joints.active.sum() == sum(gone not in ends for ends in ((0,), (0, 1), (1, 2)))
        assert thrusters.active.sum() == (gone != 2)


def test_roles_are_exchanged_between_two_bodies():
    levels, possible = drawn("swap_roles")
    assert possible.all()
    changed = levels.role != np.asarray(ARM.role)[:, None]
    np.testing.assert_array_equal(changed.sum(0), 2)
    for w in range(DRAWS):
        assert sorted(levels.role[:, w]) == sorted(np.asarray(ARM.role))


def test_what_becomes_immovable_loses_its_thrusters_and_what_moves_again_has_its_mass():
    levels, _ = drawn("toggle_fixed")
    before, mass = np.asarray(ARM.scene.bodies.inverse_mass), np.asarray(masses(ARM)[0])
    seen = set()
    for w in range(DRAWS):
        level = world(levels, w)
        body = int(np.flatnonzero(level.scene.bodies.inverse_mass != before)[0])
        frees = before[body] == 0
        seen.add(bool(frees))
        assert level.scene.bodies.inverse_mass[body] == pytest.approx(1 / mass[body] if frees else 0)
        assert level.scene.thrusters.active.sum() == (0 if body == 2 and not frees else 1)
    assert seen == {True, False}


def test_masses_are_those_that_the_builder_gives():
    mass, inertia = masses(ARM)
    bodies = ARM.scene.bodies
    moves = np.asarray(bodies.inverse_mass) > 0
    np.testing.assert_allclose(1 / np.asarray(mass)[moves], np.asarray(bodies.inverse_mass)[moves], rtol=1e-5)
    np.testing.assert_allclose(1 / np.asarray(inertia)[moves], np.asarray(bodies.inverse_inertia)[moves], rtol=1e-5)


@pytest.mark.parametrize("name", ["resize", "move", "turn", "bend", "add_joined"])
def test_what_is_joined_stays_joined(name):
    levels, possible = drawn(name)
    assert np.asarray(apart(levels))[possible].max() < 1e-4


@pytest.mark.parametrize("name", ["move", "turn", "bend"])
def test_limits_hold_at_the_start(name):
    levels, possible = drawn(name)
    joints = levels.scene.joints
    angle = np.concatenate([levels.start.angle, np.zeros((8, DRAWS), np.float32)])
    error = np.take_along_axis(angle, joints.body_b, 0) - np.take_along_axis(angle, joints.body_a, 0) - joints.rest_angle
    outside = joints.active & joints.limited & ((error < joints.lower - 1e-5) | (error > joints.upper + 1e-5))
    assert not outside[:, possible].any()
    held = joints.active & joints.fixed
    assert np.abs(error[held][np.isfinite(error[held])]).max() < 1e-5


def test_moving_a_body_moves_what_hangs_on_it_alike():
    levels, possible = drawn("move")
    shift = levels.start.pos - np.asarray(ARM.start.pos)[..., None]
    np.testing.assert_allclose(shift[:, 0], shift[:, 1], atol=1e-6)
    np.testing.assert_allclose(shift[:, 0], shift[:, 2], atol=1e-6)
    assert possible.all()
    assert (np.abs(shift).sum((0, 1)) > 0).all()
    assert np.abs(shift).max() <= 0.5


def test_bending_turns_one_side_about_the_joint():
    levels, possible = drawn("bend")
    turned = np.abs(levels.start.angle - np.asarray(ARM.start.angle)[:, None]) > 1e-6
    sides = {tuple(np.flatnonzero(turned[:3, w])) for w in range(DRAWS)}
    assert sides == {(0, 1, 2), (1, 2), (2,)}  # the post and all, the green box and its tip, the tip
    assert possible.all()


def test_a_resized_body_has_the_mass_of_its_new_size():
    levels, _ = drawn("resize")
    for w in range(DRAWS):
        level = world(levels, w)
        moves = level.scene.bodies.inverse_mass > 0
        np.testing.assert_allclose(level.scene.bodies.inverse_mass[moves], 1 / np.asarray(masses(level)[0])[moves], rtol=1e-4)
    assert np.ptp(levels.scene.bodies.inverse_mass, axis=1).max() > 0.1


@functools.cache
def chains() -> tuple[Level, Level, np.ndarray]:
    """Random small levels, and what many edits of every kind made of them."""
    draw = jax.jit(jax.vmap(lambda key: sample(key, capacity("s"), GeneratorConfig()), out_axes=-1), compiler_options=QUICK)
    levels = draw(jax.random.split(jax.random.key(0), CHAINS))
    edit = jax.jit(Editor(EVERY, GeneratorConfig()).__call__, compiler_options=QUICK)
    return levels, *edit(jax.random.key(1), levels)


def test_a_level_stays_valid_after_any_chain_of_edits():
    _, edited, made = chains()
    for fault, found in check(edited).items():
        assert not np.asarray(found).any(), fault
    made = np.asarray(made)
    assert (made.sum(1) > 0).all(), "an edit that was never made is not tested"
    assert np.median(made.sum(0)) > LENGTH / 3
    assert (np.asarray(apart(edited)) < 1e-3).mean() > 0.99  # limits of what 32 bits leave of fifty turns


def test_edits_follow_from_the_key_and_differ_between_worlds():
    levels, edited, _ = chains()
    edit = jax.jit(Editor(EVERY, GeneratorConfig()).__call__, compiler_options=QUICK)
    again, _ = edit(jax.random.key(1), levels)
    np.testing.assert_array_equal(again.start.pos, edited.start.pos)
    same = edit(jax.random.key(1), jax.tree.map(lambda leaf: jnp.repeat(leaf[..., :1], CHAINS, axis=-1), levels))[0]
    assert len(np.unique(np.asarray(same.start.pos[0, 0]))) > CHAINS / 2
    np.testing.assert_array_equal(world(same, 0).start.pos, world(edited, 0).start.pos)


def changed(part: object, **values: object) -> object:
    return dataclasses.replace(part, **{name: np.full_like(getattr(part, name), value) for name, value in values.items()})


def test_faults_are_found_where_they_are():
    scene = ARM.scene
    powerless = dataclasses.replace(scene, joints=changed(scene.joints, motor=False), thrusters=changed(scene.thrusters, active=False))
    role, together = np.array(ARM.role), np.array(ARM.start.pos)
    role[0] = Role.BLUE  # the post touches the green box
    together[:, 8] = 2.0, 9.0
    broken = {
        "not finite": dataclasses.replace(ARM, start=changed(ARM.start, omega=np.nan)),
        "no green or no blue": changed(ARM, role=0),
        "neither green nor blue can move": dataclasses.replace(
            ARM, scene=dataclasses.replace(scene, bodies=changed(scene.bodies, inverse_mass=0.0))
        ),
        "nothing to control": dataclasses.replace(ARM, scene=powerless),
        "decided at the start": dataclasses.replace(ARM, role=role),
        "body outside of the room": dataclasses.replace(ARM, start=dataclasses.replace(ARM.start, pos=together)),
        "joint or thruster without its body": dataclasses.replace(
            ARM, scene=dataclasses.replace(scene, thrusters=changed(scene.thrusters, body=7))
        ),
    }
    found = check(stack([ARM, *broken.values()]))
    assert found.keys() == broken.keys()
    for i, fault in enumerate(broken, start=1):
        assert bool(found[fault][i]), fault
    assert not any(bool(flags[0]) for flags in found.values())  # the arm itself has none


def test_hand_made_levels_are_valid():
    _, levels = holdout.load(["s"], capacity("s"))
    found = jax.jit(valid, compiler_options=QUICK)(levels)
    assert np.asarray(found).all()


def test_all_weights_zero_is_refused():
    with pytest.raises(InputError, match="at least one above 0"):
        EditConfig(**dict.fromkeys(NAMES, 0.0))
