"""Robust PLR and ACCEL: new levels are evaluated and never trained on; ACCEL's edits know where they came from."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from numbered_levels import numbers
from replayed_levels import ATTEMPTS, EVERY, POOL, WORLDS, Scout, begin, make, play, worth

from curriculum.base import FRESH
from curriculum.replay import ReplayState

AT_ONCE = 32 // EVERY  # candidates of an assignment


@pytest.mark.parametrize("kind", ["robust_plr", "accel"])
def test_all_worlds_replay_at_all_times(kind: str):
    made, _ = make(kind)
    assert made.refresh_every == 1
    state, assignments = play(made, begin(made), 5)
    assert all((np.asarray(each.slot) != FRESH).all() for each in assignments)
    assert made.metrics(state)["replayed"] == 1


@pytest.mark.parametrize(("candidates", "calls"), [(32, 2), (8, 5)])
def test_the_first_refresh_fills_half_of_the_pool_and_later_ones_scout_once(candidates: int, calls: int):
    made, _ = make("robust_plr", candidates=candidates)
    scout, at_once = Scout(), candidates // EVERY
    state = made.refresh(begin(made), jax.random.key(0), scout)
    assert len(scout.calls) == calls
    assert int(state.pool.filled.sum()) == min(calls * at_once, POOL)
    for _, levels in scout.calls:
        assert numbers(levels).size == at_once * ATTEMPTS
        np.testing.assert_array_equal(numbers(levels)[::ATTEMPTS], numbers(levels)[1::ATTEMPTS])
    made.refresh(state, jax.random.key(1), scout)
    assert len(scout.calls) == calls + 1


def test_candidates_come_in_with_the_score_of_scouting_and_the_best_stay():
    made, _ = make("robust_plr")
    scout, state = Scout(), begin(made)
    for key in range(4):
        state = made.refresh(state, jax.random.key(key), scout)
    seen = np.unique(np.concatenate([numbers(levels) for _, levels in scout.calls]))
    best = np.sort(seen[np.argsort(-worth(seen))[:POOL]])
    np.testing.assert_array_equal(np.sort(numbers(state.pool.levels)), best)
    np.testing.assert_allclose(state.pool.score, worth(numbers(state.pool.levels)), atol=1e-5)
    assert int(state.turnover.inserted + state.turnover.rejected) == AT_ONCE


def candidates_of(made: object, state: ReplayState) -> tuple[ReplayState, np.ndarray, np.ndarray]:
    """(state, numbers of new candidates, numbers of edits): edits are numbered from 1 on."""
    scout = Scout()
    state = made.refresh(state, jax.random.key(77), scout)
    found = numbers(scout.calls[-1][1])[::ATTEMPTS]
    return state, found[found < 1], found[found >= 1]


def test_half_of_the_candidates_are_edits_as_soon_as_something_was_replayed():
    made, _ = make("accel")
    begun, fresh, edits = candidates_of(made, begin(made))
    assert (fresh.size, edits.size) == (AT_ONCE, 0)
    state, _ = made.assign(begun, jax.random.key(1), WORLDS)
    assert candidates_of(made, state)[2].size == 0, "what was handed out has not been played"
    state, _ = play(made, begun, 1, first=1)
    _, fresh, edits = candidates_of(made, state)
    assert fresh.size == edits.size == AT_ONCE / 2
    assert candidates_of(made, candidates_of(made, state)[0])[2].size == 0, "nothing was replayed in between"


def test_edits_point_at_levels_that_were_just_replayed_and_depth_grows():
    made, _ = make("accel")
    state, [assignment] = play(made, begin(made), 1)
    state = replace(state, pool=replace(state.pool, score=state.pool.score - 2))  # so that every candidate comes in
    before = state.pool
    after, _, edits = candidates_of(made, state)
    came = np.flatnonzero(numbers(after.pool.levels) >= 1)
    assert came.size == edits.size == AT_ONCE / 2
    replayed = {tuple(column) for column in np.asarray(assignment.hash).T.tolist()}
    for slot in came:
        assert tuple(np.asarray(after.pool.parent)[:, slot].tolist()) in replayed
    assert set(np.asarray(after.pool.depth)[came].tolist()) == {1}
    depth = {tuple(hash): int(depth) for hash, depth in zip(np.asarray(before.hash).T.tolist(), np.asarray(before.depth), strict=True)}
    deepest = 0
    for number in range(1, 12):
        after, _ = play(made, after, 1, first=number)
        pool = after.pool
        for hash, parent, deep in zip(np.asarray(pool.hash).T, np.asarray(pool.parent).T, np.asarray(pool.depth), strict=True):
            depth.setdefault(tuple(hash.tolist()), int(deep))
            assert int(deep) == (depth[tuple(parent.tolist())] + 1 if parent.any() else 0)
        deepest = max(deepest, int(pool.depth.max()))
    assert deepest > 2


def test_parents_are_scored_anew():
    made, _ = make("accel")
    state, _ = play(made, begin(made), 1)
    after, assignment = made.assign(state, jax.random.key(5), WORLDS)
    told = made.record(after, assignment, replace(Scout()(None, assignment.levels), value_sum=np.full(WORLDS, 30, np.float32)))
    np.testing.assert_allclose(np.asarray(told.pool.score)[np.unique(assignment.slot)], 1 - 3, atol=1e-5)


def test_edits_of_everything_or_of_nothing():
    for share, expected in ((0.0, 0), (1.0, AT_ONCE)):
        made, _ = make("accel", accel_edits=share)
        state, _ = play(made, begin(made), 1)
        assert candidates_of(made, state)[2].size == expected
