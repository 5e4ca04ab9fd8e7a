"""Deep set encoder: every entity is looked at by itself, then summed by what it means.

Bodies are summed by role, motors by the channel that drives them, thrusters likewise, so that the
heads know what each choice would move. Order and number of empty slots do not matter. After Zaheer
et al., "Deep Sets" (2017). Cheap enough for a CPU.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from envs.observations.entities import Entities
from learners.networks.dense import Dense
from learners.networks.message import read

Array = jax.Array


class DeepSet(nn.Module):
    """`Entities` -> features `[B, F]`."""

    width: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, seen: Entities) -> Array:
        """Encode a batch."""
        bodies = self._look("body", seen.bodies)
        joint_ends = [_read(bodies, seen.joint_bodies[..., end]) for end in range(2)]
        joints = self._look("joint", jnp.concatenate([seen.joints, *joint_ends], axis=-1))
        thruster_bodies = _read(bodies, seen.thruster_body)
        thrusters = self._look("thruster", jnp.concatenate([seen.thrusters, thruster_bodies], axis=-1))
        passive = seen.joint_mask[..., None] & (seen.motor_channel.sum(-1, keepdims=True) == 0)
        sums = [
            _sum_by(seen.body_role, bodies),
            _sum_by(seen.motor_channel, joints),
            _sum_by(passive, joints),
            _sum_by(seen.thruster_channel, thrusters),
        ]
        return jnp.concatenate([*sums, seen.room], axis=-1)

    def _look(self, name: str, entity: Array) -> Array:
        # Features are read in float32 whatever the precision: places are told to a millimetre.
        hidden = nn.relu(Dense(self.width, name=f"{name}_1")(entity)).astype(self.dtype)
        again = nn.relu(Dense(self.width, dtype=self.dtype, name=f"{name}_2")(hidden))
        for layer in (hidden, again):
            self.sow("intermediates", "hidden", layer)
        return again


def _read(bodies: Array, index: Array) -> Array:
    """Encoded bodies `[B, N, F]` at `index [B, J]`; zeros for a wall of the room."""
    return read(jax.nn.one_hot(index, bodies.shape[1], dtype=bodies.dtype), bodies)


def _sum_by(group: Array, entities: Array) -> Array:
    """Sum entities `[B, N, F]` by membership `[B, N, G]`: `[B, G * F]`, in float32."""
    summed = jnp.einsum("bng,bnf->bgf", group.astype(entities.dtype), entities, preferred_element_type=jnp.float32)
    return summed.reshape(group.shape[0], -1)
