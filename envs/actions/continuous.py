"""One number a channel: motors in [-1, 1], thrusters in [0, 1]. All zeros does nothing.

What lies outside is clipped, so the half of a thruster's range below 0 is off; what is not finite counts as 0.
"""

import jax
import jax.numpy as jnp

from envs.actions import channels
from envs.base import MOTOR_CHANNELS, Array, Level
from envs.spaces import Box
from physics.base import Controls

SPACE = Box((channels.CHANNELS,), -1.0, 1.0)


def nothing(worlds: int) -> Array:
    """The action `[W, channels]` that does nothing."""
    return jnp.zeros((worlds, channels.CHANNELS))


def uniform(key: Array, worlds: int) -> Array:
    """Actions `[W, channels]`, evenly spread over what differs: motors in [-1, 1], thrusters in [0, 1]."""
    drawn = jax.random.uniform(key, (worlds, channels.CHANNELS), minval=-1.0)
    return jnp.where(jnp.arange(channels.CHANNELS) < MOTOR_CHANNELS, drawn, jnp.abs(drawn))


def controls(level: Level, action: Array) -> Controls:
    """What `action [W, channels]` makes every motor `[J, W]` and thruster `[T, W]` do."""
    value = jnp.where(jnp.isfinite(action), action, 0.0).T
    return channels.drive(level, jnp.clip(value[:MOTOR_CHANNELS], -1, 1), jnp.clip(value[MOTOR_CHANNELS:], 0, 1))
