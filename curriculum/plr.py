"""Prioritised level replay: some assignments play new levels, the others replay those with most to learn.

A coin of `plr_replay` decides for all worlds of an assignment together, once the pool is full enough. New levels are
trained on, scored by what training gave and come into the pool with that; replayed ones are scored anew. Nothing is scouted.
How levels are scored and replayed: `curriculum.replay`.
"""

import functools

import jax
import jax.numpy as jnp

from curriculum import replay
from curriculum.base import FRESH, Array, Assignment, CurriculumConfig, Evaluate, Generate, Look
from curriculum.replay import ReplayState
from envs.outcome import Outcome
from physics.base import Capacity


class Plr:
    """Prioritised level replay."""

    def __init__(self, config: CurriculumConfig, generate: Generate, capacity: Capacity) -> None:
        """`generate` draws new levels."""
        self.refresh_every = config.refresh_every
        self._config = config
        self._generate = generate
        self._capacity = capacity

    def init(self, key: Array) -> ReplayState:
        """An empty pool; new levels fill it."""
        return replay.begin(self._config, self._capacity, 0)

    def assign(self, state: ReplayState, key: Array, count: int) -> tuple[ReplayState, Assignment]:
        """All worlds replay the pool, or all play new levels."""
        key_coin, key_levels = jax.random.split(key)
        if bool(self._replays(state.pool.filled, key_coin)):
            return replay.replay(self._config, state, key_levels, count, self._generate)
        return replay.fresh(state, key_levels, count, self._generate)

    @functools.partial(jax.jit, static_argnums=0)
    def _replays(self, filled: Array, key: Array) -> Array:
        enough = filled.any() & (filled.mean() >= self._config.plr_fill)
        return enough & jax.random.bernoulli(key, self._config.plr_replay)

    def record(self, state: ReplayState, assignment: Assignment, outcome: Outcome) -> ReplayState:
        """Score what was replayed anew, and let new levels in."""
        if bool(jnp.all(assignment.slot != FRESH)):
            return replay.rescore(self._config, state, assignment, outcome)
        return replay.let_in(self._config, state, assignment, outcome)

    def refresh(self, state: ReplayState, key: Array, evaluate: Evaluate) -> ReplayState:
        """Nothing to scout."""
        return state

    def metrics(self, state: ReplayState) -> dict[str, Array]:
        """See `replay.metrics`."""
        return replay.metrics(state)

    def look(self, state: ReplayState) -> Look:
        """The pool."""
        return replay.look(state)
