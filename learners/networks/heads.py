"""Heads: from an encoded level to a distribution over actions and to a value."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from learners import distributions
from learners.networks.dense import Dense
from learners.networks.recurrent import Recurrent

Array = jax.Array
ROOT2 = float(np.sqrt(2))


class ActorCritic(nn.Module):
    """Observation -> (distribution over actions, value `[B]`), both float32; with memory, also the memory `[B, units]` afterwards."""

    encoder: nn.Module
    width: int
    depth: int
    action: str = "multi_discrete"
    dtype: Any = jnp.float32  # that the layers compute in
    memory: int = 0  # units, 0 for none

    @nn.compact
    def __call__(self, seen: Any, memory: Array | None = None, ended: Array | None = None) -> tuple:
        """Judge a batch of observations; a network with memory as `Recurrent` does, and its memory afterwards comes third."""
        features = self.encoder(seen)
        if self.memory:
            features, memory = Recurrent(self.memory, self.dtype, name="memory")(features, memory, ended)
        kind = distributions.kind(self.action)
        outputs = self._tower("actor", features, kind.OUTPUTS, 0.01)
        free = self.param("actor_free", nn.initializers.zeros, (kind.FREE,)) if kind.FREE else None
        value = self._tower("critic", features, 1, 1.0)
        judged = kind.of(outputs, free, seen.driven), value[..., 0]
        return (*judged, memory) if self.memory else judged

    def _tower(self, name: str, features: Array, outputs: int, scale: float) -> Array:
        hidden = features
        for layer in range(self.depth):
            hidden = nn.tanh(Dense(self.width, scale=ROOT2, dtype=self.dtype, name=f"{name}_{layer + 1}")(hidden))
            self.sow("intermediates", "hidden", hidden)
        return Dense(outputs, scale=scale, name=f"{name}_out")(hidden)  # in float32 whatever the precision
