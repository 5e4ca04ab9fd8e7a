"""Turns columns of the engine, worlds last, into rows of features, batch first."""

import math
from collections.abc import Sequence

import jax.numpy as jnp

from envs.base import Array


def table(columns: Sequence[Array], mask: Array, bound: float = math.inf) -> Array:
    """Columns of `[slots, W]` (or what spreads to it), or several at once `[columns, slots, W]`, -> `[B, slots, features]`.

    Within `bound`, zero where masked out or not finite. The axis of features is turned last: columns are
    then whole pieces of memory, and what several have in common is one kernel to compile instead of one each.
    """
    blocks = [column if jnp.ndim(column) == 3 else jnp.broadcast_to(column, (1, *mask.shape)) for column in columns]
    return jnp.transpose(jnp.where(mask, tame(jnp.concatenate([block.astype(jnp.float32) for block in blocks]), bound), 0.0), (2, 1, 0))


def tame(values: Array, bound: float = math.inf) -> Array:
    """Values within `bound`, zero where they are no finite number."""
    finite = jnp.where(jnp.isfinite(values), values, 0.0)
    return finite if math.isinf(bound) else jnp.clip(finite, -bound, bound)


def flattened(blocks: Sequence[Array]) -> Array:
    """Blocks `[B, ...]` side by side as one row a world."""
    return jnp.concatenate([block.reshape(block.shape[0], -1).astype(jnp.float32) for block in blocks], axis=-1)
