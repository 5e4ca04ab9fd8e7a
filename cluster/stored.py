"""How a state lies on disk: without a trace of the devices, blocks and processes that made it.

Arrays are saved whole, whatever devices share them; keys as the numbers they are made of. Worlds lie in
blocks, `[blocks, ..., worlds of a block]`, and how many blocks there are depends on the devices: a
state that is read for other devices is dealt anew, and every world keeps its number.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cluster import mesh as meshes

DEALT = "worlds"  # the part of a state that lies in blocks


def plain(state: Any) -> Any:
    """What is written: arrays of numbers. Arrays that only this one of several processes holds become numpy, which one process writes."""
    return jax.tree.map(_plain, state)


def size(state: Any) -> int:
    """Bytes of a state."""
    return sum(jax.random.key_data(leaf).nbytes if _is_key(leaf) else leaf.nbytes for leaf in jax.tree.leaves(state))


def wanted(like: Any, saved: Mapping[str, tuple[int, ...]]) -> Any:
    """What to ask a checkpoint for, to get a state like `like`; `saved` are the shapes in the checkpoint by name."""
    return jax.tree_util.tree_map_with_path(lambda path, leaf: _wanted(leaf, _saved_shape(path, leaf, saved)), like)


def placed(found: Any, like: Any) -> Any:
    """What was read as asked for by `wanted`, shaped and placed as `like`."""
    return jax.tree.map(_placed, found, like)


def names(tree: Any) -> dict[str, Any]:
    """Leaves by name."""
    return {_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def dealt_anew(value: np.ndarray, blocks: int) -> np.ndarray:
    """`[blocks, ..., worlds of a block]` in another number of blocks."""
    joined = np.moveaxis(value, 0, -2).reshape(*value.shape[1:-1], -1)
    return np.ascontiguousarray(np.moveaxis(joined.reshape(*joined.shape[:-1], blocks, -1), -2, 0))


def _plain(leaf: Any) -> Any:
    leaf = jax.random.key_data(leaf) if _is_key(leaf) else leaf
    alone = jax.process_count() > 1 and isinstance(leaf, jax.Array) and leaf.is_fully_addressable
    return np.asarray(leaf) if alone else leaf


def _wanted(leaf: Any, shape: tuple[int, ...]) -> Any:
    own = jax.eval_shape(jax.random.key_data, leaf) if _is_key(leaf) else leaf
    shape = own.shape if _is_key(leaf) else shape
    if _is_local(leaf) or shape != own.shape:
        return np.broadcast_to(np.zeros((), own.dtype), shape)  # read into this process's memory
    return jax.ShapeDtypeStruct(shape, own.dtype, sharding=leaf.sharding)


def _placed(found: Any, like: Any) -> Any:
    if _is_key(like):
        return jax.random.wrap_key_data(jax.device_put(found, like.sharding), impl=jax.random.key_impl(like))
    if found.shape != like.shape:
        found = dealt_anew(found, like.shape[0])
    return meshes.place(found, like.sharding) if isinstance(like, jax.Array) and isinstance(found, np.ndarray) else found


def _saved_shape(path: Any, leaf: Any, saved: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The shape in the checkpoint of worlds that only lie in other blocks; else the shape that they are to have."""
    name, own = _name(path), leaf.shape
    shape = saved.get(name, own)
    same = len(shape) == len(own) >= 2 and shape[1:-1] == own[1:-1] and shape[0] * shape[-1] == own[0] * own[-1]
    return shape if name.split("/")[0] == DEALT and same else own


def _is_local(leaf: Any) -> bool:
    return not isinstance(leaf, jax.Array) or (jax.process_count() > 1 and leaf.is_fully_addressable)


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")
