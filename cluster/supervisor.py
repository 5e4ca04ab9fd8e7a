"""The loop of a run, the same for every backend.

    for every iteration:
        crew.iterate:    now and then new levels; play; learn; record levels that were played
        now and then:    crew.examine (evaluation), checkpoints.save

What happens in iteration `i` depends on the state after `i - 1` and on `i` alone, so a run that was
stopped and resumed goes on exactly as if it had not been. With a lag it depends on the flights that are out
as well: none is when a checkpoint is written.
"""

import time
from collections.abc import Callable, Mapping

import jax

from cluster import mesh as meshes
from cluster.backend import LostError
from cluster.base import Progress, RunSettings, RunState
from cluster.checkpoint import NEWEST, Checkpoints
from cluster.crew import Crew
from cluster.profiler import Profiler
from cluster.tracker import Tracker
from learners.base import Params


class DivergedError(RuntimeError):
    """Learning cannot go on: too many gradient steps in a row were not finite."""


class Supervisor:
    """Drives the crew through a run."""

    def __init__(
        self, settings: RunSettings, crew: Crew, tracker: Tracker, checkpoints: Checkpoints, profiler: Profiler,
        evaluate_every: int,
    ) -> None:  # fmt: skip
        """Nothing runs yet."""
        self._settings = settings
        self._crew = crew
        self._tracker = tracker
        self._checkpoints = checkpoints
        self._profiler = profiler
        self._evaluate_every = evaluate_every
        self.progress = Progress()

    def begin(self, params: Params | None = None) -> None:
        """Make ready a run that has not begun; with the parameters of another run, if given."""
        self._crew.begin(params)
        self.progress = Progress()

    def restore(self, which: str = NEWEST) -> None:
        """Make ready to go on from a checkpoint: the `newest`, the `best` or that of an iteration."""
        self._crew.begin()
        like = jax.tree.map(lambda leaf: leaf if isinstance(leaf, jax.Array) else jax.device_put(leaf), self._crew.state())
        state, self.progress = self._checkpoints.restore(like, which)
        self._crew.load(state)

    def load(self, state: RunState) -> None:
        """Make ready to go on from a state that is not on disk."""
        self._crew.load(state)

    def state(self) -> RunState:
        """Everything that a checkpoint holds, as it is now."""
        return self._crew.state()

    def has_checkpoint(self) -> bool:
        """Whether there is anything to restore."""
        return self._checkpoints.latest() is not None

    def run(self, stop: Callable[[], bool] = lambda: False, extra: Callable[[], Mapping[str, float]] = dict) -> None:
        """Iterate until the steps are done, time is up or `stop()`; ends at a checkpoint, also when it raises `DivergedError`.

        `extra` gives numbers to log with every iteration's.
        """
        started, before = time.monotonic(), self.progress.seconds
        if self.progress.iteration == 0:
            self._checkpoints.save(self.state(), self.progress)
            self._examine()
            self._checkpoints.wait()
        while self._crew.flying or not (self.over() or stop()):
            begun = time.monotonic()
            land = stop() or self.over() or self._checkpoints.overdue(self.progress)
            with self._profiler.iteration(self.progress.iteration + 1):
                metrics = self._crew.iterate(self.progress.iteration, self.progress.iteration + 1 if land else self._until())
            now = time.monotonic()
            self.progress = Progress(
                iteration=self.progress.iteration + 1,
                env_steps=self.progress.env_steps + self._settings.steps_per_iteration,
                seconds=meshes.agreed(before + now - started),
            )
            metrics["steps_per_second"] = self._settings.steps_per_iteration / (now - begun)
            self._tracker.log(self.progress, {**metrics, **extra()})
            if metrics["skipped_in_a_row"] > self._settings.max_skipped_updates:
                self._save()
                raise DivergedError(self._why(int(metrics["skipped_in_a_row"])))
            if self.over() or self.progress.iteration % self._evaluate_every == 0:
                self._examine()
            self._log_examined()
            if not self._crew.flying and self._checkpoints.due(self.progress):
                self._checkpoints.save(self.state(), self.progress)
                self._crew.regroup()
        self._save()

    def start_over(self, lost: LostError) -> None:
        """All roles anew, in the place of those of which one is gone; to be made ready by `restore`."""
        self._checkpoints.wait()
        self._crew.start_over(lost)

    def over(self) -> bool:
        """Whether the run has done all its steps or used all its time."""
        limit = self._settings.max_minutes * 60
        return self.progress.iteration >= self._settings.iterations or 0 < limit <= self.progress.seconds

    def _until(self) -> int:
        """The iteration before which all flights come home: that of the next checkpoint, or the end."""
        return min(self._checkpoints.following(self.progress), self._settings.iterations)

    def _save(self) -> None:
        """A checkpoint that is on disk on return, when all evaluations are done."""
        self._log_examined(wait=True)
        self._checkpoints.save(self.state(), self.progress)
        self._checkpoints.wait()

    def _why(self, skipped: int) -> str:
        return (
            f"stopped at iteration {self.progress.iteration}: {skipped} gradient steps in a row were not finite, more than "
            f"run.max_skipped_updates={self._settings.max_skipped_updates}. The checkpoint holds the last good parameters. "
            "Look at gradient_norm, kl and poisoned_worlds in metrics.jsonl; start a new run with a lower optimizer.learning_rate."
        )

    def _examine(self) -> None:
        self._crew.examine(self.progress)
        self._log_examined()

    def _log_examined(self, wait: bool = False) -> None:
        for progress, scalars, view in self._crew.examined(wait):
            self._tracker.log(progress, scalars)
            self._tracker.show(progress, view)
            self._checkpoints.note(progress, scalars)
