"""Pixels encoder: two convolutions and a dense layer, then gravity, which cannot be seen.

The small network of Mnih et al., "Playing Atari with deep reinforcement learning" (2013), as IMPALA's shallow
one has it (Espeholt et al., 2018).
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from envs.observations import pixels
from learners.networks.dense import Dense


class Pixels(nn.Module):
    """`pixels.Pixels` -> features `[B, width + 2]`."""

    channels: int  # of the first convolution; the second has twice as many
    width: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, seen: pixels.Pixels) -> jax.Array:
        """Encode a batch of pictures of any size."""
        coarse = nn.Conv(self.channels, (8, 8), (4, 4), dtype=self.dtype, name="conv_1")(seen.image - 0.5)
        fine = nn.Conv(2 * self.channels, (4, 4), (2, 2), dtype=self.dtype, name="conv_2")(nn.relu(coarse))
        hidden = nn.relu(Dense(self.width, dtype=self.dtype, name="dense")(nn.relu(fine).reshape(fine.shape[0], -1)))
        self.sow("intermediates", "hidden", hidden)
        return jnp.concatenate([hidden.astype(jnp.float32), seen.gravity], axis=-1)
