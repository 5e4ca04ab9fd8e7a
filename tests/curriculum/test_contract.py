"""What every curriculum promises, whatever its kind: new kinds are tested as soon as they can be chosen."""

import dataclasses
import functools
import tempfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numbered_levels import SLOTS, Evaluate, Generate, edit, numbered, numbers, outcome

import curriculum
from curriculum import Curriculum, CurriculumConfig
from curriculum.base import FRESH, POOLED, Assignment
from curriculum.hashing import hash_levels
from curriculum.pool import LevelPool
from envs import level_file
from physics.errors import InputError
from physics.pytree import check, count_worlds, world

KINDS = next(field for field in dataclasses.fields(CurriculumConfig) if field.name == "kind").metadata["meaning"].choices
POOL, ATTEMPTS, WORLDS = 4, 4, 8
RATES = (0.0, 0.25, 0.5, 1.0)

pytestmark = pytest.mark.parametrize("kind", KINDS)


def make(kind: str) -> Curriculum:
    """One of each kind, with a generator as it was at first."""
    made, generate = _made(kind)
    generate.draw_from(*RATES)
    return made


@functools.cache
def _made(kind: str) -> tuple[Curriculum, Generate]:
    """Cached, so that programs compile once."""
    generate = Generate(*RATES)
    with tempfile.TemporaryDirectory() as folder:
        levels = _files(Path(folder)) if kind == "named" else ""
        config = CurriculumConfig(kind=kind, pool_size=POOL, candidates=16, scout_attempts=ATTEMPTS, refresh_every=3, levels=levels)
        return curriculum.make(config, generate, edit, SLOTS), generate


def _files(folder: Path) -> str:
    """A folder of levels, told apart by their numbers."""
    levels = numbered([0.0, 0.25, 0.5, 1.0], [0.1, 0.2, 0.3, 0.4])
    for i in range(4):
        name = f"level_{i}"
        level_file.write(world(levels, i), folder / f"{name}.json", name, "A number.", "s")
    return str(folder)


def evaluate(key: jax.Array, levels: Any) -> Any:
    return Evaluate(ATTEMPTS)(key, levels)


def begun(made: Curriculum) -> Any:
    """The state after a first refresh, as every run begins."""
    return made.refresh(made.init(jax.random.key(0)), jax.random.key(1), evaluate)


def played(assignment: Assignment) -> Any:
    return outcome(np.arange(WORLDS) % 2, np.full(WORLDS, 3))


def rounds(made: Curriculum, state: Any, count: int, successes: int = 1, first: int = 0, evaluate: Any = evaluate) -> Any:
    """The state after some assignments, each solved `successes` times of three, with refreshes between."""
    for i in range(first, first + count):
        if i % made.refresh_every == 0:
            state = made.refresh(state, jax.random.key(100 + i), evaluate)
        state, assignment = made.assign(state, jax.random.key(200 + i), WORLDS)
        state = made.record(state, assignment, outcome(np.full(WORLDS, successes), np.full(WORLDS, 3)))
    return state


def pool_of(state: Any) -> LevelPool:
    """The pool, by which levels are known again; kinds that keep none have nothing to test."""
    if not isinstance(getattr(state, "pool", None), LevelPool):
        pytest.skip("keeps no pool")
    return jax.tree.map(np.asarray, state.pool)


def check_assignment(state: Any, assignment: Assignment, count: int) -> None:
    check(assignment, worlds=count, **SLOTS.dims)
    slot = np.asarray(assignment.slot)
    assert slot.min() >= FRESH
    assert np.all(numbers(assignment.levels) > 0), "levels of the generator, not blank ones"
    np.testing.assert_array_equal(assignment.hash, hash_levels(assignment.levels))
    pool = getattr(state, "pool", None)
    if isinstance(pool, LevelPool):
        known = np.flatnonzero(slot != FRESH)
        assert np.all(np.asarray(pool.filled)[slot[known]])
        np.testing.assert_array_equal(numbers(assignment.levels)[known], numbers(pool.levels)[slot[known]])


def shapes(state: Any) -> Any:
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), state)


def host(state: Any) -> Any:
    return jax.tree.map(np.asarray, state)


def test_every_method_keeps_the_shape_of_the_state(kind: str):
    """So that a state can be restored into any other, and programs are compiled once."""
    made = make(kind)
    state = made.init(jax.random.key(0))
    expected = shapes(state)
    for round in range(2):
        state = made.refresh(state, jax.random.key(round), evaluate)
        assert shapes(state) == expected, "refresh"
        state, assignment = made.assign(state, jax.random.key(10 + round), WORLDS)
        assert shapes(state) == expected, "assign"
        state = made.record(state, assignment, played(assignment))
        assert shapes(state) == expected, "record"


def test_a_kind_that_keeps_a_pool_is_known_to(kind: str):
    """So that a run's pool can be read without its curriculum."""
    state = make(kind).init(jax.random.key(0))
    assert isinstance(getattr(state, "pool", None), LevelPool) == hasattr(state, "assignments") == (kind in POOLED)


def test_an_assignment_has_a_level_and_an_origin_for_every_world(kind: str):
    made = make(kind)
    state = begun(made)
    for count in (3, WORLDS):
        state, assignment = made.assign(state, jax.random.key(count), count)
        check_assignment(state, assignment, count)


def test_before_the_first_refresh_levels_are_handed_out_all_the_same(kind: str):
    made = make(kind)
    state, assignment = made.assign(made.init(jax.random.key(0)), jax.random.key(1), WORLDS)
    check_assignment(state, assignment, WORLDS)
    made.record(state, assignment, played(assignment))


@pytest.mark.parametrize("successes", [0, 3])
def test_levels_that_are_all_solved_or_never_leave_it_working(kind: str, successes: int):
    made = make(kind)
    state = rounds(made, begun(made), 7, successes, evaluate=Evaluate(ATTEMPTS, skill=float(np.sign(successes - 1))))
    state, assignment = made.assign(state, jax.random.key(5), WORLDS)
    check_assignment(state, assignment, WORLDS)
    assert all(np.isfinite(value) for value in made.metrics(state).values())
    assert np.isfinite(made.look(state).learnability).all()


def test_levels_that_nobody_finishes_leave_it_working(kind: str):
    def nothing(key: jax.Array, levels: Any) -> Any:
        return outcome(np.zeros(count_worlds(levels)), np.zeros(count_worlds(levels)))

    made = make(kind)
    state = made.refresh(made.init(jax.random.key(0)), jax.random.key(1), nothing)
    state, assignment = made.assign(state, jax.random.key(2), WORLDS)
    check_assignment(state, assignment, WORLDS)
    state = made.record(state, assignment, outcome(np.zeros(WORLDS), np.zeros(WORLDS)))
    assert all(np.isfinite(value) for value in made.metrics(state).values())


def test_a_full_pool_stays_full_of_different_levels(kind: str):
    made = make(kind)
    state = rounds(made, begun(made), 1)
    for part in range(3):
        state = rounds(made, state, 3, first=3 * part)
        pool = pool_of(state)
        assert pool.filled.all()
        assert len(set(numbers(pool.levels).tolist())) == POOL
        np.testing.assert_array_equal(pool.hash, hash_levels(pool.levels))


def test_a_flood_of_one_level_takes_one_slot(kind: str):
    made = make(kind)
    _made(kind)[1].flood_with(0.5, 0.125)
    state = rounds(made, begun(made), 7)
    pool = pool_of(state)
    assert np.sum(numbers(pool.levels)[pool.filled] == 0.125) == 1
    state, assignment = made.assign(state, jax.random.key(5), WORLDS)
    check_assignment(state, assignment, WORLDS)


def test_an_outcome_is_counted_once_for_every_level_that_is_still_there(kind: str):
    made = make(kind)
    state, assignment = made.assign(rounds(made, begun(made), 1), jax.random.key(2), WORLDS)
    before, after = pool_of(state), pool_of(made.record(state, assignment, played(assignment)))
    episodes, successes = np.zeros(POOL, int), np.zeros(POOL, int)
    for i, slot in enumerate(np.asarray(assignment.slot)):
        if slot != FRESH:
            episodes[slot] += 3
            successes[slot] += i % 2
    same = np.all(before.hash == after.hash, axis=0)
    assert same.any() or not episodes.any()
    np.testing.assert_array_equal((after.total_episodes - before.total_episodes)[same], episodes[same])
    np.testing.assert_array_equal((after.total_successes - before.total_successes)[same], successes[same])


def test_a_late_outcome_of_a_level_that_was_evicted_changes_nothing(kind: str):
    made = make(kind)
    state, assignment = made.assign(rounds(made, begun(made), 1), jax.random.key(2), WORLDS)
    pool = pool_of(state)
    slot = np.arange(WORLDS, dtype=np.int32) % POOL
    late = dataclasses.replace(assignment, slot=slot, hash=np.asarray(assignment.hash) + np.uint32(1))
    after = pool_of(made.record(state, late, played(late)))
    jax.tree.map(np.testing.assert_array_equal, after.levels, pool.levels)
    for name in ("filled", "hash", "successes", "episodes", "total_successes", "total_episodes", "best_return"):
        np.testing.assert_array_equal(getattr(after, name), getattr(pool, name), err_msg=name)


def test_what_there_is_to_see_has_the_same_shapes_at_all_times(kind: str):
    made = make(kind)
    states = [made.init(jax.random.key(0)), begun(made)]
    states.append(rounds(made, states[-1], 4))
    looks = [host(made.look(state)) for state in states]
    for look in looks:
        assert shapes(look) == shapes(looks[0])
        assert np.all((look.rate >= 0) & (look.rate <= 1))
        assert np.all((look.candidate_rate >= 0) & (look.candidate_rate <= 1))
        assert np.all((look.learnability >= 0) & (look.learnability <= 0.26))
        assert np.all(look.age[look.filled] >= 0)


def test_it_says_how_often_it_wants_to_be_refreshed(kind: str):
    assert make(kind).refresh_every == (1 if kind in ("robust_plr", "accel") else 3)


def test_the_same_state_and_key_assign_the_same_and_another_key_does_not(kind: str):
    made = make(kind)
    state = begun(made)
    (after, first), (after_again, again), (_, other) = (made.assign(state, jax.random.key(key), WORLDS) for key in (5, 5, 6))
    jax.tree.map(np.testing.assert_array_equal, first, again)
    jax.tree.map(np.testing.assert_array_equal, after, after_again)
    assert not np.array_equal(numbers(first.levels), numbers(other.levels))


def test_refreshing_is_repeatable(kind: str):
    jax.tree.map(np.testing.assert_array_equal, begun(make(kind)), begun(make(kind)))


def test_nothing_given_is_changed(kind: str):
    """A state is a value: what was saved yesterday must still be what it was."""
    made = make(kind)
    state = begun(made)
    kept = jax.tree.map(np.array, state)
    after, assignment = made.assign(state, jax.random.key(2), WORLDS)
    made.record(after, assignment, played(assignment))
    made.refresh(state, jax.random.key(3), evaluate)
    jax.tree.map(np.testing.assert_array_equal, state, kept)


def test_metrics_are_finite_scalars_with_the_same_names_at_all_times(kind: str):
    made = make(kind)
    states = [made.init(jax.random.key(0)), begun(made)]
    state, assignment = made.assign(states[-1], jax.random.key(2), WORLDS)
    states.append(made.record(state, assignment, played(assignment)))
    found = [made.metrics(state) for state in states]
    assert found[0]
    for metrics in found:
        assert set(metrics) == set(found[0])
        assert all(np.shape(value) == () and np.isfinite(value) for value in metrics.values())


def test_a_state_survives_the_way_through_host_memory(kind: str):
    """As a checkpoint takes it."""
    made = make(kind)
    state = rounds(made, begun(made), 4)
    restored = jax.tree.map(jnp.asarray, host(state))
    assert shapes(restored) == shapes(state)
    found = []
    for each in (state, restored):
        after = rounds(made, each, 3, first=4)
        after, assignment = made.assign(after, jax.random.key(2), WORLDS)
        found.append(host((after, assignment, made.metrics(after), made.look(after))))
    jax.tree.map(np.testing.assert_array_equal, *found)


def test_impossible_settings_are_refused_by_name(kind: str):
    for setting in ({"pool_size": 0}, {"pool_share": 1.5}, {"pool_share": -0.1}, {"scout_attempts": 0}, {"refresh_every": 0}):
        with pytest.raises(InputError, match=next(iter(setting))):
            CurriculumConfig(kind=kind, **setting)
    with pytest.raises(InputError, match=f"kind.*{kind}"):
        CurriculumConfig(kind=kind + "x")
