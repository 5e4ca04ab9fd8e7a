"""What every kind of action comes down to: one value a channel, which drives every actuator that is wired to it.

Motors marked automatic always run, whatever the values are.
"""

import jax.numpy as jnp
import numpy as np

from envs.base import MOTOR_CHANNELS, THRUSTER_CHANNELS, Array, Level
from physics.base import Controls

CHANNELS = MOTOR_CHANNELS + THRUSTER_CHANNELS


def drive(level: Level, motor: Array, thruster: Array) -> Controls:
    """What channel values (motors `[4, W]` in [-1, 1], thrusters `[2, W]` in [0, 1]) make every actuator do."""
    return Controls(
        motor=jnp.where(level.motor_auto, 1.0, _read(motor, level.motor_channel)),
        thruster=_read(thruster, level.thruster_channel),
    )


def _read(values: Array, channel: Array) -> Array:
    """`values[channel]` per world, by selection: a gather would be scalar code on a CPU."""
    chosen = jnp.zeros(channel.shape)
    for value, here in zip(values, is_each(channel, values.shape[0]), strict=True):
        chosen = jnp.where(here, value, chosen)
    return chosen


def is_each(value: Array, count: int) -> Array:
    """One-hot `[count, ...]`, against a constant: with numbers that JAX makes, there would be a kernel for them."""
    return value == np.arange(count).reshape(-1, *[1] * value.ndim)


def driven_motors(level: Level) -> Array:
    """Joints `[J, W]` whose motor obeys the agent."""
    joints = level.scene.joints
    return joints.active & joints.motor & ~joints.fixed & ~level.motor_auto


def driven(level: Level) -> Array:
    """`[W, channels]`: whether a channel drives anything; the choice of one that does not changes nothing."""
    motors, thrusters = driven_motors(level), level.scene.thrusters
    used = [jnp.any(motors & (level.motor_channel == c), axis=0) for c in range(MOTOR_CHANNELS)]
    used += [jnp.any(thrusters.active & (level.thruster_channel == c), axis=0) for c in range(THRUSTER_CHANNELS)]
    return jnp.stack(used, axis=-1)
