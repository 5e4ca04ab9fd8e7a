"""ACCEL: as robust PLR, and levels grow: edits of what was just replayed are evaluated beside new levels.

Of the candidates of every assignment a share `accel_edits` are edits of the levels that the last one replayed, drawn evenly
from them. An edit comes into the pool if its score is high enough, with its parent's hash, and may be replayed and edited in its
turn, so that what lies at the edge of what the agent can do compounds. As published, edits follow an iteration that replays and
new levels one that does not: with a coin of 1/2 there are as many of one as of the other. How many single changes an edit
makes is the editor's business. Parker-Holder et al., "Evolving curricula with regret-based environment design" (2022).
"""

import jax
import jax.numpy as jnp

from curriculum import mix
from curriculum.base import Array, Assignment, CurriculumConfig, Edit, Generate
from curriculum.replay import ReplayState
from curriculum.robust_plr import RobustPlr
from physics.base import Capacity


class Accel(RobustPlr):
    """Adversarially compounding complexity by editing levels: robust PLR with other candidates."""

    def __init__(self, config: CurriculumConfig, generate: Generate, edit: Edit, capacity: Capacity) -> None:
        """`generate` draws new levels, `edit` makes near ones."""
        super().__init__(config, generate, capacity)
        self._edit = edit
        self._edits = round(self._candidates * config.accel_edits)

    def _draw(self, state: ReplayState, key: Array) -> Assignment:
        """Candidates. While nothing has been replayed, all are new."""
        key_fresh, key_edit = jax.random.split(key)
        edits = self._edits if bool(state.replayed.any()) else 0
        parts = [mix.fresh(self._generate, key_fresh, self._candidates - edits)] if edits < self._candidates else []
        if edits:
            parts.append(mix.edits(self._edit, state.pool, state.replayed.astype(jnp.float32), key_edit, edits))
        return mix.join(parts)
