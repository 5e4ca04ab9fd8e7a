"""Sampling for learnability: the pool becomes the levels that are solved about half of the time."""

import functools

import jax
import numpy as np
import pytest
from numbered_levels import SLOTS, Evaluate, Generate, numbered, numbers, outcome, rates

from curriculum import CurriculumConfig
from curriculum.base import FRESH
from curriculum.sfl import Sfl, SflState
from envs.outcome import Outcome
from physics.errors import InputError
from physics.pytree import repeat

POOL, CANDIDATES, ATTEMPTS, WORLDS = 8, 24, 4, 12
THIRDS = (0.0, 0.5, 1.0)  # never, half of the time, always


@functools.cache
def _made(pool_share: float, candidates: int, keep: bool) -> tuple[Sfl, Generate]:
    generate = Generate()
    config = CurriculumConfig(
        kind="sfl", pool_size=POOL, candidates=candidates, scout_attempts=ATTEMPTS, pool_share=pool_share, keep_pool=keep
    )
    return Sfl(config, generate, SLOTS), generate


def make(*shares: float, pool_share: float = 0.5, candidates: int = CANDIDATES, keep: bool = True) -> tuple[Sfl, Generate]:
    """SFL over levels whose rates are `shares` in equal parts; compiled once for equal settings."""
    made, generate = _made(pool_share, candidates, keep)
    generate.draw_from(*shares)
    return made, generate


def begun(made: Sfl, skill: float = 0.0) -> SflState:
    return made.refresh(made.init(jax.random.key(0)), jax.random.key(1), Evaluate(ATTEMPTS, skill))


def test_the_pool_is_exactly_the_levels_that_are_solved_half_of_the_time():
    state = begun(make(*THIRDS)[0])
    assert rates(state.pool.levels).tolist() == [0.5] * POOL
    assert len(set(numbers(state.pool.levels).tolist())) == POOL, "each of them once"
    assert state.pool.filled.all()
    assert np.sum(state.candidate_successes) / np.sum(state.candidate_episodes) == pytest.approx(0.5)


def test_where_these_are_too_few_the_next_best_follow_and_the_easier_first():
    state = begun(make(0.0, 1.0, 0.25, 0.5, 0.75, 0.0)[0])  # four of each are scouted
    assert sorted(rates(state.pool.levels).tolist()) == [0.5] * 4 + [0.75] * 4


def test_the_pool_moves_on_as_the_agent_becomes_better():
    made, _ = make(*THIRDS)
    before, _ = made.assign(begun(made), jax.random.key(3), WORLDS)
    after = made.refresh(before, jax.random.key(2), Evaluate(ATTEMPTS, skill=0.5))
    assert rates(after.pool.levels).tolist() == [0.0] * POOL
    assert int(after.refreshes) == int(before.refreshes) + 1 == 2
    assert before.pool.born.tolist() == [0] * POOL
    assert after.pool.born.tolist() == [1] * POOL


def test_what_is_known_to_be_learnable_stays_unless_the_pool_is_to_be_replaced():
    """Of the second candidates none is worth a place."""
    for keep, expected in ((True, [0.5] * POOL), (False, [1.0] * POOL)):
        made, generate = make(*THIRDS, keep=keep)
        before = begun(made)
        generate.draw_from(1.0)
        after = made.refresh(before, jax.random.key(2), Evaluate(ATTEMPTS))
        assert rates(after.pool.levels).tolist() == expected
        assert int(after.turnover.inserted) == int(after.turnover.evicted) + (0 if keep else POOL) == (0 if keep else POOL)


def test_what_training_taught_leaves_the_pool_at_the_next_refresh():
    made, generate = make(*THIRDS)
    state, assignment = made.assign(begun(made), jax.random.key(3), WORLDS)
    played = np.unique(assignment.slot[assignment.slot != FRESH])
    state = made.record(state, assignment, outcome(np.full(WORLDS, 400), np.full(WORLDS, 400)))
    generate.draw_from(0.25)
    after = made.refresh(state, jax.random.key(4), Evaluate(ATTEMPTS))
    assert np.flatnonzero(rates(after.pool.levels) == np.float32(0.25)).tolist() == played.tolist()


def test_levels_that_were_never_finished_stay_outside():
    def evaluate(key: jax.Array, levels: object) -> Outcome:
        played = Evaluate(ATTEMPTS)(key, levels)
        finished = rates(levels) == 0
        return outcome(played.successes * finished, finished)

    made, _ = make(*THIRDS)
    state = made.refresh(made.init(jax.random.key(0)), jax.random.key(1), evaluate)
    assert rates(state.pool.levels).tolist() == [0.0] * POOL


def test_every_candidate_is_scouted_as_often_as_set_with_another_key_than_drew_it():
    made, generate = make(*THIRDS)
    evaluate = Evaluate(ATTEMPTS)
    made.refresh(made.init(jax.random.key(0)), jax.random.key(1), evaluate)
    [(key_draw, count)], [(key_play, levels)] = generate.calls, evaluate.calls
    assert count == CANDIDATES
    np.testing.assert_array_equal(numbers(levels), np.repeat(numbers(generate(key_draw, count)), ATTEMPTS))
    assert not np.array_equal(jax.random.key_data(key_draw), jax.random.key_data(key_play))


def test_the_pool_knows_what_scouting_gave_and_how_to_draw_its_levels_again():
    made, generate = make(*THIRDS)
    pool = begun(made).pool
    assert pool.total_successes.tolist() == [ATTEMPTS // 2] * POOL
    assert pool.total_episodes.tolist() == [ATTEMPTS] * POOL
    np.testing.assert_allclose(pool.successes, 2 * np.asarray(pool.episodes) / ATTEMPTS)
    drawn = generate(*generate.calls[0])
    np.testing.assert_array_equal(numbers(drawn)[pool.draw], numbers(pool.levels))
    np.testing.assert_array_equal(pool.seed, np.repeat(jax.random.key_data(generate.calls[0][0])[:, None], POOL, 1))


@pytest.mark.parametrize(("share", "from_pool"), [(0.0, 0), (0.5, 6), (1.0, WORLDS)])
def test_a_share_of_the_worlds_plays_the_pool_and_the_others_fresh_levels(share: float, from_pool: int):
    made, generate = make(*THIRDS, pool_share=share)
    state, assignment = made.assign(begun(made), jax.random.key(2), WORLDS)
    slots = np.asarray(assignment.slot)
    known, fresh = np.flatnonzero(slots != FRESH), np.flatnonzero(slots == FRESH)
    assert (known.size, fresh.size) == (from_pool, WORLDS - from_pool)
    np.testing.assert_array_equal(numbers(assignment.levels)[known], numbers(state.pool.levels)[slots[known]])
    assert not set(numbers(assignment.levels)[fresh].tolist()) & set(numbers(state.pool.levels).tolist())
    assert [count for _, count in generate.calls] == [CANDIDATES] + ([fresh.size] if fresh.size else [])
    again, later = made.assign(state, jax.random.key(3), WORLDS)
    assert np.all(again.pool.sampled[later.slot[:from_pool]] == 1), "the number of the assignment"


def test_fresh_levels_of_two_assignments_differ():
    made, _ = make(*THIRDS, pool_share=0.0)
    state = begun(made)
    first, second = (made.assign(state, jax.random.key(key), WORLDS)[1] for key in (2, 3))
    assert not set(numbers(first.levels).tolist()) & set(numbers(second.levels).tolist())


def test_recording_counts_for_the_pool_s_levels_alone():
    made, _ = make(*THIRDS)
    state, assignment = made.assign(begun(made), jax.random.key(2), WORLDS)
    slots = np.asarray(assignment.slot)
    after = made.record(state, assignment, outcome(np.arange(WORLDS), np.arange(WORLDS) + 10))
    successes, episodes = np.full(POOL, ATTEMPTS // 2), np.full(POOL, ATTEMPTS)
    for world, slot in enumerate(slots):
        if slot != FRESH:
            successes[slot] += world
            episodes[slot] += world + 10
    np.testing.assert_array_equal(after.pool.total_successes, successes)
    np.testing.assert_array_equal(after.pool.total_episodes, episodes)
    unplayed = np.setdiff1d(np.arange(POOL), slots)
    np.testing.assert_array_equal(after.pool.score[unplayed], state.pool.score[unplayed])
    jax.tree.map(np.testing.assert_array_equal, after.pool.levels, state.pool.levels)


def test_metrics_are_of_what_is_in_the_pool():
    made, _ = make(*THIRDS)
    assert float(made.metrics(made.init(jax.random.key(0)))["pool_success"]) == 0
    state, assignment = made.assign(begun(made), jax.random.key(2), WORLDS)
    state = made.record(state, assignment, outcome(np.full(WORLDS, 4), np.full(WORLDS, 4)))
    pool = jax.tree.map(np.asarray, state.pool)
    p = pool.successes / pool.episodes
    assert p.std() > 0
    found = {name: float(value) for name, value in made.metrics(state).items()}
    learnable = p * (1 - p) * pool.episodes / (pool.episodes + 1) + 1e-3 * p
    expected = {"refreshes": 1, "candidate_success": 0.5, "pool_success": p.mean(), "pool_learnability": learnable.mean()}
    expected |= {"pool_filled": 1, "pool_too_hard": 0, "pool_too_easy": 0, "pool_age": 1, "pool_depth": 0}
    expected |= {
        "inserted": POOL / CANDIDATES,
        "rejected": 1 - POOL / CANDIDATES,
        "rejected_too_hard": 1 / 3,
        "rejected_too_easy": 1 / 3,
        "duplicates": 0,
        "evicted": 0,
    }
    assert found == pytest.approx(expected, rel=1e-5)


def test_fewer_candidates_than_the_pool_holds_are_refused_with_the_way_out():
    with pytest.raises(InputError, match=rf"curriculum.candidates: found {POOL - 1}, wanted at least .* = {POOL}.*scout more"):
        make(*THIRDS, candidates=POOL - 1)
    assert rates(begun(make(0.0, candidates=POOL)[0]).pool.levels).tolist() == [0.0] * POOL
    CurriculumConfig(kind="uniform", pool_size=POOL, candidates=POOL - 1)


def test_the_fakes_do_what_they_say():
    """What stands above rests on them."""
    levels = numbered([0.0, 0.25, 0.5, 1.0], [1, 2, 3, 4])
    found = Evaluate(ATTEMPTS)(jax.random.key(0), repeat(levels, ATTEMPTS))
    assert found.successes.reshape(-1, ATTEMPTS).sum(1).tolist() == [0, 1, 2, 4]
    generate = Generate(*THIRDS)
    assert sorted(rates(generate(jax.random.key(3), 6)).tolist()) == [0, 0, 0.5, 0.5, 1, 1]
