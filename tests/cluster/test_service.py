"""The curriculum service: outcomes that come late, twice or never spoil nothing; one that is killed goes on as if it had not been."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cluster.base import RunSettings
from cluster.roles.curriculum import NONE, CurriculumService
from curriculum.base import Assignment
from envs import sizes
from envs.base import Level
from envs.outcome import Outcome
from physics.pytree import zeros

WORLDS, SLOTS = 4, 16
CAPACITY = sizes.capacity("s")


class Counting:
    """A curriculum that draws slots and adds up how often each was finished."""

    refresh_every = 2

    def init(self, key: jax.Array) -> dict:
        return {"finished": np.zeros(SLOTS, np.int32), "refreshes": np.int32(0)}

    def assign(self, state: dict, key: jax.Array, count: int) -> tuple[dict, Assignment]:
        slot = jax.random.randint(key, (count,), 0, SLOTS)
        return state, dataclasses.replace(BLANK, slot=slot)

    def record(self, state: dict, assignment: Assignment, outcome: Outcome) -> dict:
        finished = state["finished"].copy()
        np.add.at(finished, np.asarray(assignment.slot), np.asarray(outcome.episodes))
        return state | {"finished": finished}

    def refresh(self, state: dict, key: jax.Array, evaluate) -> dict:
        return state | {"refreshes": state["refreshes"] + 1}

    def metrics(self, state: dict) -> dict:
        return {"finished": state["finished"].sum(), "refreshes": state["refreshes"]}


BLANK: Assignment = None  # type: ignore[assignment]


@pytest.fixture(autouse=True, scope="module")
def _levels():
    global BLANK
    BLANK = jax.jit(lambda: zeros(Assignment, worlds=WORLDS, **CAPACITY.dims))()


def service() -> CurriculumService:
    made = CurriculumService(Counting(), RunSettings(worlds=WORLDS, seed=3), CAPACITY)
    made.begin()
    return made


def scout(key: jax.Array, levels: Level) -> Outcome:
    raise AssertionError("nothing is scouted here")


def outcome(*episodes: int) -> Outcome:
    """Every episode a success."""
    count, blank = np.array(episodes, np.int32), jax.device_get(zeros(Outcome, worlds=len(episodes)))
    return dataclasses.replace(blank, episodes=count, successes=count)


def slots(assignment: Assignment | None) -> list[int]:
    assert assignment is not None
    return np.asarray(assignment.slot).tolist()


def finished(made: CurriculumService) -> np.ndarray:
    return made.state()[0]["finished"]


def test_a_lease_asked_for_again_is_the_same_and_does_not_refresh_again():
    made = service()
    first, again = (made.lease(0, scout)[0] for _ in range(2))
    assert first is again
    assert made.state()[0]["refreshes"] == 1
    made.record(0, outcome(1, 1, 1, 1))
    assert slots(made.lease(1, scout)[0]) != slots(first)
    assert made.state()[0]["refreshes"] == 1


def test_parts_of_workers_are_recorded_as_one_outcome_in_the_order_of_the_worlds():
    whole, parts = service(), service()
    for made in (whole, parts):
        made.lease(0, scout)
    whole.record(0, outcome(1, 2, 3, 4))
    parts.record(0, outcome(1, 2), outcome(3), outcome(4))
    np.testing.assert_array_equal(finished(whole), finished(parts))
    assert finished(whole).sum() == 10


def test_a_second_record_is_dropped_and_counted():
    made = service()
    made.lease(0, scout)
    assert "records_dropped" not in made.record(0, outcome(1, 1, 1, 1))
    assert made.record(0, outcome(5, 5, 5, 5)) == {"records_dropped": 1.0}
    assert finished(made).sum() == 4


def test_a_late_record_is_dropped_and_does_not_close_the_lease_that_is_open():
    made = service()
    made.lease(0, scout)
    made.lease(1, scout)
    assert made.record(0, outcome(5, 5, 5, 5)) == {"records_dropped": 1.0, "leases_never_recorded": 1.0}
    found = made.record(1, outcome(1, 1, 1, 1))
    assert finished(made).sum() == 4
    assert found["leases_never_recorded"] == 1
    assert made.record(7, outcome(1, 1, 1, 1))["records_dropped"] == 2


@pytest.mark.parametrize("moment", ["before the lease", "between lease and record", "after the record"])
def test_one_that_is_killed_and_restored_goes_on_as_if_it_had_not_been(moment):
    undisturbed, killed = service(), service()
    rng = np.random.default_rng(0)
    for number in range(4):
        played = outcome(*rng.integers(0, 5, WORLDS))
        expected = undisturbed.lease(number, scout)[0]
        undisturbed.record(number, played)
        if moment == "before the lease":
            killed = restored(killed)
        killed.lease(number, scout)
        if moment == "between lease and record":
            killed = restored(killed)
        assert slots(killed.lease(number, scout)[0]) == slots(expected)
        killed.record(number, played)
        if moment == "after the record":
            killed = restored(killed)
            assert killed.record(number, played)["records_dropped"] == 1, "it is known to be recorded"
    for one, other in zip(undisturbed.state()[0].values(), killed.state()[0].values(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert int(killed.state()[2]) == NONE


def restored(killed: CurriculumService) -> CurriculumService:
    """Another one, with what a checkpoint would hold."""
    state, assignment, lease = jax.device_get(killed.state())
    made = service()
    made.load(state, assignment, lease)
    return made


def test_what_a_run_begins_with_has_the_shapes_of_what_it_goes_on_with():
    begun, going = service(), service()
    going.lease(0, scout)
    shapes = [jax.tree.map(lambda leaf: (jnp.shape(leaf), jnp.result_type(leaf)), made.state()[1:]) for made in (begun, going)]
    assert shapes[0] == shapes[1]
