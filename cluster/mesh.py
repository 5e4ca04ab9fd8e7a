"""The devices of one process as a mesh, and functions shared out over it."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec, Sharding

from learners.base import DEVICES
from physics.base import Capacity
from physics.errors import InputError

SHARED = PartitionSpec(DEVICES)  # first axis shared out over devices
COPIED = PartitionSpec()  # the same on every device
CPU_BLOCK = 1536  # bodies of a block whose solver rows fit the cache of a core: 256 worlds of size m, 128 of size l


def make(devices: int = 0) -> Mesh:
    """A mesh of the first `devices` local devices; 0 takes all."""
    found = jax.local_devices()
    if devices > len(found):
        raise InputError(
            "run.devices", found=devices, wanted=f"at most {len(found)}, what this process has", fix="Use 0 to take all of them."
        )
    chosen = np.array(found[: devices or len(found)])
    return Mesh(chosen, (DEVICES,), axis_types=(AxisType.Auto,))


def block_size(worlds: int, devices: int, capacity: Capacity, wanted: int = 0, platform: str = "") -> int:
    """Worlds that a device simulates at a time: `wanted`, or with 0 what suits the platform, by default this process's."""
    share, left = divmod(worlds, devices)
    if left:
        raise InputError("run.worlds", found=worlds, wanted=f"a multiple of the {devices} devices")
    if wanted:
        if share % wanted:
            raise InputError("run.block_worlds", found=wanted, wanted=f"a divisor of {share}, the worlds of a device")
        return wanted
    if (platform or jax.default_backend()) != "cpu":
        return share
    return max(size for size in range(1, min(share, max(1, CPU_BLOCK // capacity.even_bodies)) + 1) if share % size == 0)


def over_devices(function: Callable, mesh: Mesh, inputs: Sequence[PartitionSpec], outputs: Any, donate: tuple[int, ...] = ()) -> Callable:
    """`function` compiled to run on every device with its share of the inputs."""
    mapped = jax.shard_map(function, mesh=mesh, in_specs=tuple(inputs), out_specs=outputs, check_vma=False)
    return jax.jit(mapped, donate_argnums=donate)


def put(value: Any, mesh: Mesh, spec: PartitionSpec) -> Any:
    """Place a pytree on the mesh."""
    return jax.device_put(value, NamedSharding(mesh, spec))


def place(value: np.ndarray, sharding: Sharding) -> jax.Array:
    """An array of this process's memory on devices, also on those that other processes share: each gives its own part."""
    if sharding.is_fully_addressable:
        return jax.device_put(value, sharding)
    return jax.make_array_from_callback(value.shape, sharding, lambda index: value[index])
