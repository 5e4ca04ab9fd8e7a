"""The rollout, the only one in the project: training, evaluation, scouting and clips all use it.

It plays one block of worlds for a number of steps and keeps of every step what it is asked to keep.
Random numbers belong to worlds, not to devices: world `i` draws from `chance.at(keys, t)[i]`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from envs import outcome
from envs.base import EnvState, Level, Step
from envs.env import Env
from envs.observations import Observation
from learners import advantage, chance
from learners.advantage import Estimate
from learners.base import Act, Array, Decision, Memory, Params, Rollout, Worlds
from physics.base import Motion
from physics.materialise import materialise
from physics.pytree import count_worlds

Keep = Callable[[EnvState, Decision, Step], Any]


def begin(env: Env, levels: Level, memory: int = 0) -> Worlds:
    """An episode of every level `[..., W]`, for a network that remembers so many units."""
    count = count_worlds(levels)
    return Worlds(env=env.reset(levels), outcome=outcome.none(count), memory=(jnp.zeros((memory, count)),) if memory else ())


def look(env: Env, level: Level, motion: Motion) -> Observation:
    """What the agent sees, from memory into memory: whoever looks at as many worlds at once then shares the compiled kernels."""
    return materialise(env.observe(level, materialise(motion)))


def play(act: Act, env: Env, worlds: Worlds, keys: Array, length: int, keep: Keep) -> tuple[Worlds, Any]:
    """Play `length` steps: (worlds, what `keep` returned, stacked over steps)."""

    def step(now: Worlds, t: Array) -> tuple[Worlds, Any]:
        # Seen here and not taken from the step before, as the first step would need a second compiled observation.
        seen = look(env, now.env.level, now.env.physics.motion)
        decision = act(seen, chance.at(keys, t), *now.memory)
        following, taken = env.advance(now.env, decision[0])
        return _after(now, following, taken, decision[3:]), keep(now.env, decision, taken)

    return lax.scan(step, worlds, jnp.arange(length))


def stagger(worlds: Worlds, keys: Array, max_steps: int) -> Worlds:
    """Let every world's first episode begin late on the clock, at a step of its own, one key a world.

    It is cut off so much earlier, as a truncation, and does not count in the outcome: an attempt of
    which time was taken would make the level look harder.
    """
    begun = jax.vmap(lambda key: jax.random.randint(key, (), 0, max_steps))(keys)
    return dataclasses.replace(worlds, env=dataclasses.replace(worlds.env, steps=begun), late=begun > 0)


def _after(now: Worlds, following: EnvState, taken: Step, memory: Memory) -> Worlds:
    """Worlds after a step. Of an episode that ended nothing is remembered. To the outcome, nothing happens in one that began late."""
    memory = tuple(jnp.where(taken.terminated | taken.truncated, 0.0, each) for each in memory)
    if now.late is None:
        return Worlds(env=following, outcome=now.outcome.after(taken), memory=memory)
    late = now.late & ~(taken.terminated | taken.truncated)
    return Worlds(env=following, outcome=now.outcome.after(taken, ~now.late), late=late, memory=memory)


def first(ended: Array) -> Array:
    """Which steps `[L, W]` belong to the episode that a world began with; `ended` says where one ended."""
    return jnp.cumsum(ended, axis=0) - ended == 0


@jax.named_scope("rollout")
def collect(
    apply: Callable, params: Params, env: Env, worlds: Worlds, keys: Array, length: int, advantages: Estimate = advantage.estimate
) -> tuple[Worlds, Rollout]:
    """Play with the policy and keep all that an update needs. `apply(params, observation, *memory)` -> distribution, value, *memory.

    `advantages` is for the outcome: how much better than the critic thought it went.
    """
    apply = jax.jit(apply)  # to be traced once, for the rollout and for its ends
    act = policy(apply, params)

    def keep(state: EnvState, decision: Decision, step: Step) -> tuple:
        action, log_prob, value, *memory = decision
        flags = step.reward, step.terminated, step.truncated
        return state.physics.motion, action.T, log_prob, value, *flags, step.final_motion, tuple(memory)

    begun = worlds
    worlds, kept = play(act, env, begun, keys, length, keep)
    motion, action, log_prob, value, reward, terminated, truncated, final_motion, memory = kept
    # Of the last step too, wherever something comes after it: an episode that goes on has not been reset, so its state is the final one.
    after = _values(apply, params, env, worlds.env.level, final_motion, memory, truncated.at[-1].set(~terminated[-1]))
    rollout = Rollout(
        level=worlds.env.level,
        motion=motion,
        action=action,
        log_prob=log_prob,
        value=value,
        reward=reward,
        terminated=terminated,
        truncated=truncated,
        final_value=jnp.where(truncated, after, 0.0),
        last_value=jnp.where(truncated[-1], 0.0, after[-1]),
        memory=begun.memory,
    )
    counts = jnp.ones_like(truncated) if begun.late is None else ~(begun.late & first(terminated | truncated))
    outcome = worlds.outcome.judged(value, advantages(rollout), counts)
    return dataclasses.replace(worlds, outcome=outcome), rollout


def _values(apply: Callable, params: Params, env: Env, level: Level, motions: Motion, memories: Memory, wanted: Array) -> Array:
    """Values `[L, W]` of the states `motions [L, ..., W]` that are wanted, else 0. Only steps that have one are looked at.

    A loop over those steps: it sees and judges what lies in memory, as the rollout's loop does, so that it shares that
    one's compiled kernels.
    """
    some = jnp.any(wanted, axis=1)
    steps = jnp.argsort(~some)

    def judge(number: Array, values: Array) -> Array:
        step = steps[number]
        motion, memory, here = jax.tree.map(lambda leaf: leaf[step], (motions, memories, wanted))
        value = apply(params, look(env, level, motion), *batch_first(memory))[1]
        return values.at[step].set(jnp.where(here, value, 0.0))

    return lax.fori_loop(0, some.sum(), judge, jnp.zeros(wanted.shape))


def batch_first(memory: Memory) -> Memory:
    """As networks read it, `[W, units]`, or back."""
    return tuple(jnp.swapaxes(each, -1, -2) for each in memory)


SAMPLED, GREEDY, IDLE = range(3)  # ways to act


def policy(apply: Callable, params: Params, way: int | Array = SAMPLED) -> Act:
    """Act by a network's distribution, by its likeliest choice, or not at all.

    `way` may be traced, so that one compiled program measures all three.
    """

    def act(seen: Any, keys: Array, *memory: Array) -> Decision:
        choice, value, *after = apply(params, seen, *batch_first(memory))
        chosen = jnp.where(way == GREEDY, choice.greedy(), jnp.where(way == IDLE, choice.nothing(), choice.sample(keys)))
        return chosen, choice.log_prob(chosen), value, *batch_first(tuple(after))

    return act
