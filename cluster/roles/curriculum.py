"""The curriculum service: owns the curriculum's state and hands out what to train on, as numbered leases.

A lease is levels for all worlds of the run. One is open at a time. Asked for again it is the same, so that a
worker that takes the place of another gets the levels of that one. What was played is recorded once: a
record of a lease that is not open is dropped and counted. So an outcome that comes late, twice or never
counts no level twice and spoils nothing.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cluster import curriculum_view, streams
from cluster.base import RunSettings
from cluster.tracker import View
from curriculum import Curriculum
from curriculum.base import FRESH, Assignment, Evaluate
from envs.outcome import Outcome
from physics.base import Capacity
from physics.pytree import zeros

NONE = -1  # number of the open lease where there is none


class CurriculumService:
    """One curriculum, its state, and the lease that is open."""

    def __init__(self, curriculum: Curriculum, settings: RunSettings, capacity: Capacity) -> None:
        """Nothing is handed out yet."""
        self.algorithm = curriculum
        self._run = jax.random.key(settings.seed)
        self._worlds = settings.worlds
        self._capacity = capacity
        self._state: Any = None
        self._assignment: Assignment | None = None
        self._open = NONE
        self._dropped = self._never = 0

    def begin(self) -> None:
        """The state of a run that has not begun."""
        assignment = jax.jit(lambda: zeros(Assignment, worlds=self._worlds, **self._capacity.dims))()
        self.load(self.algorithm.init(streams.key(self._run, streams.CURRICULUM)), assignment, np.int32(NONE))

    def load(self, state: Any, assignment: Assignment, lease: Any) -> None:
        """Go on with what `state` gave."""
        self._state, self._assignment, self._open = state, assignment, int(lease)

    def state(self) -> tuple[Any, Assignment | None, jax.Array]:
        """(state of the algorithm, newest assignment, number of the open lease or `NONE`)."""
        return self._state, self._assignment, jnp.int32(self._open)

    def lease(self, number: int, scout: Evaluate) -> tuple[Assignment | None, None]:
        """Lease `number`; candidates are scouted first when a refresh is due. What is not recorded by now never counts."""
        if number == self._open:
            return self._assignment, None
        state = self._state
        if number % self.algorithm.refresh_every == 0:
            state = self.algorithm.refresh(state, streams.key(self._run, streams.REFRESH, number), scout)
        state, assignment = self.algorithm.assign(state, streams.key(self._run, streams.ASSIGN, number), self._worlds)
        self._never += self._open != NONE
        self._state, self._assignment, self._open = state, assignment, number
        return assignment, None

    def record(self, number: int, *outcomes: Outcome) -> dict[str, float]:
        """Take note of how lease `number` went, from the parts of all players: metrics."""
        if number != self._open or self._assignment is None:
            self._dropped += 1
            return self._strays()
        outcome = jax.tree.map(lambda *parts: np.concatenate(parts), *outcomes)
        self._state = self.algorithm.record(self._state, self._assignment, outcome)
        self._open = NONE
        metrics = {name: float(value) for name, value in self.algorithm.metrics(self._state).items()}
        return metrics | _success(np.asarray(self._assignment.slot) == FRESH, outcome) | self._strays()

    def view(self) -> View:
        """What a person sees of the pool as it is now."""
        return curriculum_view.make(self.algorithm.look(self._state))

    def _strays(self) -> dict[str, float]:
        """Records that were dropped and leases that were never recorded, where there are any."""
        counts = {"records_dropped": self._dropped, "leases_never_recorded": self._never}
        return {name: float(count) for name, count in counts.items() if count}


def _success(fresh: np.ndarray, outcome: Outcome) -> dict[str, float]:
    """Mean success rate of levels that were finished: all, fresh ones and the pool's; nothing for none."""
    rate, finished = outcome.successes / np.maximum(outcome.episodes, 1), outcome.episodes > 0
    groups = {"train_success": finished, "train_success_fresh": finished & fresh, "train_success_pool": finished & ~fresh}
    return {name: float(rate[group].mean()) for name, group in groups.items() if group.any()}
