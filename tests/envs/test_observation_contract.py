"""What holds of every kind of observation: its space, slots, worlds, and numbers that are none."""

import dataclasses
import functools
from typing import Any

import jax
import numpy as np
import pytest
from levels_for_tests import QUICK
from scrambled_levels import CIRCLE_ORDER, JOINT_ORDER, MEDIUM, ORDER, POLYGON_ORDER, THRUSTER_ORDER, permuted, with_noise_in_empty_slots
from scrambled_levels import drawn as drawn_levels

from envs.base import OBSERVATIONS, Level, Role
from envs.build import LevelBuilder
from envs.observations import KINDS, observation_space, observer
from physics.base import Motion
from physics.pytree import stack

COUNT = 32
RESOLUTION = 40
NODES, WALLS, JOINTS = MEDIUM.bodies + MEDIUM.walls, MEDIUM.walls, MEDIUM.joints
NODE_ORDER = np.array([*ORDER, *range(MEDIUM.bodies, NODES)])  # bodies, then walls
THEIR_ORDER = np.array([*range(WALLS), *(ORDER + WALLS)])  # walls, then bodies
every_kind = pytest.mark.parametrize("kind", KINDS)

Seen = dict[str, np.ndarray]


@functools.cache
def compiled(kind: str) -> Any:
    return jax.jit(observer(kind, RESOLUTION), compiler_options=QUICK)


def observe(kind: str, level: Level, motion: Motion) -> Seen:
    return {name: np.asarray(leaf) for name, leaf in vars(compiled(kind)(level, motion)).items()}


def drawn() -> tuple[Level, Motion]:
    return drawn_levels(COUNT)


def same(found: Seen, wanted: Seen, atol: float = 0.0) -> None:
    assert found.keys() == wanted.keys()
    for name, leaf in wanted.items():
        np.testing.assert_allclose(found[name].astype(float), leaf.astype(float), rtol=atol, atol=atol, err_msg=name)


def test_every_kind_can_be_set():
    assert tuple(KINDS) == OBSERVATIONS


@every_kind
@pytest.mark.parametrize("case", ["drawn", "limits", "broken", "half broken"])
def test_the_declared_space_contains_what_is_seen(kind: str, case: str):
    level, motion = drawn()
    limits = {"pos": 15, "angle": 1e3, "vel": 100, "omega": 50}
    motion = {
        "drawn": motion,
        "limits": Motion(**{name: np.full_like(getattr(motion, name), value) for name, value in limits.items()}),
        "broken": jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), motion),
        "half broken": dataclasses.replace(motion, pos=np.where(np.arange(5)[:, None] == 1, np.inf, motion.pos).astype(np.float32)),
    }[case]
    seen = compiled(kind)(level, motion)
    assert observation_space(kind, MEDIUM, RESOLUTION).contains(seen, COUNT)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(seen))


@every_kind
def test_empty_slots_never_leak(kind: str):
    noisy = with_noise_in_empty_slots(*drawn())
    same(observe(kind, *noisy), observe(kind, *drawn()))
    empty = ~np.asarray(drawn()[0].scene.bodies.active)
    nan = jax.tree.map(lambda leaf: np.where(empty, np.float32(np.nan), leaf), drawn()[1])
    same(observe(kind, drawn()[0], nan), observe(kind, *drawn()))


@every_kind
def test_worlds_in_another_order_are_seen_in_that_order(kind: str):
    order = np.random.RandomState(0).permutation(COUNT)
    level, motion = jax.tree.map(lambda leaf: np.asarray(leaf)[..., order], drawn())
    seen = observe(kind, *drawn())
    same(observe(kind, level, motion), {name: leaf[order] for name, leaf in seen.items()})
    alike = [np.all(leaf == leaf[:1]) for leaf in seen.values()]
    assert kind == "blind" or not all(alike)


@every_kind
def test_neither_compilation_nor_the_number_of_worlds_matters(kind: str):
    level, motion = jax.tree.map(lambda leaf: np.asarray(leaf)[..., :3], drawn())
    observed = observer(kind, RESOLUTION)
    if kind in ("related_entities", "kinetix_entities"):  # the narrow phase takes half a minute if not compiled
        observed = jax.jit(observed, compiler_options=QUICK)
    few = {name: np.asarray(leaf) for name, leaf in vars(observed(level, motion)).items()}
    same(few, {name: leaf[:3] for name, leaf in observe(kind, *drawn()).items()}, 2e-5)


def reordered_entities(seen: Seen) -> Seen:
    orders = dict.fromkeys(("bodies", "body_mask", "body_role"), ORDER)
    orders |= dict.fromkeys(("joints", "joint_mask", "joint_bodies", "motor_channel"), np.array(JOINT_ORDER))
    orders |= dict.fromkeys(("thrusters", "thruster_mask", "thruster_body", "thruster_channel"), np.array(THRUSTER_ORDER))
    moved = {name: leaf[:, orders[name]] if name in orders else leaf for name, leaf in seen.items()}
    place = np.argsort(NODE_ORDER)
    moved["joint_bodies"] = np.where(moved["joint_mask"][..., None], place[moved["joint_bodies"]], 0)
    moved["thruster_body"] = np.where(moved["thruster_mask"], place[moved["thruster_body"]], 0)
    if "relations" in seen:
        moved["relations"] = seen["relations"][:, :, NODE_ORDER][..., NODE_ORDER]
    return moved


def reordered_flat(seen: Seen) -> Seen:
    """Blocks of slots, each with its own width; one-hots of bodies are reordered themselves."""
    sets = observe("entities", *drawn())
    parts, start = [], 0
    shapes = [(sets[name].shape[1:], order) for name, order in SLOTS] + [((sets["room"].shape[1],), None)]
    shapes += [((JOINTS, 2, NODES), JOINT_ORDER), ((MEDIUM.thrusters, NODES), THRUSTER_ORDER)]
    shapes += [((len(order),), order) for _, order in SLOTS]
    for shape, order in shapes:
        block = seen["features"][:, start : start + np.prod(shape)].reshape(COUNT, *shape)
        start += np.prod(shape)
        block = block if order is None else block[:, order]
        parts.append((block[..., NODE_ORDER] if shape[-1] == NODES else block).reshape(COUNT, -1))
    assert start == seen["features"].shape[1]
    return seen | {"features": np.concatenate(parts, axis=1)}


SLOTS = (("bodies", ORDER), ("joints", JOINT_ORDER), ("thrusters", THRUSTER_ORDER))


def reordered_rows(rows: np.ndarray, slots: list[int], ends: dict[int, tuple[int, ...]], nodes: np.ndarray) -> np.ndarray:
    """Rows of slots; `ends` tells where in which rows a one-hot of bodies begins."""
    moved = rows[:, slots].copy()
    for row, starts in ends.items():
        for start in starts:
            moved[:, row, start : start + NODES] = moved[:, row, start : start + NODES][:, nodes]
    return moved


def reordered_padded(seen: Seen) -> Seen:
    sets, first = observe("entities", *drawn()), 5  # columns before the features: in use, and which kind
    bodies, joint, thruster = MEDIUM.bodies, sets["joints"].shape[-1], sets["thrusters"].shape[-1]
    slots = [*ORDER, *(bodies + np.array(JOINT_ORDER)), *(bodies + JOINTS + np.array(THRUSTER_ORDER)), bodies + JOINTS + 2]
    ends = {bodies + j: (first + joint, first + joint + NODES) for j in range(JOINTS)}
    ends |= {bodies + JOINTS + t: (first + thruster,) for t in range(MEDIUM.thrusters)}
    return seen | {"rows": reordered_rows(seen["rows"], slots, ends, NODE_ORDER), "mask": seen["mask"][:, slots]}


def reordered_kinetix_entities(seen: Seen) -> Seen:
    polygons = [*range(WALLS), *(WALLS + np.array(POLYGON_ORDER))]
    joints = [*JOINT_ORDER, *(JOINTS + np.array(JOINT_ORDER))]
    orders = {"polygons": polygons, "polygon_mask": polygons, "circles": CIRCLE_ORDER, "circle_mask": CIRCLE_ORDER}
    orders |= dict.fromkeys(("joints", "joint_mask", "joint_indexes"), joints)
    orders |= dict.fromkeys(("thrusters", "thruster_mask", "thruster_indexes"), THRUSTER_ORDER)
    moved = {name: leaf[:, orders[name]] if name in orders else leaf for name, leaf in seen.items()}
    place = np.argsort(THEIR_ORDER)
    moved["joint_indexes"] = np.where(moved["joint_mask"][..., None], place[moved["joint_indexes"]], 0)
    moved["thruster_indexes"] = np.where(moved["thruster_mask"], place[moved["thruster_indexes"]], 0)
    moved["attention_mask"] = seen["attention_mask"][:, :, THEIR_ORDER][..., THEIR_ORDER]
    return moved


def kinetix_slots() -> tuple[list[int], dict[int, tuple[int, ...]]]:
    """Which row each new one takes (floor, polygons, circles, joints, thrusters), and where one-hots begin."""
    first_joint = 1 + MEDIUM.bodies
    slots = [0, *(1 + ORDER), *(first_joint + np.array(JOINT_ORDER)), *(first_joint + JOINTS + np.array(THRUSTER_ORDER))]
    ends: dict[int, tuple[int, ...]] = {first_joint + j: (22, 22 + NODES) for j in range(JOINTS)}
    return slots, ends | {first_joint + JOINTS + t: (8,) for t in range(MEDIUM.thrusters)}


def reordered_kinetix_padded(seen: Seen) -> Seen:
    slots, ends = kinetix_slots()
    return seen | {"rows": reordered_rows(seen["rows"], slots, ends, THEIR_ORDER), "mask": seen["mask"][:, slots]}


def reordered_kinetix_flat(seen: Seen) -> Seen:
    """As the padded rows, without the padding."""
    widths = [26] * 3 + [18] * 3 + [22 + 2 * NODES] * 2 + [8 + NODES] * 2
    assert sum(widths) + 1 == seen["features"].shape[1]
    rows, start = np.zeros((COUNT, len(widths), max(widths)), np.float32), 0
    for row, width in enumerate(widths):
        rows[:, row, :width] = seen["features"][:, start : start + width]
        start += width
    moved = reordered_rows(rows, *kinetix_slots(), THEIR_ORDER)
    parts = [moved[:, row, :width] for row, width in enumerate(widths)]
    return seen | {"features": np.concatenate([*parts, seen["features"][:, -1:]], axis=1)}


REORDERED = {
    "entities": reordered_entities,
    "related_entities": reordered_entities,
    "flat": reordered_flat,
    "flat_padded": reordered_padded,
    "blind": lambda seen: seen,
    "kinetix_entities": reordered_kinetix_entities,
    "kinetix_flat": reordered_kinetix_flat,
    "kinetix_flat_padded": reordered_kinetix_padded,
}


@pytest.mark.parametrize("kind", REORDERED)
def test_other_slots_are_other_rows_and_nothing_else(kind: str):
    before, found = observe(kind, *drawn()), observe(kind, *permuted(*drawn()))
    wanted = REORDERED[kind](before)
    if kind == "kinetix_entities":  # a contact is told one way, which one depends on the slots
        for seen in (found, wanted):
            seen["attention_mask"] = seen["attention_mask"] | np.swapaxes(seen["attention_mask"], -1, -2)
    same(found, wanted, 1e-4)
    if kind != "blind":
        assert any(not np.array_equal(found[name], before[name]) for name in found), "the order matters to the picture of the slots"


def test_a_picture_of_things_apart_does_not_depend_on_their_slots():
    level = LevelBuilder(MEDIUM)
    boxes = [level.box((1 + 2 * i, 3.5), (0.3 + 0.1 * i, 0.2), angle=0.3 + i) for i in range(2)]
    for i, role in enumerate((Role.GREEN, Role.BLUE, Role.RED)):
        level.circle((0.8 + 1.5 * i, 1.5), 0.2 + 0.1 * i, role=role, fixed=i == 1)
    for i, box in enumerate(boxes):
        level.thruster(box, (1 + 2 * i, 3.5), 0.0, channel=i)
    levels = stack([level.finish()] * COUNT)
    before, after = observe("pixels", levels, levels.start), observe("pixels", *permuted(levels, levels.start))
    same(after, before, 1e-5)
    assert len(np.unique(before["image"].reshape(-1, 3), axis=0)) > 20
