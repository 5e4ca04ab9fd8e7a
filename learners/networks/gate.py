"""Gated residual: how much of what a layer found replaces what was known, in the manner of a GRU.

Parisotto et al., "Stabilizing Transformers for Reinforcement Learning" (2020).
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

Array = jax.Array


class Gate(nn.Module):
    """Known and found `[..., F]` -> known afterwards `[..., F]`."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, known: Array, found: Array) -> Array:
        """The six matrices of the gate, in three products."""
        width = known.shape[-1]
        of_found = self._dense("found", 3 * width)(found)
        of_known = self._dense("known", 2 * width)(known)
        later = self.param("bias", nn.initializers.zeros, (width,)).astype(self.dtype)
        reset = nn.sigmoid(of_found[..., :width] + of_known[..., :width])
        update = nn.sigmoid(of_found[..., width : 2 * width] + of_known[..., width:] - later)
        proposed = nn.tanh(of_found[..., 2 * width :] + self._dense("reset", width)(reset * known))
        return known + update * (proposed - known)

    def _dense(self, name: str, outputs: int) -> nn.Dense:
        return nn.Dense(outputs, use_bias=False, dtype=self.dtype, name=name)
