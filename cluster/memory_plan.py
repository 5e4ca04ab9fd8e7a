"""What a run needs of a device's memory, worked out before anything is compiled or allocated.

Shapes of worlds, rollout and learner are exact: they are traced, not guessed. What comes on top while
the devices work is an estimate, of the larger of two, as they do not happen at the same time:

    playing    worlds and rollout of the block that is played, once more; with memory, the memory at every step of it
    learning   a minibatch: its part of the rollout, its levels once for every step that is looked at at once,
               its observations, and 2 x the outputs of all layers of the network (kept for the gradient, and
               their gradients); 3 x the parameters (gradient, step, new parameters); the advantages

Not counted: compiled programs, what the physics holds within a step, evaluation (two blocks a device).
"""

import dataclasses
import math
from pathlib import Path
from typing import Any

import jax

from cluster.base import RunConfig
from cluster.local import Roles
from curriculum.base import Assignment
from learners import ppo
from physics.errors import InputError
from physics.pytree import zeros

MEMINFO = Path("/proc/meminfo")
LOWER = {  # what needs memory: the settings that say how much
    "levels": "run.worlds or curriculum.pool_size",
    "worlds": "run.worlds",
    "rollout": "run.worlds or run.rollout_length",
    "learner": "network.width",
    "playing": "run.block_worlds, run.worlds or run.rollout_length",
    "learning": "ppo.minibatch_size",
}


@dataclasses.dataclass(frozen=True)
class MemoryPlan:
    """Bytes a device, by what needs them."""

    held: dict[str, int]  # all the time
    playing: int
    learning: int
    available: int | None  # None where it cannot be known

    @property
    def total(self) -> int:
        """What is held and the larger of the two works."""
        return sum(self.held.values()) + max(self.playing, self.learning)

    def lines(self) -> list[str]:
        """The plan as text."""
        rows = {**self.held, "playing": self.playing, "or learning": self.learning, "together": self.total}
        if self.available is not None:
            rows["available"] = self.available
        return ["memory a device", *(f"  {name:<22}{text(size):>10}" for name, size in rows.items())]

    def check(self) -> None:
        """`InputError` if it does not fit."""
        if self.available is None or self.total <= self.available:
            return
        parts = {**self.held, "playing": self.playing, "learning": self.learning}
        largest = max(parts, key=lambda name: parts[name])
        raise InputError(
            "memory of a device", found=text(self.total), wanted=f"at most {text(self.available)}",
            fix=f"Lower {LOWER[largest]}: {largest} alone needs {text(parts[largest])}. More devices share it out.",
        )  # fmt: skip


def make(config: RunConfig, roles: Roles) -> MemoryPlan:
    """The plan of a run."""
    run, env = config.run, roles.worker.env
    key = jax.eval_shape(lambda: jax.random.key(0))
    assignment = jax.eval_shape(lambda: zeros(Assignment, worlds=run.worlds, **env.capacity.dims))
    pool = jax.eval_shape(roles.curriculum.algorithm.init, key)
    seen = jax.eval_shape(env.blank)
    train = jax.eval_shape(roles.learner.begin, key)
    worlds, rollout = roles.worker.shapes(train.params, assignment.levels)
    layers = jax.eval_shape(lambda p, s: roles.worker.apply(p, s, capture_intermediates=True)[1], train.params, seen)
    share, samples = len(roles.worker.devices), run.steps_per_iteration
    minibatch = config.ppo.minibatch_size * (size(rollout) // samples + size(seen) + 2 * size(layers))
    count = config.ppo.minibatches(run.worlds, run.rollout_length, 1)
    minibatch += size(assignment.levels) * ppo.looked_at_once(run.rollout_length, count) // count
    return MemoryPlan(
        held={
            "levels": size(assignment) + size(pool),  # these lie on one device
            "worlds": size(worlds) // share,
            "rollout": size(rollout) // share,
            "learner": size(train),
        },
        playing=(size(worlds) + size(rollout) + run.rollout_length * size(worlds.memory)) // roles.worker.blocks,
        learning=minibatch // share + 3 * size(train.params) + 4 * samples // share,
        available=available([device for device in roles.worker.devices if device.process_index == jax.process_index()]),
    )


def size(shapes: Any) -> int:
    """Bytes of all arrays of a pytree."""
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))


def available(devices: list[Any]) -> int | None:
    """Bytes that a device can have: what its allocator may take; on a CPU, its share of the memory that is free."""
    stats = devices[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"]
    if devices[0].platform != "cpu" or not MEMINFO.exists():
        return None
    free = next(line for line in MEMINFO.read_text().splitlines() if line.startswith("MemAvailable"))
    return int(free.split()[1]) * 1024 // len(devices)


def text(size: int) -> str:
    """A number of bytes in words."""
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size / 2**10:.1f} KiB"
