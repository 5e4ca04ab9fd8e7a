"""Flat encoder: one layer over the row of numbers. The baseline without structure."""

import jax
from flax import linen as nn

from envs.observations import flat


class Flat(nn.Module):
    """`flat.Flat` -> features `[B, width]`."""

    width: int

    @nn.compact
    def __call__(self, seen: flat.Flat) -> jax.Array:
        """Encode a batch."""
        hidden = nn.relu(nn.Dense(self.width)(seen.features))
        self.sow("intermediates", "hidden", hidden)
        return hidden
