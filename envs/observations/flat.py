"""The level as one row of numbers: every entity slot in order, for networks without structure.

Inactive slots are zeros. Which bodies a joint or thruster belongs to is a one-hot block.
"""

from dataclasses import dataclass

import jax

from envs.base import Array, Level
from envs.observations import entities
from envs.observations.entities import Entities
from envs.observations.table import flattened
from physics.base import Motion


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Flat:
    """Batch first."""

    features: Array  # [B, features]
    driven: Array  # [B, channels] whether a channel of the action drives anything


def observe(level: Level, motion: Motion) -> Flat:
    """One row of features a world."""
    sets = entities.observe(level, motion)
    joint_bodies, thruster_body = owners(level, sets)
    blocks = [
        sets.bodies, sets.joints, sets.thrusters, sets.room, joint_bodies, thruster_body,
        sets.body_mask, sets.joint_mask, sets.thruster_mask,
    ]  # fmt: skip
    return Flat(features=flattened(blocks), driven=sets.driven)


def owners(level: Level, sets: Entities) -> tuple[Array, Array]:
    """One-hot over bodies, then walls: both ends of joints `[B, J, 2, nodes]`, the body of thrusters `[B, T, nodes]`."""
    nodes = level.role.shape[0] + level.wall_role.shape[0]
    joint_bodies = jax.nn.one_hot(sets.joint_bodies, nodes) * sets.joint_mask[..., None, None]
    return joint_bodies, jax.nn.one_hot(sets.thruster_body, nodes) * sets.thruster_mask[..., None]
