"""Reports: intervals beside closed forms and numpy, sums level by level, and how means are taken."""

import dataclasses
import json

import numpy as np
import pytest

from envs.outcome import Outcome
from learners import intervals, report
from learners.evaluate import Attempts
from learners.report import Measured, Report

NAMES = ["s/a", "kinetix/s/b", "kinetix/m/c", "mine.json"]
SIZES = ["s", "s", "m", "l"]
SUCCESS = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0], [1, 1, 1, 1]])
RETURNS = np.arange(16.0).reshape(4, 4)
LENGTHS = np.full((4, 4), 7) + np.arange(4)


def measured() -> Measured:
    flat = [np.asarray(column).reshape(-1) for column in (SUCCESS, RETURNS, LENGTHS)]
    nothing = {field.name: np.zeros(16) for field in dataclasses.fields(Outcome)}
    outcome = Outcome(**nothing | {"episodes": np.ones(16), "successes": flat[0], "total_return": flat[1]})
    return report.measured(NAMES, SIZES, 4, Attempts(outcome=outcome, length=flat[2]))


def test_wilsons_interval_holds_the_shares_that_the_score_test_does_not_refuse():
    """The definition: the bounds are where |share - p| is z standard deviations of p."""
    for attempts in (1, 5, 20):
        successes = np.arange(attempts + 1)
        share = successes / attempts
        for bound in intervals.wilson(successes, attempts):
            inside = (bound > 0) & (bound < 1)
            off = np.abs(share - bound)[inside]
            np.testing.assert_allclose(off, 1.959964 * np.sqrt(bound * (1 - bound) / attempts)[inside], rtol=1e-6)


def test_wilsons_interval_is_that_of_the_books_and_keeps_inside_zero_and_one():
    low, high = intervals.wilson(np.array([0, 10, 20]), 20)
    np.testing.assert_allclose(low, [0, 0.2993, 0.8389], atol=1e-4)
    np.testing.assert_allclose(high, [0.1611, 0.7007, 1], atol=1e-4)
    assert low[0] == 0
    assert high[2] == 1


def test_the_bootstrap_is_the_normal_interval_where_there_are_many_levels():
    rates = np.random.default_rng(1).beta(1, 2, size=2000)
    middle, error = rates.mean(), rates.std() / np.sqrt(len(rates))
    np.testing.assert_allclose(intervals.bootstrap(rates), [middle - 1.96 * error, middle + 1.96 * error], atol=error / 8)
    assert intervals.bootstrap(rates) == intervals.bootstrap(rates)


def test_the_bootstrap_draws_levels_and_not_attempts(monkeypatch):
    rates = np.array([0.0, 0.25, 1.0])
    random = np.random.default_rng(intervals.SEED)
    means = [rates[rows].mean() for rows in random.integers(3, size=(intervals.RESAMPLES, 3))]
    assert intervals.bootstrap(rates) == pytest.approx(np.percentile(means, [2.5, 97.5]))
    assert intervals.bootstrap(np.ones(5)) == (1, 1)
    monkeypatch.setattr(intervals, "TOGETHER", 10)  # three resamples at a time
    assert intervals.bootstrap(rates) == pytest.approx(np.percentile(means, [2.5, 97.5]))


def test_attempts_are_summed_up_level_by_level():
    found = measured()
    assert found.rates.tolist() == [0.75, 0, 0.25, 1]
    assert found.mean_return.tolist() == [1.5, 5.5, 9.5, 13.5]
    assert found.mean_length.tolist() == [8.5] * 4


def test_means_are_over_levels_and_best_of_all_attempts_counts_levels():
    summary = measured().summary()
    assert (summary.levels, summary.success, summary.solved_once) == (4, 0.5, 0.75)
    assert (summary.mean_return, summary.mean_length) == (7.5, 8.5)
    assert summary.interval == intervals.bootstrap(np.array([0.75, 0, 0.25, 1]))


def test_groups_are_what_stands_before_the_name_and_sizes_are_kept_apart():
    groups = measured().by_group()
    assert {group: (found.success, found.levels) for group, found in groups.items()} == {
        "s": (0.75, 1), "kinetix/s": (0, 1), "kinetix/m": (0.25, 1), "": (1, 1),
    }  # fmt: skip
    assert {size: (found.success, found.levels) for size, found in measured().by_size().items()} == {
        "s": (0.375, 2), "m": (0.25, 1), "l": (1, 1),
    }  # fmt: skip


def test_everything_goes_into_json_and_a_single_attempt_has_no_interval():
    found = json.loads(json.dumps(Report(measured(), measured()).as_dict()))["handmade"]
    low, high = intervals.wilson(np.array([3]), 4)
    assert found["levels"][0] == {
        "name": "s/a", "size": "s", "successes": 3, "lower": pytest.approx(low[0], rel=1e-5), "upper": pytest.approx(high[0], rel=1e-5),
        "mean_return": 1.5, "mean_length": 8.5,
    }  # fmt: skip
    assert (found["attempts"], found["all"]["success"], found["groups"]["s"]["levels"]) == (4, 0.5, 1)
    once = Measured(["s/a"], ["s"], 1, np.array([1]), np.zeros(1), np.ones(1))
    assert once.interval() is None
    assert "lower" not in once.as_dict()["levels"][0]


def test_without_random_levels_nothing_is_said_of_them():
    alone = Report(measured(), None)
    assert alone.scalars().keys() == {"evaluate/handmade"} | {f"levels/{name}" for name in NAMES}
    assert alone.as_dict().keys() == {"handmade"}
    everything = Report(measured(), measured()).curves("x")
    assert alone.curves("x") == {name: value for name, value in everything.items() if name.startswith("x/handmade")}


def test_curves_of_training_keep_their_names_and_those_of_a_protocol_have_their_own():
    both = Report(measured(), measured())
    assert both.scalars() == {"evaluate/handmade": 0.5, "evaluate/random": 0.5} | {
        f"levels/{name}": rate for name, rate in zip(NAMES, [0.75, 0, 0.25, 1], strict=True)
    }
    curves = both.curves("evaluate/kinetix/trained")
    assert curves["evaluate/kinetix/trained/handmade/success"] == 0.5
    assert curves["evaluate/kinetix/trained/handmade/kinetix/m/success"] == 0.25
    assert curves["evaluate/kinetix/trained/handmade/others/solved_once"] == 1
    assert all(name.startswith("evaluate/kinetix/trained/") for name in curves)
