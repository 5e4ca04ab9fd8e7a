"""Attention whose heads look along relations: which entities a head may read differs from group to group."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from learners.networks.dense import Dense

Array = jax.Array
FORBIDDEN = -1e9  # finite, so that a row without anything to look at gives no NaN


class RelationalAttention(nn.Module):
    """Nodes `[B, K, F]` -> what the first `Q` of them found `[B, Q, F]`."""

    heads: int
    width: int  # of queries, of keys and of values, over all heads
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, nodes: Array, mask: Array) -> Array:
        """Look along `mask [B, relations, Q, K]`; the heads are split evenly over the relations, in order."""
        relations, asking = mask.shape[1:3]
        group, each = self.heads // relations, self.width // self.heads
        projected = Dense(3 * self.width, dtype=self.dtype, name="qkv")(nodes)
        shape = (*nodes.shape[:2], relations, group, each)
        query, key, value = (part.reshape(shape) for part in jnp.split(projected, 3, axis=-1))
        scores = jnp.einsum("bqrgd,bkrgd->brgqk", query[:, :asking], key).astype(jnp.float32) / math.sqrt(each)
        weights = nn.softmax(jnp.where(mask[:, :, None], scores, FORBIDDEN), axis=-1).astype(self.dtype)
        found = jnp.einsum("brgqk,bkrgd->bqrgd", weights, value).reshape(nodes.shape[0], asking, self.width)
        return Dense(nodes.shape[-1], dtype=self.dtype, name="out")(found)
