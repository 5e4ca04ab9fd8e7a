"""Balance, our own curriculum: look for the balance point from both sides, and keep one's footing.

One lasting pool, whose success rates are counted for free while it is trained on and fade as the policy changes, so that no
judgement outlives its reason (`balance_fade`). Levels come in by three ways: fresh levels that training plays anyway
come in with what that gave (`balance_inflow`); candidates, a share of which are edits of the most learnable levels that are
known (`balance_edits`), are scouted in two rounds, few episodes for all and more for the quarter that seems
nearest to the boundary of what comes in (`balance_second_look`). The pool keeps the levels of highest p (1 - p) and
draws them by it, to the power of `balance_sharpness`. Of the levels that were learnt, the last ones stay, up to
a share of the pool, and a share of the worlds goes on playing them, so that what is forgotten is noticed and comes back
(`balance_mastered`). Every mechanism can be switched off by its setting; without any it is SFL with a lasting pool.
"""

import functools
from dataclasses import replace

import jax
import jax.numpy as jnp

from curriculum import mix, sampling
from curriculum import pool as pools
from curriculum.base import FRESH, Array, Assignment, CurriculumConfig, Edit, Evaluate, Generate, Look
from curriculum.pool import LevelPool, Turnover
from curriculum.scores import learnability, success_rate
from envs.base import Level
from envs.outcome import Outcome, merge_repeats
from physics.base import Capacity
from physics.pytree import array, concatenate, count_worlds, repeat, struct, worlds, zeros

MASTERED = 0.8  # success rate from which a level that was trained on counts as learnt
TRAINED = 2.0  # and how many times the episodes of its scouting it must have been played
KEPT = 1.0  # score of a learnt level that stays: above every learnability
LOOK_AGAIN = 4  # one in so many candidates is scouted again


@struct
class BalanceState:
    """The pool and what the last refresh saw."""

    pool: LevelPool
    turnover: Turnover  # of the candidates
    inflow: Turnover  # of fresh levels that were trained on
    refreshes: Array = array("", "int32")
    assignments: Array = array("", "int32")
    candidate_successes: Array = array("C", "int32")
    candidate_episodes: Array = array("C", "int32")
    candidate_depth: Array = array("C", "int32")


class Balance:
    """See above."""

    def __init__(self, config: CurriculumConfig, generate: Generate, edit: Edit, capacity: Capacity) -> None:
        """`generate` draws fresh levels, `edit` makes near ones."""
        self.refresh_every = config.refresh_every
        self._config = config
        self._generate = generate
        self._edit = edit
        self._capacity = capacity
        self._again = config.candidates // LOOK_AGAIN
        self._first = max(config.scout_attempts // 2, 1) if config.balance_second_look else config.scout_attempts
        self._second = (config.scout_attempts - self._first) * LOOK_AGAIN  # so that as much is played in all

    def init(self, key: Array) -> BalanceState:
        """An empty pool; the first refresh fills it."""
        return self._empty()

    @functools.partial(jax.jit, static_argnums=0)
    def _empty(self) -> BalanceState:
        none, unscouted = jnp.zeros((), jnp.int32), jnp.zeros(self._config.candidates, jnp.int32)
        return BalanceState(
            pool=pools.empty(self._capacity, self._config.pool_size), turnover=zeros(Turnover), inflow=zeros(Turnover),
            refreshes=none, assignments=none, candidate_successes=unscouted, candidate_episodes=unscouted, candidate_depth=unscouted,
        )  # fmt: skip

    def assign(self, state: BalanceState, key: Array, count: int) -> tuple[BalanceState, Assignment]:
        """A share of the worlds play the pool, by learnability and some what was learnt; the rest play fresh levels."""
        share = self._share(replace(state.pool, levels=None))
        pool, assignment = mix.assign(state.pool, share, key, count, self._config.pool_share, self._generate, state.assignments)
        return replace(state, pool=pool, assignments=state.assignments + 1), assignment

    @functools.partial(jax.jit, static_argnums=0)
    def _share(self, pool: LevelPool) -> Array:
        """How often each slot is drawn."""
        config = self._config
        share = sampling.weights(pools.learnable(pool), pool.filled, "proportional", 1 / config.balance_sharpness)
        if not config.balance_mastered:
            return share
        kept = pool.filled & (pool.score >= KEPT)
        again = sampling.weights(pool.score, kept, "uniform")
        return jnp.where(kept.any(), (1 - config.balance_mastered) * share + config.balance_mastered * again, share)

    def record(self, state: BalanceState, assignment: Assignment, outcome: Outcome) -> BalanceState:
        """Count how levels went, and let fresh ones in that are more learnable than what they replace."""
        state = self._counted(state, assignment, outcome)
        return self._let_in(state, assignment, outcome) if self._config.balance_inflow else state

    @pools.beside_levels
    def _counted(self, state: BalanceState, assignment: Assignment, outcome: Outcome) -> BalanceState:
        return replace(state, pool=self._scored(pools.update(state.pool, assignment, outcome, self._config.window)))

    @functools.partial(jax.jit, static_argnums=0)
    def _let_in(self, state: BalanceState, assignment: Assignment, outcome: Outcome) -> BalanceState:
        news = pools.drawn(self._newcomers(assignment.levels, outcome, state.assignments), assignment.seed, assignment.draw)
        news = replace(news, filled=(assignment.slot == FRESH) & (outcome.episodes > 0))
        pool, inflow = pools.insert(state.pool, news)
        return replace(state, pool=pool, inflow=inflow)

    def _newcomers(self, levels: Level, outcome: Outcome, now: Array) -> LevelPool:
        return pools.newcomers(levels, outcome, learnability(outcome.successes, outcome.episodes), now, self._config.window)

    def _scored(self, pool: LevelPool) -> LevelPool:
        """With scores: learnability, and `KEPT` for the levels learnt last."""
        score = pools.learnable(pool)
        room = round(self._config.balance_mastered * count_worlds(pool))
        if not room:
            return replace(pool, score=score)
        learnt = pool.filled & (pools.rate(pool) >= MASTERED) & (pool.total_episodes > TRAINED * self._config.scout_attempts)
        failed = pool.total_episodes - pool.total_successes  # what took most failures to learn is the first to be lost
        order = jnp.argsort(jnp.where(learnt, failed, -1), descending=True, stable=True)
        last = jnp.zeros_like(learnt).at[order[:room]].set(True) & learnt & (failed > 0)
        return replace(pool, score=jnp.where(last, KEPT, score))

    def refresh(self, state: BalanceState, key: Array, evaluate: Evaluate) -> BalanceState:
        """Scout candidates in two rounds and let the most learnable in."""
        key_draw, key_play, key_again = jax.random.split(key, 3)
        candidates, parents = self._candidates(state, key_draw)
        first = merge_repeats(evaluate(key_play, repeat(candidates.levels, self._first)), self._config.candidates)
        if not (self._second and self._again):
            return self._choose(state, candidates, parents, first)
        chosen = self._promising(first)
        second = evaluate(key_again, repeat(worlds(candidates.levels, chosen), self._second))
        return self._choose(state, candidates, parents, _added(first, chosen, merge_repeats(second, self._again)))

    def _candidates(self, state: BalanceState, key: Array) -> tuple[Assignment, Array]:
        """(candidates, slot `[C]` that each was edited from, or FRESH)."""
        key_fresh, key_parents, key_edit = jax.random.split(key, 3)
        count = self._config.candidates
        edits = round(count * self._config.balance_edits) if bool(state.pool.filled.any()) else 0
        fresh = [mix.fresh(self._generate, key_fresh, count - edits)] if edits < count else []
        if not edits:
            return fresh[0], fresh[0].slot
        slot = self._parents(replace(state.pool, levels=None), key_parents, edits)
        children = mix.known(self._edit(key_edit, worlds(state.pool.levels, slot)), slot)
        candidates = concatenate([*fresh, children]) if fresh else children
        return candidates, candidates.slot

    @functools.partial(jax.jit, static_argnums=(0, 3))
    def _parents(self, pool: LevelPool, key: Array, count: int) -> Array:
        share = sampling.weights(pools.learnable(pool), pool.filled, "proportional", 1 / self._config.balance_sharpness)
        return sampling.draw(share, pool.filled, key, count)

    @functools.partial(jax.jit, static_argnums=0)
    def _promising(self, outcome: Outcome) -> Array:
        return jnp.argsort(-learnability(outcome.successes, outcome.episodes), stable=True)[: self._again]

    @functools.partial(jax.jit, static_argnums=0)
    def _choose(self, state: BalanceState, candidates: Assignment, parents: Array, outcome: Outcome) -> BalanceState:
        config = self._config
        news = self._newcomers(candidates.levels, outcome, state.assignments)
        news = pools.drawn(news, candidates.seed, candidates.draw)
        child, at = parents != FRESH, jnp.maximum(parents, 0)
        news = replace(
            news, parent=jnp.where(child, state.pool.hash[:, at], news.parent), depth=jnp.where(child, state.pool.depth[at] + 1, 0)
        )
        faded = self._scored(pools.age(state.pool, 1 - config.balance_fade))
        pool, turnover = pools.insert(faded, news)
        return replace(
            state, pool=pool, turnover=turnover, refreshes=state.refreshes + 1, candidate_successes=outcome.successes,
            candidate_episodes=outcome.episodes, candidate_depth=news.depth,
        )  # fmt: skip

    @functools.partial(jax.jit, static_argnums=0)
    def metrics(self, state: BalanceState) -> dict[str, Array]:
        """What is in the pool, how the last candidates did and what became of them."""
        rate = success_rate(state.candidate_successes, state.candidate_episodes)
        edited = state.candidate_depth > 0
        return {
            "refreshes": state.refreshes,
            "candidate_success": rate.mean(),
            "candidate_success_edited": jnp.where(edited, rate, 0.0).sum() / jnp.maximum(edited.sum(), 1),
            "pool_mastered": (state.pool.filled & (state.pool.score >= KEPT)).mean(),
            **mix.describe(state.pool, state.assignments),
            **mix.became(state.turnover),
            "inflow": state.inflow.inserted,
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
