"""Entity transformer: bodies look at each other along their relations, and hear along joints and from thrusters.

Every body is a token, and so is the room, which sums the level up. The walls of the room are looked at,
but as they never move they are not worked on: that is half of the tokens of a small level saved. Layers
are pre-norm with gated residuals. Order and number of empty slots do not matter. After the entity
transformer of Matthews et al., "Kinetix" (2024), whose shape `configs/network/paper.yaml` has.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from envs.base import Role
from envs.observations.entities import Entities
from envs.observations.relations import RELATIONS, RelatedEntities
from learners.networks.attention import RelationalAttention
from learners.networks.dense import Dense
from learners.networks.gate import Gate
from learners.networks.message import Messages, Wiring
from learners.networks.norm import Norm
from learners.networks.settled import settled

Array = jax.Array
WALL_ROLES = len(Role) - 1  # roles that `room` tells of every wall; gravity follows


class Transformer(nn.Module):
    """`RelatedEntities`, or `Entities` if no other relation than `all` is asked for -> features `[B, width]`."""

    width: int  # of a token
    layers: int
    heads: int
    attention_width: int
    expansion: int
    relations: tuple[str, ...]
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, seen: Entities) -> Array:
        """Encode a batch."""
        facing = _wall_features(seen.room)
        walls = self._embed("wall", facing)
        joints = self._embed("joint", _directed(seen.joints))
        thrusters = self._embed("thruster", seen.thrusters)
        tokens = jnp.concatenate([self._embed("room", seen.room[:, None]), self._embed("body", seen.bodies)], axis=1)
        mask = _mask(seen, self.relations, walls.shape[1])
        wiring = Wiring.of(seen, seen.bodies.shape[1] + walls.shape[1], self.dtype)
        for layer in range(self.layers):
            tokens = self._layer(f"layer_{layer + 1}", settled(tokens), walls, mask)
            heard = Messages(self.dtype, name=f"messages_{layer + 1}")(tokens[:, 1:], walls, joints, thrusters, wiring)
            tokens = jnp.concatenate([tokens[:, :1], heard], axis=1)
        return _mean(tokens, seen.body_mask)

    def _embed(self, name: str, features: Array) -> Array:
        # In float32 whatever the precision: places are told to a millimetre.
        return nn.tanh(Dense(self.width, name=name)(features)).astype(self.dtype)

    def _layer(self, name: str, tokens: Array, walls: Array, mask: Array) -> Array:
        nodes = jnp.concatenate([tokens, walls], axis=1)
        attention = RelationalAttention(self.heads, self.attention_width, self.dtype, name=f"{name}_attention")
        found = self._watched(nn.relu(attention(self._norm(f"{name}_before", nodes), mask)))
        tokens = settled(Gate(self.dtype, name=f"{name}_gate")(tokens, found))
        thought = self._norm(f"{name}_between", tokens)
        if self.expansion:
            thought = nn.relu(self._dense(f"{name}_wide", self.expansion * self.width)(thought))
        thought = self._watched(nn.relu(self._dense(f"{name}_dense", self.width)(thought)))
        return Gate(self.dtype, name=f"{name}_last_gate")(tokens, thought)

    def _watched(self, hidden: Array) -> Array:
        self.sow("intermediates", "hidden", hidden)
        return hidden

    def _dense(self, name: str, outputs: int) -> Dense:
        return Dense(outputs, dtype=self.dtype, name=name)

    def _norm(self, name: str, tokens: Array) -> Array:
        return Norm(self.dtype, name=name)(tokens)


def _directed(joints: Array) -> Array:
    """Joints `[B, J, F]` as both ends see them: `[B, 2 J, F + 1]`, told apart by a sign."""
    sign = jnp.ones((*joints.shape[:-1], 1))
    return jnp.concatenate([jnp.concatenate([joints, s * sign], axis=-1) for s in (1, -1)], axis=1)


def _wall_features(room: Array) -> Array:
    """Which wall it is and its role: `[B, walls, features]`."""
    walls = room.shape[-1] // WALL_ROLES
    roles = room[:, : walls * WALL_ROLES].reshape(-1, walls, WALL_ROLES)
    return jnp.concatenate([jnp.broadcast_to(jnp.eye(walls), (room.shape[0], walls, walls)), roles], axis=-1)


def _mask(seen: Entities, relations: tuple[str, ...], walls: int) -> Array:
    """`[B, relations, 1 + N, 1 + N + walls]`: what room and bodies may look at. Everything may look at the room."""
    batch, count = seen.body_mask.shape
    there = jnp.concatenate([seen.body_mask, jnp.ones((batch, walls), bool)], axis=1)
    if isinstance(seen, RelatedEntities):
        tables = [seen.relations[:, RELATIONS.index(name), :count] for name in relations]
    else:
        tables = [seen.body_mask[:, :, None] & there[:, None]] * len(relations)
    bodies = jnp.stack(tables, axis=1)
    room = jnp.broadcast_to(there[:, None, None], (batch, len(relations), 1, there.shape[1]))
    looked = jnp.concatenate([room, bodies], axis=2)
    return jnp.concatenate([jnp.ones((*looked.shape[:3], 1), bool), looked], axis=-1)


def _mean(tokens: Array, body_mask: Array) -> Array:
    """Mean over the room and the bodies that are there, `[B, F]`."""
    used = jnp.concatenate([jnp.ones_like(body_mask[:, :1]), body_mask], axis=1)
    total = jnp.where(used[..., None], tokens, 0).sum(1, dtype=jnp.float32)
    return total / used.sum(1, keepdims=True)
