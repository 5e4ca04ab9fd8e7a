"""Networks: what they must not depend on, what they must, and which observation each reads."""

import dataclasses
import functools
import math

import jax
import numpy as np
import pytest
from tiny_learning import NETWORK, lift, turn, wait

from envs import actions
from envs.actions import CHANNELS, CHOICES
from envs.base import Level, Role
from envs.build import LevelBuilder
from envs.observations import observer
from envs.observations.entities import Entities
from envs.observations.pixels import Pixels
from envs.observations.relations import RELATIONS, RelatedEntities
from envs.sizes import capacity
from learners import distributions, networks
from learners.base import Params
from learners.distributions import MAX_CHOICES
from learners.networks import NetworkConfig
from physics.build import LEFT
from physics.errors import InputError
from physics.pytree import stack

MEDIUM = capacity("m")
BODY_ORDER, PAIR_ORDER = np.array([3, 0, 4, 2, 1]), np.array([1, 0])
TOLERANCE = 2e-5  # sums in another order

RELATED = NetworkConfig(kind="transformer", entity_width=16, width=32, depth=1, heads=4, attention_width=16, expansion=2)
NETWORKS = {"deepset": NETWORK, "transformer": networks.make(RELATED, "related_entities")}  # of sets; both read related entities
SETS = pytest.mark.parametrize("kind", list(NETWORKS))

observe = jax.jit(observer("related_entities"))


@functools.partial(jax.jit, static_argnums=0)
def apply(kind: str, params: Params, seen: Entities) -> tuple[jax.Array, jax.Array]:
    choice, value = NETWORKS[kind].apply(params, seen)
    return choice.logits, value


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
def seen() -> RelatedEntities:
    """Levels of size m, every second of them with empty slots."""
    levels = stack([crane(0.2 + 0.1 * i, slots=1 + i % 2) for i in range(16)])
    return jax.tree.map(np.asarray, observe(levels, levels.start))


@functools.cache
def params(kind: str) -> Params:
    """Parameters so large that outputs differ, the biases too: those of empty slots must not show."""
    shapes = jax.eval_shape(NETWORKS[kind].init, jax.random.key(0), seen())
    random = np.random.RandomState(0)
    return jax.tree.map(lambda leaf: random.normal(0, 0.3, leaf.shape).astype(np.float32), shapes)


def judge(kind: str, entities: Entities) -> tuple[np.ndarray, np.ndarray]:
    logits, value = apply(kind, params(kind), entities)
    return np.asarray(logits), np.asarray(value)


def assert_same(found: tuple, wanted: tuple) -> None:
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=TOLERANCE)


@SETS
def test_a_choice_for_every_channel_and_a_value(kind: str):
    logits, value = judge(kind, seen())
    assert logits.shape == (16, CHANNELS, MAX_CHOICES)
    assert value.shape == (16,)
    assert value.std() > 0.05
    used = logits > -1e8
    assert np.all(logits.std(0)[used.any(0)] > 0.01), "levels differ, and so must what is thought of them"


@SETS
def test_the_order_of_slots_means_nothing(kind: str):
    place, old = np.argsort(BODY_ORDER).astype(np.int32), seen()
    rows = {name: getattr(old, name)[:, BODY_ORDER] for name in ("bodies", "body_mask", "body_role")}
    for name in ("joints", "joint_mask", "motor_channel", "thrusters", "thruster_mask", "thruster_channel"):
        rows[name] = getattr(old, name)[:, PAIR_ORDER]
    wall = old.joint_bodies >= MEDIUM.bodies
    assert wall.any(), "a joint to a wall must be among them"
    ends = np.where(wall, old.joint_bodies, place[np.minimum(old.joint_bodies, MEDIUM.bodies - 1)])
    nodes = np.concatenate([BODY_ORDER, np.arange(MEDIUM.bodies, MEDIUM.bodies + MEDIUM.walls)])
    rows["relations"] = old.relations[:, :, nodes][..., nodes]
    rows |= {"joint_bodies": ends[:, PAIR_ORDER], "thruster_body": place[old.thruster_body][:, PAIR_ORDER]}
    assert_same(judge(kind, dataclasses.replace(old, **rows)), judge(kind, old))


@SETS
def test_which_bodies_a_joint_links_and_which_a_thruster_pushes_does_matter(kind: str):
    """The counterpart: bodies in other slots while joints name the old ones is another machine."""
    old, before = seen(), judge(kind, seen())[1]
    ends = old.joint_bodies
    other = np.where(ends < MEDIUM.bodies, (ends + 1) % MEDIUM.bodies, ends).astype(np.int32)
    for end in range(2):
        changed = np.where(np.arange(2) == end, other, ends)
        assert np.abs(judge(kind, dataclasses.replace(old, joint_bodies=changed))[1] - before).max() > 100 * TOLERANCE, end
    pushed = (old.thruster_body + 1) % MEDIUM.bodies
    assert np.abs(judge(kind, dataclasses.replace(old, thruster_body=pushed))[1] - before).max() > 100 * TOLERANCE


@SETS
def test_the_number_of_empty_slots_means_nothing(kind: str):
    """The same levels in slots of every size, with the same parameters."""
    outputs = []
    for size in ("s", "m", "l"):
        slots = capacity(size)
        levels = stack([lift(slots=slots), wait(slots=slots), turn(1, slots=slots), turn(-1, 3, slots=slots)] * 4)
        outputs.append(judge(kind, observe(levels, levels.start)))
    assert_same(outputs[0], outputs[1])
    assert_same(outputs[0], outputs[2])
    assert outputs[0][1].std() > 0.05


@SETS
def test_empty_slots_do_not_leak(kind: str):
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
    assert_same(judge(kind, dataclasses.replace(old, **changed)), judge(kind, old))


@SETS
def test_features_of_every_kind_of_entity_matter(kind: str):
    """The counterpart: noise in the slots in use changes the outputs."""
    old, random = seen(), np.random.RandomState(2)
    for name in ("bodies", "joints", "thrusters", "room"):
        table = getattr(old, name)
        changed = judge(kind, dataclasses.replace(old, **{name: table + random.normal(0, 1, table.shape).astype(np.float32)}))
        assert np.abs(changed[0] - judge(kind, old)[0]).max() > 100 * TOLERANCE, name
        assert np.abs(changed[1] - judge(kind, old)[1]).max() > 100 * TOLERANCE, name


def assert_masked(logits: np.ndarray, driven: np.ndarray) -> None:
    exists = np.arange(MAX_CHOICES) < np.array(CHOICES)[:, None]
    allowed = exists & (driven[..., None] | (np.arange(MAX_CHOICES) == 0))
    assert np.all(logits[~allowed] < -1e8)
    assert np.all(np.abs(logits[allowed]) < 1e3)


@SETS
def test_choices_of_channels_that_drive_nothing_are_switched_off(kind: str):
    driven = seen().driven
    assert driven.tolist()[0] == [False, False, True, False, False, True]
    assert driven.tolist()[1] == [False, False, True, False, True, True]
    assert_masked(judge(kind, seen())[0], driven)


def test_along_which_relation_bodies_stand_to_each_other_does_matter_to_the_transformer():
    old, before = seen(), judge("transformer", seen())[1]
    there = old.relations[:, 0]
    assert (old.relations != there[:, None])[:, 1:].any((0, 2, 3)).all(), "every relation leaves somebody out"
    for index, name in enumerate(RELATIONS[1:], start=1):
        changed = np.where(np.arange(len(RELATIONS))[:, None, None] == index, there[:, None], old.relations)
        assert np.abs(judge("transformer", dataclasses.replace(old, relations=changed))[1] - before).max() > 100 * TOLERANCE, name


def test_a_transformer_that_looks_at_everything_needs_no_relations():
    network = networks.make(dataclasses.replace(RELATED, relations="all"), "entities")
    plain = Entities(**{name: leaf for name, leaf in vars(seen()).items() if name != "relations"})
    made = params("transformer")
    assert jax.tree.map(np.shape, made) == jax.tree.map(np.shape, jax.eval_shape(network.init, jax.random.key(0), plain))
    judged = jax.jit(network.apply)
    same = [(choice.logits, value) for choice, value in (judged(made, plain), judged(made, seen()))]
    assert_same(*same)
    assert np.abs(same[0][1] - judge("transformer", seen())[1]).max() > 100 * TOLERANCE


def nothing_there() -> RelatedEntities:
    """The levels, of which the last is empty: no body, no joint, no thruster."""
    old = seen()
    changed = {}
    for name in ("body_mask", "joint_mask", "thruster_mask", "driven", "bodies", "joints", "thrusters", "body_role"):
        changed[name] = getattr(old, name).copy()
        changed[name][-1] = 0
    for name in ("motor_channel", "thruster_channel", "joint_bodies", "thruster_body"):
        changed[name] = getattr(old, name).copy()
        changed[name][-1] = 0
    relations = old.relations.copy()
    relations[-1, :, : MEDIUM.bodies] = relations[-1, :, :, : MEDIUM.bodies] = False
    return dataclasses.replace(old, **changed, relations=relations)


@SETS
def test_gradients_are_finite_and_choices_that_drive_nothing_have_none(kind: str):
    entities = nothing_there()
    action = entities.driven.astype(np.int32)

    def total(made: Params) -> jax.Array:
        choice, value = NETWORKS[kind].apply(made, entities)
        return choice.log_prob(action).sum() + choice.entropy().sum() + (value**2).sum()

    gradient = jax.tree.map(np.asarray, jax.jit(jax.grad(total))(params(kind)))["params"]
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        assert np.all(np.isfinite(leaf)), path
        assert leaf.any(), f"{path} is not used"
    of_choices = gradient["actor_out"]["bias"].reshape(CHANNELS, MAX_CHOICES)
    driven = entities.driven.any(0)
    assert driven.tolist() == [False, False, True, False, True, True]
    assert not of_choices[~driven].any()
    assert np.all(of_choices[driven].any(-1))


@SETS
def test_a_new_network_chooses_almost_evenly_and_values_differ(kind: str):
    fresh = jax.jit(NETWORKS[kind].init)(jax.random.key(0), seen())
    logits, value = map(np.asarray, apply(kind, fresh, seen()))
    assert np.abs(logits[logits > -1e8]).max() < 0.2
    assert value.std() > 1e-3


@SETS
def test_bfloat16_is_close_to_float32_and_parameters_and_outputs_stay_float32(kind: str):
    """Within 3 % of the largest output: bfloat16 has 8 bits, and there are about ten layers."""
    settings = RELATED if kind == "transformer" else NetworkConfig(entity_width=16, width=32, depth=1)
    network = networks.make(dataclasses.replace(settings, precision="bfloat16"), "related_entities")
    fresh = jax.jit(NETWORKS[kind].init)(jax.random.key(0), seen())
    assert {leaf.dtype for leaf in jax.tree.leaves(jax.eval_shape(network.init, jax.random.key(0), seen()))} == {np.dtype(np.float32)}
    fine = apply(kind, fresh, seen())
    choice, value = jax.jit(network.apply)(fresh, seen())
    assert choice.logits.dtype == value.dtype == np.float32
    allowed = fine[0] > -1e8
    for found, wanted in ((choice.logits[allowed], fine[0][allowed]), (value, fine[1])):
        away = np.abs(found - wanted).max() / np.abs(wanted).max()
        assert 1e-5 < away < 0.03


@functools.partial(jax.jit, static_argnums=(0, 1))
def fresh_outputs(config: NetworkConfig, observation: str, row: object) -> tuple[jax.Array, jax.Array]:
    network = networks.make(config, observation)
    choice, value = network.apply(network.init(jax.random.key(1), row), row)
    return choice.logits, value


def test_rows_may_stand_in_any_order_and_empty_ones_mean_nothing():
    levels = stack([crane(0.2 + 0.1 * i, slots=1 + i % 2) for i in range(4)])
    old = jax.tree.map(np.asarray, jax.jit(observer("flat_padded"))(levels, levels.start))
    order = np.random.RandomState(0).permutation(old.mask.shape[1])
    noise = np.random.RandomState(1).normal(size=old.rows.shape).astype(np.float32)
    filled = np.where(old.mask[..., None], old.rows, noise)
    changed = dataclasses.replace(old, rows=filled[:, order], mask=old.mask[:, order])
    config = NetworkConfig(kind="rows", entity_width=16, width=16, depth=1)
    before, after = (fresh_outputs(config, "flat_padded", row) for row in (old, changed))
    assert_same(before, after)
    assert np.asarray(before[1]).std() > 1e-3
    assert_masked(np.asarray(before[0]), old.driven)


def test_pixels_are_looked_at_and_gravity_is_told():
    random = np.random.RandomState(0)
    image = random.rand(3, 24, 24, 3).astype(np.float32)
    image[1] = image[0]
    gravity = np.array([[0, -1], [0, 0], [0, -1]], np.float32)
    row = Pixels(image=image, gravity=gravity, driven=np.ones((3, CHANNELS), bool))  # type: ignore[arg-type]
    logits, value = map(np.asarray, fresh_outputs(NetworkConfig(kind="pixels", channels=4, width=16, depth=1), "pixels", row))
    assert logits.shape == (3, CHANNELS, MAX_CHOICES)
    assert abs(value[0] - value[1]) > 1e-4, "gravity"
    assert abs(value[0] - value[2]) > 1e-4, "picture"
    assert_masked(logits, row.driven)


@pytest.mark.parametrize("action", ["discrete", "continuous"])
def test_other_kinds_of_action_have_heads(action: str):
    network = networks.make(NetworkConfig(entity_width=8, width=8, depth=1), "entities", action)
    made = jax.jit(network.init)(jax.random.key(0), seen())
    choice, value = jax.jit(network.apply)(made, seen())
    assert isinstance(choice, distributions.kind(action))
    keys = jax.random.split(jax.random.key(1), 16)
    assert choice.sample(keys).shape == actions.kind(action).nothing(16).shape
    assert value.shape == (16,)
    if action == "continuous":
        assert made["params"]["actor_free"].shape == (CHANNELS,)
        assert not np.asarray(choice.sample(keys))[~seen().driven].any()


def test_flat_judges_every_slot_in_its_place():
    levels = stack([lift(), wait(), turn(1), turn(-1, 3)])
    row = jax.jit(observer("flat"))(levels, levels.start)
    network = networks.make(NetworkConfig(kind="flat", width=16, depth=1), "flat")
    random = np.random.RandomState(0)
    shapes = jax.eval_shape(network.init, jax.random.key(0), row)
    made = jax.tree.map(lambda leaf: random.normal(0, 0.3, leaf.shape).astype(np.float32), shapes)
    choice, value = jax.tree.map(np.asarray, jax.jit(network.apply)(made, row))
    logits = choice.logits
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


@pytest.mark.parametrize(
    ("kind", "observation", "wanted"),
    [
        ("deepset", "flat", "entities"),
        ("flat", "entities", "flat"),
        ("transformer", "entities", "related_entities"),
        ("rows", "flat", "flat_padded"),
        ("pixels", "blind", "pixels"),
    ],
)
def test_a_network_that_cannot_read_the_observation_is_refused(kind: str, observation: str, wanted: str):
    with pytest.raises(InputError, match=f"network.kind.*{observation}.*Set env.observation={wanted}"):
        networks.make(NetworkConfig(kind=kind), observation)


@pytest.mark.parametrize(
    "setting",
    [
        {"kind": "recurrent"},
        {"width": 0},
        {"depth": 0},
        {"entity_width": -1},
        {"precision": "int8"},
        {"relations": "all,near"},
        {"heads": 6},
        {"attention_width": 12},
    ],
)
def test_impossible_settings_are_refused_by_name(setting: dict):
    with pytest.raises(InputError, match=next(iter(setting))):
        NetworkConfig(**setting)
