"""The level pool: levels with what is known of them, as arrays with pure functions.

Slots are the last axis of every array. Levels that want to come in are a pool of their own (`newcomers`): what is known of
them comes along. A compiled function that is given the levels and gives them back copies them; `beside_levels` compiles one
that changes only what is known of them.

**Rolling counts.** `successes` and `episodes` decay with every episode, so that they speak of the present policy: together
they weigh as much as a window of `window` episodes, and a level that was played n times weighs window (1 - (1 - 1/window)^n).
`total_*` count everything and saturate instead of overflowing.

**Provenance.** A drawn level is number `draw` of what the generator gives for the key `seed`; an edited one has the hash of
its `parent`, and `depth` says how many edits in a row lie between it and a drawn one.
"""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import lax

from curriculum.base import FRESH, Array, Assignment
from curriculum.hashing import hash_levels, same
from curriculum.scores import learnability, ranked, success_rate
from envs.base import Level
from envs.outcome import Outcome
from physics.base import Capacity
from physics.prepare import capacity_of
from physics.pytree import array, count_worlds, struct, zeros

S = TypeVar("S")

MOST = jnp.iinfo(jnp.int32).max
NOT_DRAWN = -1  # in `draw`: made by an edit, or by a person


@struct
class LevelPool:
    """`M` slots. An empty slot has `filled` false and is never sampled."""

    levels: Level
    filled: Array = array("", "bool")
    hash: Array = array("2", "uint32")
    score: Array = array("")  # decides what is evicted; what it means is the curriculum's business
    successes: Array = array("")  # rolling
    episodes: Array = array("")
    total_successes: Array = array("", "int32")  # while in the pool, scouting included
    total_episodes: Array = array("", "int32")
    best_return: Array = array("")  # of a finished episode, for scores that ask for it
    sampled: Array = array("", "int32")  # number of the assignment that it was last part of
    born: Array = array("", "int32")  # number of the assignment before which it came in
    seed: Array = array("2", "uint32")  # key that it was drawn with
    draw: Array = array("", "int32")
    parent: Array = array("2", "uint32")  # hash of the level that it was edited from, or of an ancestor; 0 if drawn
    depth: Array = array("", "int32")


@struct
class Turnover:
    """What became of newcomers, in levels."""

    inserted: Array = array("", "int32")
    duplicates: Array = array("", "int32")  # in the pool already, or more than once among the newcomers
    rejected: Array = array("", "int32")  # ranked below all that the pool keeps, of these:
    too_hard: Array = array("", "int32")  # never solved
    too_easy: Array = array("", "int32")  # always solved
    evicted: Array = array("", "int32")


def beside_levels(method: Callable[..., S]) -> Callable[..., S]:
    """A method `(self, state, ...) -> state`, compiled, that neither reads nor changes the levels of `state.pool`."""
    compiled = jax.jit(method, static_argnums=0)

    @functools.wraps(method)
    def call(self: Any, state: Any, *given: Any) -> Any:
        levels = state.pool.levels
        after = compiled(self, replace(state, pool=replace(state.pool, levels=None)), *given)
        return replace(after, pool=replace(after.pool, levels=levels))

    return call


def empty(capacity: Capacity, slots: int) -> LevelPool:
    """A pool with nothing in it."""
    pool = zeros(LevelPool, worlds=slots, **capacity.dims)
    return replace(pool, draw=jnp.full(slots, NOT_DRAWN, jnp.int32))


def newcomers(levels: Level, outcome: Outcome, score: Array, now: Array, window: float) -> LevelPool:
    """Levels that want to come in, `[..., W]`, with what playing them gave. Those that were never played come in empty-handed."""
    blank = zeros(LevelPool, worlds=count_worlds(levels), **capacity_of(levels.scene).dims)
    slot = jnp.arange(count_worlds(levels))
    played = _counted(replace(blank, levels=levels, filled=slot >= 0), slot, outcome, window)
    now = jnp.zeros_like(slot, jnp.int32) + now
    return replace(played, hash=hash_levels(levels), score=score, sampled=now, born=now, draw=jnp.full_like(now, NOT_DRAWN))


def drawn(news: LevelPool, seed: Array, draw: Array) -> LevelPool:
    """Newcomers that the generator drew: `seed` `[2, W]` or `[2]`, `draw` `[W]`."""
    return replace(news, seed=jnp.broadcast_to(seed.reshape(2, -1), news.seed.shape), draw=draw)


def edited(news: LevelPool, parents: LevelPool) -> LevelPool:
    """Newcomers that are edits of `parents`, one for one."""
    return replace(news, parent=parents.hash, depth=parents.depth + 1)


def take(pool: LevelPool, slot: Array) -> LevelPool:
    """The slots `[W]` as a pool of their own."""
    return jax.tree.map(lambda leaf: jnp.take(leaf, slot, axis=-1), pool)


def insert(pool: LevelPool, news: LevelPool, youth: float = 0.0) -> tuple[LevelPool, Turnover]:
    """(pool, what became of the newcomers): of both together, the pool keeps the best that differ.

    Rank is by score, of equal ones the younger ahead. A share `youth` of the rank is by age alone instead: the older a level,
    the sooner it goes. Newcomers take the slots of what is evicted; all others stay where they are.
    """
    slots = count_worlds(pool)
    repeated = _repeated(pool, news)
    wanted = news.filled & ~repeated
    kept = _kept(pool, replace(news, filled=wanted), youth)
    stays, enters = kept[:slots], kept[slots:]
    free = jnp.argsort(stays, stable=True)  # slots that nobody needs come first
    best = jnp.argsort(~enters, stable=True)[:slots]
    place = jnp.where(enters[best], free[: best.shape[0]], slots)  # beyond the last slot: dropped
    written = jax.tree.map(lambda old, new: old.at[..., place].set(new[..., best], mode="drop"), pool, news)
    return written, _turnover(pool, written, news, repeated, enters)


def update(pool: LevelPool, assignment: Assignment, outcome: Outcome, window: float) -> LevelPool:
    """With what was played counted; of a level that is no longer where it was, nothing is."""
    return _counted(pool, held(pool, assignment), outcome, window)


def held(pool: LevelPool, assignment: Assignment) -> Array:
    """The slot `[W]` that every level of an assignment is still in; FRESH for fresh ones and for those evicted meanwhile."""
    at = jnp.maximum(assignment.slot, 0)
    there = (assignment.slot != FRESH) & pool.filled[at] & same(pool.hash[:, at], assignment.hash)
    return jnp.where(there, assignment.slot, FRESH)


def age(pool: LevelPool, factor: float) -> LevelPool:
    """With rolling counts that weigh `factor` of what they did: the policy is no longer the one that they speak of."""
    return replace(pool, successes=pool.successes * factor, episodes=pool.episodes * factor)


def rate(pool: LevelPool, prior: float = 0.0) -> Array:
    """Success rate of every slot by its rolling counts."""
    return success_rate(pool.successes, pool.episodes, prior)


def learnable(pool: LevelPool, prior: float = 0.0) -> Array:
    """Learnability of every slot by its rolling counts."""
    return learnability(pool.successes, pool.episodes, prior)


def _counted(pool: LevelPool, slot: Array, outcome: Outcome, window: float) -> LevelPool:
    """Counts of `slot` `[W]` added up; a slot may come more than once, and FRESH counts for nothing."""
    at = jnp.where(slot == FRESH, count_worlds(pool), slot)  # beyond the last slot: dropped
    none = jnp.zeros(count_worlds(pool), jnp.int32)
    episodes, successes = none.at[at].add(outcome.episodes, mode="drop"), none.at[at].add(outcome.successes, mode="drop")
    kept = (1 - 1 / window) ** episodes.astype(jnp.float32)
    weight = window * (1 - kept)  # of the new episodes, in those of the window
    return replace(
        pool,
        successes=pool.successes * kept + weight * successes / jnp.maximum(episodes, 1),
        episodes=pool.episodes * kept + weight,
        total_successes=_saturating(pool.total_successes, successes),
        total_episodes=_saturating(pool.total_episodes, episodes),
    )


def _saturating(total: Array, more: Array) -> Array:
    return total + jnp.minimum(more, MOST - total)


def _turnover(pool: LevelPool, written: LevelPool, news: LevelPool, repeated: Array, enters: Array) -> Turnover:
    count = functools.partial(jnp.sum, dtype=jnp.int32)
    rejected = news.filled & ~repeated & ~enters
    played = rejected & (news.total_episodes > 0)
    return Turnover(
        inserted=count(enters), duplicates=count(repeated), rejected=count(rejected),
        too_hard=count(played & (news.total_successes == 0)), too_easy=count(played & (news.total_successes == news.total_episodes)),
        evicted=count(enters) - count(~pool.filled) + count(~written.filled),
    )  # fmt: skip


def _repeated(pool: LevelPool, news: LevelPool) -> Array:
    """Which newcomers are in the pool already, or come before among the newcomers."""
    slots = count_worlds(pool)
    hashes = jnp.concatenate([pool.hash, news.hash], axis=1)
    vacant = ~jnp.concatenate([pool.filled, news.filled])
    order = jnp.arange(vacant.shape[0], dtype=jnp.int32)
    absent, high, low, index = lax.sort((vacant, hashes[0], hashes[1], order), num_keys=4)
    as_before = (high[1:] == high[:-1]) & (low[1:] == low[:-1]) & ~absent[1:]
    repeats = jnp.concatenate([jnp.zeros(1, bool), as_before])
    return jnp.zeros_like(vacant).at[index].set(repeats)[slots:] & news.filled


def _kept(pool: LevelPool, news: LevelPool, youth: float) -> Array:
    """`[M + W]`: which of both the pool keeps."""
    slots = count_worlds(pool)
    filled = jnp.concatenate([pool.filled, news.filled])
    score = ranked(jnp.concatenate([pool.score, news.score]))
    born = jnp.concatenate([pool.born, news.born])
    order = jnp.arange(filled.shape[0], dtype=jnp.int32)
    by_score = lax.sort((~filled, -score, -born, order), num_keys=4)[-1]
    if youth:
        by_age = lax.sort((~filled, -born, order), num_keys=3)[-1]
        place = (1 - youth) * _places(by_score) + youth * _places(by_age)
        by_score = lax.sort((~filled, place, order), num_keys=3)[-1]
    return (_places(by_score) < slots) & filled


def _places(order: Array) -> Array:
    """Where in `order` each index stands."""
    return jnp.zeros_like(order).at[order].set(jnp.arange(order.shape[0], dtype=order.dtype))
