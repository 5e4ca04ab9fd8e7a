"""Which checkpoints are made and kept: the newest few, one every so often for ever, and the best by a measure."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from cluster.base import CheckpointConfig, Progress
from envs import files

SCORES = "scores.json"  # beside the checkpoints; only where a measure decides


class Retention:
    """Decides for one folder of checkpoints. Orbax asks `should_preserve` before it removes any."""

    def __init__(self, folder: Path, config: CheckpointConfig) -> None:
        """Scores of an earlier part of the run are read when they are first needed."""
        self._file = folder / SCORES
        self._config = config
        self._scores: dict[int, float] | None = None
        self._saved_at = 0.0  # seconds of training

    def due(self, progress: Progress) -> bool:
        """Whether to make a checkpoint now."""
        due = progress.iteration % self._config.every == 0 or self.overdue(progress)
        return due or self.best(list(self._known())) == progress.iteration

    def overdue(self, progress: Progress) -> bool:
        """Whether minutes alone ask for one."""
        return 0 < self._config.minutes * 60 <= progress.seconds - self._saved_at

    def following(self, progress: Progress) -> int:
        """The next iteration that the settings name."""
        return (progress.iteration // self._config.every + 1) * self._config.every

    def saved(self, progress: Progress) -> None:
        """Take note that a checkpoint is being made, or was read: minutes count from here."""
        self._saved_at = progress.seconds

    def note(self, progress: Progress, scalars: Mapping[str, float]) -> None:
        """Take note of what an evaluation of this iteration found; it may come later than the checkpoint."""
        if self._config.best in scalars:
            self._scores = self._known() | {progress.iteration: float(scalars[self._config.best])}
            if jax.process_index() == 0:
                with files.whole(self._file) as target:
                    target.write_text(json.dumps(self._scores))

    def best(self, iterations: Sequence[int]) -> int | None:
        """Of these the one with the highest score, the earliest of equal ones; None if none has one."""
        scores = self._known()
        return max(sorted(set(iterations) & scores.keys()), key=lambda iteration: scores[iteration], default=None)

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> list[bool]:
        """Of checkpoints in order of their iterations, which are kept."""
        iterations = [checkpoint.step for checkpoint in checkpoints]
        kept = set(iterations[-self._config.keep :]) | {self.best(iterations)}
        if self._config.keep_every:
            kept |= {iteration for iteration in iterations if iteration % self._config.keep_every == 0}
        return [iteration in kept for iteration in iterations]

    def _known(self) -> dict[int, float]:
        if self._scores is None:
            known = json.loads(self._file.read_text()) if self._config.best and self._file.exists() else {}
            self._scores = {int(iteration): score for iteration, score in known.items()}
        return self._scores
