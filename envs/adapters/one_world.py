"""A function of a batch of worlds as a function of one world, whose `vmap` still calls the batch at once.

The engine wants worlds last and all of them together; mapping it world by world would give XLA another
program, several times slower. So the batching rule hands the whole batch over, and what users map costs
what the engine costs.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

Array = jax.Array


def of_batched(batched: Callable[..., Any]) -> Callable[..., Any]:
    """`batched` takes and gives pytrees of arrays `[..., W]`; the result takes and gives arrays without the worlds."""
    merged = _merging(batched)

    def one(*arguments: Any) -> Any:
        found = merged(*jax.tree.map(lambda leaf: jnp.asarray(leaf)[..., None], arguments))
        return jax.tree.map(lambda leaf: leaf[..., 0], found)

    return one


def _merging(batched: Callable[..., Any]) -> Callable[..., Any]:
    """The same function; an axis that it is mapped over joins the worlds, one inside the other if there are several."""

    @custom_vmap
    def merged(*arguments: Any) -> Any:
        return batched(*arguments)

    @merged.def_vmap
    def rule(size: int, mapped: Any, *arguments: Any) -> tuple[Any, Any]:
        found = merged(*jax.tree.map(lambda leaf, along: _join(leaf, along, size), arguments, tuple(mapped)))
        parted = jax.tree.map(lambda leaf: _part(leaf, size), found)
        return parted, jax.tree.map(lambda _: True, parted)

    return merged


def _join(leaf: Array, mapped: bool, size: int) -> Array:
    """`[size, ..., W]`, or `[..., W]` if not mapped, to `[..., size * W]`."""
    every = jnp.moveaxis(leaf, 0, -2) if mapped else jnp.repeat(leaf[..., None, :], size, axis=-2)
    return every.reshape(*every.shape[:-2], -1)


def _part(leaf: Array, size: int) -> Array:
    """The inverse of `_join`."""
    return jnp.moveaxis(leaf.reshape(*leaf.shape[:-1], size, -1), -2, 0)
