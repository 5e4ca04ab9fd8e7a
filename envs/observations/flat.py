"""The level as one row of numbers: every entity slot in order, for networks without structure.

Inactive slots are zeros. Which bodies a joint or thruster belongs to is a one-hot block.
"""

import jax
import jax.numpy as jnp

from envs.base import Array, Level
from envs.observations import entities
from physics.base import Motion


def observe(level: Level, motion: Motion) -> Array:
    """`[B, features]`."""
    sets = entities.observe(level, motion)
    nodes = level.role.shape[0] + level.wall_role.shape[0]
    joint_bodies = jax.nn.one_hot(sets.joint_bodies, nodes) * sets.joint_mask[..., None, None]
    thruster_body = jax.nn.one_hot(sets.thruster_body, nodes) * sets.thruster_mask[..., None]
    blocks = [
        sets.bodies, sets.joints, sets.thrusters, sets.room, joint_bodies, thruster_body,
        sets.body_mask, sets.joint_mask, sets.thruster_mask,
    ]  # fmt: skip
    return jnp.concatenate([block.reshape(block.shape[0], -1).astype(jnp.float32) for block in blocks], axis=-1)
