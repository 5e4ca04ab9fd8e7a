"""Every kind of action goes through the rollout and the update: shapes, dtypes, and that what pays becomes likelier."""

import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scripted_env import ScriptedEnv, keys
from tiny_learning import tasks

from cluster import mesh as meshes
from cluster.mesh import COPIED
from cluster.roles.learner import Learner
from envs import actions
from envs import outcome as outcomes
from envs.actions import CHANNELS
from learners import distributions, ppo, rollout
from learners.base import Worlds
from learners.ppo import PPOConfig
from physics.pytree import stack

WORLDS, LENGTH = 4, 6
SHAPES = {"multi_discrete": (LENGTH, CHANNELS, WORLDS), "discrete": (LENGTH, WORLDS), "continuous": (LENGTH, CHANNELS, WORLDS)}
DRIVEN = np.array([True, False, True, True, True, False])


def policy_of(action: str) -> Any:
    """A network that thinks the same of everything: its parameters are the outputs."""
    kind = distributions.kind(action)

    def apply(params: Any, seen: jax.Array, mutable: Any = None) -> Any:
        count = seen.shape[0]
        outputs = jnp.broadcast_to(params["outputs"], (count, kind.OUTPUTS))
        free = params["free"] if kind.FREE else None
        said = kind.of(outputs, free, jnp.broadcast_to(DRIVEN, (count, CHANNELS))), jnp.broadcast_to(params["value"], (count,))
        return (said, {}) if mutable else said

    return types.SimpleNamespace(apply=apply)


def fresh(action: str) -> dict[str, np.ndarray]:
    kind = distributions.kind(action)
    return {"outputs": np.zeros(kind.OUTPUTS, np.float32), "free": np.zeros(kind.FREE, np.float32), "value": np.float32(0)}


@pytest.mark.parametrize("action", list(actions.KINDS))
def test_what_is_done_is_kept_and_the_update_makes_what_paid_likelier(action: str):
    env, level, network = ScriptedEnv(["...T.."] * WORLDS, action), stack(tasks()[:WORLDS]), policy_of(action)
    worlds = Worlds(env=env.reset(level), outcome=outcomes.none(WORLDS))
    params = fresh(action)
    _, kept = jax.jit(lambda: rollout.collect(network.apply, params, env, worlds, keys(WORLDS), LENGTH))()
    space = env.actions.SPACE
    assert kept.action.shape == SHAPES[action]
    batch_first = np.moveaxis(kept.action, -1, 1)
    assert batch_first.dtype == env.actions.nothing(1).dtype
    if action != "continuous":  # numbers are clipped by the environment alone
        assert space.contains(batch_first.reshape(-1, *batch_first.shape[2:]), LENGTH * WORLDS)
    assert np.unique(batch_first).size > 1

    first = np.asarray(kept.action).reshape(LENGTH, -1, WORLDS)[:, 0]  # reward the first channel, or the one choice, when it is large
    paid = jax.tree.map(lambda leaf: leaf[None], kept)
    pay = (first > np.median(first)).astype(np.float32)
    paid = type(kept)(**(vars(paid) | {"reward": pay[None], "terminated": np.ones((1, LENGTH, WORLDS), bool)}))
    config = PPOConfig(minibatch_size=WORLDS * LENGTH, epochs=1, entropy_weight=0.0)
    descent = optax.inject_hyperparams(optax.sgd)(0.5)
    learner = Learner(env, network, descent, config, meshes.make(1))  # type: ignore[arg-type]
    state = ppo.begin(params, descent, config)
    after, metrics = learner.update(meshes.put(state, meshes.make(1), COPIED), paid, jax.random.key(0))
    assert all(np.isfinite(value) for value in metrics.values())
    now, before = (network.apply(made, np.zeros(LENGTH * WORLDS, np.float32))[0] for made in (after.params, params))
    samples = batch_first.reshape(LENGTH * WORLDS, *batch_first.shape[2:])
    gained = np.asarray(now.log_prob(samples) - before.log_prob(samples)).reshape(LENGTH, WORLDS)
    assert gained[pay == 1].mean() > gained[pay == 0].mean() + 0.01


@pytest.mark.parametrize("action", list(actions.KINDS))
def test_ways_to_act_give_actions_of_the_environment(action: str):
    network = policy_of(action)
    for way in (rollout.SAMPLED, rollout.GREEDY, rollout.IDLE):
        chosen, log_prob, value = rollout.policy(network.apply, fresh(action), way)(np.zeros(WORLDS, np.float32), keys(WORLDS))
        nothing = actions.kind(action).nothing(WORLDS)
        assert (chosen.shape, chosen.dtype) == (nothing.shape, nothing.dtype)
        assert log_prob.shape == value.shape == (WORLDS,)
        if way == rollout.IDLE:
            np.testing.assert_array_equal(chosen, nothing)
