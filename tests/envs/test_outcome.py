"""Counting what episodes gave: a table of steps by hand, and adding up repeats."""

import jax.numpy as jnp
import numpy as np

from envs import outcome
from envs.base import Step
from envs.outcome import Outcome
from physics.base import Motion

NO, YES = False, True


def make_step(reward: list[float], terminated: list[bool], truncated: list[bool], solved: list[bool]) -> Step:
    zero = jnp.zeros((1, len(reward)))
    motion = Motion(pos=zero[None], angle=zero, vel=zero[None], omega=zero)
    return Step(
        observation=None,
        reward=jnp.array(reward),
        terminated=jnp.array(terminated),
        truncated=jnp.array(truncated),
        solved=jnp.array(solved),
        final_motion=motion,
    )


def counts(found: Outcome) -> dict[str, list[float]]:
    return {name: np.asarray(getattr(found, name)).tolist() for name in ("episodes", "successes", "total_return", "running_return")}


def test_nothing_played_counts_nothing():
    assert counts(outcome.none(2)) == {"episodes": [0, 0], "successes": [0, 0], "total_return": [0, 0], "running_return": [0, 0]}
    assert outcome.none(2).success_rate().tolist() == [0, 0]


def test_episodes_end_by_goal_loss_and_time():
    """Worlds: solved in the second step, lost in the first, cut off in the second, still going."""
    found = outcome.none(4)
    found = found.after(make_step([0.5, -1.0, 0.25, 0.5], [NO, YES, NO, NO], [NO] * 4, [NO] * 4))
    assert counts(found) == {
        "episodes": [0, 1, 0, 0],
        "successes": [0, 0, 0, 0],
        "total_return": [0.0, -1.0, 0.0, 0.0],
        "running_return": [0.5, 0.0, 0.25, 0.5],
    }
    found = found.after(make_step([1.0, 0.5, 0.25, 0.5], [YES, NO, NO, NO], [NO, NO, YES, NO], [YES, NO, NO, NO]))
    assert counts(found) == {
        "episodes": [1, 1, 1, 0],
        "successes": [1, 0, 0, 0],
        "total_return": [1.5, -1.0, 0.5, 0.0],
        "running_return": [0.0, 0.5, 0.0, 1.0],
    }
    assert found.success_rate().tolist() == [1, 0, 0, 0]


def test_success_rate_is_a_share_of_finished_episodes():
    found = outcome.none(1)
    for solved in (YES, NO, NO, YES):
        found = found.after(make_step([1.0], [YES], [NO], [solved]))
    assert found.success_rate().tolist() == [0.5]


def test_success_counts_only_where_an_episode_ended():
    found = outcome.none(1).after(make_step([1.0], [NO], [NO], [YES]))
    assert found.successes.tolist() == [0]


def test_cleared_counts_keep_the_episode_in_progress():
    found = outcome.none(2).after(make_step([0.5, 1.0], [NO, YES], [NO, NO], [NO, YES])).cleared()
    assert counts(found) == {"episodes": [0, 0], "successes": [0, 0], "total_return": [0, 0], "running_return": [0.5, 0]}
    found = found.after(make_step([0.25, 0.0], [YES, NO], [NO, NO], [NO, NO]))
    assert found.total_return.tolist() == [0.75, 0]


def test_repeats_of_a_level_stand_next_to_each_other_and_add_up():
    found = Outcome(
        episodes=jnp.array([1, 2, 3, 4, 5, 6]),
        successes=jnp.array([0, 1, 0, 1, 0, 1]),
        total_return=jnp.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        running_return=jnp.array([0.5, 0.5, 0.0, 0.0, 1.0, 1.0]),
        steps=jnp.array([5, 6, 7, 8, 9, 10]),
        best_return=jnp.array([0.0, 2.0, 1.0, 0.5, 0.0, 0.0]),
        value_sum=jnp.array([1.0, -1.0, 2.0, 3.0, 4.0, 5.0]),
        positive_advantage=jnp.array([0.0, 0.5, 0.25, 0.0, 0.0, 0.0]),
    )
    merged = outcome.merge_repeats(found, 3)
    assert counts(merged) == {"episodes": [3, 7, 11], "successes": [1, 1, 1], "total_return": [3, 7, 11], "running_return": [1, 0, 2]}
    assert (merged.steps.tolist(), merged.value_sum.tolist()) == ([11, 15, 19], [0, 5, 9])
    assert merged.positive_advantage.tolist() == [0.5, 0.25, 0]
    assert merged.best_return.tolist() == [2, 1, 0], "the greatest, not the sum"
    assert merged.episodes.dtype == merged.steps.dtype == found.episodes.dtype


def test_the_best_return_is_that_of_a_finished_episode_and_never_below_zero():
    found = outcome.none(3)
    for end in (YES, NO, YES):  # world 1 finishes nothing, world 2 loses each time
        found = found.after(make_step([0.5, 5.0, -1.0], [end, NO, end], [NO] * 3, [NO] * 3))
    assert found.best_return.tolist() == [1.0, 0, 0]
    assert found.steps.tolist() == [3, 3, 3]
    assert not any(leaf.any() for leaf in (found.cleared().best_return, found.cleared().steps, found.cleared().value_sum))


def test_a_step_that_does_not_count_changes_nothing():
    before = outcome.none(2).after(make_step([0.5, 0.5], [NO, YES], [NO, NO], [NO, NO]))
    after = before.after(make_step([1.0, 1.0], [YES, YES], [NO, NO], [YES, YES]), jnp.array([False, True]))
    assert after.steps.tolist() == [1, 2]
    assert after.episodes.tolist() == [0, 2]
    assert (after.running_return.tolist(), after.best_return.tolist()) == ([0.5, 0], [0, 1])


def test_what_the_critic_thought_is_summed_over_the_steps_that_count():
    value, advantage = jnp.array([[1.0, 2.0], [3.0, jnp.nan]]), jnp.array([[-1.0, 0.5], [0.25, jnp.nan]])
    found = outcome.none(2).judged(value, advantage, jnp.array([[YES, YES], [YES, NO]]))
    found = found.judged(value[:1], advantage[:1], jnp.array([[YES, NO]]))
    assert found.value_sum.tolist() == [5, 2]
    assert found.positive_advantage.tolist() == [0.25, 0.5]
