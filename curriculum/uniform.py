"""Domain randomisation: every assignment is fresh random levels. The baseline of every curriculum."""

import jax.numpy as jnp

from curriculum import mix
from curriculum import pool as pools
from curriculum.base import Array, Assignment, CurriculumConfig, Evaluate, Generate, Look
from envs.outcome import Outcome
from physics.base import Capacity
from physics.pytree import array, struct


@struct
class Counts:
    """What has been handed out."""

    levels: Array = array("")


class Uniform:
    """Knows nothing of how levels go."""

    def __init__(self, config: CurriculumConfig, generate: Generate, capacity: Capacity) -> None:
        """`generate` draws the levels."""
        self.refresh_every = config.refresh_every
        self._generate = generate
        self._capacity = capacity

    def init(self, key: Array) -> Counts:
        """Nothing handed out yet."""
        return Counts(levels=jnp.zeros(()))

    def assign(self, state: Counts, key: Array, count: int) -> tuple[Counts, Assignment]:
        """Fresh levels for every world."""
        return Counts(levels=state.levels + count), mix.fresh(self._generate, key, count)

    def record(self, state: Counts, assignment: Assignment, outcome: Outcome) -> Counts:
        """Nothing to learn."""
        return state

    def refresh(self, state: Counts, key: Array, evaluate: Evaluate) -> Counts:
        """Nothing to look for."""
        return state

    def metrics(self, state: Counts) -> dict[str, Array]:
        """How many levels were handed out."""
        return {"levels_assigned": state.levels}

    def look(self, state: Counts) -> Look:
        """A pool of no slots."""
        return _nothing(self._capacity)


def _nothing(capacity: Capacity) -> Look:
    none = jnp.zeros(0)
    return mix.look(pools.empty(capacity, 0), jnp.zeros((), jnp.int32), none, none)
