"""Success-guided sampling: every level of a large lasting pool may be played, those that are solved sometimes far more often.

Success rates cost nothing, as they are counted while training. A level of rate p is drawn with weight

    (p + e)^(k t) (1 - p + e)^(k (1 - t))

which is shaped like a Beta density with its top at p = t and is never zero, so that no level is lost for good. `sgs_sharpness` is k
(what is published as k divided by a temperature) and `sgs_tilt` is t. "A balanced data diet" (University of Washington and NVIDIA,
2026) has a fixed set of levels; here a share of the worlds plays fresh levels, which then come into the pool with
what playing them gave, in place of those of the lowest weight. An unknown level counts as half solved.
"""

import functools
from dataclasses import replace

import jax
import jax.numpy as jnp

from curriculum import mix
from curriculum import pool as pools
from curriculum.base import FRESH, Array, Assignment, CurriculumConfig, Evaluate, Generate, Look
from curriculum.pool import LevelPool, Turnover
from curriculum.scores import success_rate
from envs import outcome as outcomes
from envs.outcome import Outcome
from physics.base import Capacity
from physics.pytree import array, count_worlds, struct, zeros

PRIOR = 0.5  # of a success and of a failure, in episodes
NEVER_ZERO = 1e-3


@struct
class SgsState:
    """The pool and what came in last."""

    pool: LevelPool
    turnover: Turnover
    assignments: Array = array("", "int32")


def weight(successes: Array, episodes: Array, sharpness: float, tilt: float) -> Array:
    """How often a level is to be drawn, beside others."""
    p = success_rate(successes, episodes, PRIOR)
    return (p + NEVER_ZERO) ** (sharpness * tilt) * (1 - p + NEVER_ZERO) ** (sharpness * (1 - tilt))


class Sgs:
    """Success-guided sampling."""

    def __init__(self, config: CurriculumConfig, generate: Generate, capacity: Capacity) -> None:
        """`generate` draws the pool's first levels and fresh ones."""
        self.refresh_every = config.refresh_every
        self._config = config
        self._generate = generate
        self._capacity = capacity

    def init(self, key: Array) -> SgsState:
        """An empty pool; the first refresh fills it."""
        return self._empty()

    @functools.partial(jax.jit, static_argnums=0)
    def _empty(self) -> SgsState:
        pool = pools.empty(self._capacity, self._config.pool_size)
        return SgsState(pool=pool, turnover=zeros(Turnover), assignments=jnp.zeros((), jnp.int32))

    def assign(self, state: SgsState, key: Array, count: int) -> tuple[SgsState, Assignment]:
        """A share of the worlds play the pool, drawn by weight; the rest play fresh levels."""
        pool, share = state.pool, self._weight(state.pool.successes, state.pool.episodes)
        pool, assignment = mix.assign(pool, share, key, count, self._config.pool_share, self._generate, state.assignments)
        return replace(state, pool=pool, assignments=state.assignments + 1), assignment

    @functools.partial(jax.jit, static_argnums=0)
    def _weight(self, successes: Array, episodes: Array) -> Array:
        return weight(successes, episodes, self._config.sgs_sharpness, self._config.sgs_tilt)

    @functools.partial(jax.jit, static_argnums=0)
    def record(self, state: SgsState, assignment: Assignment, outcome: Outcome) -> SgsState:
        """Count how the pool's levels went, and let the fresh ones in that were finished."""
        pool = pools.update(state.pool, assignment, outcome, self._config.window)
        pool = replace(pool, score=self._weight(pool.successes, pool.episodes))
        pool, turnover = self._let_in(pool, assignment, outcome, outcome.episodes > 0, state.assignments)
        return replace(state, pool=pool, turnover=turnover)

    def _let_in(self, pool: LevelPool, new: Assignment, outcome: Outcome, wanted: Array, now: Array) -> tuple[LevelPool, Turnover]:
        news = mix.newcomers(new, outcome, jnp.zeros(count_worlds(new)), now, self._config.window)
        news = replace(news, filled=wanted & (new.slot == FRESH), score=self._weight(news.successes, news.episodes))
        return pools.insert(pool, news)

    def refresh(self, state: SgsState, key: Array, evaluate: Evaluate) -> SgsState:
        """Fill what is empty with levels that nobody has played."""
        slots = count_worlds(state.pool)
        if bool(state.pool.filled.all()):
            return state
        return self._fill(state, mix.fresh(self._generate, key, slots))

    @functools.partial(jax.jit, static_argnums=0)
    def _fill(self, state: SgsState, drawn: Assignment) -> SgsState:
        slots = count_worlds(drawn)
        room = jnp.arange(slots) < (~state.pool.filled).sum()
        pool, turnover = self._let_in(state.pool, drawn, outcomes.none(slots), room, state.assignments)
        return replace(state, pool=pool, turnover=turnover)

    @functools.partial(jax.jit, static_argnums=0)
    def metrics(self, state: SgsState) -> dict[str, Array]:
        """What is in the pool and what came in."""
        return {**mix.describe(state.pool, state.assignments), **mix.became(state.turnover)}

    @functools.partial(jax.jit, static_argnums=0)
    def look(self, state: SgsState) -> Look:
        """The pool; nothing is scouted."""
        none = jnp.zeros(0)
        return mix.look(state.pool, state.assignments, none, none)
