"""What is seen: every slot in its place, nothing of empty ones, the same whatever the order of slots."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from levels_for_tests import BALL, BOX, GOAL, QUICK, WORLDS, batch, push_level, random_levels, unicycle
from scrambled_levels import COUNT, JOINT_ORDER, MEDIUM, ORDER, THRUSTER_ORDER, drawn, permuted, with_noise_in_empty_slots

from envs import actions
from envs.base import Role
from envs.observations import entities, observer
from envs.observations.entities import Entities
from envs.observations.flat import Flat
from physics.base import Motion
from physics.errors import InputError

_seen = jax.jit(observer("entities"), compiler_options=QUICK)
_row = jax.jit(observer("flat"), compiler_options=QUICK)


@functools.cache
def seen() -> Entities:
    return jax.tree.map(np.asarray, _seen(*drawn()))


def test_shapes_are_batch_first():
    found = {name: leaf.shape for name, leaf in vars(seen()).items()}
    features = {name: found[name][-1] for name in ("bodies", "joints", "thrusters", "room")}
    assert found == {
        "bodies": (COUNT, 5, features["bodies"]),
        "joints": (COUNT, 2, features["joints"]),
        "thrusters": (COUNT, 2, features["thrusters"]),
        "room": (COUNT, features["room"]),
        "body_mask": (COUNT, 5),
        "joint_mask": (COUNT, 2),
        "thruster_mask": (COUNT, 2),
        "joint_bodies": (COUNT, 2, 2),
        "thruster_body": (COUNT, 2),
        "body_role": (COUNT, 5, 4),
        "motor_channel": (COUNT, 2, 4),
        "thruster_channel": (COUNT, 2, 2),
        "driven": (COUNT, 6),
    }


def test_masks_say_which_slots_are_in_use():
    scene = drawn()[0].scene
    for mask, active in ((seen().body_mask, scene.bodies), (seen().joint_mask, scene.joints), (seen().thruster_mask, scene.thrusters)):
        np.testing.assert_array_equal(mask, active.active.T)
        assert 0 < mask.mean() < 1


@pytest.mark.parametrize(
    ("mask", "names"),
    [
        ("body_mask", ("bodies", "body_role")),
        ("joint_mask", ("joints", "motor_channel", "joint_bodies")),
        ("thruster_mask", ("thrusters", "thruster_channel", "thruster_body")),
    ],
)
def test_empty_slots_are_all_zeros_and_used_ones_are_not(mask: str, names: tuple):
    used = getattr(seen(), mask)
    for name in names:
        assert not np.any(getattr(seen(), name)[~used]), name
    assert np.all(np.any(getattr(seen(), names[0])[used], axis=-1))


def test_numbers_are_finite_and_of_a_sane_size():
    for name, leaf in vars(seen()).items():
        assert np.all(np.isfinite(leaf)), name
        assert np.abs(leaf).max() <= 10, name
    for name in ("bodies", "joints", "thrusters"):
        assert getattr(seen(), name).dtype == np.float32
        assert getattr(seen(), name).std() > 0.2, "features must not be too small to be seen either"


def test_numbers_stay_sane_at_the_engine_s_limits():
    level, motion = drawn()
    limits = {"pos": 15, "angle": 1e3, "vel": 100, "omega": 50}
    wild = Motion(**{name: np.full_like(getattr(motion, name), value) for name, value in limits.items()})
    for leaf in jax.tree.leaves(_seen(level, wild)):
        assert np.abs(leaf).max() <= 20


def test_a_broken_motion_is_seen_as_finite():
    level, motion = drawn()
    broken = dataclasses.replace(motion, vel=np.full_like(motion.vel, np.nan), pos=np.full_like(motion.pos, np.inf))
    for leaf in [*jax.tree.leaves(_seen(level, broken)), *jax.tree.leaves(_row(level, broken))]:
        assert np.all(np.isfinite(leaf))


def test_driven_is_that_of_the_actions():
    driven = np.asarray(actions.driven(drawn()[0]))
    np.testing.assert_array_equal(seen().driven, driven)
    np.testing.assert_array_equal(_row(*drawn()).driven, driven)
    channels = np.concatenate([seen().motor_channel.any(1), seen().thruster_channel.any(1)], axis=-1)
    np.testing.assert_array_equal(channels, driven)


def test_roles_and_channels_are_one_hot():
    level = drawn()[0]
    roles = seen().body_role
    assert set(roles.sum(-1)[seen().body_mask]) == {1}
    np.testing.assert_array_equal(roles.argmax(-1)[seen().body_mask], level.role.T[seen().body_mask])
    on = seen().thruster_mask
    np.testing.assert_array_equal(seen().thruster_channel.argmax(-1)[on], level.thruster_channel.T[on])
    obeys = seen().motor_channel.any(-1)
    np.testing.assert_array_equal(obeys, (level.scene.joints.active & level.scene.joints.motor).T)
    np.testing.assert_array_equal(seen().motor_channel.argmax(-1)[obeys], level.motor_channel.T[obeys])


def test_an_automatic_motor_is_told_apart_and_driven_by_nobody():
    plain, auto = (_seen(stacked, stacked.start) for stacked in (batch([unicycle(auto=auto)]) for auto in (False, True)))
    assert plain.motor_channel[0, 0].tolist() == [0, 0, 1, 0]
    assert auto.motor_channel[0, 0].tolist() == [0] * 4
    assert not np.array_equal(plain.joints, auto.joints)
    np.testing.assert_array_equal(plain.bodies, auto.bodies)


def test_slots_in_another_order_are_rows_in_another_order_and_nothing_else():
    found, place = jax.tree.map(np.asarray, _seen(*permuted(*drawn()))), np.argsort(ORDER)
    rows = {"bodies": ORDER, "body_mask": ORDER, "body_role": ORDER}
    rows |= dict.fromkeys(("joints", "joint_mask", "motor_channel", "joint_bodies"), JOINT_ORDER)
    rows |= dict.fromkeys(("thrusters", "thruster_mask", "thruster_channel", "thruster_body"), THRUSTER_ORDER)
    for name, leaf in vars(seen()).items():
        wanted = leaf[:, rows[name]] if name in rows else leaf
        if name in ("joint_bodies", "thruster_body"):
            used = found.joint_mask[..., None] if name == "joint_bodies" else found.thruster_mask
            wanted = np.where(used, place[wanted], 0)
        np.testing.assert_allclose(getattr(found, name), wanted, atol=1e-5, err_msg=name)
    assert not np.array_equal(found.bodies, seen().bodies)


def test_empty_slots_never_leak():
    noisy = with_noise_in_empty_slots(*drawn())
    differs = [not np.array_equal(a, b) for a, b in zip(jax.tree.leaves(noisy), jax.tree.leaves(drawn()), strict=True)]
    assert sum(differs) > 20
    jax.tree.map(np.testing.assert_array_equal, _seen(*noisy), seen())
    np.testing.assert_array_equal(_row(*noisy).features, _row(*drawn()).features)


def test_every_change_of_a_used_slot_is_seen():
    """The counterpart: whatever a step of physics reads must be in what the agent sees."""
    level = batch([unicycle()])
    before = _seen(level, level.start)

    def changed(what: str, **values: object) -> Entities:
        part = getattr(level.scene, what)
        new = {name: np.asarray(getattr(part, name)) + np.asarray(by, getattr(part, name).dtype) for name, by in values.items()}
        other = dataclasses.replace(level, scene=dataclasses.replace(level.scene, **{what: dataclasses.replace(part, **new)}))
        return _seen(other, other.start)

    joints = ("anchor_a", "anchor_b", "rest_angle", "motor_speed", "motor_power")
    for name in joints:
        assert not np.array_equal(changed("joints", **{name: 0.1}).joints[0], before.joints[0]), name
    for name in ("anchor", "angle", "power"):
        assert not np.array_equal(changed("thrusters", **{name: 0.1}).thrusters[0], before.thrusters[0]), name
    for name in ("vertices", "radius", "inverse_mass", "inverse_inertia", "friction", "restitution", "collision"):
        by = 1 if name == "collision" else 0.1
        assert not np.array_equal(changed("bodies", **{name: by}).bodies[0], before.bodies[0]), name


@pytest.mark.parametrize("field", ["pos", "angle", "vel", "omega"])
def test_motion_is_seen(field: str):
    level = batch([unicycle()])
    before = _seen(level, level.start)
    moved = dataclasses.replace(level.start, **{field: np.asarray(getattr(level.start, field)) + np.float32(0.1)})
    after = _seen(level, moved)
    for body in (BOX, BALL, GOAL):
        assert not np.array_equal(after.bodies[0, body], before.bodies[0, body])


def test_places_are_told_from_the_room_from_green_and_from_blue():
    level = batch([push_level(gap=0.5)])
    found = np.asarray(_seen(level, level.start).bodies)[0]
    np.testing.assert_allclose(found[BALL, :6], [1.5 / 2.5 - 1, 2 / 2.5 - 1, 0, 0, -1 / 2.5, 0], atol=1e-6)
    np.testing.assert_allclose(found[GOAL, :6], [2.5 / 2.5 - 1, 2 / 2.5 - 1, 1 / 2.5, 0, 0, 0], atol=1e-6)


def test_corners_are_seen_as_they_stand():
    """A box turned by half a turn looks the same but for the order of its corners."""
    level = batch([push_level()])
    turned = dataclasses.replace(level.start, angle=np.asarray(level.start.angle) + np.float32(np.pi))
    before, after = (np.asarray(_seen(level, motion).bodies)[0, BOX] for motion in (level.start, turned))
    corners = [row[11:19].reshape(4, 2) for row in (before, after)]
    np.testing.assert_allclose(corners[1], np.roll(corners[0], 2, axis=0), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(corners[0], axis=1), 2 * np.hypot(0.3, 0.2), atol=1e-5)


def test_joints_name_their_bodies():
    level = batch([unicycle()])
    found = _seen(level, level.start)
    assert found.joint_bodies[0].tolist() == [[BOX, BALL]]
    assert found.thruster_body[0].tolist() == [BOX]


def test_the_room_tells_roles_of_walls_and_gravity():
    level = batch([unicycle()])
    roles = np.zeros_like(level.wall_role)
    roles[0] = Role.RED
    found = _seen(dataclasses.replace(level, wall_role=roles), level.start)
    before = _seen(level, level.start)
    assert np.flatnonzero(found.room[0] - before.room[0]).tolist() == [2]
    assert found.room[0, -1] == pytest.approx(-0.981)


def test_flat_has_one_width_for_every_level_of_a_size():
    made = batch([unicycle(), push_level()])
    rows = [_row(made, made.start).features, _row(random_levels("s", WORLDS), random_levels("s", WORLDS).start).features]
    assert rows[0].shape == rows[1].shape
    assert rows[0].dtype == jnp.float32
    assert rows[0].shape[1] < _row(*drawn()).features.shape[1]


def test_flat_has_all_that_entities_have():
    sets, row = seen(), np.asarray(_row(*drawn()).features)
    parts = [sets.bodies, sets.joints, sets.thrusters, sets.room]
    start = 0
    for part in parts:
        width = part[0].size
        np.testing.assert_array_equal(row[:, start : start + width], part.reshape(COUNT, -1))
        start += width
    masks = np.concatenate([sets.body_mask, sets.joint_mask, sets.thruster_mask], -1)
    np.testing.assert_array_equal(row[:, -masks.shape[1] :], masks)
    ends = row[:, start : -masks.shape[1]]
    assert ends.shape[1] == (2 * MEDIUM.joints + MEDIUM.thrusters) * (MEDIUM.bodies + 4)
    np.testing.assert_array_equal(ends.sum(-1), 2 * sets.joint_mask.sum(-1) + sets.thruster_mask.sum(-1))


def test_flat_tells_which_bodies_a_joint_links():
    level, motion = drawn()
    ends = np.array(level.scene.joints.body_b)
    world = int(np.flatnonzero(level.scene.joints.active[0])[0])
    anchors = np.zeros_like(level.scene.joints.anchor_b)
    joints = dataclasses.replace(level.scene.joints, anchor_a=anchors, anchor_b=anchors)
    still = jax.tree.map(np.zeros_like, motion)  # all at one place: only the index tells them apart
    rows = []
    for end in range(2):
        ends[0, world] = end
        other = dataclasses.replace(level, scene=dataclasses.replace(level.scene, joints=dataclasses.replace(joints, body_b=ends.copy())))
        rows.append(np.asarray(_row(other, still).features))
    assert np.flatnonzero((rows[0] != rows[1]).any(-1)).tolist() == [world]
    assert np.count_nonzero(rows[0][world] != rows[1][world]) == 2


def test_observations_are_known_by_name():
    assert observer("entities") is entities.observe
    assert isinstance(_row(*drawn()), Flat)
    with pytest.raises(InputError, match="one of entities, related_entities, flat"):
        observer("smell")
