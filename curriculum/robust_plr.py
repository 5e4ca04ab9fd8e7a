"""Robust prioritised level replay: the agent learns from replayed levels alone; new ones are only evaluated.

As published, a coin decides for every iteration whether it evaluates new levels, without learning, or replays. Here
every assignment does both, side by side: before it, `candidates` / `refresh_every` new levels are evaluated, and then all worlds
replay. No iteration goes by without learning, and how much is spent on new levels is a number instead of a chance: as
many candidates as worlds is the published coin of 1/2, and `plr_replay` is not used. Jiang et al., "Replay-guided adversarial
environment design" (2021); side by side: Jiang et al., "minimax" (2023). How levels are scored and replayed: `curriculum.replay`.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp

from curriculum import mix, replay
from curriculum.base import Array, Assignment, CurriculumConfig, Evaluate, Generate, Look
from curriculum.replay import ReplayState
from envs.outcome import Outcome
from physics.base import Capacity


class RobustPlr:
    """Robust prioritised level replay."""

    refresh_every = 1

    def __init__(self, config: CurriculumConfig, generate: Generate, capacity: Capacity) -> None:
        """`generate` draws candidates."""
        self._config = config
        self._generate = generate
        self._capacity = capacity
        self._candidates = replay.scouted_at_once(config)

    def init(self, key: Array) -> ReplayState:
        """An empty pool; the first refresh fills it."""
        return replay.begin(self._config, self._capacity, self._candidates)

    def assign(self, state: ReplayState, key: Array, count: int) -> tuple[ReplayState, Assignment]:
        """All worlds replay the pool."""
        return replay.replay(self._config, state, key, count, self._generate)

    def record(self, state: ReplayState, assignment: Assignment, outcome: Outcome) -> ReplayState:
        """Score what was replayed anew."""
        return replay.rescore(self._config, state, assignment, outcome)

    def refresh(self, state: ReplayState, key: Array, evaluate: Evaluate) -> ReplayState:
        """Evaluate candidates."""
        key_fill, key_draw, key_play = jax.random.split(key, 3)
        state = replay.fill(self._config, state, key_fill, self._generate, evaluate)
        state = replay.scout(self._config, state, self._draw(state, key_draw), key_play, evaluate)
        return replace(state, replayed=jnp.zeros_like(state.replayed))

    def _draw(self, state: ReplayState, key: Array) -> Assignment:
        """Candidates: all are new."""
        return mix.fresh(self._generate, key, self._candidates)

    def metrics(self, state: ReplayState) -> dict[str, Array]:
        """See `replay.metrics`."""
        return replay.metrics(state)

    def look(self, state: ReplayState) -> Look:
        """The pool and the last candidates."""
        return replay.look(state)
