"""An environment whose episodes go by a table: what is played is known by heart, and nothing compiles long.

Holds no tests. It has what the rollout asks of `envs.env.Env`. World `w` at step `t` does what letter
`t` of word `w` says: `.` nothing, `S` solved, `L` lost, `T` time is up.
"""

import types
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from envs import actions
from envs.base import EnvState, Level, Step
from learners.distributions import MultiDiscrete
from physics.base import Motion, State
from physics.pytree import count_worlds

Array = jax.Array
FLOWN = 100.0  # x of the first body moves by so much a step, and starts anew at each end


class ScriptedEnv:
    """Plays `words`, all of one length."""

    def __init__(self, words: Sequence[str], action: str = "multi_discrete") -> None:
        """A reward of 1 for solved, -1 for lost and 0.25 for any other step."""
        self.config = types.SimpleNamespace(max_steps=len(words[0]))
        self.actions = actions.kind(action)
        self._letters = jnp.array([[ord(letter) for letter in word] for word in words])

    def reset(self, level: Level) -> EnvState:
        """`steps` counts all steps, not those of an episode: it is the place in the table."""
        zero = jnp.zeros(count_worlds(level), jnp.int32)
        physics = State(motion=_to(level.start, jnp.zeros(zero.shape)), impulses=None)  # type: ignore[arg-type]
        return EnvState(level=level, prepared=None, physics=physics, steps=zero, distance=zero)  # type: ignore[arg-type]

    def observe(self, _: Level, motion: Motion) -> Array:
        """Where the first body is, `[B]`."""
        return motion.pos[0, 0]

    def advance(self, state: EnvState, action: Array) -> tuple[EnvState, Step]:
        """Do what the table says, whatever the action."""
        letter = self._letters[:, state.steps[0]]
        solved, lost, cut = (letter == ord(kind) for kind in "SLT")
        x = state.physics.motion.pos[0, 0] + FLOWN
        moved, begun = _to(state.level.start, x), _to(state.level.start, jnp.where(solved | lost | cut, 0.0, x))
        physics = State(motion=begun, impulses=None)  # type: ignore[arg-type]
        following = EnvState(level=state.level, prepared=None, physics=physics, steps=state.steps + 1, distance=state.distance)  # type: ignore[arg-type]
        step = Step(
            reward=jnp.where(solved, 1.0, jnp.where(lost, -1.0, 0.25)),
            terminated=solved | lost,
            truncated=cut,
            solved=solved,
            final_motion=moved,
        )
        return following, step


def _to(motion: Motion, x: Array) -> Motion:
    moved = jnp.asarray(motion.pos).at[0, 0].set(x)
    return Motion(pos=moved, angle=jnp.asarray(motion.angle), vel=jnp.asarray(motion.vel), omega=jnp.asarray(motion.omega))


def fire(seen: Array, keys: Array) -> tuple[Array, Array, Array]:
    """An agent that always fires the first thruster and whose value is where the first body is."""
    return actions.nothing(keys.shape[0]).at[:, 4].set(1), jnp.zeros(seen.shape), seen


def value_of_place(_: Any, seen: Array) -> tuple[MultiDiscrete, Array]:
    """A network whose value is where the first body is, and whose choices are even."""
    return MultiDiscrete(jnp.zeros((*seen.shape, 6, 3))), seen


def keys(worlds: int) -> Array:
    """A key for every world."""
    return jax.random.split(jax.random.key(0), worlds)


def positions(words: Sequence[str]) -> np.ndarray:
    """Where the first body is before each step, `[steps, worlds]`."""
    found = np.zeros((len(words[0]), len(words)), np.float32)
    for world, word in enumerate(words):
        for t, letter in enumerate(word[:-1]):
            found[t + 1, world] = 0 if letter in "SLT" else found[t, world] + FLOWN
    return found
