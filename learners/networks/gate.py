"""Gated residual: how much of what a layer found replaces what was known, in the manner of a GRU.

Parisotto et al., "Stabilizing Transformers for Reinforcement Learning" (2020).
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from learners.networks.dense import Dense, add

Array = jax.Array


class Gate(nn.Module):
    """Known and found `[..., F]` -> known afterwards `[..., F]`."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, known: Array, found: Array) -> Array:
        """The six matrices of the gate, in three products."""
        width = known.shape[-1]
        # `split`, not slices: their gradients are put together by one copy, not by padding and adding.
        found_reset, found_update, found_new = jnp.split(self._dense("found", 3 * width)(found), 3, axis=-1)
        known_reset, known_update = jnp.split(self._dense("known", 2 * width)(known), 2, axis=-1)
        later = self.param("bias", nn.initializers.zeros, (width,)).astype(self.dtype)
        reset = nn.sigmoid(found_reset + known_reset)
        update = nn.sigmoid(add(found_update + known_update, -later))
        proposed = nn.tanh(found_new + self._dense("reset", width)(reset * known))
        return known + update * (proposed - known)

    def _dense(self, name: str, outputs: int) -> Dense:
        return Dense(outputs, use_bias=False, dtype=self.dtype, name=name)
