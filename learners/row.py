"""Parameters, or what belongs to them, as one row of numbers, which is how the optimiser sees them.

Leaf by leaf, everything that an optimiser does has to be compiled once for every shape of parameter.
"""

from itertools import accumulate
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.flatten_util import ravel_pytree

from learners.base import Array
from physics.materialise import hidden, one_zero


def join(tree: Any) -> Array:
    """All leaves behind one another, `[numbers]`."""
    return ravel_pytree(tree)[0]


def split(row: Array, like: Any) -> Any:
    """The inverse of `join`, shaped as the tree `like`; leaves of one shape share a compiled copy."""
    leaves, structure = jax.tree.flatten(like)
    begins = jnp.array([0, *accumulate(leaf.size for leaf in leaves)], jnp.int32)

    def take(number: Array, size: int) -> Array:
        begin = lax.dynamic_index_in_dim(begins, number, keepdims=False, allow_negative_indices=False)
        return lax.dynamic_slice_in_dim(row, begin, size, allow_negative_indices=False)

    with one_zero(row):
        parts = [take(number, leaf.size) for number, leaf in zip(hidden(len(leaves)), leaves, strict=True)]
    return jax.tree.unflatten(structure, [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)])
