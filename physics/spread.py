"""Share worlds out over the local devices: the cores of a CPU, see `devices`, or the GPUs of a machine.

A function of a few worlds is run on every device with its share of them. What the devices give is put
together in the host's memory, whence programs of any number of devices take it.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

AXIS = "worlds"


def over_devices(function: Callable[[Any, Any], Any], worlds: int, options: dict[str, Any] | None = None) -> Callable[[Any, Any], Any]:
    """`function(shared, batch)` compiled for a batch of `worlds`, the last axis of every array of it and of the result.

    `shared` is given whole to every device. The devices used are as many as divide the worlds evenly. `options` are the compiler's.
    """
    found = jax.local_devices()
    count = max(n for n in range(1, len(found) + 1) if worlds % n == 0)
    if count == 1:
        return jax.jit(function, compiler_options=options)
    mesh = Mesh(np.array(found[:count]), (AXIS,), axis_types=(AxisType.Auto,))

    whole, shared_out = PartitionSpec(), PartitionSpec(AXIS)

    def share(shared: Any, batch: Any) -> Any:
        return _worlds_first(function(shared, _worlds_last(batch)))

    spread = jax.shard_map(share, mesh=mesh, in_specs=(whole, shared_out), out_specs=shared_out, check_vma=False)
    run = jax.jit(lambda shared, batch: _worlds_last(spread(shared, _worlds_first(batch))), compiler_options=options)

    def call(shared: Any, batch: Any) -> Any:
        everywhere = jax.device_put(shared, NamedSharding(mesh, whole))  # wherever it is now
        return jax.tree.map(np.asarray, run(everywhere, jax.tree.map(np.asarray, batch)))

    return call


def _worlds_first(value: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, -1, 0), value)


def _worlds_last(value: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), value)
