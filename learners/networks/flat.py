"""Flat encoder: one layer over the row of numbers. The baseline without structure: every slot has weights of its own."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from envs.observations import flat
from learners.networks.dense import Dense


class Flat(nn.Module):
    """`flat.Flat` -> features `[B, width]`."""

    width: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, seen: flat.Flat) -> jax.Array:
        """Encode a batch; in float32 whatever the precision, as places are told to a millimetre."""
        hidden = nn.relu(Dense(self.width)(seen.features)).astype(self.dtype)
        self.sow("intermediates", "hidden", hidden)
        return hidden
