"""Sampling for learnability: train on levels that the agent solves sometimes.

At every refresh fresh candidates are scouted with the present policy, and the pool becomes those with
the highest p (1 - p). Assignments mix the pool with fresh levels. Rutherford et al., "No regrets:
investigating and improving regret approximations for curriculum discovery" (NeurIPS 2024).
"""

import functools

import jax
import jax.numpy as jnp

from curriculum import pool as pools
from curriculum.base import FRESH, Array, Assignment, CurriculumConfig, Evaluate, Generate
from curriculum.pool import LevelPool
from curriculum.scores import learnability
from envs.base import Level
from envs.outcome import Outcome, merge_repeats
from physics.base import Capacity
from physics.pytree import array, concatenate, repeat, struct


@struct
class SflState:
    """The pool and what the last refresh saw."""

    pool: LevelPool
    refreshes: Array = array("", "int32")
    candidate_success: Array = array("")  # mean success rate of the last candidates


class Sfl:
    """Sampling for learnability."""

    def __init__(self, config: CurriculumConfig, generate: Generate, capacity: Capacity) -> None:
        """`generate` draws candidates and fresh levels."""
        self._config = config
        self._generate = generate
        self._capacity = capacity

    def init(self, key: Array) -> SflState:
        """An empty pool; the first refresh fills it."""
        return self._empty()

    @functools.partial(jax.jit, static_argnums=0)
    def _empty(self) -> SflState:
        pool = pools.empty(self._capacity, self._config.pool_size)
        return SflState(pool=pool, refreshes=jnp.zeros((), jnp.int32), candidate_success=jnp.zeros(()))

    def assign(self, state: SflState, key: Array, count: int) -> tuple[SflState, Assignment]:
        """A share of the worlds play the pool, drawn uniformly; the rest play fresh levels."""
        from_pool = round(count * self._config.pool_share)
        key_pool, key_fresh = jax.random.split(key)
        pool, known, slot = pools.sample(state.pool, key_pool, from_pool)
        fresh = [self._generate(key_fresh, count - from_pool)] if count > from_pool else []
        slots = jnp.concatenate([slot, jnp.full(count - from_pool, FRESH, jnp.int32)])
        return self._with_pool(state, pool), Assignment(levels=concatenate([known, *fresh]), slot=slots)

    @functools.partial(jax.jit, static_argnums=0)
    def record(self, state: SflState, assignment: Assignment, outcome: Outcome) -> SflState:
        """Count how the pool's levels went."""
        return self._with_pool(state, pools.update(state.pool, assignment.slot, outcome))

    def refresh(self, state: SflState, key: Array, evaluate: Evaluate) -> SflState:
        """Scout fresh candidates and keep the most learnable."""
        key_draw, key_play = jax.random.split(key)
        candidates = self._generate(key_draw, self._config.candidates)
        played = evaluate(key_play, repeat(candidates, self._config.scout_attempts))
        return self._choose(state, candidates, merge_repeats(played, self._config.candidates))

    @functools.partial(jax.jit, static_argnums=0)
    def _choose(self, state: SflState, candidates: Level, outcome: Outcome) -> SflState:
        pool = pools.fill(candidates, learnability(outcome), outcome, state.refreshes, self._config.pool_size)
        rate = outcome.success_rate().mean()
        return SflState(pool=pool, refreshes=state.refreshes + 1, candidate_success=rate)

    def _with_pool(self, state: SflState, pool: LevelPool) -> SflState:
        return SflState(pool=pool, refreshes=state.refreshes, candidate_success=state.candidate_success)

    @functools.partial(jax.jit, static_argnums=0)
    def metrics(self, state: SflState) -> dict[str, Array]:
        """What is in the pool and how the last candidates did."""
        pool = state.pool
        rate = pool.successes / jnp.maximum(pool.episodes, 1)
        filled = jnp.maximum(pool.filled.sum(), 1)
        return {
            "refreshes": state.refreshes,
            "candidate_success": state.candidate_success,
            "pool_success": jnp.where(pool.filled, rate, 0.0).sum() / filled,
            "pool_learnability": jnp.where(pool.filled, rate * (1 - rate), 0.0).sum() / filled,
        }
