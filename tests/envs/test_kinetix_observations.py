"""Kinetix' features, written again from their description for one world at a time."""

import dataclasses
import functools

import jax
import numpy as np
import pytest
from levels_for_tests import QUICK
from scrambled_levels import drawn

from envs.base import Level
from envs.observations import observation_space, observer
from envs.observations.kinetix.entities import KinetixEntities
from envs.sizes import capacity
from physics.base import Motion

COUNT = 32
POLYGONS, CIRCLES, JOINTS, THRUSTERS = 6, 3, 2, 2  # of size m there: the room is four polygons
NODES = POLYGONS + CIRCLES
FLOOR = [[2.5, 5.2], [2.5, -5.2], [-2.5, -5.2], [-2.5, 5.2]]
LEFT = [[-5, 5], [0, 5], [0, 0], [-5, 0]]
RIGHT = [[5, 5], [10, 5], [10, 0], [5, 0]]
ROOM = [((2.5, -4.8), FLOOR), ((0, 0), LEFT), ((0, 0), RIGHT), ((2.5, 10.2), FLOOR)]


@functools.cache
def levels() -> tuple[Level, Motion]:
    """Random levels; in some, joints are fixed, hold to the room or have an angle of their own."""
    level, motion = drawn(COUNT)
    joints, world = level.scene.joints, np.arange(COUNT)
    fixed = np.broadcast_to(world % 4 == 0, joints.fixed.shape)
    changed = dataclasses.replace(
        joints,
        fixed=fixed,
        motor=joints.motor & ~fixed,
        limited=joints.limited & ~fixed,
        body_a=np.where(world % 5 == 1, NODES - 4 + world % 4, joints.body_a).astype(np.int32),
        rest_angle=np.where(world % 3 == 0, joints.rest_angle, 0.7).astype(np.float32),
    )
    assert all(np.any(joints.active & some) for some in (changed.fixed, changed.limited, changed.motor, changed.body_a >= NODES - 4))
    return dataclasses.replace(level, scene=dataclasses.replace(level.scene, joints=changed)), motion


@functools.cache
def seen(kind: str) -> object:
    return jax.tree.map(np.asarray, jax.jit(observer(kind), compiler_options=QUICK)(*levels()))


def one_hot(index: int, classes: int) -> list[float]:
    return [float(i == index) for i in range(classes)]


def polygon(level: Level, motion: Motion, slot: int, w: int) -> list[float]:
    """Without gravity: 26 numbers."""
    if slot < 4:
        at, corners = ROOM[slot]
        walls, role = level.scene.walls, level.wall_role[slot, w]
        base = [*at, 0, 0, 0, 0, 1, 0, *one_hot(role, 4), 0, 1, walls.friction[slot, w], walls.restitution[slot, w]]
        return [*base, 0, *np.ravel(corners), 0]
    body, made = slot - 4, level.scene.bodies
    count = int(made.vertex_count[body, w])
    corners = [made.vertices[:, i, body, w] for i in reversed(range(count))] + [np.array([-1, -1])] * (4 - count)
    return [*body_base(level, motion, body, w), 0, *np.ravel(corners), float(count == 3)]


def body_base(level: Level, motion: Motion, body: int, w: int) -> list[float]:
    made, angle = level.scene.bodies, motion.angle[body, w]
    return [
        *motion.pos[:, body, w], *motion.vel[:, body, w],
        made.inverse_mass[body, w], made.inverse_inertia[body, w], made.density[body, w],
        np.tanh(motion.omega[body, w] / 10), *one_hot(level.role[body, w], 4),
        np.sin(angle), np.cos(angle), made.friction[body, w], made.restitution[body, w],
    ]  # fmt: skip


def their_index(body: int) -> int:
    return body + 4 if body < NODES - 4 else body - (NODES - 4)


def anchor(level: Level, end: str, j: int, w: int) -> np.ndarray:
    body = getattr(level.scene.joints, f"body_{end}")[j, w]
    at = getattr(level.scene.joints, f"anchor_{end}")[:, j, w]
    return at if body < NODES - 4 else at - ROOM[body - (NODES - 4)][0]


def joint(level: Level, j: int, w: int, ends: str) -> list[float]:
    made = level.scene.joints
    rest, low, high = made.rest_angle[j, w], made.lower[j, w], made.upper[j, w]
    free = 1 - float(made.fixed[j, w])
    limits = free * float(made.limited[j, w])
    tail = [
        made.motor_speed[j, w], made.motor_power[j, w], float(made.motor[j, w]), float(made.limited[j, w]),
        *one_hot(level.motor_channel[j, w], 4),
        *np.array([np.sin(low), np.cos(low), np.sin(high), np.cos(high), low - rest, high - rest]) * limits,
    ]  # fmt: skip
    anchors = [value for end in ends for value in anchor(level, end, j, w)]
    return [1, float(made.fixed[j, w]), *anchors, np.sin(rest), np.cos(rest), *(np.array(tail) * free)]


def thruster(level: Level, t: int, w: int) -> list[float]:
    made = level.scene.thrusters
    angle = made.angle[t, w]
    channel = one_hot(level.thruster_channel[t, w], 2)
    return [1, *made.anchor[:, t, w], *channel, np.sin(angle), np.cos(angle), made.power[t, w]]


def rows(w: int) -> list[list[float] | None]:
    """Rows of the flat kinds, None where empty: floor, polygons, circles, joints, thrusters."""
    level, motion = levels()
    scene, found = level.scene, []
    for slot in (0, *range(4, POLYGONS)):
        there = slot < 4 or scene.bodies.active[slot - 4, w]
        found.append(polygon(level, motion, slot, w) if there else None)
    for c in range(CIRCLES):
        body = POLYGONS - 4 + c
        row = [*body_base(level, motion, body, w), scene.bodies.radius[c, w], 1]
        found.append(row if scene.bodies.active[body, w] else None)
    for j in range(JOINTS):
        ends = [one_hot(their_index(getattr(scene.joints, f"body_{end}")[j, w]), NODES) for end in "ba"]
        found.append([*joint(level, j, w, "ba"), *ends[0], *ends[1]] if scene.joints.active[j, w] else None)
    for t in range(THRUSTERS):
        row = [*thruster(level, t, w), *one_hot(their_index(scene.thrusters.body[t, w]), NODES)]
        found.append(row if scene.thrusters.active[t, w] else None)
    return found


WIDTHS = [26] * 3 + [18] * 3 + [22 + 2 * NODES] * 2 + [8 + NODES] * 2
KIND = [0] * 3 + [1] * 3 + [2] * 2 + [3] * 2


def test_flat_is_all_rows_in_a_row():
    found = seen("kinetix_flat").features
    assert found.shape == (COUNT, 247)
    for w in range(COUNT):
        parts = [row or [0.0] * width for row, width in zip(rows(w), WIDTHS, strict=True)]
        row = [*np.concatenate(parts), levels()[0].scene.gravity[1, w] / 10]
        np.testing.assert_allclose(found[w], np.clip(row, -10, 10), rtol=1e-5, atol=1e-5)
    assert np.abs(found).max() == 10, "something is cut"


def test_padded_rows_say_what_they_are_and_gravity():
    found = seen("kinetix_flat_padded")
    assert found.rows.shape == (COUNT, 10, 45)
    for w in range(COUNT):
        gravity = levels()[0].scene.gravity[1, w] / 10
        wanted = [
            [*(row or []), *[0.0] * (40 - len(row or [])), *one_hot(kind, 4), gravity] for row, kind in zip(rows(w), KIND, strict=True)
        ]
        np.testing.assert_allclose(found.rows[w], np.clip(wanted, -10, 10), rtol=1e-5, atol=1e-5)
        assert found.mask[w].tolist() == [row is not None for row in rows(w)]


def test_entities_are_the_same_rows_without_bounds():
    found: KinetixEntities = seen("kinetix_entities")  # type: ignore[assignment]
    level, motion = levels()
    for w in range(COUNT):
        gravity = level.scene.gravity[1, w] / 10
        made = rows(w)
        for slot in range(POLYGONS):
            row = polygon(level, motion, slot, w) if found.polygon_mask[w, slot] else None
            check(found.polygons[w, slot], row and [*row, gravity])
        for c in range(CIRCLES):
            check(found.circles[w, c], made[3 + c] and [*made[3 + c], gravity])
        for j in range(JOINTS):
            on = found.joint_mask[w, j]
            check(found.joints[w, j], joint(level, j, w, "ba") if on else None)
            check(found.joints[w, JOINTS + j], joint(level, j, w, "ab") if on else None)
            a, b = (their_index(getattr(level.scene.joints, f"body_{end}")[j, w]) for end in "ab")
            assert found.joint_indexes[w, j].tolist() == ([b, a] if on else [0, 0])
            assert found.joint_indexes[w, JOINTS + j].tolist() == ([a, b] if on else [0, 0])
        for t in range(THRUSTERS):
            check(found.thrusters[w, t], thruster(level, t, w) if found.thruster_mask[w, t] else None)
    assert np.abs(found.circles).max() > 10


def check(found: np.ndarray, wanted: list[float] | None) -> None:
    np.testing.assert_allclose(found, np.zeros_like(found) if wanted is None else wanted, rtol=1e-5, atol=1e-5)


def test_contacts_are_told_one_way():
    touching = seen("kinetix_entities").attention_mask[:, 3]
    assert touching.any()
    for row, column in np.argwhere(touching.any(0)):
        kinds = row >= POLYGONS, column >= POLYGONS
        assert kinds == (True, False) or (kinds[0] == kinds[1] and row < column)


@pytest.mark.parametrize(("size", "flat", "padded"), [("s", (140,), (6, 41)), ("m", (247,), (10, 45)), ("l", (679,), (21, 59))])
def test_sizes_are_the_published_ones(size: str, flat: tuple, padded: tuple):
    assert observation_space("kinetix_flat", capacity(size)).fields["features"].shape == flat
    assert observation_space("kinetix_flat_padded", capacity(size)).fields["rows"].shape == padded
