"""Prioritised level replay: what PLR, robust PLR and ACCEL share, as functions of a configuration and a state.

A level of score rank r that was last handed out in assignment C is replayed in assignment c with probability

    P = (1 - s) P_score + s P_stale        P_score ~ (1 / r)^(1 / temperature)  or  score^(1 / temperature)
                                           P_stale ~ c - C

with s = `plr_staleness`. Jiang et al., "Prioritized level replay" (2021). Levels of an assignment are drawn at once, with
replacement. A score is that of the last time that a level was played; where several worlds play it, of all of them together.
When the pool is full, a new level replaces that of the lowest score if its own is higher.
"""

import functools
from dataclasses import replace

import jax
import jax.numpy as jnp

from curriculum import mix, sampling, scores
from curriculum import pool as pools
from curriculum.base import FRESH, Array, Assignment, CurriculumConfig, Evaluate, Generate, Look
from curriculum.hashing import same
from curriculum.pool import LevelPool, Turnover
from envs import outcome as outcomes
from envs.outcome import Outcome
from physics.base import Capacity
from physics.pytree import array, count_worlds, repeat, struct, zeros


@struct
class ReplayState:
    """The pool, what was replayed and what the last candidates were."""

    pool: LevelPool
    turnover: Turnover  # of the last levels that wanted to come in
    replayed: Array = array("M", "bool")  # slots that were replayed since the last refresh
    assignments: Array = array("", "int32")
    replays: Array = array("", "int32")  # assignments that replayed
    candidate_successes: Array = array("C", "int32")
    candidate_episodes: Array = array("C", "int32")


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def begin(config: CurriculumConfig, capacity: Capacity, candidates: int) -> ReplayState:
    """An empty pool; so many candidates are scouted at a refresh."""
    # Where none are, there is a place for one all the same: checkpoints do not take empty arrays.
    none, unscouted = jnp.zeros((), jnp.int32), jnp.zeros(max(candidates, 1), jnp.int32)
    return ReplayState(
        pool=pools.empty(capacity, config.pool_size), turnover=zeros(Turnover), replayed=jnp.zeros(config.pool_size, bool),
        assignments=none, replays=none, candidate_successes=unscouted, candidate_episodes=unscouted,
    )  # fmt: skip


def fresh(state: ReplayState, key: Array, count: int, generate: Generate) -> tuple[ReplayState, Assignment]:
    """New levels for every world."""
    return replace(state, assignments=state.assignments + 1), mix.fresh(generate, key, count)


def replay(config: CurriculumConfig, state: ReplayState, key: Array, count: int, generate: Generate) -> tuple[ReplayState, Assignment]:
    """Levels of the pool for every world; new ones only while the pool is empty."""
    share = shares(config, replace(state.pool, levels=None), state.assignments)
    pool, assignment = mix.assign(state.pool, share, key, count, 1.0, generate, state.assignments)
    replays = state.replays + state.pool.filled.any()
    return replace(state, pool=pool, assignments=state.assignments + 1, replays=replays), assignment


@functools.partial(jax.jit, static_argnums=0)
def shares(config: CurriculumConfig, pool: LevelPool, now: Array) -> Array:
    """How often every slot `[M]` is replayed in assignment `now`; the levels are not looked at."""
    share = sampling.weights(pool.score, pool.filled, config.plr_order, config.plr_temperature)
    return sampling.with_staleness(share, pool, now, config.plr_staleness)


@pools.beside_levels
def rescore(config: CurriculumConfig, state: ReplayState, assignment: Assignment, outcome: Outcome) -> ReplayState:
    """With the scores of what was replayed as playing it gave them; levels that are no longer in the pool are left out."""
    pool = pools.update(state.pool, assignment, outcome, config.window)
    played = _by_slot(outcome, pools.held(pool, assignment), count_worlds(pool))
    finished, best = played.episodes > 0, jnp.maximum(pool.best_return, played.best_return)
    score = jnp.where(finished, _score(config, best, played), pool.score)
    return replace(state, pool=replace(pool, best_return=best, score=score), replayed=state.replayed | finished)


def _by_slot(outcome: Outcome, slot: Array, slots: int) -> Outcome:
    """What the worlds of every slot gave together, `[M]`."""
    at = jnp.where(slot == FRESH, slots, slot)  # beyond the last slot: dropped
    summed = jax.tree.map(lambda leaf: jnp.zeros(slots, leaf.dtype).at[at].add(leaf, mode="drop"), outcome)
    return replace(summed, best_return=jnp.zeros(slots).at[at].max(outcome.best_return, mode="drop"))


def _score(config: CurriculumConfig, best_return: Array, outcome: Outcome) -> Array:
    if config.plr_score == "maxmc":
        return scores.max_monte_carlo(best_return, outcome)
    if config.plr_score == "pvl":
        return scores.positive_value_loss(outcome)
    return scores.learnability(outcome.successes, outcome.episodes)


@functools.partial(jax.jit, static_argnums=0)
def let_in(config: CurriculumConfig, state: ReplayState, candidates: Assignment, outcome: Outcome) -> ReplayState:
    """With the best of the new levels that were finished in the pool."""
    score = _score(config, outcome.best_return, outcome)
    news = mix.newcomers(candidates, outcome, score, state.assignments, config.window)
    pool, turnover = pools.insert(state.pool, replace(news, best_return=outcome.best_return))
    return replace(state, pool=pool, turnover=turnover, replayed=state.replayed & same(pool.hash, state.pool.hash))


def scout(config: CurriculumConfig, state: ReplayState, candidates: Assignment, key: Array, evaluate: Evaluate) -> ReplayState:
    """With candidates that were only evaluated in the pool, if their scores are high enough."""
    count = count_worlds(candidates)
    played = outcomes.merge_repeats(evaluate(key, repeat(candidates.levels, config.scout_attempts)), count)
    after = let_in(config, state, candidates, played)
    return replace(after, candidate_successes=played.successes, candidate_episodes=played.episodes)


def scouted_at_once(config: CurriculumConfig) -> int:
    """How many candidates an assignment has where all are only evaluated: `candidates` in `refresh_every` assignments."""
    return -(-config.candidates // config.refresh_every)


def fill(config: CurriculumConfig, state: ReplayState, key: Array, generate: Generate, evaluate: Evaluate) -> ReplayState:
    """With fresh candidates scouted for as long as the pool needs them to be full enough; not once if it is."""
    count, missing = scouted_at_once(config), config.plr_fill * config.pool_size - int(state.pool.filled.sum())
    for batch in range(-(-int(missing) // count)):
        key_draw, key_play = jax.random.split(jax.random.fold_in(key, batch))
        state = scout(config, state, mix.fresh(generate, key_draw, count), key_play, evaluate)
    return state


@jax.jit
def metrics(state: ReplayState) -> dict[str, Array]:
    """What is in the pool, what wanted to come in and how it was replayed."""
    pool = state.pool
    scored = pool.filled & jnp.isfinite(pool.score)
    rate = scores.success_rate(state.candidate_successes, state.candidate_episodes)
    return {
        "replayed": state.replays / jnp.maximum(state.assignments, 1),
        "pool_score": jnp.where(scored, pool.score, 0.0).sum() / jnp.maximum(scored.sum(), 1),
        "pool_waited": jnp.where(pool.filled, state.assignments - pool.sampled, 0).sum() / jnp.maximum(pool.filled.sum(), 1),
        "candidate_success": rate.mean(),
        **mix.describe(pool, state.assignments),
        **mix.became(state.turnover),
    }


@jax.jit
def look(state: ReplayState) -> Look:
    """The pool and the last candidates."""
    return mix.look(state.pool, state.assignments, state.candidate_successes, state.candidate_episodes)
