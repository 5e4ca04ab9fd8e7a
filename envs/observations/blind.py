"""Nothing of the level or of how it moves: what can be reached without looking.

An agent that sees more must do better than this. That a choice drives nothing is still told, as the
policy leaves such choices out and would otherwise learn from their noise.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from envs import actions
from envs.base import Array, Level
from physics.base import Motion


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Blind:
    """Batch first."""

    features: Array  # [B, 1] always zero: networks want something to read
    driven: Array  # [B, channels] whether a channel of the action drives anything


def observe(level: Level, motion: Motion) -> Blind:
    """The same whatever happens."""
    return Blind(features=jnp.zeros((motion.angle.shape[-1], 1)), driven=actions.driven(level))
