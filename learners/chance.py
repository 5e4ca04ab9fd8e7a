"""Chance: every world draws from keys of its own, so that what it draws depends on no device, block or worker."""

import jax
import jax.numpy as jnp

from learners.base import Array
from physics.materialise import materialise


def of_worlds(key: Array, numbers: Array) -> Array:
    """Keys of the worlds with these numbers `[W]`, of one key."""
    return at(jnp.broadcast_to(key, numbers.shape), numbers)


def at(keys: Array, number: Array) -> Array:
    """Keys `[W]` of a step, an epoch or whatever else has a number, one number or `[W]`, of the worlds' keys.

    Made from memory into memory: however it is asked for, all of a program share the compiled kernels.
    """
    numbers = jnp.broadcast_to(number, keys.shape)
    return materialise(jax.vmap(jax.random.fold_in)(*materialise((keys, numbers))))
