"""Record episodes to look at: every motion and control of one episode of each level."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import lax

from envs.base import EnvState, Level, Step
from envs.env import Env
from learners import chance, rollout
from learners.base import Act, Array, Decision
from physics.base import Controls, Motion
from physics.pytree import count_worlds

Moment = tuple[Motion, Controls, Array, Array]  # after a step, during it, whether the episode ended with it, and solved


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Recording:
    """Steps first, worlds last; what comes after the end of a world's first episode means nothing."""

    motion: Motion  # [S, ..., W] after each step
    controls: Controls  # [S, ..., W] during each step
    length: Array  # [W] steps of the episode
    solved: Array  # [W]


def episodes(act: Act, env: Env, levels: Level, key: Array, memory: int = 0) -> Recording:
    """One episode of every level `[..., W]`, as a policy that remembers so many units plays it."""
    worlds = rollout.begin(env, levels, memory)
    keys = chance.of_worlds(key, jnp.arange(count_worlds(levels)))

    def keep(state: EnvState, decision: Decision, step: Step) -> Moment:
        return _moment(env, state, decision[0], step)

    return _recording(rollout.play(act, env, worlds, keys, env.config.max_steps, keep)[1])


def replay(env: Env, levels: Level, actions: Array) -> Recording:
    """One episode of every level `[..., W]` under `actions [S, W, channels]`."""

    def advance(state: EnvState, action: Array) -> tuple[EnvState, Moment]:
        following, step = env.advance(state, action)
        return following, _moment(env, state, action, step)

    return _recording(lax.scan(advance, env.reset(levels), actions)[1])


def _moment(env: Env, state: EnvState, action: Array, step: Step) -> Moment:
    return step.final_motion, env.actions.controls(state.level, action), step.terminated | step.truncated, step.solved


def _recording(moments: Moment) -> Recording:
    motion, controls, ended, solved = moments
    last = jnp.argmax(ended, axis=0)
    at_end = jnp.take_along_axis(solved, last[None], axis=0)[0]
    return Recording(motion=motion, controls=controls, length=last + 1, solved=at_end & jnp.any(ended, axis=0))
