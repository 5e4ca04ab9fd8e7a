"""Staggered episodes: worlds begin at steps of their own, are cut off one after the other, and only whole episodes count."""

import jax
import numpy as np
import pytest
import value_gaps
from scripted_env import ScriptedEnv, keys, value_of_place
from tiny_learning import BLOCK, ENV, LENGTH, MAX_STEPS, NETWORK, WORLDS, mixed, placed, random_params, tasks

from cluster import local
from cluster import mesh as meshes
from cluster.roles.worker import RolloutWorker
from envs import outcome as outcomes
from learners import rollout
from learners.base import Worlds, join_blocks
from physics.errors import InputError
from physics.pytree import stack
from tests.tiny import settings


@pytest.fixture(scope="module")
def at_work() -> RolloutWorker:
    return RolloutWorker(ENV, NETWORK.apply, meshes.make(2), WORLDS, LENGTH, BLOCK, stagger=True)


def test_worlds_begin_anywhere_on_the_clock_and_at_the_start_of_their_levels(at_work: RolloutWorker):
    first, again, other = (join_blocks(at_work.assign(mixed(), jax.random.key(seed))) for seed in (0, 0, 1))
    steps = np.asarray(first.env.steps)
    assert steps.min() >= 0
    assert steps.max() < MAX_STEPS
    assert len(set(steps.tolist())) > MAX_STEPS / 3
    np.testing.assert_array_equal(steps, again.env.steps)
    assert (steps != np.asarray(other.env.steps)).mean() > 0.8
    np.testing.assert_array_equal(first.late, steps > 0)
    jax.tree.map(np.testing.assert_array_equal, first.env.physics.motion, mixed().start)


def test_a_world_is_cut_off_when_its_clock_has_run_out_and_not_with_all_others(at_work: RolloutWorker):
    begun = at_work.assign(mixed(), jax.random.key(0))
    steps = np.asarray(join_blocks(begun.env.steps)).copy()
    after, played = at_work.collect(placed(random_params(), 2), begun, jax.random.key(1))
    ended = [np.moveaxis(np.asarray(leaf), 0, 1).reshape(LENGTH, WORLDS) for leaf in (played.terminated, played.truncated)]
    for terminated, truncated in zip(*ended, strict=True):
        steps += 1
        np.testing.assert_array_equal(truncated, (steps == MAX_STEPS) & ~terminated)
        steps[terminated | truncated] = 0
    assert (ended[1].any(1)).sum() > 3, "not all at one step"
    assert not np.asarray(after.late).any(), "a rollout is longer than an episode here"


def test_an_episode_that_began_late_counts_for_nothing_and_the_next_one_fully():
    """Late worlds: solved then cut off, cut off then solved, lost then going on. The last one began on time."""
    words = [".S...T", "..T..S", "L.....", ".S...T"]
    env = ScriptedEnv(words)
    worlds = Worlds(env=env.reset(stack(tasks()[:4])), outcome=outcomes.none(4), late=np.array([True, True, True, False]))
    after, kept = jax.jit(lambda: rollout.collect(value_of_place, None, env, worlds, keys(4), 6))()
    assert after.outcome.episodes.tolist() == [1, 1, 0, 2]
    assert after.outcome.successes.tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(after.outcome.total_return, [1.0, 1.5, 0, 2.25])
    np.testing.assert_allclose(after.outcome.running_return, [0, 0, 1.25, 0])
    assert after.outcome.best_return.tolist() == [1, 1.5, 0, 1.25]
    value_gaps.agree(after.outcome, value_gaps.count(kept, np.arange(6)[:, None] > [1, 2, 0, -1]))
    assert not after.late.any()
    np.testing.assert_array_equal(kept.reward[1], [1, 0.25, 0.25, 1])  # what is learnt from is what was earned
    assert kept.terminated[1, 0]


def test_levels_must_be_held_for_a_whole_episode_after_the_late_one():
    with pytest.raises(InputError, match=r"run.stagger .*held for 16 steps: wanted at least 24.*rollouts_per_assignment=3"):
        local.check(settings(1, "run.stagger=true"))
    local.check(settings(1, "run.stagger=true", "run.rollouts_per_assignment=3"))
