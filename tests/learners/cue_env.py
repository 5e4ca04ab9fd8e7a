"""An environment that asks for memory: the first observation of an episode says what to do in all others.

Holds no tests. It has what roles ask of `envs.env.Env`. Every level has a cue, 1 or -1; it is seen in the first
step alone. Firing the first thruster earns the cue in each of the later steps, not firing its opposite.
"""

import dataclasses
import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from tiny_learning import FIRST_THRUSTER, SMALL, lift

from envs import actions
from envs.base import EnvState, Level, Step
from envs.observations.flat import Flat
from physics.base import Motion, State
from physics.pytree import count_worlds, stack

Array = jax.Array
STEPS = 4  # of an episode


class CueEnv:
    """Episodes of `STEPS` steps; the last one ends in a termination."""

    def __init__(self) -> None:
        """Nothing to choose."""
        self.config = types.SimpleNamespace(max_steps=STEPS)
        self.actions = actions.kind("multi_discrete")
        self.capacity = SMALL

    def reset(self, level: Level) -> EnvState:
        """The cue stands where the first body is."""
        zero = jnp.zeros(count_worlds(level), jnp.int32)
        physics = State(motion=_with_x(level.start, level.start.pos[0, 0]), impulses=None)  # type: ignore[arg-type]
        return EnvState(level=level, prepared=None, physics=physics, steps=zero, distance=zero)  # type: ignore[arg-type]

    def observe(self, _: Level, motion: Motion) -> Flat:
        """The cue, or zero."""
        cue = motion.pos[0, 0][:, None]
        return Flat(features=cue, driven=jnp.ones((cue.shape[0], actions.CHANNELS), bool))

    def blank(self) -> Flat:
        """An observation to make a network for."""
        return Flat(features=jnp.zeros((1, 1)), driven=jnp.ones((1, actions.CHANNELS), bool))

    def advance(self, state: EnvState, action: Array) -> tuple[EnvState, Step]:
        """Pay, and go on."""
        cue, fires = state.level.start.pos[0, 0], action[:, FIRST_THRUSTER] == 1
        ended = state.steps == STEPS - 1
        hidden = _with_x(state.level.start, jnp.zeros_like(cue))
        begun = _with_x(state.level.start, jnp.where(ended, cue, 0.0))
        physics = State(motion=begun, impulses=None)  # type: ignore[arg-type]
        following = dataclasses.replace(state, physics=physics, steps=jnp.where(ended, 0, state.steps + 1))
        reward = jnp.where(state.steps > 0, jnp.where(fires, cue, -cue), 0.0)
        return following, Step(reward=reward, terminated=ended, truncated=ended & False, solved=ended & False, final_motion=hidden)


def levels(count: int) -> Level:
    """As many levels, every other one with a cue of -1."""
    batch: Any = stack([lift()] * count)
    pos = np.array(batch.start.pos)
    pos[0, 0] = np.where(np.arange(count) % 2, -1.0, 1.0)
    return dataclasses.replace(batch, start=dataclasses.replace(batch.start, pos=pos))


def _with_x(motion: Motion, x: Array) -> Motion:
    return dataclasses.replace(motion, pos=jnp.asarray(motion.pos).at[0, 0].set(x))
