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
from curriculum.base import FRESH, Assignment
from envs import level_file
from physics.errors import InputError
from physics.pytree import check, world

KINDS = next(field for field in dataclasses.fields(CurriculumConfig) if field.name == "kind").metadata["meaning"].choices
ATTEMPTS, WORLDS = 4, 8

pytestmark = pytest.mark.parametrize("kind", KINDS)


@functools.cache
def make(kind: str) -> Curriculum:
    """One of each kind: its programs compile once."""
    with tempfile.TemporaryDirectory() as folder:
        levels = _files(Path(folder)) if kind == "named" else ""
        config = CurriculumConfig(kind=kind, pool_size=4, candidates=16, scout_attempts=ATTEMPTS, levels=levels)
        return curriculum.make(config, Generate(0.0, 0.25, 0.5, 1.0), edit, SLOTS)


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


def test_an_assignment_has_a_level_and_an_origin_for_every_world(kind: str):
    made = make(kind)
    state = begun(made)
    for count in (3, WORLDS):
        state, assignment = made.assign(state, jax.random.key(count), count)
        check(assignment.levels, worlds=count, **SLOTS.dims)
        assert assignment.slot.shape == (count,)
        assert assignment.slot.dtype == np.int32
        assert int(assignment.slot.min()) >= FRESH
        assert np.all(numbers(assignment.levels) > 0), "levels of the generator, not blank ones"


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
    state = begun(made)
    restored = jax.tree.map(jnp.asarray, host(state))
    assert shapes(restored) == shapes(state)
    found = []
    for each in (state, restored):
        after, assignment = made.assign(each, jax.random.key(2), WORLDS)
        after = made.record(after, assignment, played(assignment))
        found.append(host((after, assignment, made.metrics(after))))
    jax.tree.map(np.testing.assert_array_equal, *found)


def test_impossible_settings_are_refused_by_name(kind: str):
    for setting in ({"pool_size": 0}, {"pool_share": 1.5}, {"pool_share": -0.1}, {"scout_attempts": 0}, {"refresh_every": 0}):
        with pytest.raises(InputError, match=next(iter(setting))):
            CurriculumConfig(kind=kind, **setting)
    with pytest.raises(InputError, match=f"kind.*{kind}"):
        CurriculumConfig(kind=kind + "x")
