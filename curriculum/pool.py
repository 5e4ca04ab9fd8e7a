"""The level pool: levels with what is known of them, as arrays with pure functions.

Slots are the last axis of every array. Provenance: which refresh a level was drawn in and which draw
of that refresh it was, so that the generator can draw it again.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp

from curriculum.base import FRESH, Array
from envs.base import Level
from envs.outcome import Outcome
from physics.base import Capacity
from physics.pytree import array, struct, zeros


@struct
class LevelPool:
    """`M` slots. An empty slot has `filled` false and is never sampled."""

    levels: Level
    filled: Array = array("", "bool")
    score: Array = array("")
    successes: Array = array("", "int32")  # while in the pool, scouting included
    episodes: Array = array("", "int32")
    sampled: Array = array("", "int32")  # how often it was assigned
    born: Array = array("", "int32")  # refresh that brought it in
    draw: Array = array("", "int32")  # which draw of that refresh
    parent: Array = array("", "int32")  # slot of the level it was edited from, FRESH if drawn


def empty(capacity: Capacity, slots: int) -> LevelPool:
    """A pool with nothing in it."""
    pool = zeros(LevelPool, worlds=slots, **capacity.dims)
    return dataclasses.replace(pool, parent=jnp.full(slots, FRESH, jnp.int32))


def fill(levels: Level, score: Array, outcome: Outcome, born: Array, slots: int) -> LevelPool:
    """A pool of the `slots` best of many candidates `[..., W]`; ties keep the order drawn."""
    best = jnp.argsort(-score, stable=True)[:slots]
    zero = jnp.zeros(slots, jnp.int32)
    return LevelPool(
        levels=jax.tree.map(lambda leaf: leaf[..., best], levels),
        filled=jnp.ones(slots, bool),
        score=score[best],
        successes=outcome.successes[best],
        episodes=outcome.episodes[best],
        sampled=zero,
        born=zero + born,
        draw=best.astype(jnp.int32),
        parent=zero + FRESH,
    )


@functools.partial(jax.jit, static_argnums=2)
def sample(pool: LevelPool, key: Array, count: int) -> tuple[LevelPool, Level, Array]:
    """(pool, levels, slots): `count` filled slots drawn uniformly with replacement."""
    slot = jax.random.categorical(key, jnp.where(pool.filled, 0.0, -jnp.inf), shape=(count,)).astype(jnp.int32)
    counted = dataclasses.replace(pool, sampled=pool.sampled.at[slot].add(1))
    return counted, jax.tree.map(lambda leaf: jnp.take(leaf, slot, axis=-1), pool.levels), slot


def update(pool: LevelPool, slot: Array, outcome: Outcome) -> LevelPool:
    """Add what was played in `slot [W]` to the counts; FRESH slots are skipped."""
    known = slot != FRESH
    at = jnp.where(known, slot, 0)
    return dataclasses.replace(
        pool,
        successes=pool.successes.at[at].add(jnp.where(known, outcome.successes, 0)),
        episodes=pool.episodes.at[at].add(jnp.where(known, outcome.episodes, 0)),
    )
