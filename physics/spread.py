"""Share worlds out over the local devices: the cores of a CPU, see `devices`, or the GPUs of a machine.

A function of a few worlds is run on every device with its share of them. What the devices give is put
together on the first, so that those who call need not know how many there are.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, PartitionSpec

AXIS = "worlds"


def over_devices(function: Callable[[Any, Any], Any], worlds: int) -> Callable[[Any, Any], Any]:
    """`function(shared, batch)` compiled for a batch of `worlds`, the last axis of every array of it and of the result.

    `shared` is given whole to every device. The devices used are as many as divide the worlds evenly.
    """
    found = jax.local_devices()
    count = max(n for n in range(1, len(found) + 1) if worlds % n == 0)
    if count == 1:
        return jax.jit(function)
    mesh = Mesh(np.array(found[:count]), (AXIS,), axis_types=(AxisType.Auto,))

    def share(shared: Any, batch: Any) -> Any:
        return _worlds_first(function(shared, _worlds_last(batch)))

    spread = jax.shard_map(
        share, mesh=mesh, in_specs=(PartitionSpec(), PartitionSpec(AXIS)), out_specs=PartitionSpec(AXIS), check_vma=False
    )
    run = jax.jit(lambda shared, batch: _worlds_last(spread(shared, _worlds_first(batch))))
    return lambda shared, batch: jax.device_put(run(shared, batch), found[0])


def _worlds_first(value: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, -1, 0), value)


def _worlds_last(value: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), value)
