"""The level pool: what comes in, what goes, what is counted, and what it costs."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numbered_levels import SLOTS, numbered, numbers, outcome

from curriculum import pool as pools
from curriculum.base import FRESH, Assignment
from curriculum.hashing import hash_levels
from curriculum.pool import LevelPool
from envs.outcome import Outcome
from envs.sizes import capacity
from physics.pytree import check, struct, world

SIZE, CANDIDATES, WINDOW = 4, 12, 10.0
SCORES = np.array([0.1, 0.9, 0.3, 0.9, -1.0, 0.2, 0.5, 0.9, 0.0, 0.4, 0.1, 0.6], np.float32)
BEST = [1, 3, 7, 11]

empty = jax.jit(pools.empty, static_argnums=(0, 1))
newcomers = jax.jit(pools.newcomers, static_argnums=4)
insert = jax.jit(pools.insert, static_argnums=2)
update = jax.jit(pools.update, static_argnums=3)


def candidates(scores: np.ndarray = SCORES, first: int = 0, now: int = 7) -> LevelPool:
    """Levels with a number each, and what scouting gave."""
    number = np.arange(scores.size) + first
    played = outcome(np.arange(scores.size), np.arange(scores.size) + 20)
    return newcomers(numbered(np.zeros(scores.size), number), played, scores, np.int32(now), WINDOW)


@pytest.fixture(scope="module")
def pool() -> LevelPool:
    return insert(empty(SLOTS, SIZE), candidates())[0]


def turnover(found: object) -> list[int]:
    return [int(getattr(found, name)) for name in ("inserted", "duplicates", "rejected", "evicted")]


def assigned(pool: LevelPool, slot: np.ndarray) -> Assignment:
    """Slots of the pool as they are now; FRESH ones have a hash of their own."""
    hashes = np.where(slot == FRESH, 99, np.asarray(pool.hash)[:, slot]).astype(np.uint32)
    levels = jax.tree.map(lambda leaf: np.asarray(leaf)[..., slot], pool.levels)
    return Assignment(levels=levels, slot=slot, hash=hashes, seed=hashes, draw=slot, parent=hashes, depth=slot)


def test_an_empty_pool_has_blank_slots():
    blank = empty(SLOTS, SIZE)
    check(blank, worlds=SIZE, **SLOTS.dims)
    assert not blank.filled.any()
    assert not blank.episodes.any()


def test_the_best_candidates_come_in(pool: LevelPool):
    check(pool, worlds=SIZE, **SLOTS.dims)
    assert sorted(numbers(pool.levels).tolist()) == BEST
    np.testing.assert_array_equal(pool.score, SCORES[numbers(pool.levels).astype(int)])
    assert pool.filled.all()


def test_everything_of_a_level_and_what_is_known_of_it_comes_with_it(pool: LevelPool):
    news = candidates()
    for slot, candidate in enumerate(numbers(pool.levels).astype(int)):
        jax.tree.map(np.testing.assert_array_equal, world(pool, slot), world(news, int(candidate)))
    assert pool.total_successes.tolist() == numbers(pool.levels).tolist()
    assert pool.total_episodes.tolist() == (20 + numbers(pool.levels)).tolist()
    assert pool.born.tolist() == pool.sampled.tolist() == [7] * SIZE
    np.testing.assert_array_equal(pool.hash, hash_levels(pool.levels))


def test_what_stays_stays_in_its_slot_and_only_the_worst_make_room(pool: LevelPool):
    after, found = insert(pool, candidates(np.array([0.7, 0.1], np.float32), first=100, now=9))
    was, now = numbers(pool.levels), numbers(after.levels)
    assert np.flatnonzero(was != now).tolist() == np.flatnonzero(was == 11).tolist()
    assert now[was == 11].tolist() == [100]
    assert turnover(found) == [1, 0, 1, 1]


def test_of_equal_scores_the_younger_stays(pool: LevelPool):
    after, _ = insert(pool, candidates(np.full(4, 0.9, np.float32), first=100, now=9))
    assert sorted(numbers(after.levels).tolist()) == [100, 101, 102, 103]
    after, _ = insert(pool, candidates(np.full(4, 0.9, np.float32), first=100, now=3))
    assert sorted(numbers(after.levels).tolist()) == [1, 3, 7, 100]


def test_a_share_of_the_rank_can_go_by_age(pool: LevelPool):
    """At all age, whatever is younger wins; at a half, a level that is better and older stays beside a worse and younger one."""
    young = candidates(np.array([0.0, 0.0, 0.0, 0.0], np.float32), first=100, now=9)
    assert sorted(numbers(insert(pool, young, 1.0)[0].levels).tolist()) == [100, 101, 102, 103]
    both = numbers(insert(pool, young, 0.5)[0].levels)
    assert 0 < np.sum(both < 100) < SIZE


def test_levels_that_the_pool_has_and_repeats_among_newcomers_stay_outside(pool: LevelPool):
    again = candidates(np.full(CANDIDATES, 5.0, np.float32))  # the same levels; four of them are in the pool
    after, found = insert(pool, again)
    assert int(found.duplicates) == SIZE
    assert len(set(numbers(after.levels).tolist())) == SIZE
    flood = newcomers(numbered(np.zeros(9), np.full(9, 50.0)), outcome(np.ones(9)), np.full(9, 5.0), np.int32(9), WINDOW)
    after, found = insert(pool, flood)
    assert turnover(found) == [1, 8, 0, 1]
    assert np.sum(numbers(after.levels) == 50) == 1


def test_a_level_that_was_evicted_may_come_back(pool: LevelPool):
    gone = replace(pool, filled=np.zeros(SIZE, bool))
    after, found = insert(gone, candidates())
    assert turnover(found) == [SIZE, 0, CANDIDATES - SIZE, 0]
    assert sorted(numbers(after.levels).tolist()) == BEST


def test_a_score_that_is_not_a_number_ranks_below_all_others():
    scores = np.full(6, np.nan, np.float32)
    scores[[1, 4]] = -1.0, 0.0
    after, _ = insert(empty(SLOTS, SIZE), candidates(scores))
    assert {1, 4} < set(numbers(after.levels).tolist())
    better, found = insert(after, candidates(np.array([-2.0, -3.0], np.float32), first=100))
    assert turnover(found) == [2, 0, 0, 2]
    assert np.isfinite(better.score).all()


def test_fewer_newcomers_than_slots_leave_the_others_empty():
    after, found = insert(empty(SLOTS, SIZE), candidates(np.array([0.5, -1.0], np.float32)))
    assert after.filled.sum() == 2
    assert turnover(found) == [2, 0, 0, 0]


def test_inserting_is_what_sorting_with_python_gives():
    """Many rounds of random scores, ages and repeats against a list that is sorted."""
    random, pool, expected = np.random.RandomState(0), empty(SLOTS, SIZE), {}
    for now in range(12):
        number, score = random.randint(0, 30, 6), random.randint(0, 8, 6).astype(np.float32)
        news = newcomers(numbered(np.zeros(6), number), outcome(np.ones(6)), score, np.int32(now), WINDOW)
        pool, _ = insert(pool, news)
        for each, its in zip(number, score, strict=True):
            expected.setdefault(int(each), (float(its), now))
        expected = dict(sorted(expected.items(), key=lambda item: item[1], reverse=True)[:SIZE])
        found = dict(zip(numbers(pool.levels).astype(int).tolist(), zip(pool.score.tolist(), pool.born.tolist(), strict=True), strict=True))
        assert sorted(found.values()) == sorted(expected.values())
        expected = {each: found[each] for each in found}  # which of two equal ones went is the pool's choice


def test_provenance_says_how_to_draw_a_level_again_and_what_it_was_edited_from(pool: LevelPool):
    seed = jax.random.key_data(jax.random.key(3))
    drawn = pools.drawn(candidates(first=100), seed, jnp.arange(CANDIDATES, dtype=jnp.int32))
    check(drawn, worlds=CANDIDATES, **SLOTS.dims)
    np.testing.assert_array_equal(drawn.seed, np.repeat(np.asarray(seed)[:, None], CANDIDATES, 1))
    child = pools.edited(pools.take(drawn, np.arange(SIZE)), pool)
    grandchild = pools.edited(pools.take(drawn, np.arange(SIZE)), child)
    np.testing.assert_array_equal(child.parent, pool.hash)
    assert child.depth.tolist() == [1] * SIZE
    assert grandchild.depth.tolist() == [2] * SIZE


def test_counts_are_added_where_they_were_played_and_fresh_levels_skipped(pool: LevelPool):
    slots = np.array([2, FRESH, 0, 2, FRESH, 2], np.int32)
    after = update(pool, assigned(pool, slots), outcome([1, 100, 2, 0, 100, 3], [1, 200, 3, 4, 200, 5]), WINDOW)
    assert (after.total_successes - pool.total_successes).tolist() == [2, 0, 4, 0]
    assert (after.total_episodes - pool.total_episodes).tolist() == [3, 0, 10, 0]
    untouched = ("levels", "filled", "hash", "score", "sampled", "born", "seed", "draw", "parent", "depth")
    for name in untouched:
        jax.tree.map(np.testing.assert_array_equal, getattr(after, name), getattr(pool, name))


def test_the_outcome_of_a_level_that_was_evicted_meanwhile_changes_nothing(pool: LevelPool):
    slots = np.arange(SIZE, dtype=np.int32)
    late = assigned(pool, slots)
    replaced, _ = insert(pool, candidates(np.array([0.7], np.float32), first=100, now=9))
    after = update(replaced, late, outcome(np.full(SIZE, 3), np.full(SIZE, 5)), WINDOW)
    stayed = numbers(pool.levels) != 11
    assert (after.total_episodes - replaced.total_episodes).tolist() == np.where(stayed, 5, 0).tolist()
    gone = update(replace(pool, filled=np.zeros(SIZE, bool)), late, outcome(np.ones(SIZE)), WINDOW)
    np.testing.assert_array_equal(gone.episodes, pool.episodes)


def test_rolling_counts_weigh_as_much_as_the_window_and_follow_the_rate(pool: LevelPool):
    """Against decay written out: every episode takes 1 / window of what was there and adds 1."""
    slots, now = np.array([1], np.int32), replace(pool, successes=np.zeros(SIZE, np.float32), episodes=np.zeros(SIZE, np.float32))
    successes = episodes = 0.0
    for solved, played in ((0, 7), (7, 7), (3, 4), (0, 0), (30, 40)):
        now = update(now, assigned(pool, slots), outcome([solved], [played]), WINDOW)
        for _ in range(played):
            successes, episodes = successes * (1 - 1 / WINDOW) + solved / played, episodes * (1 - 1 / WINDOW) + 1
        np.testing.assert_allclose([now.successes[1], now.episodes[1]], [successes, episodes], rtol=1e-5)
    assert float(now.episodes[1]) == pytest.approx(WINDOW, rel=0.01)
    assert float(pools.rate(now)[1]) == pytest.approx(0.75, rel=0.01)


def test_ageing_makes_estimates_weigh_less_and_leaves_rates_alone(pool: LevelPool):
    after = pools.age(pool, 0.5)
    np.testing.assert_allclose(after.episodes, pool.episodes / 2)
    np.testing.assert_allclose(pools.rate(after), pools.rate(pool), rtol=1e-6)


def test_totals_stop_at_the_greatest_number(pool: LevelPool):
    nearly = replace(pool, total_episodes=np.full(SIZE, pools.MOST - 2, np.int32))
    after = update(nearly, assigned(pool, np.array([0, 1], np.int32)), outcome([1, 0], [2, 1000]), WINDOW)
    assert after.total_episodes.tolist() == [pools.MOST, pools.MOST, pools.MOST - 2, pools.MOST - 2]


@struct
class State:
    """Of a curriculum that does nothing but count."""

    pool: LevelPool


class Counting:
    """See `State`."""

    @pools.beside_levels
    def record(self, state: State, assignment: Assignment, played: Outcome) -> State:
        return State(pool=pools.update(state.pool, assignment, played, WINDOW))


def test_what_is_known_of_levels_changes_without_copying_them(pool: LevelPool):
    given = assigned(pool, np.array([0], np.int32)), outcome([1])
    after = Counting().record(State(pool=pool), *given).pool
    assert all(a is b for a, b in zip(jax.tree.leaves(after.levels), jax.tree.leaves(pool.levels), strict=True))
    jax.tree.map(np.testing.assert_array_equal, after, update(pool, *given, WINDOW))


def test_a_hundred_thousand_large_levels_need_less_than_400_megabytes_while_newcomers_come_in():
    """The pool, the one that it becomes, a thousand newcomers and all that is needed in between, by the compiler's account."""
    slots, some = 100_000, 1024
    large = capacity("l")
    shapes = jax.eval_shape(lambda: pools.empty(large, slots))
    news = jax.eval_shape(lambda: pools.empty(large, some))
    need = jax.jit(pools.insert).lower(shapes, news).compile().memory_analysis()
    held = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))
    assert held < 160e6
    assert need.argument_size_in_bytes + need.output_size_in_bytes + need.temp_size_in_bytes < 400e6


def test_newcomers_that_were_never_played_bring_no_counts():
    none = Outcome(**{name: jnp.zeros(3, leaf.dtype) for name, leaf in vars(outcome([0, 0, 0])).items()})
    news = newcomers(numbered([0, 0, 0], [1, 2, 3]), none, np.zeros(3, np.float32), np.int32(0), WINDOW)
    assert news.episodes.tolist() == [0, 0, 0]
    assert news.draw.tolist() == [pools.NOT_DRAWN] * 3
