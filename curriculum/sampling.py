"""Drawing levels of a pool: how much each weighs, and draws by weight.

Weights are shares of 2^30, rounded to whole numbers and never below 1: sums of whole numbers are exact, so a slot of weight 0 is
never drawn and every other one can be, in pools of up to a million levels. A draw is a search in the running sum.
"""

import functools
from dataclasses import replace

import jax
import jax.numpy as jnp

from curriculum.base import Array
from curriculum.pool import LevelPool
from curriculum.scores import ranked
from envs.base import Level
from physics.pytree import worlds

WAYS = ("uniform", "proportional", "rank", "top")
UNITS = 2**30


def weights(score: Array, filled: Array, way: str, temperature: float = 1.0, top: int = 1) -> Array:
    """Shares `[M]` of the filled slots by one of `WAYS`.

    proportional: score^(1 / temperature), scores below 0 as 0. rank: (1 / rank)^(1 / temperature), the best has rank 1.
    top: the `top` best by exp(score / temperature). Where no filled slot has a weight, all have the same.
    """
    score = jnp.where(filled, ranked(score), -jnp.inf)
    if way == "proportional":
        weight = jnp.where(score > 0, _power(score, temperature), 0.0)
    elif way in ("rank", "top"):
        order = jnp.argsort(-score, stable=True)
        rank = jnp.zeros(score.shape).at[order].set(jnp.arange(1.0, score.shape[0] + 1))
        chosen = jnp.where(rank <= top, jnp.exp((score - score.max()) / temperature), 0.0)
        weight = _power(1 / rank, temperature) if way == "rank" else jnp.nan_to_num(chosen)
    else:
        weight = jnp.ones(score.shape)
    return _shares(weight, filled)


def with_staleness(share: Array, pool: LevelPool, now: Array, staleness: float) -> Array:
    """A part `staleness` of the weight goes by how many assignments ago a level was last handed out."""
    waited = jnp.maximum(now - pool.sampled, 0).astype(jnp.float32)
    return (1 - staleness) * share + staleness * _shares(waited, pool.filled)


def sample(pool: LevelPool, share: Array, key: Array, count: int, now: Array) -> tuple[LevelPool, Level, Array]:
    """(pool, levels, slots): `count` filled slots drawn by weight with replacement, in assignment number `now`."""
    slot, sampled = _drawn(share, pool.filled, pool.sampled, key, count, now)
    return replace(pool, sampled=sampled), worlds(pool.levels, slot), slot


@functools.partial(jax.jit, static_argnums=4)
def _drawn(share: Array, filled: Array, sampled: Array, key: Array, count: int, now: Array) -> tuple[Array, Array]:
    slot = draw(share, filled, key, count)
    return slot, sampled.at[slot].set(jnp.asarray(now, jnp.int32))


def draw(share: Array, filled: Array, key: Array, count: int) -> Array:
    """`count` slots by weight, with replacement."""
    share = _shares(share, filled)
    units = jnp.where(share > 0, jnp.maximum((share * UNITS).astype(jnp.int32), 1), 0)
    running = jnp.cumsum(units)
    number = jax.random.randint(key, (count,), 0, jnp.maximum(running[-1], 1))
    return jnp.searchsorted(running, number, side="right").astype(jnp.int32)


def _power(value: Array, temperature: float) -> Array:
    return value ** (1 / temperature)


def _shares(weight: Array, filled: Array) -> Array:
    weight = jnp.where(filled, weight, 0.0)
    total = weight.sum()
    return jnp.where(total > 0, weight / jnp.where(total > 0, total, 1.0), filled / jnp.maximum(filled.sum(), 1))
