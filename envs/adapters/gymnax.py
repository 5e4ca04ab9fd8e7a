"""One world in the shape of a gymnax 1.0 environment, to be used under `jax.vmap` at the speed of the engine.

    env = GymnaxEnv(EnvConfig(size="s"))
    params = env.params("s/lift_off")                            # or `EnvParams(level=...)` of any level
    observation, state = env.reset(key, params)
    observation, state, reward, terminated, truncated, info = env.step(key, state, action, params)

    reset = jax.jit(jax.vmap(env.reset))                         # over keys and params: a level for each world
    step = jax.jit(jax.vmap(env.step))

Gymnax itself is not needed. An episode that ends starts again in its own level; for another level call
`reset` with other `params`. Nothing is random once the level is given: the keys are there for the shape.
"""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from envs import holdout
from envs.adapters.one_world import of_batched
from envs.base import Array, EnvConfig, EnvState, Level, Step
from envs.env import Env
from envs.spaces import Space
from physics.pytree import struct, world


@struct
class EnvParams:
    """What differs between worlds of one environment."""

    level: Level  # a single one: no axis of worlds


class GymnaxEnv:
    """The environment of a configuration as gymnax shapes it; holds no state."""

    def __init__(self, config: EnvConfig | None = None) -> None:
        """Of size s unless the configuration says otherwise."""
        self.env = Env(config or EnvConfig())
        self._reset = of_batched(self._reset_batch)
        self._step = of_batched(self._step_batch)

    @property
    def name(self) -> str:
        """Name with the size in it."""
        return f"Fulcrum-{self.env.config.size}"

    @property
    def num_actions(self) -> int:
        """Choices, or numbers, that one action consists of, as gymnax counts them."""
        space = self.env.actions.SPACE
        return getattr(space, "n", None) or self.env.actions.nothing(1).shape[-1]

    @property
    def default_params(self) -> EnvParams:
        """The first hand-made level of the size."""
        return self.params(holdout.fitting(self.env.config.size)[0])

    def params(self, level: str) -> EnvParams:
        """A hand-made level by its id."""
        return EnvParams(level=world(holdout.load([level], self.env.capacity)[1], 0))

    def action_space(self, params: EnvParams | None = None) -> Space:
        """What an action may be."""
        return self.env.actions.SPACE

    def observation_space(self, params: EnvParams | None = None) -> Space:
        """What an observation may be."""
        return self.env.observation_space

    def reset(self, key: Array, params: EnvParams | None = None) -> tuple[Any, EnvState]:
        """(observation, state) at the start of an episode."""
        return self._reset((params or self.default_params).level)

    def step(
        self, key: Array, state: EnvState, action: Array, params: EnvParams | None = None
    ) -> tuple[Any, EnvState, Array, Array, Array, dict[str, Any]]:
        """(observation, state, reward, terminated, truncated, info) after an action.

        `info`: whether the goal was reached (`solved`) and what was seen at the end of the step, before the
        next episode began (`final_observation`; costs nothing where it is not used).
        """
        following, step, last = self._step(state, action)
        info = {"solved": step.solved, "terminated": step.terminated, "truncated": step.truncated, "final_observation": last}
        return step.observation, following, step.reward, step.terminated, step.truncated, info

    def _reset_batch(self, level: Level) -> tuple[Any, EnvState]:
        state = self.env.reset(level)
        return _worlds_last(self.env.observe(level, state.physics.motion)), state

    def _step_batch(self, state: EnvState, action: Array) -> tuple[EnvState, Step, Any]:
        following, step = self.env.step(state, jnp.moveaxis(action, -1, 0))
        last = self.env.observe(state.level, step.final_motion)
        return following, replace(step, observation=_worlds_last(step.observation)), _worlds_last(last)


def _worlds_last(observation: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), observation)
