"""How a state lies on disk: without a trace of the devices and processes that made it.

Arrays are saved whole, whatever devices share them; keys as the numbers they are made of. What a process holds
for itself, rather than on devices that all processes share, is the same in all of them, and one writes it.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cluster import mesh as meshes


def plain(state: Any) -> Any:
    """What is written: arrays of numbers."""

    def one(leaf: Any) -> Any:
        leaf = jax.random.key_data(leaf) if _is_key(leaf) else leaf
        return np.asarray(leaf) if _is_own(leaf) else leaf

    return jax.tree.map(one, state)


def size(state: Any) -> int:
    """Bytes of a state."""
    return sum(jax.random.key_data(leaf).nbytes if _is_key(leaf) else leaf.nbytes for leaf in jax.tree.leaves(state))


def wanted(like: Any) -> Any:
    """What to ask a checkpoint for, to get a state like `like`."""

    def one(leaf: Any) -> Any:
        numbers = jax.eval_shape(jax.random.key_data, leaf) if _is_key(leaf) else leaf
        if _is_own(leaf):
            return np.broadcast_to(np.zeros((), numbers.dtype), numbers.shape)  # is read into this process's memory
        return jax.ShapeDtypeStruct(numbers.shape, numbers.dtype, sharding=leaf.sharding)

    return jax.tree.map(one, like)


def placed(found: Any, like: Any) -> Any:
    """What was read as asked for by `wanted`, placed as `like`."""

    def one(numbers: Any, leaf: Any) -> Any:
        if _is_key(leaf):
            return jax.random.wrap_key_data(jax.device_put(numbers, leaf.sharding), impl=jax.random.key_impl(leaf))
        return meshes.place(numbers, leaf.sharding) if isinstance(leaf, jax.Array) and isinstance(numbers, np.ndarray) else numbers

    return jax.tree.map(one, found, like)


def _is_own(leaf: Any) -> bool:
    """Whether a process holds it for itself: numpy, or an array on devices of one of several processes."""
    return not isinstance(leaf, jax.Array) or (jax.process_count() > 1 and leaf.is_fully_addressable)


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
