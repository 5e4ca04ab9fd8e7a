"""Balance, our own curriculum: look for the balance point from both sides, at no cost, and keep one's footing.

One lasting pool keeps the levels of highest p (1 - p) and draws them by it, to the power of `balance_sharpness`. Nothing is
played for looking alone: the worlds that do not play the pool play what is new, and new levels come into the pool with
what training on them gave (`balance_inflow`). A part of what is new are edits of the most learnable levels that are known
(`balance_edits`): where hard levels are rare, this is how the pool keeps up with the learner, and as edits of learnable
levels are mostly learnable, training on them is no waste. Success rates are counted while training, and fade as the policy
changes, so that no judgement outlives its reason and newcomers can beat what was learnable once (`balance_fade`). Of the
levels that were learnt, some of those that took longest stay and go on being played, so that what is forgotten is noticed
and comes back (`balance_mastered`). Candidates may be scouted besides (`balance_scouted`): few episodes for all, more for the
quarter that seems nearest to coming in (`balance_second_look`). Every mechanism can be switched off by its setting.
"""

import functools
from dataclasses import replace

import jax
import jax.numpy as jnp

from curriculum import mix, sampling
from curriculum import pool as pools
from curriculum.base import Array, Assignment, CurriculumConfig, Edit, Evaluate, Generate, Look
from curriculum.pool import LevelPool, Turnover
from curriculum.scores import learnability, success_rate
from envs.outcome import Outcome, merge_repeats
from physics.base import Capacity
from physics.pytree import array, count_worlds, repeat, struct, worlds, zeros

MASTERED = 0.8  # success rate from which a level that was trained on counts as learnt
LEARNT = 4  # and how often it must have failed before, or there was nothing to learn
KEPT = 1.0  # score of a learnt level that stays: above every learnability
LOOK_AGAIN = 4  # one in so many candidates is scouted again


@struct
class BalanceState:
    """The pool and what the last refresh saw."""

    pool: LevelPool
    inflow: Turnover  # of new levels that were trained on
    turnover: Turnover  # of the candidates
    refreshes: Array = array("", "int32")
    assignments: Array = array("", "int32")
    candidate_successes: Array = array("C", "int32")
    candidate_episodes: Array = array("C", "int32")


class Balance:
    """See above."""

    def __init__(self, config: CurriculumConfig, generate: Generate, edit: Edit, capacity: Capacity) -> None:
        """`generate` draws fresh levels, `edit` makes near ones."""
        self.refresh_every = config.refresh_every
        self._config = config
        self._generate = generate
        self._edit = edit
        self._capacity = capacity
        self._candidates = round(config.candidates * config.balance_scouted)
        self._again = self._candidates // LOOK_AGAIN
        self._first = max(config.scout_attempts // 2, 1) if config.balance_second_look else config.scout_attempts
        self._second = (config.scout_attempts - self._first) * LOOK_AGAIN  # so that as much is played in all

    def init(self, key: Array) -> BalanceState:
        """An empty pool; the first refresh fills it."""
        return self._empty()

    @functools.partial(jax.jit, static_argnums=0)
    def _empty(self) -> BalanceState:
        none, unscouted = jnp.zeros((), jnp.int32), jnp.zeros(self._candidates, jnp.int32)
        return BalanceState(
            pool=pools.empty(self._capacity, self._config.pool_size), turnover=zeros(Turnover), inflow=zeros(Turnover),
            refreshes=none, assignments=none, candidate_successes=unscouted, candidate_episodes=unscouted,
        )  # fmt: skip

    def assign(self, state: BalanceState, key: Array, count: int) -> tuple[BalanceState, Assignment]:
        """A share of the worlds play the pool, by learnability and some what was learnt; the rest play what is new."""
        pool, share = state.pool, self._share(replace(state.pool, levels=None))
        new = functools.partial(self._new, pool)
        pool, assignment = mix.blend(pool, share, key, count, self._config.pool_share, new, state.assignments)
        return replace(state, pool=pool, assignments=state.assignments + 1), assignment

    def _new(self, pool: LevelPool, key: Array, count: int) -> Assignment:
        """Fresh levels, and edits of those of the pool that are most learnable."""
        key_fresh, key_edit = jax.random.split(key)
        edits = round(count * self._config.balance_edits) if bool(pool.filled.any()) else 0
        parts = [mix.fresh(self._generate, key_fresh, count - edits)] if edits < count else []
        if edits:
            parts.append(mix.edits(self._edit, pool, self._frontier(replace(pool, levels=None)), key_edit, edits))
        return mix.join(parts)

    @functools.partial(jax.jit, static_argnums=0)
    def _share(self, pool: LevelPool) -> Array:
        """How often each slot is played."""
        share, mastered = self._frontier(pool), self._config.balance_mastered
        kept = pool.filled & (pool.score >= KEPT)
        again = sampling.weights(pool.score, kept, "uniform")
        return jnp.where(kept.any(), (1 - mastered) * share + mastered * again, share)

    @functools.partial(jax.jit, static_argnums=0)
    def _frontier(self, pool: LevelPool) -> Array:
        return sampling.weights(pools.learnable(pool), pool.filled, "proportional", 1 / self._config.balance_sharpness)

    def record(self, state: BalanceState, assignment: Assignment, outcome: Outcome) -> BalanceState:
        """Count how levels went, and let new ones in that are more learnable than what they replace."""
        state = self._counted(state, assignment, outcome)
        return self._let_in(state, assignment, outcome) if self._config.balance_inflow else state

    @pools.beside_levels
    def _counted(self, state: BalanceState, assignment: Assignment, outcome: Outcome) -> BalanceState:
        return replace(state, pool=self._scored(pools.update(state.pool, assignment, outcome, self._config.window)))

    @functools.partial(jax.jit, static_argnums=0)
    def _let_in(self, state: BalanceState, assignment: Assignment, outcome: Outcome) -> BalanceState:
        pool, inflow = pools.insert(state.pool, self._newcomers(assignment, outcome, state.assignments))
        return replace(state, pool=pool, inflow=inflow)

    def _newcomers(self, new: Assignment, outcome: Outcome, now: Array) -> LevelPool:
        return mix.newcomers(new, outcome, learnability(outcome.successes, outcome.episodes), now, self._config.window)

    def _scored(self, pool: LevelPool) -> LevelPool:
        """With scores: learnability, and `KEPT` for some of the levels that were learnt."""
        score = pools.learnable(pool)
        room = round(self._config.balance_mastered * count_worlds(pool))
        failed = pool.total_episodes - pool.total_successes
        learnt = pool.filled & (pools.rate(pool) >= MASTERED) & (failed >= LEARNT)
        order = jnp.argsort(jnp.where(learnt, failed, -1), descending=True, stable=True)
        last = jnp.zeros_like(learnt).at[order[:room]].set(True) & learnt
        return replace(pool, score=jnp.where(last, KEPT, score))

    def refresh(self, state: BalanceState, key: Array, evaluate: Evaluate) -> BalanceState:
        """Trust what is known a little less; scout candidates, if any are asked for."""
        state = self._faded(state)
        if not self._candidates:
            return state
        key_draw, key_play, key_again = jax.random.split(key, 3)
        candidates = self._new(state.pool, key_draw, self._candidates)
        outcome = merge_repeats(evaluate(key_play, repeat(candidates.levels, self._first)), self._candidates)
        if self._second and self._again:
            chosen = self._promising(outcome)
            second = evaluate(key_again, repeat(worlds(candidates.levels, chosen), self._second))
            outcome = _added(outcome, chosen, merge_repeats(second, self._again))
        return self._choose(state, candidates, outcome)

    @pools.beside_levels
    def _faded(self, state: BalanceState) -> BalanceState:
        pool = self._scored(pools.age(state.pool, 1 - self._config.balance_fade))
        return replace(state, pool=pool, refreshes=state.refreshes + 1)

    @functools.partial(jax.jit, static_argnums=0)
    def _promising(self, outcome: Outcome) -> Array:
        return jnp.argsort(-learnability(outcome.successes, outcome.episodes), stable=True)[: self._again]

    @functools.partial(jax.jit, static_argnums=0)
    def _choose(self, state: BalanceState, candidates: Assignment, outcome: Outcome) -> BalanceState:
        pool, turnover = pools.insert(state.pool, self._newcomers(candidates, outcome, state.assignments))
        return replace(state, pool=pool, turnover=turnover, candidate_successes=outcome.successes, candidate_episodes=outcome.episodes)

    @functools.partial(jax.jit, static_argnums=0)
    def metrics(self, state: BalanceState) -> dict[str, Array]:
        """What is in the pool, and what became of new levels and candidates."""
        rate = success_rate(state.candidate_successes, state.candidate_episodes)
        return {
            "refreshes": state.refreshes,
            "candidate_success": rate.sum() / max(self._candidates, 1),
            "pool_mastered": (state.pool.filled & (state.pool.score >= KEPT)).mean(),
            **mix.describe(state.pool, state.assignments),
            **mix.became(state.inflow),
            **{f"scouted_{name}": value for name, value in mix.became(state.turnover).items()},
        }

    @functools.partial(jax.jit, static_argnums=0)
    def look(self, state: BalanceState) -> Look:
        """The pool and the last candidates."""
        return mix.look(state.pool, state.assignments, state.candidate_successes, state.candidate_episodes)


@jax.jit
def _added(first: Outcome, chosen: Array, second: Outcome) -> Outcome:
    """The counts of a second round for some of the levels added to those of the first."""
    return replace(
        first,
        episodes=first.episodes.at[chosen].add(second.episodes),
        successes=first.successes.at[chosen].add(second.successes),
    )
