"""The environment: reset and step for a batch of worlds, worlds last, actions and observations batch first.

    env = Env(EnvConfig(size="s"))
    state = env.reset(levels)
    state, step = env.step(state, action)        # action [W, channels]; [W] if discrete

When an episode ends, its world starts the same level again: the state is selected first and observed
once. `Step` tells termination (the task decided) from truncation (time ran out).
"""

import dataclasses

import jax
import jax.numpy as jnp
from jax import lax

import physics
from envs import actions, reward
from envs.base import Array, EnvConfig, EnvState, Level, Step
from envs.observations import Observation, observation_space, observer
from envs.sizes import capacity
from envs.spaces import Struct
from physics.base import Motion
from physics.diagnose import finite
from physics.pytree import count_worlds, select, zeros


class Env:
    """The rules of the task for one configuration; holds no state."""

    def __init__(self, config: EnvConfig) -> None:
        """Fix size, frame skip, rewards and what is observed."""
        self.config = config
        self.capacity = capacity(config.size)
        self.actions = actions.kind(config.action)
        self._observe = jax.jit(observer(config.observation, config.pixels))  # who looks several times traces it once

    @jax.named_scope("env.reset")
    def reset(self, level: Level) -> EnvState:
        """Start an episode of every level `[..., W]`."""
        prepared = physics.prepare(level.scene, self.config.solver.base_friction)
        return EnvState(
            level=level,
            prepared=prepared,
            physics=physics.start(prepared, level.start),
            steps=jnp.zeros(count_worlds(level), jnp.int32),
            distance=reward.distance(level, level.start),
        )

    @property
    def observation_space(self) -> Struct:
        """What the observation of one world may be."""
        return observation_space(self.config.observation, self.capacity, self.config.pixels)

    @jax.named_scope("env.observe")
    def observe(self, level: Level, motion: Motion) -> Observation:
        """What the agent sees, batch first."""
        return self._observe(level, motion)

    def blank(self) -> Observation:
        """An observation `[1, ...]` of zeros, shaped as any is: what networks are made for. Nothing is observed."""

        def seen() -> Observation:
            level = zeros(Level, worlds=1, **self.capacity.dims)
            return self.observe(level, level.start)

        return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(seen))

    def step(self, state: EnvState, action: Array) -> tuple[EnvState, Step]:
        """Advance every world by one action (`[W, channels]`; `[W]` if discrete), held for `frame_skip` physics steps."""
        following, step = self.advance(state, action)
        return following, dataclasses.replace(step, observation=self.observe(following.level, following.physics.motion))

    @jax.named_scope("env.step")
    def advance(self, state: EnvState, action: Array) -> tuple[EnvState, Step]:
        """`step` without looking: for who observes at another time, or never."""
        level = state.level
        moved, touch_reward, distance = self._hold(state, action)
        broken = ~finite(moved.motion)
        earned = touch_reward + self.config.dense_reward * jnp.where(broken, 0.0, state.distance - distance)
        steps = state.steps + 1
        terminated = (touch_reward != 0) | broken
        truncated = (steps >= self.config.max_steps) & ~terminated
        ended = terminated | truncated
        begin = physics.start(state.prepared, level.start)
        following = EnvState(
            level=level,
            prepared=state.prepared,
            physics=select(ended, begin, moved),
            steps=jnp.where(ended, 0, steps),
            distance=jnp.where(ended, reward.distance(level, level.start), distance),
        )
        step = Step(
            reward=earned,
            terminated=terminated,
            truncated=truncated,
            solved=touch_reward > 0,
            final_motion=moved.motion,
        )
        return following, step

    def _hold(self, state: EnvState, action: Array) -> tuple[physics.State, Array, Array]:
        """Physics under one held action: (state, sparse reward of the first frame that decides, distance)."""
        controls = self.actions.controls(state.level, action)

        def frame(carry: tuple[physics.State, Array], _: None) -> tuple[tuple[physics.State, Array], None]:
            now, decided = carry
            after, touching = physics.step(state.prepared, now, controls, self.config.solver)
            return (after, jnp.where(decided != 0, decided, reward.sparse(state.level, touching))), None

        begin = (state.physics, jnp.zeros(state.steps.shape))
        (moved, decided), _ = lax.scan(frame, begin, None, length=self.config.frame_skip)
        # A world whose numbers broke counts as ended without reward, never as solved.
        decided = jnp.where(finite(moved.motion), decided, 0.0)
        return moved, decided, reward.distance(state.level, moved.motion)
