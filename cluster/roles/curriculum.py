"""The curriculum service: owns the level pool and hands out what to train on."""

from typing import Any

import numpy as np

from curriculum import Curriculum
from curriculum.base import FRESH, Array, Assignment, Evaluate
from envs.outcome import Outcome


class CurriculumService:
    """One curriculum, and when it is refreshed."""

    def __init__(self, curriculum: Curriculum) -> None:
        """Any of them."""
        self._curriculum = curriculum

    def init(self, key: Array) -> Any:
        """State of a run that has not begun."""
        return self._curriculum.init(key)

    def refresh_due(self, assignments: int) -> bool:
        """Whether to refresh before handing out assignment number `assignments`."""
        return assignments % self._curriculum.refresh_every == 0

    def refresh(self, state: Any, key: Array, evaluate: Evaluate) -> Any:
        """Scout candidates with the present policy."""
        return self._curriculum.refresh(state, key, evaluate)

    def assign(self, state: Any, key: Array, count: int) -> tuple[Any, Assignment]:
        """Levels for `count` worlds."""
        return self._curriculum.assign(state, key, count)

    def record(self, state: Any, assignment: Assignment, outcome: Outcome) -> tuple[Any, dict[str, float]]:
        """Take note of how an assignment went: (state, metrics)."""
        state = self._curriculum.record(state, assignment, outcome)
        metrics = {name: float(value) for name, value in self._curriculum.metrics(state).items()}
        return state, metrics | _success(np.asarray(assignment.slot) == FRESH, outcome)


def _success(fresh: np.ndarray, outcome: Outcome) -> dict[str, float]:
    """Mean success rate of levels that were finished: all, fresh ones and the pool's; nothing for none."""
    rate, finished = outcome.successes / np.maximum(outcome.episodes, 1), outcome.episodes > 0
    groups = {"train_success": finished, "train_success_fresh": finished & fresh, "train_success_pool": finished & ~fresh}
    return {name: float(rate[group].mean()) for name, group in groups.items() if group.any()}
