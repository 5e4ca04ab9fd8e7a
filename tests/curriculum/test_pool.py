"""The level pool: what comes in, what is drawn, what is counted."""

import dataclasses

import jax
import numpy as np
import pytest
from numbered_levels import SLOTS, numbered, numbers, outcome

from curriculum import pool as pools
from curriculum.base import FRESH
from curriculum.pool import LevelPool
from physics.pytree import check, world

SIZE, CANDIDATES = 4, 12
SCORES = np.array([0.1, 0.9, 0.3, 0.9, -1.0, 0.2, 0.5, 0.9, 0.0, 0.4, 0.1, 0.6], np.float32)
BEST = [1, 3, 7, 11]  # of equal ones the first drawn

fill = jax.jit(pools.fill, static_argnums=4)
update = jax.jit(pools.update)


def candidates() -> tuple:
    """Levels with a number each, and what scouting gave."""
    levels = numbered(np.zeros(CANDIDATES), np.arange(CANDIDATES))
    return levels, outcome(np.arange(CANDIDATES), np.arange(CANDIDATES) + 20)


@pytest.fixture(scope="module")
def pool() -> LevelPool:
    levels, scouted = candidates()
    return fill(levels, SCORES, scouted, np.int32(7), SIZE)


def test_an_empty_pool_has_blank_slots():
    empty = jax.jit(pools.empty, static_argnums=(0, 1))(SLOTS, SIZE)
    check(empty, worlds=SIZE, **SLOTS.dims)
    assert not empty.filled.any()
    assert empty.parent.tolist() == [FRESH] * SIZE
    assert not empty.episodes.any()


def test_the_best_candidates_come_in_and_ties_keep_the_order_drawn(pool: LevelPool):
    check(pool, worlds=SIZE, **SLOTS.dims)
    assert pool.draw.tolist() == BEST
    assert numbers(pool.levels).tolist() == BEST
    np.testing.assert_array_equal(pool.score, SCORES[BEST])
    assert pool.filled.all()


def test_everything_of_a_level_comes_with_it(pool: LevelPool):
    levels, _ = candidates()
    for slot, candidate in enumerate(BEST):
        jax.tree.map(np.testing.assert_array_equal, world(pool.levels, slot), world(levels, candidate))


def test_what_is_known_of_a_level_comes_with_it(pool: LevelPool):
    assert pool.successes.tolist() == BEST
    assert pool.episodes.tolist() == [20 + each for each in BEST]
    assert pool.sampled.tolist() == [0] * SIZE
    assert pool.born.tolist() == [7] * SIZE
    assert pool.parent.tolist() == [FRESH] * SIZE


def test_all_candidates_may_come_in():
    levels, scouted = candidates()
    full = fill(levels, SCORES, scouted, np.int32(0), CANDIDATES)
    assert sorted(full.draw.tolist()) == list(range(CANDIDATES))
    assert full.score.tolist() == sorted(SCORES.tolist(), reverse=True)


def test_drawing_gives_the_levels_of_the_slots_and_counts_them(pool: LevelPool):
    after, levels, slots = pools.sample(pool, jax.random.key(0), 64)
    np.testing.assert_array_equal(numbers(levels), np.array(BEST)[slots])
    np.testing.assert_array_equal(after.sampled, np.bincount(slots, minlength=SIZE))
    again = pools.sample(after, jax.random.key(1), 64)[0]
    assert int(again.sampled.sum()) == 128
    assert slots.dtype == np.int32


def test_slots_are_drawn_equally_often(pool: LevelPool):
    draws = 4096
    slots = pools.sample(pool, jax.random.key(2), draws)[2]
    share = np.bincount(slots, minlength=SIZE) / draws
    np.testing.assert_allclose(share, 1 / SIZE, atol=5 * np.sqrt(0.25 * 0.75 / draws))


def test_empty_slots_are_never_drawn(pool: LevelPool):
    partly = dataclasses.replace(pool, filled=np.array([False, True, False, True]))
    slots = pools.sample(partly, jax.random.key(3), 64)[2]
    assert set(slots.tolist()) == {1, 3}


def test_counts_are_added_where_they_were_played_and_fresh_levels_skipped(pool: LevelPool):
    slots = np.array([2, FRESH, 0, 2, FRESH, 2], np.int32)
    after = update(pool, slots, outcome([1, 100, 2, 0, 100, 3], [1, 200, 3, 4, 200, 5]))
    assert (after.successes - pool.successes).tolist() == [2, 0, 4, 0]
    assert (after.episodes - pool.episodes).tolist() == [3, 0, 10, 0]
    untouched = ("levels", "filled", "score", "sampled", "born", "draw", "parent")
    for name in untouched:
        jax.tree.map(np.testing.assert_array_equal, getattr(after, name), getattr(pool, name))
