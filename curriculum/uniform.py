"""Domain randomisation: every assignment is fresh random levels. The baseline of every curriculum."""

import jax.numpy as jnp

from curriculum.base import FRESH, Array, Assignment, Evaluate, Generate
from envs.outcome import Outcome
from physics.pytree import array, struct


@struct
class Counts:
    """What has been handed out."""

    levels: Array = array("", "int32")


class Uniform:
    """Knows nothing of how levels go."""

    def __init__(self, generate: Generate) -> None:
        """`generate` draws the levels."""
        self._generate = generate

    def init(self, key: Array) -> Counts:
        """Nothing handed out yet."""
        return Counts(levels=jnp.zeros((), jnp.int32))

    def assign(self, state: Counts, key: Array, count: int) -> tuple[Counts, Assignment]:
        """Fresh levels for every world."""
        levels = self._generate(key, count)
        return Counts(levels=state.levels + count), Assignment(levels=levels, slot=jnp.full(count, FRESH, jnp.int32))

    def record(self, state: Counts, assignment: Assignment, outcome: Outcome) -> Counts:
        """Nothing to learn."""
        return state

    def refresh(self, state: Counts, key: Array, evaluate: Evaluate) -> Counts:
        """Nothing to look for."""
        return state

    def metrics(self, state: Counts) -> dict[str, Array]:
        """How many levels were handed out."""
        return {"levels_assigned": state.levels}
