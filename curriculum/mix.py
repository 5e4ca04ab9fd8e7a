"""Assignments that mix a pool with fresh levels, what becomes of their outcomes, and what there is to see of a pool."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace

import jax
import jax.numpy as jnp

from curriculum import pool as pools
from curriculum import sampling
from curriculum.base import FRESH, Array, Assignment, Edit, Generate, Look
from curriculum.hashing import hash_levels
from curriculum.pool import LevelPool, Turnover
from envs.base import Level
from envs.outcome import Outcome
from physics.pytree import concatenate, count_worlds, worlds

TOO_HARD, TOO_EASY = 0.05, 0.95  # success rates beyond which there is little to learn


def draw(generate: Generate, key: Array, count: int) -> tuple[Level, Array, Array]:
    """(levels, seed `[2]`, draws `[W]`): fresh levels and what is needed to draw them again."""
    numbered = getattr(generate, "numbered", None)  # a generator that drops some of what it draws says which it kept
    levels, draws = numbered(key, count) if numbered else (generate(key, count), jnp.arange(count))
    return levels, jax.random.key_data(key).reshape(-1)[:2], draws


def fresh(generate: Generate, key: Array, count: int) -> Assignment:
    """An assignment of fresh levels alone."""
    return _fresh(*draw(generate, key, count))


def assign(
    pool: LevelPool, share: Array, key: Array, count: int, from_pool: float, generate: Generate, now: Array
) -> tuple[LevelPool, Assignment]:
    """A part `from_pool` of the worlds play slots drawn by weight `share [M]`; the rest, or all while the pool is empty, fresh levels."""
    return blend(pool, share, key, count, from_pool, functools.partial(fresh, generate), now)


def blend(
    pool: LevelPool, share: Array, key: Array, count: int, from_pool: float, new: Callable[[Array, int], Assignment], now: Array
) -> tuple[LevelPool, Assignment]:
    """A part `from_pool` of the worlds play slots as `assign` does, and the rest what `new(key, count)` gives."""
    known = round(count * from_pool) if bool(pool.filled.any()) else 0
    key_pool, key_new = jax.random.split(key)
    parts = [new(key_new, count - known)] if known < count else []
    if known:
        pool, part = _from_pool(pool, share, key_pool, known, now)
        parts.insert(0, part)
    return pool, join(parts)


def edits(edit: Edit, pool: LevelPool, share: Array, key: Array, count: int) -> Assignment:
    """An assignment of edits of slots drawn by weight `share [M]`."""
    key_parent, key_edit = jax.random.split(key)
    slot = _slots(share, pool.filled, key_parent, count)
    return _edited(edit(key_edit, worlds(pool.levels, slot)), *worlds((pool.hash, pool.depth), slot))


def join(parts: Sequence[Assignment]) -> Assignment:
    """Assignments side by side."""
    return concatenate(parts) if len(parts) > 1 else parts[0]


def newcomers(assignment: Assignment, outcome: Outcome, score: Array, now: Array, window: float) -> LevelPool:
    """An assignment's new levels that were finished, as what may come into a pool."""
    news = pools.newcomers(assignment.levels, outcome, score, now, window)
    new = (assignment.slot == FRESH) & (outcome.episodes > 0)
    return replace(
        news, filled=new, seed=assignment.seed, draw=assignment.draw, parent=assignment.parent, depth=assignment.depth
    )  # fmt: skip


def _from_pool(pool: LevelPool, share: Array, key: Array, count: int, now: Array) -> tuple[LevelPool, Assignment]:
    pool, levels, slot = sampling.sample(pool, share, key, count, now)
    names = ("hash", "seed", "draw", "parent", "depth")
    kept = worlds({name: getattr(pool, name) for name in names}, slot)
    return pool, Assignment(levels=levels, slot=slot, **kept)


_slots = jax.jit(sampling.draw, static_argnums=3)


@jax.jit
def _fresh(levels: Level, seed: Array, draws: Array) -> Assignment:
    count = count_worlds(levels)
    hashes = hash_levels(levels)
    return Assignment(
        levels=levels, slot=jnp.full(count, FRESH, jnp.int32), hash=hashes, seed=jnp.broadcast_to(seed[:, None], (2, count)),
        draw=draws.astype(jnp.int32), parent=jnp.zeros_like(hashes), depth=jnp.zeros(count, jnp.int32),
    )  # fmt: skip


@jax.jit
def _edited(levels: Level, parent: Array, depth: Array) -> Assignment:
    none, hashes = jnp.zeros_like(depth), hash_levels(levels)
    return Assignment(
        levels=levels, slot=none + FRESH, hash=hashes, seed=jnp.zeros_like(hashes), draw=none + pools.NOT_DRAWN, parent=parent,
        depth=depth + 1,
    )  # fmt: skip


def look(pool: LevelPool, now: Array, successes: Array, episodes: Array) -> Look:
    """What there is to see of a pool before assignment `now`, and of candidates by their counts `[C]`."""
    return Look(
        levels=pool.levels, filled=pool.filled, rate=pools.rate(pool), learnability=jnp.maximum(pools.learnable(pool), 0.0),
        episodes=pool.episodes, age=now - pool.born, depth=pool.depth,
        candidate_rate=pools.success_rate(successes, episodes), candidate_episodes=episodes.astype(jnp.float32),
    )  # fmt: skip


def describe(pool: LevelPool, now: Array) -> dict[str, Array]:
    """Scalars of a pool: how full, how hard, how old."""
    filled = pool.filled
    count = jnp.maximum(filled.sum(), 1)
    known, rate = filled & (pool.episodes > 0), pools.rate(pool)

    def mean(value: Array) -> Array:
        return jnp.where(filled, value, 0.0).sum() / count

    return {
        "pool_filled": filled.mean(),
        "pool_success": mean(rate),
        "pool_learnability": mean(jnp.maximum(pools.learnable(pool), 0.0)),
        "pool_too_hard": mean(known & (rate < TOO_HARD)),
        "pool_too_easy": mean(known & (rate > TOO_EASY)),
        "pool_age": mean(now - pool.born),
        "pool_depth": mean(pool.depth),
    }


def became(turnover: Turnover) -> dict[str, Array]:
    """Scalars of what became of the last newcomers, as shares of them."""
    seen = jnp.maximum(turnover.inserted + turnover.duplicates + turnover.rejected, 1)
    return {
        "inserted": turnover.inserted / seen,
        "duplicates": turnover.duplicates / seen,
        "rejected_too_hard": turnover.too_hard / seen,
        "rejected_too_easy": turnover.too_easy / seen,
        "rejected": turnover.rejected / seen,
        "evicted": turnover.evicted,
    }
