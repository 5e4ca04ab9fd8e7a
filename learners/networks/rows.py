"""Rows encoder: every padded row is looked at by the same layers, and those in use are summed.

The order of rows and how many are empty do not matter, but rows name bodies by slot and their width is
that of a size, so parameters are of one size.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from envs.observations.flat_padded import FlatPadded
from learners.networks.dense import Dense


class Rows(nn.Module):
    """`FlatPadded` -> features `[B, 2 width]`: sum and maximum."""

    width: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, seen: FlatPadded) -> jax.Array:
        """Encode a batch."""
        hidden = nn.relu(Dense(self.width, name="row_1")(seen.rows)).astype(self.dtype)
        rows = nn.relu(Dense(self.width, dtype=self.dtype, name="row_2")(hidden))
        for layer in (hidden, rows):
            self.sow("intermediates", "hidden", layer)
        rows = jnp.where(seen.mask[..., None], rows, 0)  # which is also the least that `relu` gives
        return jnp.concatenate([rows.sum(1, dtype=jnp.float32), rows.max(1).astype(jnp.float32)], axis=-1)
