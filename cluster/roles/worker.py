"""The rollout worker: plays worlds with the policy on its devices, to learn from and to measure.

Its programs hold nothing; `roles.player` holds the worlds. Worlds have numbers in the whole run, by which
they draw chance: a worker that has a part of them is told the number of its first one.
"""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh

from cluster import mesh as meshes
from cluster.mesh import COPIED, SHARED
from envs.base import EnvState, Level
from envs.env import Env
from envs.outcome import Outcome
from learners import advantage, chance, evaluate, rollout
from learners.advantage import Estimate
from learners.base import DEVICES, Array, Params, Rollout, Worlds, join_blocks, over_blocks, split_blocks
from learners.evaluate import Attempts
from physics.diagnose import diagnose, summary
from physics.pytree import count_worlds

QUICK = {"xla_backend_optimization_level": 0}  # what runs once in a while takes longer to compile than to run
EVALUATED_BLOCKS = 2  # blocks a device plays in one call of the evaluation


class RolloutWorker:
    """Holds worlds; everything else is passed in."""

    def __init__(
        self, env: Env, apply: Callable, mesh: Mesh, worlds: int, length: int, block: int = 0, stagger: bool = False,
        advantages: Estimate = advantage.estimate, memory: int = 0,
    ) -> None:  # fmt: skip
        """`apply(params, observation, *memory)` is the network; `block` as in `mesh.block_size`, the rest as in `rollout`."""
        self.env = env
        self._mesh = mesh
        self.devices = list(mesh.devices.flat)
        self.apply = apply
        self.memory = memory
        self._length = length
        self._stagger = stagger
        self._advantages = advantages
        self._block = meshes.block_size(worlds, mesh.size, env.capacity, block)
        self.blocks = worlds // self._block
        self._chunk = self._block * mesh.size * min(EVALUATED_BLOCKS, self.blocks // mesh.size)
        self._collect = meshes.over_devices(self._collect_share, mesh, (COPIED, SHARED, COPIED, COPIED), SHARED, donate=(1,))
        self._play = meshes.over_devices(self._play_share, mesh, (COPIED, SHARED, COPIED, COPIED, COPIED), SHARED)
        self._begin = jax.jit(self._begin_blocks)
        self._cut = jax.jit(self._cut_chunk)
        self._take = jax.jit(_take)
        self._join = jax.jit(join_blocks, compiler_options=QUICK)
        self._split = jax.jit(functools.partial(split_blocks, blocks=self.blocks), compiler_options=QUICK)
        self._look = jax.jit(_look, compiler_options=QUICK)

    def place(self, params: Params) -> Params:
        """Parameters on every device, as a learner on the same devices holds them."""
        return meshes.put(params, self._mesh, COPIED)

    def assign(self, levels: Level, key: Array, first: int = 0) -> Worlds:
        """Start an episode of every level; what was being played is dropped. `key` staggers, if so set."""
        return meshes.put(self._begin(levels, key, jnp.int32(first)), self._mesh, SHARED)

    def collect(self, params: Params, worlds: Worlds, key: Array, first: int = 0) -> tuple[Worlds, Rollout]:
        """Play one rollout. `worlds` is consumed."""
        return self._collect(params, worlds, meshes.put(key, self._mesh, COPIED), jnp.int32(first))

    def joined(self, worlds: Worlds) -> Worlds:
        """Worlds as a checkpoint holds them, along the last axis: however many blocks, devices and workers there are."""
        return self._join(worlds)

    def split(self, worlds: Worlds) -> Worlds:
        """The inverse of `joined`, on this worker's devices."""
        return meshes.put(self._split(worlds), self._mesh, SHARED)

    def take_outcome(self, worlds: Worlds) -> tuple[Worlds, Outcome]:
        """(worlds with cleared counts, what the levels gave since they were assigned, in host memory)."""
        outcome, cleared = self._take(worlds.outcome)
        # Placed as before: worlds that lie elsewhere would compile the rollout anew.
        return dataclasses.replace(worlds, outcome=meshes.put(cleared, self._mesh, SHARED)), meshes.fetch(outcome)

    def look(self, worlds: Worlds) -> dict[str, float]:
        """How the physics of the first block is doing, as curves: see `physics.diagnose`."""
        return {f"physics/{name}": float(value) for name, value in self._look(worlds).items()}

    def evaluate(
        self, params: Params, levels: Level, key: Array, way: int = rollout.SAMPLED, attempts: int = 1, number: int = 0
    ) -> Attempts:  # fmt: skip
        """So many whole episodes of every level `[..., W]`, those of a level next to each other: `[W x attempts]`, in host memory.

        They are played in chunks of one size, so that all evaluations share one compiled program. `number` is that of
        the first attempt, where these are a part of more.
        """
        count, key = count_worlds(levels) * attempts, meshes.put(key, self._mesh, COPIED)
        parts = []
        for first in range(0, count, self._chunk):
            chunk = meshes.put(self._cut(levels, jnp.int32(first), jnp.int32(attempts)), self._mesh, SHARED)
            parts.append(self._play(params, chunk, key, jnp.int32(number + first), jnp.int32(way)))
        return jax.tree.map(lambda *leaves: np.concatenate([leaf.reshape(-1) for leaf in leaves])[:count], *meshes.fetch(parts))

    def _cut_chunk(self, levels: Level, first: Array, attempts: Array) -> Level:
        """The chunk that begins with attempt number `first`, in blocks; past the end the last level is repeated."""
        index = jnp.minimum((first + jnp.arange(self._chunk)) // attempts, count_worlds(levels) - 1)
        chunk = jax.tree.map(lambda leaf: jnp.asarray(leaf)[..., index], levels)
        return split_blocks(chunk, self._chunk // self._block)

    def shapes(self, params: Params, levels: Level) -> tuple[Worlds, Rollout]:
        """Shapes of all worlds and of a rollout, from those of parameters and levels; nothing is allocated."""
        key = jax.eval_shape(lambda: jax.random.key(0))
        number = jax.ShapeDtypeStruct((), jnp.int32)
        worlds = jax.eval_shape(self._begin_blocks, levels, key, number)
        return jax.eval_shape(self._collect, params, worlds, key, number)

    def _begin_blocks(self, levels: Level, key: Array, first: Array) -> Worlds:
        worlds = rollout.begin(self.env, levels, self.memory)
        if self._stagger:
            keys = chance.of_worlds(key, first + jnp.arange(count_worlds(levels)))
            worlds = rollout.stagger(worlds, keys, self.env.config.max_steps)
        return split_blocks(worlds, self.blocks)

    def _world_keys(self, key: Array, first: Array, block: Array) -> Array:
        """Keys of a block's worlds, counted from world `first`: they depend on the world's number, not on device or worker."""
        return chance.of_worlds(key, first + block * self._block + jnp.arange(self._block))

    def _my_blocks(self, count: int) -> Array:
        return lax.axis_index(DEVICES) * count + jnp.arange(count)

    def _collect_share(self, params: Params, worlds: Worlds, key: Array, first: Array) -> tuple[Worlds, Rollout]:
        def one(block: Worlds, number: Array) -> tuple[Worlds, Rollout]:
            keys = self._world_keys(key, first, number)
            return rollout.collect(self.apply, params, self.env, block, keys, self._length, self._advantages)

        return over_blocks(one, worlds, self._my_blocks(worlds.outcome.episodes.shape[0]))

    def _play_share(self, params: Params, levels: Level, key: Array, first: Array, way: Array) -> Attempts:
        act = rollout.policy(self.apply, params, way)

        def one(args: tuple[Level, Array]) -> Attempts:
            block, number = args
            keys = self._world_keys(key, first, number)
            return evaluate.first_episodes(act, self.env, block, keys, self._advantages, self.memory)

        return lax.map(one, (levels, self._my_blocks(levels.role.shape[0])))


def _look(worlds: Worlds) -> dict[str, Array]:
    first: EnvState = jax.tree.map(lambda leaf: leaf[0], worlds.env)
    return summary(diagnose(first.prepared, first.physics.motion))


def _take(outcome: Outcome) -> tuple[Outcome, Outcome]:
    """(joined, cleared)."""
    return join_blocks(outcome), outcome.cleared()
