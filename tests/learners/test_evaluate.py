"""Measuring a policy: one whole episode an attempt, counted level by level; and recordings to look at."""

import functools
from types import SimpleNamespace

import jax
import numpy as np
import pytest
import value_gaps
from scripted_env import FLOWN, ScriptedEnv, fire, keys, positions
from tiny_learning import FIRST_THRUSTER, MAX_STEPS, given, hopeless, lift, placed, steady_params, tasks, turn, wait, worker

from cluster.roles.evaluator import Evaluator
from envs import outcome as outcomes
from envs.outcome import Outcome
from learners import record, rollout
from learners.evaluate import PROTOCOL, Attempts, EvaluateConfig, first_episodes
from physics.errors import InputError
from physics.pytree import repeat, stack

LEVELS = (turn(1), given(), hopeless(), lift(), wait())  # what to do: forward, anything, nothing helps, fire, not fire
TURN, GIVEN, HOPELESS, LIFT, WAIT = range(len(LEVELS))
ATTEMPTS = 8  # more worlds than the worker plays at a time, and not a multiple of them
EVEN = np.zeros((6, 3))
ALWAYS_FIRE = EVEN.copy()
ALWAYS_FIRE[FIRST_THRUSTER, 1] = 30


@functools.cache
def played(fires: bool, way: int, seed: int = 0) -> Attempts:
    """`ATTEMPTS` of every level next to each other."""
    params = placed(steady_params(ALWAYS_FIRE if fires else EVEN), 2)
    return worker(2).evaluate(params, stack(LEVELS), jax.random.key(seed), way, ATTEMPTS)


def attempts(fires: bool, way: int, seed: int = 0) -> Outcome:
    """One outcome an attempt."""
    return played(fires, way, seed).outcome


def rates(fires: bool, way: int = rollout.SAMPLED) -> list[float]:
    """Success rate of every level."""
    return outcomes.merge_repeats(attempts(fires, way), len(LEVELS)).success_rate().tolist()


def test_every_attempt_is_one_episode_and_none_is_added_for_filling_up():
    found = attempts(False, rollout.SAMPLED)
    assert found.episodes.tolist() == [1] * (len(LEVELS) * ATTEMPTS)
    assert set(found.successes.tolist()) == {0, 1}
    assert not found.running_return.any()
    assert isinstance(found.episodes, np.ndarray), "in host memory"


def test_a_level_that_solves_itself_is_always_solved_and_an_impossible_one_never():
    for fires in (False, True):
        for way in (rollout.SAMPLED, rollout.GREEDY, rollout.IDLE):
            assert (rates(fires, way)[GIVEN], rates(fires, way)[HOPELESS]) == (1, 0)


def test_rates_are_those_of_the_policy_level_by_level():
    assert rates(True) == [rates(False)[TURN], 1, 0, 1, 0]
    assert 0 < rates(False)[TURN] < 1
    assert rates(False)[LIFT] < 0.5


def test_the_way_to_act_is_obeyed():
    assert rates(True, rollout.GREEDY) == [0, 1, 0, 1, 0]
    assert rates(True, rollout.IDLE) == [0, 1, 0, 0, 1]


def test_attempts_of_a_level_are_independent_and_repeatable():
    turns = attempts(False, rollout.SAMPLED).total_return.reshape(len(LEVELS), ATTEMPTS)[TURN]
    assert len(set(turns.tolist())) > 2
    again = played.__wrapped__(False, rollout.SAMPLED).outcome
    np.testing.assert_array_equal(again.total_return, attempts(False, rollout.SAMPLED).total_return)
    assert np.any(attempts(False, rollout.SAMPLED, seed=1).total_return != again.total_return)


def test_how_many_levels_are_measured_together_makes_no_difference():
    """Levels go through the devices in chunks, and a level's random numbers are those of its place in the whole."""
    few = worker(2).evaluate(placed(steady_params(EVEN), 2), stack(LEVELS[:1] * 5), jax.random.key(0)).outcome
    assert few.episodes.shape == (5,)
    assert len(set(few.total_return.tolist())) > 1
    np.testing.assert_allclose(few.total_return, attempts(False, rollout.SAMPLED).total_return[:5], atol=1e-5)


def test_returns_are_of_the_first_episode():
    """The ball of the easy level flies 0.5 m and touches: 1 and 0.2 a metre, less what a step goes too far."""
    found = attempts(False, rollout.SAMPLED).total_return.reshape(len(LEVELS), ATTEMPTS)
    assert found[GIVEN] == pytest.approx([1 + 0.2 * 0.5] * ATTEMPTS, abs=0.03)
    assert found[HOPELESS] == pytest.approx([0] * ATTEMPTS, abs=1e-3)


def test_episodes_are_as_long_as_they_took():
    lengths = played(False, rollout.SAMPLED).length.reshape(len(LEVELS), ATTEMPTS)
    assert lengths[HOPELESS].tolist() == [MAX_STEPS] * ATTEMPTS
    assert 1 < lengths[GIVEN].min() == lengths[GIVEN].max() < MAX_STEPS
    greedy = played(True, rollout.GREEDY).length.reshape(len(LEVELS), ATTEMPTS)
    assert (greedy == greedy[:, :1]).all(), "greedy attempts are all alike, so one is enough"


def test_random_levels_that_are_not_asked_for_are_neither_drawn_nor_played():
    def draw(*_: object) -> None:
        raise AssertionError("drawn")

    config = EvaluateConfig(holdout="s/lift_off,s/hop_the_red", attempts=2, random_levels=0)
    evaluator = Evaluator(worker(2), draw, config)  # type: ignore[arg-type]
    found = evaluator.report(placed(steady_params(EVEN), 2), jax.random.key(0))
    assert found.random is None
    assert found.handmade.names == ["s/lift_off", "s/hop_the_red"]
    assert found.scalars().keys() == {"evaluate/handmade", "levels/s/lift_off", "levels/s/hop_the_red"}


def test_attempts_next_to_each_other_are_of_one_level():
    once = worker(2).evaluate(placed(steady_params(EVEN), 2), repeat(stack(LEVELS), ATTEMPTS), jax.random.key(0))
    jax.tree.map(np.testing.assert_array_equal, once, played(False, rollout.SAMPLED))


WORDS = [
    "S.....",  # solved at once, then nothing ends any more
    "..S.S.",  # the second success is another episode's
    ".L.SSS",  # the first episode is lost, whatever comes
    "..T..S",  # the first runs out of time
    ".....S",
    ".....T",
    "......",  # never ends
]


def test_only_the_first_episode_counts():
    level = stack(tasks()[: len(WORDS)])
    played = jax.jit(lambda: first_episodes(fire, ScriptedEnv(WORDS), level, keys(len(WORDS))))()
    found = played.outcome
    assert found.episodes.tolist() == [1, 1, 1, 1, 1, 1, 0]
    assert found.successes.tolist() == [1, 1, 0, 0, 1, 0, 0]
    assert found.total_return.tolist() == [1, 1.5, -0.75, 0.75, 2.25, 1.5, 0]
    assert found.best_return.tolist() == [1, 1.5, 0, 0.75, 2.25, 1.5, 0]
    assert found.running_return.tolist() == [0] * 6 + [1.5]
    assert played.length.tolist() == [1, 3, 2, 3, 6, 6, 6]


def test_the_critic_is_compared_over_the_first_episode_alone():
    """Where time ran out, the critic's value of the state before stands for that of the state after."""
    outcome = jax.jit(lambda: first_episodes(fire, ScriptedEnv(WORDS), stack(tasks()[: len(WORDS)]), keys(len(WORDS))))().outcome
    letters, value = np.array([list(word) for word in WORDS]).T, positions(WORDS)
    lost, cut, solved = letters == "L", letters == "T", letters == "S"
    played = SimpleNamespace(
        value=value, reward=np.where(solved, 1, np.where(lost, -1, 0.25)), terminated=solved | lost, truncated=cut,
        final_value=value * cut, last_value=value[-1],
    )  # fmt: skip
    ended = lost | cut | solved
    expected = value_gaps.count(played, ended.cumsum(0) - ended == 0)
    assert expected["positive_advantage"].max() > 1
    value_gaps.agree(outcome, expected)


@functools.cache
def recording() -> record.Recording:
    level = stack(tasks()[: len(WORDS)])  # the first seven: boxes with a thruster on channel 0 or 1 in turn
    return jax.jit(lambda: record.episodes(fire, ScriptedEnv(WORDS), level, jax.random.key(0)))()


def test_a_recording_knows_how_long_its_episode_was_and_whether_it_was_solved():
    found = recording()
    assert found.length.tolist()[:6] == [1, 3, 2, 3, 6, 6]
    assert found.solved.tolist() == [True, True, False, False, True, False, False]


def test_a_recording_holds_the_motion_after_each_step_and_the_controls_of_each():
    found = recording()
    np.testing.assert_array_equal(found.motion.pos[:, 0, 0], positions(WORDS) + FLOWN)
    np.testing.assert_array_equal(found.controls.thruster[:, 0], np.tile([1, 0, 1, 0, 1, 0, 1], (6, 1)))
    assert found.controls.motor.shape == (6, 1, len(WORDS))


@pytest.mark.parametrize("setting", ["every", "attempts", "random_attempts"])
def test_impossible_settings_are_refused_by_name(setting: str):
    with pytest.raises(InputError, match=f"^{setting}: found 0"):
        EvaluateConfig(**{setting: 0})


def test_the_published_protocol_is_a_set_of_settings():
    assert EvaluateConfig(**PROTOCOL).random_attempts == 5
    with pytest.raises(InputError, match=r"^random_sizes: found 'every', wanted one of own, all"):
        EvaluateConfig(random_sizes="every")
