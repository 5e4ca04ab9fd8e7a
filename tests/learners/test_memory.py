"""Networks with memory: what is remembered, from where to where, and that the update reads it as the rollout did."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cue_env import STEPS, CueEnv, levels
from scripted_env import FLOWN, ScriptedEnv, keys
from tiny_learning import tasks

from cluster import mesh as meshes
from cluster.mesh import SHARED
from cluster.roles.learner import Learner
from cluster.roles.worker import RolloutWorker
from envs.actions import CHANNELS
from envs.base import EnvConfig, Level
from envs.env import Env
from envs.observations.flat import Flat
from learners import evaluate, networks, optimizer, ppo, record, rollout
from learners.base import Params, Rollout, Worlds
from learners.networks import NetworkConfig
from learners.optimizer import OptimizerConfig
from learners.ppo import PPOConfig
from physics.base import Motion
from physics.errors import InputError
from physics.pytree import stack

UNITS, LENGTH = 8, 6
CONFIG = NetworkConfig(kind="flat", width=8, depth=1, memory=UNITS)
NETWORK = networks.make(CONFIG, "flat")
WORDS = ["..T..T......", ".S...T..T...", "L......L....", "............"]  # two rollouts: one goes on where the other stopped
TOLERANCE = 1e-6  # the same products, of other numbers of rows


class SeenEnv(ScriptedEnv):
    """Shows where the first body is as the flat network reads it."""

    def observe(self, level: Level, motion: Motion) -> Flat:
        place = super().observe(level, motion)[:, None] / FLOWN - 1
        return Flat(features=jnp.concatenate([place, place**2], axis=1), driven=jnp.ones((place.shape[0], CHANNELS), bool))


ENV: Any = SeenEnv(WORDS)
LEVELS = stack(tasks()[: len(WORDS)])


@functools.cache
def params() -> Params:
    """At random, and larger than those a run begins with."""
    seen = Flat(features=np.zeros((1, 2), np.float32), driven=np.ones((1, CHANNELS), bool))  # type: ignore[arg-type]
    shapes, random = jax.eval_shape(NETWORK.init, jax.random.key(0), seen), np.random.RandomState(0)
    return jax.tree.map(lambda leaf: random.normal(0, 0.7, leaf.shape).astype(np.float32), shapes)


@functools.partial(jax.jit, static_argnums=2)
def _collect(worlds: Worlds, keys: jax.Array, length: int) -> tuple[Worlds, Rollout]:
    return rollout.collect(NETWORK.apply, params(), ENV, worlds, keys, length)


@functools.cache
def played() -> tuple[Rollout, Rollout, Worlds]:
    """Two rollouts after each other, and the worlds after them."""
    worlds, first = _collect(rollout.begin(ENV, LEVELS, UNITS), keys(len(WORDS)), LENGTH)
    worlds, second = _collect(worlds, keys(len(WORDS)), LENGTH)
    return *jax.tree.map(np.asarray, (first, second)), worlds


def both(name: str) -> np.ndarray:
    """A part of the two rollouts, `[2 L, W]`."""
    return np.concatenate([getattr(part, name) for part in played()[:2]])


@jax.jit
def one_step(seen: Flat, memory: jax.Array) -> tuple[jax.Array, jax.Array]:
    _, value, after = NETWORK.apply(params(), seen, memory)
    return value, after


@functools.cache
def by_hand() -> dict[str, np.ndarray]:
    """Step by step: the value of what is seen, then of what a step ended in, and what is remembered before and after it."""
    memory, found = np.zeros((len(WORDS), UNITS), np.float32), {"value": [], "end": [], "before": [], "after": []}
    x = np.zeros(len(WORDS), np.float32)
    level: Any = None
    for t in range(2 * LENGTH):
        found["before"].append(memory)
        value, after = one_step(ENV.observe(level, _at(x)), memory)
        end, _ = one_step(ENV.observe(level, _at(x + FLOWN)), after)
        over = np.array([word[t] in "SLT" for word in WORDS])
        memory, x = np.where(over[:, None], 0, after), np.where(over, 0, x + FLOWN).astype(np.float32)
        for name, each in (("value", value), ("end", end), ("after", after)):
            found[name].append(np.asarray(each))
    return {name: np.stack(each) for name, each in found.items()}


def _at(x: np.ndarray) -> Any:
    return Motion(pos=np.asarray(x)[None, None], angle=None, vel=None, omega=None)  # type: ignore[arg-type]


def again(made: Rollout) -> list[np.ndarray]:
    """What the update computes of a rollout of one block, `[L, W]`: values, log probabilities, and those of the proximal policy."""
    return [np.asarray(each).reshape(made.reward.shape) for each in _again(jax.tree.map(lambda leaf: leaf[None], made))]


@jax.jit
def _again(made: Rollout) -> tuple[jax.Array, ...]:
    state = ppo.begin(params(), optimizer.make(OptimizerConfig(), 1), PPOConfig(ewma_decay=0.9))
    batch = ppo._batch(NETWORK.apply, ppo._observe(ENV, made.level, made.motion), state, made, made.reward)
    choice, value, _ = NETWORK.apply(params(), *batch.seen)
    return value, choice.log_prob(batch.action), batch.proximal


def test_the_rollout_goes_step_by_step_and_forgets_where_an_episode_ends():
    np.testing.assert_allclose(both("value"), by_hand()["value"], atol=TOLERANCE)
    first_steps = both("value")[[0, 3, 6], 0], both("value")[[0, 2, 6, 9], 1], both("value")[[0, 1, 8], 2]
    np.testing.assert_allclose(np.concatenate(first_steps), both("value")[0, 3], atol=TOLERANCE)
    np.testing.assert_allclose(played()[2].memory[0].T, np.where(_ended(-1)[:, None], 0, by_hand()["after"][-1]), atol=TOLERANCE)


def _ended(t: int) -> np.ndarray:
    return np.array([word[t] in "SLT" for word in WORDS])


def test_a_rollout_holds_what_was_remembered_before_its_first_step():
    first, second, _ = played()
    assert not first.memory[0].any()
    np.testing.assert_allclose(second.memory[0].T, by_hand()["before"][LENGTH], atol=TOLERANCE)
    assert second.memory[0].any(0).tolist() == [False, False, True, True], "the first two were cut off in the last step"


def test_values_of_what_was_cut_off_and_of_the_end_are_judged_with_what_was_remembered_there():
    cut = np.array([[word[t] == "T" for word in WORDS] for t in range(2 * LENGTH)])
    assert cut[:LENGTH].any()
    np.testing.assert_allclose(both("final_value"), np.where(cut, by_hand()["end"], 0), atol=TOLERANCE)
    np.testing.assert_allclose(played()[0].last_value, np.where(_ended(LENGTH - 1), 0, played()[1].value[0]), atol=TOLERANCE)


def test_what_the_update_computes_is_what_the_rollout_kept():
    """Values to 1e-6, log probabilities to 5e-6, over ends in the middle, from the beginning and from where the rollout before stopped."""
    for made in played()[:2]:
        value, *log_probs = again(made)
        np.testing.assert_allclose(value, made.value, atol=TOLERANCE)
        for log_prob in log_probs:  # of the policy and, before it has moved, of the average that PPO-EWMA stays near
            np.testing.assert_allclose(log_prob, made.log_prob, atol=5 * TOLERANCE)
        assert value.std() > 0.1 < log_probs[0].std()
    forgotten = dataclasses.replace(played()[1], memory=(np.zeros_like(played()[1].memory[0]),))
    assert np.abs(again(forgotten)[0] - played()[1].value).max() > 0.01


def test_nothing_leaks_over_the_end_of_an_episode():
    """What was seen in the second step changes what is thought up to the end of that episode, to the bit nothing after it."""
    first = played()[0]
    pos = first.motion.pos.copy()
    pos[1, 0, 0] += 50
    value, changed = again(first)[0], again(dataclasses.replace(first, motion=dataclasses.replace(first.motion, pos=pos)))[0]
    touched = value != changed
    for world, last in enumerate((2, 1, 5, 5)):
        assert touched[:, world].tolist() == [1 <= t <= last for t in range(LENGTH)]


def test_a_gradient_flows_back_to_what_was_seen_before_and_not_over_an_end():
    def value_of_last(features: jax.Array) -> jax.Array:
        seen = Flat(features=features.reshape(-1, 2), driven=np.ones((2 * LENGTH, CHANNELS), bool))  # type: ignore[arg-type]
        ended = np.array([[False] * LENGTH, [False, False, True] + [False] * 3]).T
        _, value, _ = NETWORK.apply(params(), seen, np.zeros((1, 2, UNITS), np.float32), ended[None])
        return value.reshape(LENGTH, 2)[-1].sum()

    gradient = jax.jit(jax.grad(value_of_last))(np.random.RandomState(0).normal(size=(LENGTH, 2, 2)).astype(np.float32))
    felt = np.abs(gradient).max(-1) > 0
    assert felt[:, 0].all()
    assert felt[:, 1].tolist() == [False, False, False, True, True, True]


def test_evaluation_and_recordings_remember_within_the_episode():
    act = rollout.policy(NETWORK.apply, params())
    seen: list = []

    def watch(*given: Any) -> Any:
        seen.append(len(given))
        return act(*given)

    jax.eval_shape(lambda: evaluate.first_episodes(watch, ENV, LEVELS, keys(len(WORDS)), memory=UNITS))
    jax.eval_shape(lambda: record.episodes(watch, ENV, LEVELS, jax.random.key(0), UNITS))
    assert set(seen) == {3}, "observation, keys and memory"
    with pytest.raises(TypeError, match="carry"):  # a network that remembers is not played as one that does not
        jax.eval_shape(lambda: evaluate.first_episodes(act, ENV, LEVELS, keys(len(WORDS))))


WORLDS, CUE_LENGTH = 16, 2 * STEPS - 1  # rollouts end in the middle of episodes
PPO = PPOConfig(minibatch_size=WORLDS * CUE_LENGTH // 2, epochs=4, discount=0.9)
CUE: Any = CueEnv()


def _cue_roles(memory: int, devices: int, config: PPOConfig = PPO) -> tuple[RolloutWorker, Learner]:
    network = networks.make(NetworkConfig(kind="flat", width=16, depth=1, memory=memory), "flat")
    mesh = meshes.make(devices)
    worker = RolloutWorker(CUE, network.apply, mesh, WORLDS, CUE_LENGTH, block=WORLDS // 2, memory=memory)
    return worker, Learner(CUE, network, optimizer.make(OptimizerConfig(learning_rate=1e-2), 1), config, mesh)


@functools.cache
def trained(memory: int, iterations: int, devices: int = 1) -> tuple[Params, float, dict]:
    """(parameters, mean reward of the last rollout, metrics of the last update)."""
    worker, learner = _cue_roles(memory, devices)
    state, worlds = learner.init(jax.random.key(0)), worker.assign(levels(WORLDS), jax.random.key(1))
    reward, metrics = 0.0, {}
    for i in range(iterations):
        worlds, made = worker.collect(state.params, worlds, jax.random.fold_in(jax.random.key(2), i))
        reward = float(np.asarray(made.reward).mean())
        state, metrics = learner.update(state, made, jax.random.fold_in(jax.random.key(3), i))
    return jax.tree.map(np.asarray, state.params), reward, jax.device_get(metrics)


@pytest.mark.learns
def test_what_only_the_first_step_shows_is_learnt_with_memory_and_not_without():
    """At best 3 of 4 steps pay; whoever forgets gets nothing on average."""
    assert trained(16, 20)[1] > 0.6
    assert trained(0, 20)[1] < 0.25


def test_one_device_and_two_learn_the_same_with_memory():
    """Sums are added up in another order: equal to 1e-5 after 24 gradient steps."""
    one, two = trained(16, 3), trained(16, 3, devices=2)
    jax.tree.map(functools.partial(np.testing.assert_allclose, atol=1e-5), one[0], two[0])
    assert one[1] == pytest.approx(two[1], abs=1e-6)


def test_worlds_carry_their_memory_shared_out_over_devices():
    worker, learner = _cue_roles(16, 2)
    begun = worker.assign(levels(WORLDS), jax.random.key(0))
    assert begun.memory[0].shape == (2, 16, WORLDS // 2)
    assert not np.asarray(begun.memory[0]).any()
    after, _ = worker.collect(learner.init(jax.random.key(0)).params, begun, jax.random.key(1))
    kept, _ = worker.take_outcome(after)
    assert np.asarray(kept.memory[0]).any(1).all(), "all worlds are in the middle of an episode"
    assert kept.memory[0].sharding.is_equivalent_to(meshes.put(np.zeros((2, 16, 8)), meshes.make(2), SHARED).sharding, 3)


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "deepset"},
        {"kind": "transformer"},
        {"kind": "flat"},
        {"kind": "rows"},
        {"kind": "pixels"},
        {"kind": "deepset", "precision": "bfloat16"},
    ],
    ids=lambda settings: "-".join(settings.values()),
)
def test_every_encoder_takes_a_memory(settings: dict):
    """Shapes of one step and of many, and that only what stands between encoder and heads is new."""
    config = NetworkConfig(memory=5, **settings)
    env = Env(EnvConfig(observation=config.readable[-1]))
    network, seen = networks.make(config, env.config.observation), jax.eval_shape(env.blank)
    made = jax.eval_shape(network.init, jax.random.key(0), seen)
    plain = jax.eval_shape(networks.make(dataclasses.replace(config, memory=0), env.config.observation).init, jax.random.key(0), seen)
    assert made["params"].keys() - plain["params"].keys() == {"memory"}
    assert made["params"]["memory"].keys() == {"entry", "cell"}
    choice, value, memory = jax.eval_shape(network.apply, made, seen)
    assert (value.shape, memory.shape) == ((1,), (1, 5))
    many = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((2 * 3 * 4, *leaf.shape[1:]), leaf.dtype), seen)
    shapes = jax.ShapeDtypeStruct((2, 4, 5), np.float32), jax.ShapeDtypeStruct((2, 3, 4), bool)
    choice, value, memory = jax.eval_shape(network.apply, made, many, *shapes)
    assert (choice.logits.shape[0], value.shape, memory.shape) == (24, (24,), (2, 4, 5))
    assert {choice.logits.dtype, value.dtype, memory.dtype} == {np.dtype(np.float32)}


def test_a_minibatch_that_would_cut_a_rollout_is_refused_with_the_sizes_that_do_not():
    with pytest.raises(InputError, match=r"minibatch_size: found 12, wanted a size that deals .* evenly: one of \[64, 32, 16, 8\]"):
        PPOConfig(minibatch_size=12).minibatches(8, 8, 1)


def test_a_negative_memory_is_refused():
    with pytest.raises(InputError, match=r"^memory: found -1"):
        NetworkConfig(memory=-1)
