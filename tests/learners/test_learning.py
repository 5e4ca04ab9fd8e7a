"""The whole of it: does the agent become better at what it plays?"""

import functools
from collections.abc import Iterator

import jax
import numpy as np
import pytest
from tiny_learning import BLOCK, ENV, LENGTH, NETWORK, WORLDS, lift, placed, steady_params, tasks, wait, worker

from cluster import mesh as meshes
from cluster.roles.learner import Learner
from cluster.roles.worker import RolloutWorker
from envs.base import EnvConfig, Level
from envs.env import Env
from learners import networks, optimizer, rollout
from learners.base import Params
from learners.networks import NetworkConfig
from learners.optimizer import OptimizerConfig
from learners.ppo import PPOConfig
from physics.pytree import stack

ADAM = OptimizerConfig(learning_rate=3e-3)
PPO = PPOConfig(minibatch_size=WORLDS * LENGTH // 4)


def train(at_work: RolloutWorker, network: object, levels: Level, seed: int) -> Iterator[Params]:
    """Parameters before training and after every iteration. All worlds go on with their levels."""
    learner = Learner(at_work.env, network, optimizer.make(ADAM, 1), PPO, meshes.make(2))
    key = jax.random.key(seed)
    state = learner.init(key)
    worlds, iteration = at_work.assign(levels, jax.random.key(0)), 0
    while True:
        yield jax.tree.map(np.asarray, state.params)
        worlds, played = at_work.collect(state.params, worlds, jax.random.fold_in(key, 2 * iteration))
        state, _ = learner.update(state, played, jax.random.fold_in(key, 2 * iteration + 1))
        iteration += 1


def success(at_work: RolloutWorker, params: Params, levels: Level, way: int = rollout.SAMPLED) -> np.ndarray:
    """Whether each world is solved in one attempt."""
    return at_work.evaluate(placed(params, 2), levels, jax.random.key(1), way).outcome.successes


def test_fifteen_iterations_teach_to_fire_where_blue_hangs_and_not_where_red_hangs():
    """Half of the levels want either, so a policy that does not look gets half of them at most."""
    half = [1.6 + 0.12 * i for i in range(WORLDS // 2)]
    levels = stack([make(x, i % 2) for make in (lift, wait) for i, x in enumerate(half)])
    run = train(worker(2), NETWORK, levels, seed=0)
    untrained = success(worker(2), next(run), levels)
    trained = [next(run) for _ in range(15)][-1]
    by_chance = success(worker(2), steady_params(np.zeros((6, 3))), levels)
    assert untrained.mean() < 0.6
    assert by_chance.mean() < 0.6
    for way in (rollout.SAMPLED, rollout.GREEDY):
        to_fire, not_to_fire = np.split(success(worker(2), trained, levels, way), 2)
        assert to_fire.mean() > by_chance[: WORLDS // 2].mean() + 0.3
        assert not_to_fire.mean() > by_chance[WORLDS // 2 :].mean() + 0.2
        assert to_fire.mean() + not_to_fire.mean() > 1.6


@functools.cache
def flat() -> tuple[RolloutWorker, object]:
    env = Env(EnvConfig(size="s", frame_skip=ENV.config.frame_skip, max_steps=ENV.config.max_steps, observation="flat"))
    network = networks.make(NetworkConfig(kind="flat", width=64, depth=1), "flat")
    return RolloutWorker(env, network.apply, meshes.make(2), WORLDS, LENGTH, BLOCK), network


@pytest.mark.learns
@pytest.mark.parametrize(("kind", "limit"), [("deepset", 60), ("flat", 120)])
def test_all_four_tasks_are_learnt_and_solved_at_places_never_trained_on(kind: str, limit: int):
    """Nine of ten attempts at levels between those trained on, within so many iterations."""
    at_work, network = (worker(2), NETWORK) if kind == "deepset" else flat()
    seen, unseen = (stack(tasks(shift) * (WORLDS // 16)) for shift in (0.0, 0.25))
    run = train(at_work, network, seen, seed=1)
    assert success(at_work, next(run), unseen).mean() < 0.6
    reached = 0.0
    for iteration, params in zip(range(1, limit + 1), run, strict=False):
        if iteration % 5 == 0:
            reached = success(at_work, params, unseen).mean()
            if reached >= 0.9:
                return
    pytest.fail(f"{reached:.0%} after {limit} iterations")
