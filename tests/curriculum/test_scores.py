"""Learnability: its formula, and the order it puts levels into."""

import numpy as np
from numbered_levels import outcome

from curriculum.scores import NEVER_FINISHED, TIE_BREAK, learnability


def score(successes: int, episodes: int) -> float:
    return float(learnability(outcome([successes], [episodes]))[0])


def test_it_is_the_formula():
    episodes = np.arange(1, 40)
    successes = np.random.RandomState(0).randint(0, episodes + 1)
    p = successes / episodes
    expected = p * (1 - p) * episodes / (episodes + 1) + TIE_BREAK * p
    np.testing.assert_allclose(learnability(outcome(successes, episodes)), expected, rtol=1e-5, atol=1e-7)


def test_half_solved_is_best_and_it_falls_to_both_sides():
    scores = np.asarray(learnability(outcome(np.arange(21), np.full(21, 20))))
    assert np.argmax(scores) == 10
    assert np.all(np.diff(scores[:11]) > 0)
    assert np.all(np.diff(scores[10:]) < 0)


def test_a_level_that_was_never_finished_ranks_below_all_others():
    assert score(0, 0) == NEVER_FINISHED
    assert all(score(k, n) > score(0, 0) for n in (1, 4, 1000) for k in (0, n))


def test_few_episodes_count_for_less():
    assert score(1, 2) < score(2, 4) < score(50, 100)
    assert score(2, 4) - TIE_BREAK / 2 == np.float32(0.25 * 4 / 5)


def test_of_equally_learnable_levels_the_easier_ranks_first_and_an_impossible_one_last():
    assert score(3, 4) > score(1, 4)
    assert score(4, 4) > score(0, 4)
    assert score(0, 4) == 0


def test_the_tie_break_never_outweighs_learnability():
    """Among all rates that as many episodes can give, for up to 20 of them."""
    episodes, successes = (grid.ravel() for grid in np.meshgrid(np.arange(1, 21), np.arange(21), indexing="ij"))
    possible = successes <= episodes
    episodes, successes = episodes[possible], successes[possible]
    scores = np.asarray(learnability(outcome(successes, episodes)))
    plain = np.round(successes / episodes * (1 - successes / episodes), 9)
    better = (plain[:, None] > plain) & (episodes[:, None] == episodes)
    assert better.sum() > 1000
    assert np.all((scores[:, None] > scores)[better])
