"""The rollout, the only one in the project: training, evaluation, scouting and clips all use it.

It plays one block of worlds for a number of steps and keeps of every step what it is asked to keep.
Random numbers belong to worlds, not to devices: world `i` draws from `fold_in(keys[i], t)`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from envs import actions
from envs.base import EnvState, Step
from envs.env import Env
from learners import distributions
from learners.base import Act, Array, Decision, Params, Rollout, Worlds

Keep = Callable[[EnvState, Decision, Step], Any]


def play(act: Act, env: Env, worlds: Worlds, keys: Array, length: int, keep: Keep) -> tuple[Worlds, Any, Any]:
    """Play `length` steps: (worlds, last observation, what `keep` returned, stacked over steps)."""
    seen = env.observe(worlds.env.level, worlds.env.physics.motion)

    def step(carry: tuple[Worlds, Any], t: Array) -> tuple[tuple[Worlds, Any], Any]:
        now, seen = carry
        decision = act(seen, jax.vmap(jax.random.fold_in, (0, None))(keys, t))
        following, taken = env.step(now.env, decision[0])
        return (_after(now, following, taken), taken.observation), keep(now.env, decision, taken)

    (worlds, seen), kept = lax.scan(step, (worlds, seen), jnp.arange(length))
    return worlds, seen, kept


def stagger(worlds: Worlds, keys: Array, max_steps: int) -> Worlds:
    """Let every world's first episode begin late on the clock, at a step of its own, one key a world.

    It is cut off so much earlier, as a truncation, and does not count in the outcome: an attempt of
    which time was taken would make the level look harder.
    """
    begun = jax.vmap(lambda key: jax.random.randint(key, (), 0, max_steps))(keys)
    return dataclasses.replace(worlds, env=dataclasses.replace(worlds.env, steps=begun), late=begun > 0)


def _after(now: Worlds, following: EnvState, taken: Step) -> Worlds:
    """Worlds after a step. To the outcome, nothing happens in an episode that began late."""
    if now.late is None:
        return Worlds(env=following, outcome=now.outcome.after(taken))
    whole = ~now.late
    counted = dataclasses.replace(
        taken, reward=jnp.where(whole, taken.reward, 0.0), terminated=taken.terminated & whole, truncated=taken.truncated & whole
    )
    late = now.late & ~(taken.terminated | taken.truncated)
    return Worlds(env=following, outcome=now.outcome.after(counted), late=late)


@jax.named_scope("rollout")
def collect(apply: Callable, params: Params, env: Env, worlds: Worlds, keys: Array, length: int) -> tuple[Worlds, Rollout]:
    """Play with the policy and keep all that an update needs. `apply(params, observation)` -> logits, value."""
    act = policy(apply, params)

    def keep(state: EnvState, decision: Decision, step: Step) -> tuple:
        action, log_prob, value = decision
        flags = step.reward, step.terminated, step.truncated
        return state.physics.motion, action.T, log_prob, value, *flags, final_value(state, step)

    def final_value(state: EnvState, step: Step) -> Array:
        # Few steps end by time, so the value of their last state is only computed when there is one.
        def judge() -> Array:
            return jnp.where(step.truncated, apply(params, env.observe(state.level, step.final_motion))[1], 0.0)

        return lax.cond(jnp.any(step.truncated), judge, lambda: jnp.zeros_like(step.reward))

    worlds, seen, kept = play(act, env, worlds, keys, length, keep)
    motion, action, log_prob, value, reward, terminated, truncated, final = kept
    rollout = Rollout(
        level=worlds.env.level,
        motion=motion,
        action=action,
        log_prob=log_prob,
        value=value,
        reward=reward,
        terminated=terminated,
        truncated=truncated,
        final_value=final,
        last_value=apply(params, seen)[1],
    )
    return worlds, rollout


SAMPLED, GREEDY, IDLE = range(3)  # ways to act


def policy(apply: Callable, params: Params, way: int | Array = SAMPLED) -> Act:
    """Act by a network's distribution, by its likeliest choice, or not at all.

    `way` may be traced, so that one compiled program measures all three.
    """

    def act(seen: Any, keys: Array) -> Decision:
        logits, value = apply(params, seen)
        sampled, greedy = distributions.sample(logits, keys), distributions.greedy(logits)
        chosen = jnp.where(way == GREEDY, greedy, jnp.where(way == IDLE, actions.nothing(keys.shape[0]), sampled))
        return chosen, distributions.log_prob(logits, chosen), value

    return act
