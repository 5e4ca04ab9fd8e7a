"""Sampling for learnability: train on levels that the agent solves sometimes.

At every refresh fresh candidates are scouted with the present policy, and those with the highest p (1 - p) come into the pool.
Assignments mix the pool, drawn uniformly, with fresh levels. As first published, the candidates replace the whole pool
(`keep_pool=false`); here, levels of the pool stay for as long as none of the candidates is more learnable, judged by what
was played in training meanwhile: nothing that is known is thrown away. Rutherford et al., "No regrets: investigating and
improving regret approximations for curriculum discovery" (NeurIPS 2024).
"""

import functools
from dataclasses import replace

import jax
import jax.numpy as jnp

from curriculum import mix
from curriculum import pool as pools
from curriculum.base import Array, Assignment, CurriculumConfig, Evaluate, Generate, Look
from curriculum.pool import LevelPool, Turnover
from curriculum.scores import learnability
from envs.base import Level
from envs.outcome import Outcome, merge_repeats
from physics.base import Capacity
from physics.pytree import array, repeat, struct, zeros


@struct
class SflState:
    """The pool and what the last refresh saw."""

    pool: LevelPool
    turnover: Turnover
    refreshes: Array = array("", "int32")
    assignments: Array = array("", "int32")
    candidate_successes: Array = array("C", "int32")
    candidate_episodes: Array = array("C", "int32")


class Sfl:
    """Sampling for learnability."""

    def __init__(self, config: CurriculumConfig, generate: Generate, capacity: Capacity) -> None:
        """`generate` draws candidates and fresh levels."""
        self.refresh_every = config.refresh_every
        self._config = config
        self._generate = generate
        self._capacity = capacity

    def init(self, key: Array) -> SflState:
        """An empty pool; the first refresh fills it."""
        return self._empty()

    @functools.partial(jax.jit, static_argnums=0)
    def _empty(self) -> SflState:
        none, unscouted = jnp.zeros((), jnp.int32), jnp.zeros(self._config.candidates, jnp.int32)
        return SflState(
            pool=pools.empty(self._capacity, self._config.pool_size), turnover=zeros(Turnover), refreshes=none, assignments=none,
            candidate_successes=unscouted, candidate_episodes=unscouted,
        )  # fmt: skip

    def assign(self, state: SflState, key: Array, count: int) -> tuple[SflState, Assignment]:
        """A share of the worlds play the pool, drawn uniformly; the rest play fresh levels."""
        pool, share = state.pool, state.pool.filled
        pool, assignment = mix.assign(pool, share, key, count, self._config.pool_share, self._generate, state.assignments)
        return replace(state, pool=pool, assignments=state.assignments + 1), assignment

    @pools.beside_levels
    def record(self, state: SflState, assignment: Assignment, outcome: Outcome) -> SflState:
        """Count how the pool's levels went."""
        pool = pools.update(state.pool, assignment, outcome, self._config.window)
        played = pool.total_episodes > state.pool.total_episodes
        return replace(state, pool=replace(pool, score=jnp.where(played, pools.learnable(pool), pool.score)))

    def refresh(self, state: SflState, key: Array, evaluate: Evaluate) -> SflState:
        """Scout fresh candidates and keep the most learnable."""
        key_draw, key_play = jax.random.split(key)
        candidates, seed, draws = mix.draw(self._generate, key_draw, self._config.candidates)
        played = evaluate(key_play, repeat(candidates, self._config.scout_attempts))
        return self._choose(state, candidates, merge_repeats(played, self._config.candidates), seed, draws)

    @functools.partial(jax.jit, static_argnums=0)
    def _choose(self, state: SflState, candidates: Level, outcome: Outcome, seed: Array, draws: Array) -> SflState:
        score = learnability(outcome.successes, outcome.episodes)
        news = pools.drawn(pools.newcomers(candidates, outcome, score, state.assignments, self._config.window), seed, draws)
        kept = state.pool if self._config.keep_pool else replace(state.pool, filled=jnp.zeros_like(state.pool.filled))
        pool, turnover = pools.insert(kept, news)
        return replace(
            state, pool=pool, turnover=turnover, refreshes=state.refreshes + 1, candidate_successes=outcome.successes,
            candidate_episodes=outcome.episodes,
        )  # fmt: skip

    @functools.partial(jax.jit, static_argnums=0)
    def metrics(self, state: SflState) -> dict[str, Array]:
        """What is in the pool and how the last candidates did."""
        rate = state.candidate_successes / jnp.maximum(state.candidate_episodes, 1)
        return {
            "refreshes": state.refreshes,
            "candidate_success": rate.mean(),
            **mix.describe(state.pool, state.assignments),
            **mix.became(state.turnover),
        }

    @functools.partial(jax.jit, static_argnums=0)
    def look(self, state: SflState) -> Look:
        """The pool and the last candidates."""
        return mix.look(state.pool, state.assignments, state.candidate_successes, state.candidate_episodes)
