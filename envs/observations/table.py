"""Turns columns of the engine, worlds last, into rows of features, batch first."""

import math
from collections.abc import Sequence

import jax.numpy as jnp

from envs.base import Array


def table(columns: Sequence[Array], mask: Array, bound: float = math.inf) -> Array:
    """Columns `[slots, W]` -> `[B, slots, features]` within `bound`, zero where masked out or not finite."""
    stacked = jnp.stack([jnp.broadcast_to(column, mask.shape).astype(jnp.float32) for column in columns], axis=-1)
    return jnp.swapaxes(jnp.where(mask[..., None], tame(stacked, bound), 0.0), 0, 1)


def tame(values: Array, bound: float = math.inf) -> Array:
    """Values within `bound`, zero where they are no finite number."""
    finite = jnp.where(jnp.isfinite(values), values, 0.0)
    return finite if math.isinf(bound) else jnp.clip(finite, -bound, bound)


def flattened(blocks: Sequence[Array]) -> Array:
    """Blocks `[B, ...]` side by side as one row a world."""
    return jnp.concatenate([block.reshape(block.shape[0], -1).astype(jnp.float32) for block in blocks], axis=-1)
