"""Reading and writing the bodies that joints and thrusters act on.

Which body it is differs from world to world. A gather would be slow on a CPU and a scatter slower, so
the index is compared with every body and the comparison selects: with few bodies that is a few
vectorised operations, and it needs no memory. An index of -1 is nobody: reading gives 0, writing nothing.
"""

import functools

import jax.numpy as jnp
from jax import lax

from physics.base import Array
from physics.math2d import Vec


def is_at(index: Array, bodies: int) -> Array:
    """`[..., bodies, W]`: whether a body is the one that `index [..., W]` names."""
    shape = (*index.shape[:-1], bodies, index.shape[-1])
    named = lax.broadcast_in_dim(index, shape, (*range(len(shape) - 2), len(shape) - 1))
    return lax.broadcasted_iota(index.dtype, shape, len(shape) - 2) == named


def read(index: Array, values: Array) -> Array:
    """Per entry of `index [..., W]`, that body's entry of `values [E, W]`."""
    return jnp.sum(jnp.where(is_at(index, values.shape[0]), values, 0.0), axis=-2)


def sign(a: Array, b: Array, bodies: int) -> Array:
    """`[..., bodies, W]`: 1 at body `b`, -1 at body `a`, else 0."""
    return jnp.where(is_at(b, bodies), 1.0, jnp.where(is_at(a, bodies), -1.0, 0.0))


def difference(a: Array, b: Array, values: Array) -> Array:
    """The value of body `b` less that of body `a`, in one pass."""
    bodies = values.shape[0]
    return jnp.sum(jnp.where(is_at(b, bodies), values, jnp.where(is_at(a, bodies), -values, 0.0)), axis=-2)


def difference_vec(a: Array, b: Array, values: Vec) -> Vec:
    """`difference` of both components."""
    return Vec(difference(a, b, values.x), difference(a, b, values.y))


def spread(index: Array, amounts: Array, bodies: int) -> Array:
    """`[bodies, W]`: what every body gets when entry `i` gives `amounts[i]` to body `index[i]`.

    A sum of terms, not a reduction: over the first axis XLA's reductions are not vectorised on a CPU.
    """
    at = is_at(index, bodies)
    terms = (jnp.where(at[i], amounts[i], 0.0) for i in range(index.shape[0]))
    return functools.reduce(jnp.add, terms, jnp.zeros((bodies, index.shape[1])))
