"""The level as one row of numbers: every entity slot in order, for networks without structure.

Inactive slots are zeros. Which bodies a joint or thruster belongs to is a one-hot block.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

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
    joint_bodies, thruster_body = owners(sets, level.role.shape[0] + level.wall_role.shape[0])
    blocks = [
        sets.bodies, sets.joints, sets.thrusters, sets.room, joint_bodies, thruster_body,
        sets.body_mask, sets.joint_mask, sets.thruster_mask,
    ]  # fmt: skip
    return Flat(features=flattened(blocks), driven=sets.driven)


def owners(sets: Entities, nodes: int, dtype: Any = jnp.float32) -> tuple[Array, Array]:
    """One-hot over `nodes`, bodies, then walls: both ends of joints `[B, J, 2, nodes]`, the body of thrusters `[B, T, nodes]`.

    Zeros where a slot is empty.
    """
    joint_bodies = jax.nn.one_hot(sets.joint_bodies, nodes, dtype=dtype) * sets.joint_mask[..., None, None].astype(dtype)
    return joint_bodies, jax.nn.one_hot(sets.thruster_body, nodes, dtype=dtype) * sets.thruster_mask[..., None].astype(dtype)
