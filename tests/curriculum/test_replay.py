"""Replay: drawn by the published formula, scored by what was played last, and old levels come back."""

import functools
from dataclasses import replace

import jax
import numpy as np
import pytest
from numbered_levels import SLOTS, numbered, numbers, outcome
from replayed_levels import POOL, make

from curriculum import CurriculumConfig, mix
from curriculum import pool as pools
from curriculum import replay as replays
from curriculum.base import Assignment
from curriculum.pool import LevelPool
from curriculum.replay import ReplayState
from envs.outcome import Outcome
from physics.pytree import worlds

SLOT_SCORES = np.array([0.3, -0.2, 0.9, 0.1, np.nan, 0.9], np.float32)
SAMPLED = np.array([4, 1, 4, 2, 3, 0])
NOW = 5
SIZE = len(SLOT_SCORES)


def state() -> ReplayState:
    """Five levels of known scores that were last played at known times; the sixth slot is empty."""
    pool = replace(known_pool(), score=SLOT_SCORES, sampled=SAMPLED.astype(np.int32), filled=np.arange(SIZE) < SIZE - 1)
    return replace(begun(), pool=pool, assignments=np.int32(NOW))


@functools.cache
def begun() -> ReplayState:
    return replays.begin(CurriculumConfig(pool_size=SIZE), SLOTS, 0)


@functools.cache
def known_pool() -> LevelPool:
    levels = numbered(np.full(SIZE, 0.5), np.arange(SIZE) + 0.5)
    return jax.jit(pools.newcomers, static_argnums=4)(levels, outcome(np.ones(SIZE)), np.zeros(SIZE, np.float32), np.int32(0), 100.0)


def handed_out(made: ReplayState, slots: list[int]) -> Assignment:
    """These slots."""
    names = ("levels", "hash", "seed", "draw", "parent", "depth")
    return Assignment(slot=np.array(slots, np.int32), **worlds({name: getattr(made.pool, name) for name in names}, np.array(slots)))


def by_formula(order: str, temperature: float, staleness: float) -> np.ndarray:
    """PLR's distribution, slot by slot."""
    score = np.where(np.isnan(SLOT_SCORES), -np.inf, SLOT_SCORES)[: SIZE - 1]
    rank = np.array([1 + (score > each).sum() for each in score])
    weight = (1.0 / rank if order == "rank" else score.clip(0)) ** (1 / temperature)
    waited = NOW - SAMPLED[: SIZE - 1]
    return np.append((1 - staleness) * weight / weight.sum() + staleness * waited / waited.sum(), 0.0)


@pytest.mark.parametrize(("order", "temperature", "staleness"), [("rank", 1.0, 0.3), ("rank", 0.3, 0.1), ("proportional", 2.0, 0.5)])
def test_levels_are_replayed_by_the_published_formula(order: str, temperature: float, staleness: float):
    config = CurriculumConfig(kind="plr", pool_size=SIZE, plr_order=order, plr_temperature=temperature, plr_staleness=staleness)
    expected, draws = by_formula(order, temperature, staleness), 4096
    made = state()
    np.testing.assert_allclose(replays.shares(config, made.pool, made.assignments), expected, rtol=1e-5, atol=1e-8)
    _, assignment = replays.replay(config, made, jax.random.key(0), draws, make("plr")[1])
    found = np.bincount(assignment.slot, minlength=SIZE) / draws
    np.testing.assert_allclose(found, expected, atol=5 * np.sqrt(0.25 / draws))
    np.testing.assert_array_equal(numbers(assignment.levels), numbers(made.pool.levels)[np.asarray(assignment.slot)])


def test_staleness_brings_back_levels_of_low_score():
    """With next to nothing going by score but the best, levels are replayed again only by how long they waited."""
    for staleness, expected in ((0.0, 1), (0.5, SIZE - 1)):
        config = CurriculumConfig(kind="plr", pool_size=SIZE, plr_temperature=0.01, plr_staleness=staleness)
        made, seen = state(), set()
        made = replace(made, pool=replace(made.pool, score=np.arange(SIZE, dtype=np.float32)))
        for key in range(16):
            made, assignment = replays.replay(config, made, jax.random.key(key), 4, make("plr")[1])
            seen |= set(np.asarray(assignment.slot).tolist())
            assert int(made.pool.sampled[assignment.slot[0]]) == NOW + key
        assert len(seen) == expected


def played(**fields: list[float]) -> Outcome:
    """Four worlds."""
    return replace(outcome(np.zeros(4)), **{name: np.asarray(value, np.float32) for name, value in fields.items()})


def test_a_score_is_that_of_all_worlds_that_played_the_level():
    """Slot 2 in two worlds, slot 0 in one; one more was evicted meanwhile."""
    given = played(best_return=[1.0, 2.0, 0.5, 9.0], value_sum=[1.0, 5.0, 2.0, 9.0], positive_advantage=[1.0, 3.0, 0.5, 9.0])
    given = replace(given, steps=np.array([10, 20, 10, 10], np.int32), successes=np.array([1, 0, 1, 1], np.int32))
    for kind, expected in (
        ("maxmc", (2.0 - 6 / 30, 3.0 - 2 / 10)),  # slot 0 had a return of 3 once
        ("pvl", (4 / 30, 0.5 / 10)),
        ("learnability", (0.25 * 2 / 3 + 0.5e-3, 1e-3)),
    ):
        config = CurriculumConfig(kind="plr", pool_size=SIZE, plr_score=kind)
        made = state()
        made = replace(made, pool=replace(made.pool, best_return=np.array([3.0, 0, 0, 0, 0, 0], np.float32)))
        assignment = handed_out(made, [2, 2, 0, 1])
        gone = np.asarray(assignment.hash) + np.array([0, 0, 0, 1], np.uint32)
        after = replays.rescore(config, made, replace(assignment, hash=gone), given)
        np.testing.assert_allclose(np.asarray(after.pool.score)[[2, 0]], expected, rtol=1e-5, err_msg=kind)
        np.testing.assert_array_equal(np.asarray(after.pool.score)[[1, 3]], SLOT_SCORES[[1, 3]])
        assert (after.pool.total_episodes - made.pool.total_episodes).tolist() == [1, 0, 2, 0, 0, 0]
        assert after.replayed.tolist() == [True, False, True, False, False, False]
        np.testing.assert_allclose(after.pool.best_return, [3, 0, 2, 0, 0, 0])


def test_what_was_not_finished_keeps_its_score_and_stays_outside():
    config = CurriculumConfig(kind="plr", pool_size=SIZE)
    made = state()
    assignment = handed_out(made, [0, 1, 2, 3])
    given = replace(outcome(np.zeros(4), np.array([1, 0, 1, 0])), value_sum=np.full(4, np.nan, np.float32))
    after = replays.rescore(config, made, assignment, given)
    np.testing.assert_array_equal(np.asarray(after.pool.score)[[1, 3]], SLOT_SCORES[[1, 3]])
    assert np.asarray(after.pool.score)[[0, 2]].tolist() == [-np.inf, -np.inf], "a broken number never ranks first"
    new = mix.fresh(make("plr")[1], jax.random.key(0), 4)
    after = replays.let_in(config, made, new, outcome(np.zeros(4), np.array([0, 0, 1, 0])))
    assert np.asarray(after.turnover.inserted) == 1
    assert numbers(new.levels)[2] in numbers(after.pool.levels)


def test_half_a_pool_is_half_of_its_slots():
    assert CurriculumConfig().plr_fill == 0.5
    config = CurriculumConfig(kind="robust_plr", pool_size=POOL, candidates=12, refresh_every=4)
    assert replays.scouted_at_once(config) == 3
