"""The loop of a run, the same for every backend.

    for every iteration:
        when levels are due:       curriculum.refresh (now and then), curriculum.assign, worker.assign
        rollout = worker.collect(params)
        params  = learner.update(rollout)
        when levels are played:    curriculum.record(outcome)
        now and then:              evaluator.report, checkpoints.save

What happens in iteration `i` depends on the state after `i - 1` and on `i` alone, so a run that was
stopped and resumed goes on exactly as if it had not been.
"""

import dataclasses
import time
from collections.abc import Callable

import jax

from cluster import streams
from cluster.base import Progress, RunSettings, RunState
from cluster.checkpoint import Checkpoints
from cluster.profiler import Profiler
from cluster.roles.curriculum import CurriculumService
from cluster.roles.evaluator import Evaluator
from cluster.roles.learner import Learner
from cluster.roles.worker import RolloutWorker
from cluster.tracker import Tracker
from curriculum.base import Assignment
from envs.base import Level
from envs.outcome import Outcome
from learners.base import Params
from learners.report import Report
from physics.pytree import zeros


@dataclasses.dataclass(frozen=True)
class Roles:
    """Who does the work."""

    worker: RolloutWorker
    learner: Learner
    curriculum: CurriculumService
    evaluator: Evaluator


class DivergedError(RuntimeError):
    """Learning cannot go on: too many gradient steps in a row were not finite."""


class Supervisor:
    """Drives the roles through a run."""

    def __init__(
        self, settings: RunSettings, roles: Roles, tracker: Tracker, checkpoints: Checkpoints, profiler: Profiler,
        evaluate_every: int, checkpoint_every: int,
    ) -> None:  # fmt: skip
        """Nothing runs yet."""
        self._settings = settings
        self.roles = roles
        self._tracker = tracker
        self._checkpoints = checkpoints
        self._profiler = profiler
        self._evaluate_every = evaluate_every
        self._checkpoint_every = checkpoint_every
        self.progress = Progress()

    def init(self, params: Params | None = None) -> RunState:
        """The state of a run that has not begun; with the parameters of another run, if given."""
        roles, run = self.roles, jax.random.key(self._settings.seed)
        curriculum = roles.curriculum.init(streams.key(run, streams.CURRICULUM))
        assignment = self._blank_assignment()
        worlds = roles.worker.assign(assignment.levels, streams.key(run, streams.STAGGER))
        train = roles.learner.init(streams.key(run, streams.INIT)) if params is None else roles.learner.take_over(params)
        return RunState(train=train, worlds=worlds, curriculum=curriculum, assignment=assignment, key=run)

    def restore(self) -> RunState:
        """The state of the newest checkpoint."""
        state, self.progress = self._checkpoints.restore(self.init())
        return state

    def has_checkpoint(self) -> bool:
        """Whether there is anything to restore."""
        return self._checkpoints.latest() is not None

    def run(self, state: RunState, stop: Callable[[], bool] = lambda: False) -> RunState:
        """Iterate until the steps are done, time is up or `stop()`; ends at a checkpoint, also when it raises `DivergedError`."""
        started, before = time.monotonic(), self.progress.seconds
        if self.progress.iteration == 0:
            self._checkpoints.save(state, self.progress)
            self._evaluate(state)
            self._checkpoints.wait()
        while not (self.over() or stop()):
            begun = time.monotonic()
            with self._profiler.iteration(self.progress.iteration + 1):
                state, metrics = self._iterate(state)
            now = time.monotonic()
            self.progress = Progress(
                iteration=self.progress.iteration + 1,
                env_steps=self.progress.env_steps + self._settings.steps_per_iteration,
                seconds=before + now - started,
            )
            metrics["steps_per_second"] = self._settings.steps_per_iteration / (now - begun)
            self._tracker.log(self.progress, metrics)
            if metrics["skipped_in_a_row"] > self._settings.max_skipped_updates:
                self._save(state)
                raise DivergedError(self._why(int(metrics["skipped_in_a_row"])))
            if self.over() or self.progress.iteration % self._evaluate_every == 0:
                self._evaluate(state)
            if self.progress.iteration % self._checkpoint_every == 0:
                self._checkpoints.save(state, self.progress)
        self._save(state)
        return state

    def over(self) -> bool:
        """Whether the run has done all its steps or used all its time."""
        limit = self._settings.max_minutes * 60
        return self.progress.iteration >= self._settings.iterations or 0 < limit <= self.progress.seconds

    def report(self, state: RunState, way: int = 0) -> Report:
        """Measure the present parameters on the levels held out."""
        return self.roles.evaluator.report(state.train.params, streams.key(state.key, streams.EVALUATE), way)

    def _save(self, state: RunState) -> None:
        """A checkpoint that is on disk on return."""
        self._checkpoints.save(state, self.progress)
        self._checkpoints.wait()

    def _why(self, skipped: int) -> str:
        return (
            f"stopped at iteration {self.progress.iteration}: {skipped} gradient steps in a row were not finite, more than "
            f"run.max_skipped_updates={self._settings.max_skipped_updates}. The checkpoint holds the last good parameters. "
            "Look at gradient_norm, kl and poisoned_worlds in metrics.jsonl; start a new run with a lower optimizer.learning_rate."
        )

    def _iterate(self, state: RunState) -> tuple[RunState, dict[str, float]]:
        iteration, roles = self.progress.iteration, self.roles
        hold = self._settings.rollouts_per_assignment
        if iteration % hold == 0:
            state = self._assign(state, iteration // hold)
        worlds, rollout = roles.worker.collect(state.train.params, state.worlds, streams.key(state.key, streams.COLLECT, iteration))
        train, found = roles.learner.update(state.train, rollout, streams.key(state.key, streams.UPDATE, iteration))
        state = dataclasses.replace(state, train=train, worlds=worlds)
        metrics = {name: float(value) for name, value in jax.device_get(found).items()}
        if iteration % hold == hold - 1:
            state, played = self._record(state)
            metrics |= played
        return state, metrics

    def _assign(self, state: RunState, number: int) -> RunState:
        """Hand out new levels; `number` counts assignments."""
        service, curriculum = self.roles.curriculum, state.curriculum
        if service.refresh_due(number):
            curriculum = service.refresh(curriculum, streams.key(state.key, streams.REFRESH, number), self._scout(state))
        key = streams.key(state.key, streams.ASSIGN, number)
        curriculum, assignment = service.assign(curriculum, key, self._settings.worlds)
        worlds = self.roles.worker.assign(assignment.levels, streams.key(state.key, streams.STAGGER, number))
        return dataclasses.replace(state, curriculum=curriculum, assignment=assignment, worlds=worlds)

    def _scout(self, state: RunState) -> Callable[[jax.Array, Level], Outcome]:
        return lambda key, levels: self.roles.worker.evaluate(state.train.params, levels, key).outcome

    def _record(self, state: RunState) -> tuple[RunState, dict[str, float]]:
        worlds, outcome = self.roles.worker.take_outcome(state.worlds)
        curriculum, metrics = self.roles.curriculum.record(state.curriculum, state.assignment, outcome)
        return dataclasses.replace(state, worlds=worlds, curriculum=curriculum), metrics

    def _evaluate(self, state: RunState) -> None:
        self._tracker.log(self.progress, self.report(state).scalars() | self.roles.worker.look(state.worlds))

    def _blank_assignment(self) -> Assignment:
        """Shapes of an assignment, filled with zeros: what a checkpoint is restored into."""
        worlds, dims = self._settings.worlds, self.roles.worker.env.capacity.dims
        return jax.jit(lambda: zeros(Assignment, worlds=worlds, **dims))()
