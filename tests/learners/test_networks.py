"""Networks: what they must not depend on, what they must, and which observation each reads."""

import dataclasses
import functools
import math

import jax
import numpy as np
import pytest
from tiny_learning import NETWORK, lift, turn, wait

from envs.actions import CHANNELS, CHOICES
from envs.base import Level, Role
from envs.build import LevelBuilder
from envs.observations import observer
from envs.observations.entities import Entities
from envs.sizes import capacity
from learners import networks
from learners.base import Params
from learners.distributions import MAX_CHOICES
from learners.networks import NetworkConfig
from physics.build import LEFT
from physics.errors import InputError
from physics.pytree import stack

MEDIUM = capacity("m")
BODY_ORDER, PAIR_ORDER = np.array([3, 0, 4, 2, 1]), np.array([1, 0])
TOLERANCE = 2e-5  # sums in another order

observe = jax.jit(observer("entities"))
apply = jax.jit(NETWORK.apply)


def crane(gap: float, slots: int) -> Level:
    """Two boxes, three balls, two joints (one to a wall) and two thrusters; less of each with fewer `slots`."""
    builder = LevelBuilder(MEDIUM)
    box = builder.box((2.0, 2.0), (0.4, 0.1), angle=0.2, role=Role.GREEN, vel=(1.0, gap))
    ball = builder.circle((2.4, 2.0), 0.2)
    builder.circle((4.0, 1.0 + gap), 0.3, role=Role.BLUE, fixed=True)
    builder.joint(box, ball, (2.4, 2.0), motor=True, channel=2)
    builder.thruster(ball, (2.4, 1.9), math.pi / 2, power=gap, channel=1)
    if slots > 1:
        arm = builder.box((0.3, 3.0), (0.3, 0.1), omega=3.0)
        builder.circle((3.0, 4.0), 0.1, role=Role.RED)
        builder.joint(LEFT, arm, (0.1, 3.0), limits=(-gap, gap))
        builder.thruster(arm, (0.5, 3.0), 0.3, power=0.7, channel=0)
    return builder.finish()


@functools.cache
def seen() -> Entities:
    """Levels of size m, every second of them with empty slots."""
    levels = stack([crane(0.2 + 0.1 * i, slots=1 + i % 2) for i in range(16)])
    return jax.tree.map(np.asarray, observe(levels, levels.start))


@functools.cache
def params() -> Params:
    """Parameters so large that outputs differ, the biases too: those of empty slots must not show."""
    shapes = jax.eval_shape(NETWORK.init, jax.random.key(0), seen())
    random = np.random.RandomState(0)
    return jax.tree.map(lambda leaf: random.normal(0, 0.3, leaf.shape).astype(np.float32), shapes)


def judge(entities: Entities) -> tuple[np.ndarray, np.ndarray]:
    logits, value = apply(params(), entities)
    return np.asarray(logits), np.asarray(value)


def assert_same(found: tuple, wanted: tuple) -> None:
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=TOLERANCE)


def test_a_choice_for_every_channel_and_a_value():
    logits, value = judge(seen())
    assert logits.shape == (16, CHANNELS, MAX_CHOICES)
    assert value.shape == (16,)
    assert value.std() > 0.05
    used = logits > -1e8
    assert np.all(logits.std(0)[used.any(0)] > 0.01), "levels differ, and so must what is thought of them"


def test_the_order_of_slots_means_nothing():
    place, old = np.argsort(BODY_ORDER).astype(np.int32), seen()
    rows = {name: getattr(old, name)[:, BODY_ORDER] for name in ("bodies", "body_mask", "body_role")}
    for name in ("joints", "joint_mask", "motor_channel", "thrusters", "thruster_mask", "thruster_channel"):
        rows[name] = getattr(old, name)[:, PAIR_ORDER]
    wall = old.joint_bodies >= MEDIUM.bodies
    assert wall.any(), "a joint to a wall must be among them"
    ends = np.where(wall, old.joint_bodies, place[np.minimum(old.joint_bodies, MEDIUM.bodies - 1)])
    rows |= {"joint_bodies": ends[:, PAIR_ORDER], "thruster_body": place[old.thruster_body][:, PAIR_ORDER]}
    assert_same(judge(dataclasses.replace(old, **rows)), judge(old))


def test_which_bodies_a_joint_links_and_which_a_thruster_pushes_does_matter():
    """The counterpart: bodies in other slots while joints name the old ones is another machine."""
    old, before = seen(), judge(seen())[1]
    ends = old.joint_bodies
    other = np.where(ends < MEDIUM.bodies, (ends + 1) % MEDIUM.bodies, ends).astype(np.int32)
    for end in range(2):
        changed = np.where(np.arange(2) == end, other, ends)
        assert np.abs(judge(dataclasses.replace(old, joint_bodies=changed))[1] - before).max() > 100 * TOLERANCE, end
    pushed = (old.thruster_body + 1) % MEDIUM.bodies
    assert np.abs(judge(dataclasses.replace(old, thruster_body=pushed))[1] - before).max() > 100 * TOLERANCE


def test_the_number_of_empty_slots_means_nothing():
    """The same levels in slots of size s and of size m, with the same parameters."""
    outputs = []
    for size in ("s", "m"):
        slots = capacity(size)
        levels = stack([lift(slots=slots), wait(slots=slots), turn(1, slots=slots), turn(-1, 3, slots=slots)] * 4)
        outputs.append(judge(observe(levels, levels.start)))
    assert_same(*outputs)
    assert outputs[0][1].std() > 0.05


def test_empty_slots_do_not_leak():
    old, random = seen(), np.random.RandomState(1)
    changed = {}
    tables = {"bodies": "body_mask", "joints": "joint_mask", "thrusters": "thruster_mask"}
    for name, mask in tables.items():
        used = getattr(old, mask)
        assert not used.all()
        table = getattr(old, name)
        changed[name] = np.where(used[..., None], table, random.normal(0, 5, table.shape)).astype(np.float32)
    ends = random.randint(0, MEDIUM.bodies, old.joint_bodies.shape)
    changed["joint_bodies"] = np.where(old.joint_mask[..., None], old.joint_bodies, ends).astype(np.int32)
    changed["thruster_body"] = np.where(old.thruster_mask, old.thruster_body, ends[..., 0]).astype(np.int32)
    assert_same(judge(dataclasses.replace(old, **changed)), judge(old))


def test_features_of_every_kind_of_entity_matter():
    """The counterpart: noise in the slots in use changes the outputs."""
    old, random = seen(), np.random.RandomState(2)
    for name in ("bodies", "joints", "thrusters", "room"):
        table = getattr(old, name)
        changed = judge(dataclasses.replace(old, **{name: table + random.normal(0, 1, table.shape).astype(np.float32)}))
        assert np.abs(changed[0] - judge(old)[0]).max() > 100 * TOLERANCE, name
        assert np.abs(changed[1] - judge(old)[1]).max() > 100 * TOLERANCE, name


def assert_masked(logits: np.ndarray, driven: np.ndarray) -> None:
    exists = np.arange(MAX_CHOICES) < np.array(CHOICES)[:, None]
    allowed = exists & (driven[..., None] | (np.arange(MAX_CHOICES) == 0))
    assert np.all(logits[~allowed] < -1e8)
    assert np.all(np.abs(logits[allowed]) < 1e3)


def test_choices_of_channels_that_drive_nothing_are_switched_off():
    driven = seen().driven
    assert driven.tolist()[0] == [False, False, True, False, False, True]
    assert driven.tolist()[1] == [False, False, True, False, True, True]
    assert_masked(judge(seen())[0], driven)


def test_a_new_network_chooses_almost_evenly_and_values_differ():
    fresh = jax.jit(NETWORK.init)(jax.random.key(0), seen())
    logits, value = map(np.asarray, apply(fresh, seen()))
    assert np.abs(logits[logits > -1e8]).max() < 0.2
    assert value.std() > 1e-3


def test_flat_judges_every_slot_in_its_place():
    levels = stack([lift(), wait(), turn(1), turn(-1, 3)])
    row = jax.jit(observer("flat"))(levels, levels.start)
    network = networks.make(NetworkConfig(kind="flat", width=16, depth=1), "flat")
    random = np.random.RandomState(0)
    shapes = jax.eval_shape(network.init, jax.random.key(0), row)
    made = jax.tree.map(lambda leaf: random.normal(0, 0.3, leaf.shape).astype(np.float32), shapes)
    logits, value = map(np.asarray, jax.jit(network.apply)(made, row))
    assert logits.shape == (4, CHANNELS, MAX_CHOICES)
    assert len(set(value.tolist())) == 4
    assert_masked(logits, np.asarray(row.driven))


def test_depth_and_widths_are_those_of_the_settings():
    network = networks.make(NetworkConfig(entity_width=8, width=24, depth=3), "entities")
    shapes = jax.eval_shape(network.init, jax.random.key(0), seen())["params"]
    for tower in ("actor", "critic"):
        assert [shapes[f"{tower}_{layer}"]["kernel"].shape[1] for layer in (1, 2, 3)] == [24] * 3
        assert f"{tower}_4" not in shapes
    assert {shapes["encoder"][f"{kind}_2"]["kernel"].shape for kind in ("body", "joint", "thruster")} == {(8, 8)}


@pytest.mark.parametrize(("kind", "observation", "wanted"), [("deepset", "flat", "entities"), ("flat", "entities", "flat")])
def test_a_network_that_cannot_read_the_observation_is_refused(kind: str, observation: str, wanted: str):
    with pytest.raises(InputError, match=f"network.kind.*{observation}.*Set env.observation={wanted}"):
        networks.make(NetworkConfig(kind=kind), observation)


@pytest.mark.parametrize("setting", [{"kind": "transformer"}, {"width": 0}, {"depth": 0}, {"entity_width": -1}])
def test_impossible_settings_are_refused_by_name(setting: dict):
    with pytest.raises(InputError, match=next(iter(setting))):
        NetworkConfig(**setting)
