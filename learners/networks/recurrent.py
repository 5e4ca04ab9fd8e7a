"""Memory: a gated recurrent unit between encoder and heads, for what cannot be seen in one observation.

Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014). All steps of a rollout are
encoded in one batch; only the small cell, as wide as the memory, goes step by step.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from learners.networks.dense import Dense

Array = jax.Array


class Recurrent(nn.Module):
    """Features and what is remembered -> (features of heads, what is remembered afterwards), both float32."""

    units: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, features: Array, memory: Array | None = None, ended: Array | None = None) -> tuple[Array, Array]:
        """One step of a batch `[B, F]`, with `memory [B, units]`; without it, an episode begins.

        With `ended [blocks, L, W]` it is `L` steps: features are `[blocks x L x W, F]`, the memory is `[blocks, W, units]`, and it
        is cleared after each step that ended an episode.
        """
        entry = nn.relu(Dense(self.units, dtype=self.dtype, name="entry")(features))
        cell = nn.GRUCell(self.units, dtype=self.dtype, name="cell")
        before = jnp.zeros((features.shape[0], self.units)) if memory is None else memory
        after, found = cell(before, entry) if ended is None else _in_order(cell, before, entry, ended)
        self.sow("intermediates", "hidden", found)
        return found, after


def _in_order(cell: nn.GRUCell, memory: Array, entry: Array, ended: Array) -> tuple[Array, Array]:
    def step(cell: nn.GRUCell, memory: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        entry, ended = now
        after, found = cell(memory, entry)
        return jnp.where(ended[..., None], 0.0, after), found

    steps = jnp.moveaxis(entry.reshape(*ended.shape, -1), 1, 0), jnp.moveaxis(ended, 1, 0)
    memory, found = nn.scan(step, variable_broadcast="params", split_rngs={"params": False})(cell, memory, steps)
    return memory, jnp.moveaxis(found, 0, 1).reshape(entry.shape)
