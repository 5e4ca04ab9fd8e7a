"""Learnability: its formula, and the order it puts levels into."""

import numpy as np

from curriculum.scores import NEVER_FINISHED, TIE_BREAK, learnability, ranked, success_rate


def score(successes: int, episodes: int) -> float:
    return float(learnability(np.array([successes]), np.array([episodes]))[0])


def test_it_is_the_formula():
    episodes = np.arange(1, 40)
    successes = np.random.RandomState(0).randint(0, episodes + 1)
    p = successes / episodes
    expected = p * (1 - p) * episodes / (episodes + 1) + TIE_BREAK * p
    np.testing.assert_allclose(learnability(successes, episodes), expected, rtol=1e-5, atol=1e-7)


def test_half_solved_is_best_and_it_falls_to_both_sides():
    scores = np.asarray(learnability(np.arange(21), np.full(21, 20)))
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
    scores = np.asarray(learnability(successes, episodes))
    plain = np.round(successes / episodes * (1 - successes / episodes), 9)
    better = (plain[:, None] > plain) & (episodes[:, None] == episodes)
    assert better.sum() > 1000
    assert np.all((scores[:, None] > scores)[better])


def test_it_is_the_mean_of_the_posterior_that_a_beta_prior_and_the_episodes_give():
    """Against draws of numpy; without a prior, as the limit of a very weak one."""
    random = np.random.RandomState(0)
    for solved, episodes, prior in ((3, 4, 1.0), (0, 2, 1.0), (10, 40, 0.5), (2, 4, 0.0)):
        p = random.beta(solved + prior, episodes - solved + prior, size=400_000)
        rate, found = success_rate(solved, episodes, prior), learnability(np.array([solved]), np.array([episodes]), prior)[0]
        np.testing.assert_allclose(rate, p.mean(), atol=2e-3)
        np.testing.assert_allclose(found - TIE_BREAK * rate, (p * (1 - p)).mean(), atol=1e-3)


def test_with_a_prior_what_was_never_solved_is_ever_less_worth_trying():
    scores = np.asarray(learnability(np.zeros(6), np.array([1, 2, 4, 8, 64, 1e6]), 1.0))
    assert np.all(np.diff(scores) < 0)
    assert scores[-1] < 1e-5


def test_what_is_not_a_number_is_ranked_below_every_number():
    found = np.asarray(ranked(np.array([0.1, np.nan, -1.0], np.float32)))
    assert found[1] == -np.inf
    assert found[[0, 2]].tolist() == [np.float32(0.1), -1.0]
