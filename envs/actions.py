"""Multi-discrete actions: one choice a channel, and what it makes of motors and thrusters.

A channel drives every actuator wired to it. Motor choices are 0 off, 1 forward, 2 backward; thruster
choices 0 off, 1 on. All zeros does nothing at all, except that motors marked automatic always run.
"""

import jax
import jax.numpy as jnp

from envs.base import MOTOR_CHANNELS, THRUSTER_CHANNELS, Array, Level
from physics.base import Controls

CHOICES = (3,) * MOTOR_CHANNELS + (2,) * THRUSTER_CHANNELS  # choices of every channel
CHANNELS = len(CHOICES)


def nothing(worlds: int) -> Array:
    """The action `[W, channels]` that does nothing."""
    return jnp.zeros((worlds, CHANNELS), jnp.int32)


def uniform(key: Array, worlds: int) -> Array:
    """Every choice equally likely: actions `[W, channels]`."""
    return jax.random.randint(key, (worlds, CHANNELS), 0, jnp.array(CHOICES))


def controls(level: Level, action: Array) -> Controls:
    """What `action [W, channels]` makes every motor `[J, W]` and thruster `[T, W]` do."""
    choice = action.T
    motor_value = jnp.where(choice[:MOTOR_CHANNELS] == 2, -1.0, choice[:MOTOR_CHANNELS].astype(jnp.float32))
    thruster_value = (choice[MOTOR_CHANNELS:] > 0).astype(jnp.float32)
    motor = _read(motor_value, level.motor_channel)
    return Controls(
        motor=jnp.where(level.motor_auto, 1.0, motor),
        thruster=_read(thruster_value, level.thruster_channel),
    )


def _read(values: Array, channel: Array) -> Array:
    """`values[channel]` per world, by selection: a gather would be scalar code on a CPU."""
    chosen = jnp.zeros(channel.shape)
    for c in range(values.shape[0]):
        chosen = jnp.where(channel == c, values[c], chosen)
    return chosen


def driven(level: Level) -> Array:
    """`[W, channels]`: whether a channel drives anything; the choice of one that does not changes nothing."""
    joints, thrusters = level.scene.joints, level.scene.thrusters
    motors = joints.active & joints.motor & ~joints.fixed & ~level.motor_auto
    used = [jnp.any(motors & (level.motor_channel == c), axis=0) for c in range(MOTOR_CHANNELS)]
    used += [jnp.any(thrusters.active & (level.thruster_channel == c), axis=0) for c in range(THRUSTER_CHANNELS)]
    return jnp.stack(used, axis=-1)
