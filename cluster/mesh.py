"""Devices as a mesh, and functions shared out over it: those of this process, or of all processes of a gang.

Every process of a gang runs the same program on the same mesh and holds its own devices' parts of what is
shared out. What only one of them can know, as the time, all take from the first.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec, Sharding

from learners.base import DEVICES
from physics.base import Capacity
from physics.errors import InputError

SHARED = PartitionSpec(DEVICES)  # first axis shared out over devices
COPIED = PartitionSpec()  # the same on every device
CPU_SHARE = 64  # worlds of a device of a CPU below which another one costs more than it brings
CPU_BLOCK = 1536  # bodies of a block whose solver rows fit the cache of a core: 256 worlds of size m, 128 of size l


def make(devices: int = 0) -> Mesh:
    """A mesh of the first `devices` local devices; 0 takes all, those of the other processes of a gang too."""
    found = jax.local_devices() if devices else jax.devices()
    if devices > len(found):
        raise InputError(
            "run.devices", found=devices, wanted=f"at most {len(found)}, what this process has", fix="Use 0 to take all of them."
        )
    chosen = np.array(found[: devices or len(found)])
    return Mesh(chosen, (DEVICES,), axis_types=(AxisType.Auto,))


def suited(worlds: int, wanted: int = 0) -> Mesh:
    """The mesh to play so many worlds on: of `wanted` devices, or with 0 of all, but of a CPU's only what brings something.

    A step of few worlds costs the starting of its kernels, on every device again. So many of a CPU's devices are taken
    as share the worlds out evenly and have `CPU_SHARE` each. On two cores, 64 worlds of size s learn 1.2 to 1.7 times as
    fast on one device as on two with a flat network, 1.1 to 1.2 times with a transformer; with 128, two are as fast.
    """
    if wanted or jax.default_backend() != "cpu" or jax.process_count() > 1:
        return make(wanted)
    most = min(len(jax.local_devices()), max(1, worlds // CPU_SHARE))
    return make(max(devices for devices in range(1, most + 1) if worlds % devices == 0))


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
    """Place a pytree on the mesh. Every process of a gang gives the same value, or one that is on the mesh already."""
    sharding = NamedSharding(mesh, spec)
    if sharding.is_fully_addressable:
        return jax.device_put(value, sharding)
    return jax.tree.map(lambda leaf: _put_leaf(leaf, sharding), value)


def _put_leaf(leaf: Any, sharding: NamedSharding) -> jax.Array:
    if isinstance(leaf, jax.Array) and not leaf.is_fully_addressable:
        return _mover(sharding)(leaf)
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        numbers = place(np.asarray(jax.random.key_data(leaf)), sharding)
        return jax.random.wrap_key_data(numbers, impl=jax.random.key_impl(leaf))
    return place(np.asarray(leaf), sharding)


@functools.lru_cache
def _mover(sharding: NamedSharding) -> Callable[[jax.Array], jax.Array]:
    return jax.jit(lambda value: value, out_shardings=sharding)


def place(value: np.ndarray, sharding: Sharding) -> jax.Array:
    """An array of this process's memory on devices, also on those that other processes share: each gives its own part."""
    if sharding.is_fully_addressable:
        return jax.device_put(value, sharding)
    return jax.make_array_from_callback(value.shape, sharding, lambda index: value[index])


def fetch(value: Any) -> Any:
    """A pytree in this process's memory, the parts of other processes included."""

    def one(leaf: Any) -> Any:
        apart = isinstance(leaf, jax.Array) and not (leaf.is_fully_addressable or leaf.is_fully_replicated)
        return multihost_utils.process_allgather(leaf, tiled=True) if apart else leaf

    return jax.device_get(jax.tree.map(one, value))


def meet() -> int:
    """Number of devices of a gang, found by adding them up: how they reach each other is settled while all are there.

    Later one process may compile for longer than the others are ready to wait for its first word.
    """
    mesh = make()
    count = over_devices(lambda ones: lax.psum(ones.sum(), DEVICES), mesh, (SHARED,), COPIED)
    return int(count(put(np.ones(mesh.size, np.int32), mesh, SHARED)))


def agreed(number: float) -> float:
    """What the first process of a gang says."""
    return number if jax.process_count() == 1 else float(multihost_utils.broadcast_one_to_all(np.float32(number)))


def any_of(flag: bool) -> bool:
    """Whether any process of a gang says so."""
    return flag if jax.process_count() == 1 else bool(multihost_utils.process_allgather(np.int32(flag)).any())
