"""Levels and compiled programs that the tests of envs share, so that each shape compiles once.

Holds no tests. Hand-made batches have `WORLDS` worlds of size s, whatever their number of levels.
"""

import dataclasses
import functools
import math
import types
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from envs.base import EnvConfig, EnvState, Level, Role, Step
from envs.build import LevelBuilder
from envs.env import Env
from envs.generate import GeneratorConfig, validity
from envs.generate.filters import CHUNK
from envs.generate.random import sample
from envs.sizes import capacity
from physics.pytree import stack

WORLDS = 32
QUICK = {"xla_backend_optimization_level": 0}  # compiling takes longer here than running
BOX, BALL, GOAL = 0, 1, 2  # body slots of size s: the polygon, then the circles
MAX_STEPS = 8
SCALE = 0.2  # of the dense reward
SMALL = capacity("s")


@functools.cache
def make_env(frame_skip: int = 1) -> Env:
    """Small levels, episodes of at most `MAX_STEPS` steps."""
    return Env(EnvConfig(size="s", frame_skip=frame_skip, max_steps=MAX_STEPS, dense_reward=SCALE))


@functools.cache
def _compiled(frame_skip: int) -> tuple[Any, Any]:
    env = make_env(frame_skip)
    return jax.jit(env.reset, compiler_options=QUICK), jax.jit(env.step, compiler_options=QUICK)


def reset(levels: Level) -> EnvState:
    """Start an episode of every level; `frame_skip` makes no difference to it."""
    return _compiled(1)[0](levels)


def step(state: EnvState, action: Any, frame_skip: int = 1) -> tuple[EnvState, Step]:
    """One compiled step with `action`, of one world or of all."""
    action = jnp.broadcast_to(jnp.asarray(action, jnp.int32), (WORLDS, 6))
    return _compiled(frame_skip)[1](state, action)


def batch(levels: Sequence[Level]) -> Level:
    """The levels as the first worlds of a batch; the first one again in the rest."""
    assert len(levels) <= WORLDS
    return stack([*levels, *[levels[0]] * (WORLDS - len(levels))])


@functools.cache
def _sampler(size: str) -> Any:
    """Draws `CHUNK` levels as the generator does; settings are its arguments, so that one program serves all of them."""
    fixed = {"proposals": GeneratorConfig().proposals}  # a length of arrays

    def draw(first: jax.Array, settings: dict[str, jax.Array]) -> Level:
        config: Any = types.SimpleNamespace(**settings, **fixed)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(0), first + jnp.arange(CHUNK))
        return jax.vmap(lambda key: sample(key, capacity(size), config), out_axes=-1)(keys)

    return jax.jit(draw, compiler_options=QUICK)


@functools.cache
def random_levels(size: str, count: int = CHUNK, **settings: float) -> Level:
    """Unfiltered levels `[..., count]` as numpy arrays; the first ones do not depend on `count`."""
    config = GeneratorConfig(**settings)
    names = [field.name for field in dataclasses.fields(config) if field.type is float or field.name == "free_revolute"]
    traced = {name: np.float32(getattr(config, name)) for name in names}
    parts = [jax.tree.map(np.asarray, _sampler(size)(np.int32(first), traced)) for first in range(0, count, CHUNK)]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=-1)[..., :count], *parts)


faults_of = jax.jit(validity.faults, compiler_options=QUICK)
within_reach = jax.jit(validity.within_reach, compiler_options=QUICK)


def push_level(speed: float = 4.0, gap: float = 0.2) -> Level:
    """A green ball that flies to a blue one, without gravity; a box with a thruster far away."""
    builder = LevelBuilder(SMALL, gravity=(0, 0))
    box = builder.box((1.0, 4.0), (0.3, 0.2), angle=0.3)
    builder.circle((1.5, 2.0), 0.2, role=Role.GREEN, vel=(speed, 0.0))
    builder.circle((1.5 + 0.2 + gap + 0.3, 2.0), 0.3, role=Role.BLUE, fixed=True)
    builder.thruster(box, (1.0, 3.8), math.pi / 2, power=1.0, channel=0)
    return builder.finish()


def unicycle(channel: int = 2, auto: bool = False, thruster_channel: int = 1) -> Level:
    """A box on a motor wheel (green) with a thruster, a blue ball apart; touches nothing that counts."""
    builder = LevelBuilder(SMALL)
    box = builder.box((1.5, 1.4), (0.1, 0.4), density=0.5)
    wheel = builder.circle((1.5, 1.0), 0.3, role=Role.GREEN)
    builder.circle((4.2, 2.0), 0.3, role=Role.BLUE)
    builder.joint(box, wheel, (1.5, 1.0), motor=True, channel=channel, auto=auto)
    builder.thruster(box, (1.5, 1.0), math.pi / 2, power=0.5, channel=thruster_channel)
    return builder.finish()
