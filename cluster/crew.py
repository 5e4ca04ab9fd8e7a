"""The crew: all roles of a run at work together, whatever runs them.

An iteration is a flight: every worker plays its part of the worlds, and the learner learns from all parts.
With a lag, later flights are sent out with the parameters that are known while the learner learns.
Every few iterations a new lease gives all worlds new levels; it is recorded before the next one is asked for.

A worker that is lost is replaced. The new one begins the levels of the lease anew and plays the flights that
the other one owed: what was lost had not been recorded, so nothing counts twice.
"""

import dataclasses
import time
from typing import Any

import jax
import numpy as np

from cluster.backend import ALL, CURRICULUM, EVALUATOR, LEARNER, Backend, Future, LostError
from cluster.base import ClusterConfig, Progress, RunSettings, RunState
from learners.base import Params, Worlds

POISONED = 0.5  # share of a worker's worlds that are not finite from which on it is the worker that is broken


@dataclasses.dataclass
class Flight:
    """One iteration that is being played."""

    iteration: int
    params: Future
    version: int  # updates that these parameters have seen
    rollouts: dict[str, tuple[Future, Future]] = dataclasses.field(default_factory=dict)  # of every worker: rollout and note
    outcomes: dict[str, tuple[Future, Future]] = dataclasses.field(default_factory=dict)  # where a lease ends
    record: Future = None
    arrived: bool = False


@dataclasses.dataclass
class Exam:
    """An evaluation that is asked for."""

    params: Future
    progress: Progress
    look: Future
    scalars: Future = None


class Crew:
    """Drives the roles of a backend."""

    def __init__(self, backend: Backend, settings: RunSettings, cluster: ClusterConfig) -> None:
        """Nothing is begun yet."""
        self.backend = backend
        self._settings = settings
        self._cluster = cluster
        self._params: Future = None
        self._assignment: Future = None
        self._flights: list[Flight] = []
        self._exams: list[Exam] = []  # the first one is being sat
        self._iteration = self._begun_anew = 0
        self._missing: dict[str, float] = {}  # since when roles are lost

    def begin(self, params: Params | None = None) -> None:
        """Bring all roles to the state of a run that has not begun; with the parameters of another run, if given."""
        call, backend = self.backend.call, self.backend
        begun = [call(LEARNER, "begin", params), call(CURRICULUM, "begin"), *(call(name, "begin") for name in backend.workers)]
        self._start(begun)

    def load(self, state: RunState) -> None:
        """Bring all roles to a state."""
        call, backend = self.backend.call, self.backend
        worlds, self._assignment = backend.put(state.worlds), backend.put(state.assignment)
        loaded = [call(LEARNER, "load", state.train), call(CURRICULUM, "load", state.curriculum, self._assignment, state.lease)]
        self._start([*loaded, *(call(name, "load", worlds) for name in backend.workers)])

    def start_over(self, lost: LostError) -> None:
        """All roles anew, as one is gone without whom no other can go on. They hold nothing: `begin` or `load` comes next."""
        self.backend.tell("regrouped" if lost.role == ALL else "lost", lost.role, cause=lost.cause, iteration=self._iteration)
        self._missing = {ALL: self._missing.get(ALL, time.monotonic())}
        self._begun_anew += 1
        if self._begun_anew > self._cluster.replacements:
            raise self._given_up(lost.role)
        self.backend.restart(lost)

    def regroup(self) -> None:
        """Raises `LostError` if all roles should begin anew from a checkpoint, as more workers find room by now."""
        cause = self.backend.room()
        if cause:
            raise LostError(ALL, cause)

    def _start(self, futures: list[Future]) -> None:
        for future in futures:
            self.backend.result(future)
        self._params = self.backend.call(LEARNER, "params")
        self._flights, self._exams = [], []

    def state(self) -> RunState:
        """The state of all roles. No flight may be out."""
        call, result = self.backend.call, self.backend.result
        train, service = call(LEARNER, "state"), call(CURRICULUM, "state")
        parts = [self._part(name, part) for name, part in [(name, call(name, "worlds")) for name in self.backend.workers]]
        worlds = parts[0] if len(parts) == 1 else jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=-1), *parts)
        curriculum, assignment, lease = result(service)
        key = jax.random.key(self._settings.seed)
        return RunState(train=result(train), worlds=worlds, curriculum=curriculum, assignment=assignment, lease=lease, key=key)

    def _part(self, name: str, part: Future) -> Worlds:
        """A worker's worlds; one that was lost with them begins its levels anew."""
        for _ in range(self._cluster.replacements):
            try:
                return self.backend.result(part)
            except LostError as lost:
                self._replace(lost)
                self.backend.call(name, "assign", self._assignment, 0)
                part = self.backend.call(name, "worlds")
        raise self._given_up(name)

    @property
    def flying(self) -> int:
        """Flights that are out."""
        return len(self._flights)

    def iterate(self, iteration: int, until: int) -> dict[str, float]:
        """Play and learn iteration `iteration`: metrics. Nothing from iteration `until` on is begun yet."""
        self._iteration = iteration
        if not self._flights:
            self._send(iteration, self._params, iteration)
        flight, params = self._flights[0], self._params
        self._arrive(flight)
        rollouts = [flight.rollouts[name][0] for name in self.backend.workers]
        self._params, found = self.backend.call(LEARNER, "update", iteration, *rollouts, returns=2)
        for ahead in range(iteration + len(self._flights), min(iteration + self._cluster.max_lag + 1, until)):
            self._send(ahead, params, iteration)
        metrics = dict(self.backend.result(found))
        if flight.record is not None:
            metrics |= self.backend.result(flight.record)
        if self._cluster.max_lag:
            metrics |= {"lag": float(iteration - flight.version), "cluster/queue": float(len(self._flights))}
        self._flights.pop(0)
        self._begun_anew = 0
        self._recovered(ALL)
        return metrics

    def _send(self, iteration: int, params: Future, version: int) -> None:
        flight, hold = Flight(iteration, params, version), self._settings.rollouts_per_assignment
        if iteration % hold == 0:
            for before in self._flights:  # what they played is recorded before levels are chosen
                self._arrive(before)
            self._lease(iteration // hold, params)
        self._flights.append(flight)
        for name in self.backend.workers:
            self._play(name, flight, begin=iteration % hold == 0)

    def _lease(self, number: int, params: Future) -> None:
        for _ in range(self._cluster.replacements):
            assignment, done = self.backend.call(CURRICULUM, "lease", number, self.backend.scout(params), returns=2)
            try:
                self.backend.result(done)
            except LostError as lost:  # while scouting; the lease is asked for again
                self._replace(lost)
                continue
            self._assignment = assignment
            return
        raise self._given_up("scouting")

    def _play(self, name: str, flight: Flight, begin: bool) -> None:
        """Have a worker play its part of a flight, and of a new lease if it begins with it."""
        hold = self._settings.rollouts_per_assignment
        lease = (self._assignment, flight.iteration // hold) if begin else ()
        flight.rollouts[name] = self.backend.call(name, "collect", flight.params, flight.iteration, *lease, returns=2)
        if flight.iteration % hold == hold - 1:
            flight.outcomes[name] = self.backend.call(name, "take_outcome", returns=2)

    def _arrive(self, flight: Flight) -> None:
        """Wait until every worker has played its part, whoever has to be replaced; then record a lease that ends."""
        if flight.arrived:
            return
        for name in self.backend.workers:
            self._wait(name, flight)
        flight.arrived = True
        if flight.outcomes:
            number = flight.iteration // self._settings.rollouts_per_assignment
            outcomes = [flight.outcomes[name][0] for name in self.backend.workers]
            flight.record = self.backend.call(CURRICULUM, "record", number, *outcomes)

    def _wait(self, name: str, flight: Flight) -> None:
        poisoned = False
        for _ in range(self._cluster.replacements + 1):
            try:
                note = self.backend.result(flight.rollouts[name][1])
                if note is not None and note > POISONED and not poisoned:
                    poisoned = True  # if the next one plays so too, it is not the worker
                    raise LostError(name, f"{note:.0%} of its worlds are not finite")
                if flight.outcomes:
                    self.backend.result(flight.outcomes[name][1])
            except LostError as lost:
                self._replace(lost)
                for later in self._flights[self._flights.index(flight) :]:
                    self._play(name, later, begin=later is flight)
                continue
            self._recovered(name)
            return
        raise self._given_up(name)

    def _replace(self, lost: LostError) -> None:
        self.backend.replace(lost)
        self.backend.tell("lost", lost.role, cause=lost.cause, iteration=self._iteration)
        self._missing.setdefault(lost.role, time.monotonic())

    def _recovered(self, role: str) -> None:
        """Whoever had taken its place has done what was asked."""
        if role in self._missing:
            self.backend.tell("recovered", role, iteration=self._iteration, seconds=time.monotonic() - self._missing.pop(role))

    def _given_up(self, role: str) -> RuntimeError:
        return RuntimeError(f"{role} was lost {self._cluster.replacements} times in a row; events.jsonl says why")

    def examine(self, progress: Progress) -> None:
        """Ask for an evaluation of the present parameters. One is sat at a time; of those that wait the newest is kept."""
        params, look = self.backend.call(LEARNER, "export"), self.backend.call(self.backend.workers[0], "look")
        self._exams[1:] = [Exam(params, progress, look)]
        self._sit()

    def examined(self, wait: bool = False) -> list[tuple[Progress, dict[str, float]]]:
        """Evaluations that are done by now, or all that were asked for."""
        done = []
        while self._exams and (wait or self.backend.ready(self._exams[0].scalars)):
            exam = self._exams[0]
            try:
                scalars = self.backend.result(exam.scalars)
            except LostError as lost:
                self._replace(lost)
                exam.scalars = None
            else:
                self._recovered(EVALUATOR)
                done.append((exam.progress, scalars | self._looked(exam)))
                self._exams.pop(0)
            self._sit()
        return done

    def _sit(self) -> None:
        if self._exams and self._exams[0].scalars is None:
            exam = self._exams[0]
            exam.scalars = self.backend.call(EVALUATOR, "scalars", exam.params, self._settings.seed)

    def _looked(self, exam: Exam) -> dict[str, Any]:
        try:
            return self.backend.result(exam.look)
        except LostError:  # it is replaced when it is next waited for
            return {}
