"""One choice a channel: motors 0 off, 1 forward, 2 backward; thrusters 0 off, 1 on. All zeros does nothing."""

import jax
import jax.numpy as jnp

from envs.actions import channels
from envs.base import MOTOR_CHANNELS, THRUSTER_CHANNELS, Array, Level
from envs.spaces import MultiDiscrete
from physics.base import Controls

CHOICES = (3,) * MOTOR_CHANNELS + (2,) * THRUSTER_CHANNELS  # choices of every channel
SPACE = MultiDiscrete(CHOICES)


def nothing(worlds: int) -> Array:
    """The action `[W, channels]` that does nothing."""
    return jnp.zeros((worlds, len(CHOICES)), jnp.int32)


def uniform(key: Array, worlds: int) -> Array:
    """Every choice equally likely: actions `[W, channels]`."""
    # `randint` draws twice, so that millions of choices are equally likely too, and has 15 kernels more to compile.
    return (jax.random.uniform(key, (worlds, len(CHOICES))) * jnp.array(CHOICES, jnp.float32)).astype(jnp.int32)


def controls(level: Level, action: Array) -> Controls:
    """What `action [W, channels]` makes every motor `[J, W]` and thruster `[T, W]` do."""
    choice = action.T
    motor = jnp.where(choice[:MOTOR_CHANNELS] == 2, -1.0, choice[:MOTOR_CHANNELS].astype(jnp.float32))
    thruster = (choice[MOTOR_CHANNELS:] > 0).astype(jnp.float32)
    return channels.drive(level, motor, thruster)
