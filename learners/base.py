"""The types of learning: what a policy is, what a rollout holds, what an update changes.

Worlds are dealt to blocks: `[blocks, ..., worlds of a block]`. A block is what one device simulates
at a time; on a CPU a block fits the cache. The block axis is the one that devices share out.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from envs.base import EnvState, Level
from envs.outcome import Outcome
from physics.base import Motion
from physics.materialise import materialise

Array = jax.Array
Params = Any
Memory = tuple[Array, ...]  # ([units, W],), what a network remembers of every world's episode; () for one without memory
Decision = tuple[Array, ...]  # action [B, channels] ([B] if discrete), log probability [B], value [B], then the memory after it
Act = Callable[..., Decision]  # (observation, keys [B], *memory) -> decision
DEVICES = "devices"  # name of the mesh axis that blocks are shared out over


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Rollout:
    """`L` steps of a block of worlds. Observations are not kept: they follow from level and motion."""

    level: Level  # [..., W]
    motion: Motion  # [L, ..., W] before the action
    action: Array  # [L, channels, W]; [L, W] if discrete
    log_prob: Array  # [L, W]
    value: Array  # [L, W]
    reward: Array  # [L, W]
    terminated: Array  # [L, W]
    truncated: Array  # [L, W]
    final_value: Array  # [L, W] value of the state that a truncated episode ended in, else 0
    last_value: Array  # [W] value of the state after the last step, 0 where an episode ended in it
    memory: Memory = ()  # before the first step; what comes after follows from the observations


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Worlds:
    """What a worker keeps between rollouts."""

    env: EnvState
    outcome: Outcome
    late: Array | None = None  # [W] bool, whether the episode in progress began late on the clock; only with staggered episodes
    memory: Memory = ()  # of the episode in progress: zeros where one begins


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Proximal:
    """A weighted average of the parameters after the last gradient steps; see `learners.proximal`."""

    params: Params
    weight: Array  # sum of the weights of all that were averaged; the newest weighs 1


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """What an update changes."""

    params: Params
    optimizer: Any
    updates: Array  # int, updates done
    skipped: Array  # int, gradient steps in a row that were skipped because something was not finite
    proximal: Proximal | None = None  # only with `ppo.ewma_decay`


def split_blocks(value: Any, blocks: int) -> Any:
    """Deal the worlds of the last axis to `blocks` along a new first axis."""

    def split(leaf: Array) -> Array:
        shaped = leaf.reshape(*leaf.shape[:-1], blocks, leaf.shape[-1] // blocks)
        return jnp.moveaxis(shaped, -2, 0)

    return jax.tree.map(split, value)


def join_blocks(value: Any) -> Any:
    """The inverse of `split_blocks`."""

    def join(leaf: Array) -> Array:
        moved = jnp.moveaxis(leaf, 0, -2)
        return moved.reshape(*moved.shape[:-2], -1)

    return jax.tree.map(join, value)


def over_blocks(function: Callable, blocks: Any, *given: Any) -> tuple[Any, Any]:
    """`function(block, *given)` of every block and what is given for it, one after the other: (blocks, what else it returns, stacked).

    `function` returns (block, anything). As `lax.map`, but a block is put in its own place. A second state, filled with zeros and
    then overwritten, takes memory, and a kernel more to compile for every shape of array; what does not change is not written at all.
    """

    def one(blocks: Any, own: tuple) -> tuple[Any, Any]:
        number, *rest = own
        take = functools.partial(lax.dynamic_index_in_dim, index=number, keepdims=False, allow_negative_indices=False)
        before = materialise(jax.tree.map(take, blocks))
        after, more = function(before, *rest)

        def put(leaf: Array, old: Array, new: Array) -> Array:
            return leaf if new is old else lax.dynamic_update_index_in_dim(leaf, new, number, 0, allow_negative_indices=False)

        return jax.tree.map(put, blocks, before, after), more

    count = len(jax.tree.leaves(blocks)[0])
    return lax.scan(one, blocks, (jnp.arange(count), *given))
