"""One row of equal width a slot: bodies, joints, thrusters, and the room as the last row.

For networks that take a sequence and are told nothing of its structure. A row says that it is in use,
what it is, what its entity is like, and to which bodies it belongs; a slot that is empty is all zeros.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from envs.base import Array, Level
from envs.observations import entities
from envs.observations.flat import owners
from physics.base import Motion


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class FlatPadded:
    """Batch first. `rows` as they are make one row of numbers: `rows.reshape(B, -1)`."""

    rows: Array  # [B, slots, width]
    mask: Array  # [B, slots] whether a slot is in use
    driven: Array  # [B, channels] whether a channel of the action drives anything


def observe(level: Level, motion: Motion) -> FlatPadded:
    """One row of features a slot."""
    sets = entities.observe(level, motion)
    joint_bodies, thruster_body = owners(sets, level.role.shape[0] + level.wall_role.shape[0])
    room = sets.room[:, None]
    blocks = [
        sets.bodies,
        jnp.concatenate([sets.joints, joint_bodies.reshape(*sets.joint_mask.shape, -1)], axis=-1),
        jnp.concatenate([sets.thrusters, thruster_body], axis=-1),
        room,
    ]
    mask = jnp.concatenate([sets.body_mask, sets.joint_mask, sets.thruster_mask, jnp.ones(room.shape[:2], bool)], axis=1)
    used = mask[..., None].astype(jnp.float32)
    return FlatPadded(rows=jnp.concatenate([used, kinds(blocks) * used, padded(blocks)], axis=-1), mask=mask, driven=sets.driven)


def padded(blocks: list[Array]) -> Array:
    """Rows `[B, slots, any width]` below each other, with zeros up to the widest."""
    width = max(block.shape[-1] for block in blocks)
    return jnp.concatenate([jnp.pad(block, ((0, 0), (0, 0), (0, width - block.shape[-1]))) for block in blocks], axis=1)


def kinds(blocks: list[Array]) -> Array:
    """One-hot of the block that a row of `padded` is of."""
    which = [jnp.full(block.shape[:2], kind) for kind, block in enumerate(blocks)]
    return jax.nn.one_hot(jnp.concatenate(which, axis=1), len(blocks))
