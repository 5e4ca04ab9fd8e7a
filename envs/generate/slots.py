"""One slot of arrays whose last axis are slots, read and written by comparison.

Which slot it is differs from level to level. Mapped over levels an index is a gather and an update a
scatter: loops of scalar code on a CPU, and long to compile. With few slots a comparison with every one is better.
"""

import jax.numpy as jnp

from envs.base import Array


def read(values: Array, slot: Array) -> Array:
    """The entry `slot` of the last axis."""
    here = _is(values, slot)
    return jnp.any(values & here, axis=-1) if values.dtype == bool else jnp.sum(jnp.where(here, values, 0), axis=-1, dtype=values.dtype)


def write(values: Array, slot: Array | int, value: Array | float | bool) -> Array:
    """`values` with the entry `slot` of the last axis replaced by `value`, which has its other axes."""
    return jnp.where(_is(values, slot), jnp.asarray(value, values.dtype)[..., None], values)


def move(values: Array, place: Array) -> Array:
    """Every entry `i` of the last axis moved to the slot `place[i]`; `place` is a permutation."""
    slot = jnp.arange(place.shape[0])
    source = jnp.sum(jnp.where(place == slot[:, None], slot, 0), axis=-1)
    return read(values[..., None, :], source[:, None])


def _is(values: Array, slot: Array | int) -> Array:
    return jnp.arange(values.shape[-1]) == slot
