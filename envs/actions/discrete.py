"""One choice for the whole level, so one channel at a time.

Choice `2 c` drives motor channel `c` backward and `2 c + 1` forward; then comes doing nothing, then one
choice a thruster channel. The order is the reference's, so that agents and data can cross.
"""

import jax
import jax.numpy as jnp

from envs.actions import channels
from envs.base import MOTOR_CHANNELS, THRUSTER_CHANNELS, Array, Level
from envs.spaces import Discrete
from physics.base import Controls

NOTHING = 2 * MOTOR_CHANNELS
SPACE = Discrete(NOTHING + 1 + THRUSTER_CHANNELS)


def nothing(worlds: int) -> Array:
    """The action `[W]` that does nothing."""
    return jnp.full(worlds, NOTHING, jnp.int32)


def uniform(key: Array, worlds: int) -> Array:
    """Every choice equally likely: actions `[W]`."""
    return jax.random.randint(key, (worlds,), 0, SPACE.n)


def controls(level: Level, action: Array) -> Controls:
    """What `action [W]` makes every motor `[J, W]` and thruster `[T, W]` do."""
    motors, thrusters = jnp.arange(MOTOR_CHANNELS)[:, None], jnp.arange(THRUSTER_CHANNELS)[:, None]
    forward, backward = action == 2 * motors + 1, action == 2 * motors
    motor = forward.astype(jnp.float32) - backward.astype(jnp.float32)
    return channels.drive(level, motor, (action == NOTHING + 1 + thrusters).astype(jnp.float32))
