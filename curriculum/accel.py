"""ACCEL: as robust PLR, and levels grow: edits of what was just replayed are evaluated beside new levels.

Of the candidates of every assignment a share `accel_edits` are edits of the levels that the last one replayed, drawn evenly
from them. An edit comes into the pool if its score is high enough, with its parent's hash, and may be replayed and edited in its
turn, so that what lies at the edge of what the agent can do compounds. As published, edits follow an iteration that replays and
new levels one that does not: with a coin of 1/2 there are as many of one as of the other. How many single changes an edit
makes is the editor's business. Parker-Holder et al., "Evolving curricula with regret-based environment design" (2022).
"""

from dataclasses import replace

import jax
import jax.numpy as jnp

from curriculum import mix, replay
from curriculum.base import Array, Assignment, CurriculumConfig, Edit, Evaluate, Generate, Look
from curriculum.replay import ReplayState
from envs.outcome import Outcome
from physics.base import Capacity


class Accel:
    """Adversarially compounding complexity by editing levels."""

    refresh_every = 1

    def __init__(self, config: CurriculumConfig, generate: Generate, edit: Edit, capacity: Capacity) -> None:
        """`generate` draws new levels, `edit` makes near ones."""
        self._config = config
        self._generate = generate
        self._edit = edit
        self._capacity = capacity
        self._candidates = replay.scouted_at_once(config)
        self._edits = round(self._candidates * config.accel_edits)

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
        """Evaluate new levels and edits of those just replayed."""
        key_fill, key_draw, key_play = jax.random.split(key, 3)
        state = replay.fill(self._config, state, key_fill, self._generate, evaluate)
        state = replay.scout(self._config, state, self._draw(state, key_draw), key_play, evaluate)
        return replace(state, replayed=jnp.zeros_like(state.replayed))

    def _draw(self, state: ReplayState, key: Array) -> Assignment:
        """Candidates. While nothing has been replayed, all are new."""
        key_fresh, key_edit = jax.random.split(key)
        edits = self._edits if bool(state.replayed.any()) else 0
        parts = [mix.fresh(self._generate, key_fresh, self._candidates - edits)] if edits < self._candidates else []
        if edits:
            parts.append(mix.edits(self._edit, state.pool, state.replayed.astype(jnp.float32), key_edit, edits))
        return mix.join(parts)

    def metrics(self, state: ReplayState) -> dict[str, Array]:
        """See `replay.metrics`."""
        return replay.metrics(state)

    def look(self, state: ReplayState) -> Look:
        """The pool and the last candidates."""
        return replay.look(state)
