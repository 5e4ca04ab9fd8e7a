"""The rollout, the only one in the project: training, evaluation, scouting and clips all use it.

It plays one block of worlds for a number of steps and keeps of every step what it is asked to keep.
Random numbers belong to worlds, not to devices: world `i` draws from `fold_in(keys[i], t)`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from envs.base import EnvState, Step
from envs.env import Env
from envs.outcome import Outcome
from learners.base import Act, Array, Decision, Params, Rollout, Worlds

Keep = Callable[[EnvState, Decision, Step], Any]


def play(act: Act, env: Env, worlds: Worlds, keys: Array, length: int, keep: Keep) -> tuple[Worlds, Any, Any]:
    """Play `length` steps: (worlds, last observation, what `keep` returned, stacked over steps)."""
    seen = env.observe(worlds.env.level, worlds.env.physics.motion)

    def step(carry: tuple[EnvState, Outcome, Any], t: Array) -> tuple[tuple[EnvState, Outcome, Any], Any]:
        state, outcome, seen = carry
        decision = act(seen, jax.vmap(jax.random.fold_in, (0, None))(keys, t))
        following, taken = env.step(state, decision[0])
        return (following, outcome.after(taken), taken.observation), keep(state, decision, taken)

    begin = (worlds.env, worlds.outcome, seen)
    (state, outcome, seen), kept = lax.scan(step, begin, jnp.arange(length))
    return Worlds(env=state, outcome=outcome), seen, kept


@jax.named_scope("rollout")
def collect(apply: Callable, params: Params, env: Env, worlds: Worlds, keys: Array, length: int) -> tuple[Worlds, Rollout]:
    """Play with the policy and keep all that an update needs. `apply(params, observation)` -> distribution, value."""
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
        choice, value = apply(params, seen)
        chosen = jnp.where(way == GREEDY, choice.greedy(), jnp.where(way == IDLE, choice.nothing(), choice.sample(keys)))
        return chosen, choice.log_prob(chosen), value

    return act
