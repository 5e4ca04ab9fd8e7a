"""The crew with roles that only note what they are asked: who plays what with which parameters, and what happens when one is lost."""

import dataclasses

import pytest

from cluster.backend import ALL, LostError
from cluster.base import ClusterConfig, Progress, RunSettings
from cluster.crew import Crew

HOLD = 2


@dataclasses.dataclass
class Notes:
    """A backend in which every call is noted and every value says how it came to be. Whatever is in `faults` fails, once."""

    workers: list[str] = dataclasses.field(default_factory=lambda: ["worker 0", "worker 1"])
    calls: list[tuple] = dataclasses.field(default_factory=list)
    faults: dict[tuple, object] = dataclasses.field(default_factory=dict)
    busy: bool = False  # whether the evaluator has not done yet
    updates: int = 0
    tell: object = None

    def call(self, role: str, method: str, *args: object, returns: int = 1) -> object:
        self.calls.append((role, method, *args))
        found = getattr(self, method, lambda *_: None)(role, *args)
        fault = self.faults.pop((role, method, *args[1:2]), None)
        if fault is not None:
            found = (found[0], fault) if returns > 1 else fault
        return found

    def params(self, role: str) -> str:
        return f"params {self.updates}"

    def export(self, role: str) -> str:
        return self.params(role)

    def collect(self, role: str, params: str, iteration: int, *lease: object) -> tuple:
        return f"{role} played {iteration} with {params}", 0.0

    def take_outcome(self, role: str) -> tuple:
        return f"outcome of {role}", None

    def update(self, role: str, iteration: int, *rollouts: str) -> tuple:
        self.updates += 1
        return self.params(role), {"updates": self.updates}

    def lease(self, role: str, number: int, scout: object) -> tuple:
        return f"levels {number}", None

    def record(self, role: str, number: int, *outcomes: str) -> dict:
        return {"recorded": number}

    def scalars(self, role: str, params: str, seed: int) -> dict:
        return {"measured": params}

    def look(self, role: str) -> dict:
        return {"looked": role}

    def view(self, role: str) -> str:
        return f"seen after {self.updates} updates"

    def put(self, value: object) -> object:
        return value

    def result(self, future: object) -> object:
        if isinstance(future, LostError):
            raise future
        return future

    def ready(self, future: object) -> bool:
        return not self.busy

    def scout(self, params: str) -> str:
        return f"scout with {params}"

    def replace(self, lost: LostError) -> None:
        self.calls.append(("replace", lost.role))
        if lost.role == "learner":
            raise lost

    def restart(self, lost: LostError) -> None:
        self.calls.append(("restart", lost.role))

    def of(self, method: str) -> list[tuple]:
        return [call for call in self.calls if call[1] == method]


class Heard(list):
    """Events."""

    def __call__(self, what: str, role: str, **said: object) -> None:
        self.append((what, role, said.get("iteration")))


def crew(lag: int = 0, **faults_or_fields: object) -> tuple[Crew, Notes, Heard]:
    notes, heard = Notes(**faults_or_fields), Heard()  # type: ignore[arg-type]
    notes.tell = heard
    cluster = ClusterConfig(backend="ray", max_lag=lag, workers=2)
    made = Crew(notes, RunSettings(rollouts_per_assignment=HOLD), cluster)  # type: ignore[arg-type]
    made.begin()
    notes.calls.clear()
    return made, notes, heard


def played(notes: Notes) -> list[tuple[int, str]]:
    """(iteration, parameters) of what the first worker was asked to play."""
    return [(call[3], call[2]) for call in notes.of("collect") if call[0] == "worker 0"]


def test_without_a_lag_everything_is_done_in_turn():
    made, notes, _ = crew()
    metrics = [made.iterate(i, 100) for i in range(4)]
    assert played(notes) == [(i, f"params {i}") for i in range(4)]
    assert [call[2:4] for call in notes.of("lease")] == [(0, "scout with params 0"), (1, "scout with params 2")]
    assert [call[2:] for call in notes.of("record")] == [(n, "outcome of worker 0", "outcome of worker 1") for n in (0, 1)]
    assert [found.get("recorded") for found in metrics] == [None, 0, None, 1]
    assert notes.of("update")[3][2:] == (3, "worker 0 played 3 with params 3", "worker 1 played 3 with params 3")
    assert "lag" not in metrics[0]


def test_new_levels_go_to_every_worker_at_the_first_rollout_of_a_lease():
    made, notes, _ = crew()
    for i in range(3):
        made.iterate(i, 100)
    assert [call[4:] for call in notes.of("collect")] == [("levels 0", 0)] * 2 + [()] * 2 + [("levels 1", 1)] * 2


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_parameters_are_behind_by_the_lag_and_never_by_more(lag):
    made, notes, _ = crew(lag)
    lags = [made.iterate(i, 100)["lag"] for i in range(6)]
    assert lags == [float(min(i, lag)) for i in range(6)]
    assert played(notes)[:6] == [(i, f"params {max(0, i - lag)}") for i in range(6)]


def test_a_lag_lets_nothing_begin_past_the_next_checkpoint():
    made, notes, _ = crew(2)
    for i in range(4):
        made.iterate(i, 4)
    assert made.flying == 0
    assert max(call[3] for call in notes.of("collect")) == 3
    made.iterate(4, 8)
    assert [version for i, version in played(notes) if i in (4, 5, 6)] == ["params 4"] * 3


def test_with_a_lag_levels_are_chosen_after_all_that_was_played_before_is_recorded():
    made, notes, _ = crew(2)
    for i in range(7):
        made.iterate(i, 100)
    order = [call[1:3] for call in notes.calls if call[1] in ("lease", "record")]
    assert order[:6] == [("lease", 0), ("record", 0), ("lease", 1), ("record", 1), ("lease", 2), ("record", 2)]


def test_a_worker_lost_in_mid_lease_begins_the_same_levels_anew_and_nothing_is_recorded_twice():
    made, notes, heard = crew(faults={("worker 1", "collect", 3): LostError("worker 1", "killed")})
    for i in range(4):
        made.iterate(i, 100)
    again = [call for call in notes.of("collect") if call[0] == "worker 1" and call[3] == 3]
    assert [call[4:] for call in again] == [(), ("levels 1", 1)]
    assert len([call for call in notes.of("collect") if call[0] == "worker 0"]) == 4
    assert [call[2] for call in notes.of("record")] == [0, 1]
    assert [call[2] for call in notes.of("update")] == [0, 1, 2, 3]
    assert heard == [("lost", "worker 1", 3), ("recovered", "worker 1", 3)]


def test_a_worker_lost_with_flights_ahead_plays_all_that_it_owes():
    made, notes, _ = crew(2, faults={("worker 1", "collect", 2): LostError("worker 1", "killed")})
    for i in range(5):
        made.iterate(i, 100)
    after = notes.calls[notes.calls.index(("replace", "worker 1")) :]
    assert next(call[2:] for call in after if call[:2] == ("worker 1", "collect")) == ("params 0", 2, "levels 1", 1)
    owed = [call[3] for call in after if call[:2] == ("worker 1", "collect")]
    assert owed == sorted(set(owed)), "each once"


def test_an_outcome_lost_on_the_way_is_played_anew():
    made, notes, _ = crew()
    made.iterate(0, 100)
    notes.faults[("worker 0", "take_outcome")] = LostError("worker 0", "killed")
    made.iterate(1, 100)
    assert [call[4:] for call in notes.of("collect") if call[0] == "worker 0"] == [("levels 0", 0), (), ("levels 0", 0)]
    assert [call[2] for call in notes.of("record")] == [0]


def test_a_worker_whose_results_are_not_finite_is_replaced_once_and_then_believed():
    made, notes, heard = crew(faults={("worker 1", "collect", 0): 0.9})
    made.iterate(0, 100)
    assert heard == [("lost", "worker 1", 0), ("recovered", "worker 1", 0)]
    made, notes, heard = crew()
    notes.collect = lambda *_: ("rollout", 0.9)  # type: ignore[method-assign]
    made.iterate(0, 100)
    assert [row[:2] for row in heard if row[0] == "lost"] == [("lost", "worker 0"), ("lost", "worker 1")]
    made, notes, heard = crew(faults={("worker 1", "collect", 0): 0.4})
    made.iterate(0, 100)
    assert heard == []


def test_a_worker_that_is_lost_while_levels_are_scouted_is_replaced_and_the_lease_asked_for_again():
    made, notes, _ = crew()
    lease, failed = notes.lease, []

    def once(role: str, number: int, scout: object) -> tuple:
        if not failed:
            failed.append(number)
            return None, LostError("worker 0", "killed")
        return lease(role, number, scout)

    notes.lease = once  # type: ignore[method-assign]
    made.iterate(0, 100)
    assert [call[2] for call in notes.of("lease")] == [0, 0]
    assert ("replace", "worker 0") in notes.calls


def test_a_worker_that_is_lost_again_and_again_stops_the_run_in_words():
    made, notes, _ = crew()
    notes.collect = lambda role, *_: ("rollout", LostError(role, "killed"))  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="worker 0 was lost 5 times in a row"):
        made.iterate(0, 100)


def test_without_learner_or_curriculum_nobody_goes_on():
    made, notes, heard = crew()
    notes.update = lambda *_: (None, LostError("learner", "killed"))  # type: ignore[method-assign]
    with pytest.raises(LostError) as lost:
        made.iterate(0, 100)
    del notes.update
    made.start_over(lost.value)
    assert ("restart", "learner") in notes.calls
    made.begin()
    made.iterate(0, 100)
    assert heard == [("lost", "learner", 0), ("recovered", ALL, 0)]


def test_one_evaluation_is_sat_at_a_time_and_the_newest_of_those_that_wait_comes_next():
    made, notes, _ = crew(busy=True)
    for iteration in range(4):
        made.examine(Progress(iteration=iteration))
        assert made.examined() == []
        made.iterate(iteration, 100)
    assert len(notes.of("scalars")) == 1
    notes.busy = False
    found = made.examined(wait=True)
    assert [(progress.iteration, scalars["measured"]) for progress, scalars, _view in found] == [(0, "params 0"), (3, "params 3")]
    assert [view for *_, view in found] == ["seen after 0 updates", "seen after 3 updates"], "as it was when it was asked for"
    assert found[0][1]["looked"] == "worker 0"


def test_an_evaluator_that_is_lost_is_asked_again_of_the_same_parameters():
    made, _notes, heard = crew(faults={("evaluator", "scalars", 0): LostError("evaluator", "killed")})
    made.examine(Progress())
    made.iterate(0, 100)
    [(_progress, scalars, _view)] = made.examined(wait=True)
    assert scalars["measured"] == "params 0"
    assert [row[:2] for row in heard] == [("lost", "evaluator"), ("recovered", "evaluator")]
