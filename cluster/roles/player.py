"""The player: holds a part of the run's worlds and plays them with the programs of a rollout worker.

Worlds have numbers in the run. The player of worlds `[first, first + count)` draws the keys of those numbers,
so that the same worlds play the same whoever holds them.
"""

from typing import Any

import jax
import jax.numpy as jnp

from cluster import streams
from cluster.base import RunSettings
from cluster.roles.worker import RolloutWorker
from curriculum.base import Array, Assignment
from envs.base import Level
from envs.outcome import Outcome
from learners.base import Params, Rollout, Worlds
from physics.pytree import zeros


class Player:
    """A rollout worker and its worlds."""

    def __init__(self, worker: RolloutWorker, settings: RunSettings, first: int = 0, count: int = 0) -> None:
        """The worlds from number `first` on, `count` of them; 0 for all of the run."""
        self._worker = worker
        self._run = jax.random.key(settings.seed)
        self._total = settings.worlds
        self._first = first
        self._count = count or settings.worlds
        self._worlds: Worlds | None = None

    def begin(self) -> None:
        """Worlds with nothing in them: a run begins with them, and their shapes are those that a checkpoint is restored into."""
        dims = self._worker.env.capacity.dims
        self._assign(jax.jit(lambda: zeros(Level, worlds=self._count, **dims))(), 0)

    def assign(self, assignment: Assignment, lease: int) -> None:
        """Begin this player's part of the levels of a lease."""
        self._assign(self._mine(assignment.levels), lease)

    def load(self, worlds: Worlds) -> None:
        """Go on with this player's part of all worlds of the run."""
        self._worlds = self._worker.split(self._mine(worlds))

    def worlds(self) -> Worlds:
        """What is held, along the last axis."""
        return self._worker.joined(self._held())

    def collect(self, params: Params, iteration: int, assignment: Assignment | None = None, lease: int = 0) -> tuple[Rollout, Any]:
        """Play one rollout: (rollout, what was noticed of it). With an assignment, its levels are begun first."""
        if assignment is not None:
            self.assign(assignment, lease)
        key = streams.key(self._run, streams.COLLECT, iteration)
        self._worlds, rollout = self._worker.collect(self._worker.place(params), self._held(), key, self._first)
        return rollout, self._note(rollout)

    def take_outcome(self) -> tuple[Outcome, None]:
        """What the levels gave since they were assigned; their counts begin anew."""
        self._worlds, outcome = self._worker.take_outcome(self._held())
        return outcome, None

    def look(self) -> dict[str, float]:
        """How the physics of the first block is doing."""
        return self._worker.look(self._held())

    def scout(self, params: Params, levels: Level, key: Array, number: int = 0) -> Outcome:
        """One whole episode of each level; `key` as data, `number` that of the first level."""
        params = self._worker.place(params)
        return self._worker.evaluate(params, jax.device_put(levels), jax.random.wrap_key_data(jnp.asarray(key)), number=number).outcome

    def _note(self, rollout: Rollout) -> Any:
        """Something small that is known once the rollout is there."""
        return None

    def _assign(self, levels: Level, lease: int) -> None:
        self._worlds = self._worker.assign(levels, streams.key(self._run, streams.STAGGER, lease), self._first)

    def _mine(self, value: Any) -> Any:
        """This player's part of something of all worlds."""
        if self._count == self._total:
            return value
        return jax.tree.map(lambda leaf: leaf[..., self._first : self._first + self._count], value)

    def _held(self) -> Worlds:
        if self._worlds is None:
            raise RuntimeError("a player was asked to play before it had any worlds")
        return self._worlds
