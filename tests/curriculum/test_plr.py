"""PLR: assignments of new levels and of replayed ones take turns by a coin, and both are scored by how they were played."""

import jax
import numpy as np
import pytest
from numbered_levels import numbers
from replayed_levels import POOL, WORLDS, Scout, begin, judged, make, play, worth

from curriculum.base import FRESH


def replayed(assignments: list) -> np.ndarray:
    """Which assignments replayed; none is of both."""
    shares = np.array([(np.asarray(each.slot) != FRESH).mean() for each in assignments])
    assert set(shares) <= {0.0, 1.0}
    return shares == 1


def test_nothing_is_replayed_before_the_pool_is_full_enough_and_then_by_a_coin():
    made, _ = make("plr")
    state, first = play(made, begin(made), 1)
    assert not replayed(first)[0]
    assert int(state.pool.filled.sum()) == WORLDS == POOL / 2
    _, later = play(made, state, 60, first=1)
    assert replayed(later).mean() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(60))
    always, never = (play(make("plr", plr_replay=chance)[0], state, 4, first=1)[1] for chance in (1.0, 0.0))
    assert replayed(always).all()
    assert not replayed(never).any()


def test_new_levels_come_in_with_the_score_of_training_and_a_full_pool_keeps_the_best():
    made, _ = make("plr", plr_replay=0.0)
    state, assignments = play(made, begin(made), 6)
    seen = np.concatenate([numbers(each.levels) for each in assignments])
    best = np.sort(seen[np.argsort(-worth(seen))[:POOL]])
    np.testing.assert_array_equal(np.sort(numbers(state.pool.levels)), best)
    np.testing.assert_allclose(state.pool.score, worth(numbers(state.pool.levels)), atol=1e-5)
    assert not np.asarray(state.pool.depth).any()


def test_replayed_levels_are_scored_anew_and_others_are_not():
    made, _ = make("plr", plr_replay=1.0)
    state, _ = play(made, begin(made), 2)
    after, [assignment] = play(made, state, 1, first=2, skill=0.25)
    slots = np.unique(assignment.slot)
    change = np.asarray(after.pool.score) - np.asarray(state.pool.score)
    again = np.asarray(state.pool.filled).copy()
    again[slots] = False
    np.testing.assert_allclose(np.asarray(after.pool.score)[slots], worth(numbers(after.pool.levels))[slots] - 0.25, atol=1e-5)
    assert change[slots].all()
    assert not change[again].any()
    assert made.metrics(after)["replayed"] == pytest.approx(2 / 3)


def test_a_new_level_can_be_drawn_again():
    made, generate = make("plr")
    state, _ = play(made, begin(made), 1)
    pool = state.pool
    key = jax.random.wrap_key_data(np.asarray(pool.seed[:, 0]))
    drawn = numbers(generate(key, WORLDS))
    filled = np.asarray(pool.filled)
    np.testing.assert_array_equal(drawn[np.asarray(pool.draw)[filled]], numbers(pool.levels)[filled])


def test_nothing_is_scouted():
    made, _ = make("plr")
    scout = Scout()
    made.refresh(begin(made), jax.random.key(0), scout)
    assert not scout.calls
    assert not made.look(begin(made)).candidate_episodes.any()
    assert all(leaf.size for leaf in jax.tree.leaves(begin(made))), "a checkpoint takes no empty arrays"
    assert judged(make("plr")[1](jax.random.key(0), 3)).episodes.tolist() == [1] * 3
