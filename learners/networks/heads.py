"""Heads: from an encoded level to a choice for every channel and to a value."""

from typing import Any

import jax
import numpy as np
from flax import linen as nn

from envs.actions import CHANNELS
from learners import distributions

Array = jax.Array
ROOT2 = float(np.sqrt(2))


class ActorCritic(nn.Module):
    """Observation -> (masked logits `[B, channels, choices]`, value `[B]`)."""

    encoder: nn.Module
    width: int
    depth: int

    @nn.compact
    def __call__(self, seen: Any) -> tuple[Array, Array]:
        """Judge a batch of observations."""
        features = self.encoder(seen)
        logits = self._tower("actor", features, CHANNELS * distributions.MAX_CHOICES, 0.01)
        value = self._tower("critic", features, 1, 1.0)
        shape = (*logits.shape[:-1], CHANNELS, distributions.MAX_CHOICES)
        return distributions.masked(logits.reshape(shape), seen.driven), value[..., 0]

    def _tower(self, name: str, features: Array, outputs: int, scale: float) -> Array:
        hidden = features
        for layer in range(self.depth):
            dense = nn.Dense(self.width, kernel_init=nn.initializers.orthogonal(ROOT2), name=f"{name}_{layer + 1}")
            hidden = nn.tanh(dense(hidden))
            self.sow("intermediates", "hidden", hidden)
        return nn.Dense(outputs, kernel_init=nn.initializers.orthogonal(scale), name=f"{name}_out")(hidden)
