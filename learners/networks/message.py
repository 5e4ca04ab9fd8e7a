"""Messages: what a body hears along its joints and from its thrusters.

Bodies are read and written by one-hot matrices: a gather is scalar code on a CPU.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from envs.observations.entities import Entities
from envs.observations.flat import owners
from learners.networks.dense import Dense

Array = jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Wiring:
    """Which node is at which end. `2 J` directed joints: from `a` to `b`, then from `b` to `a`. Zeros where a slot is empty."""

    hearer: Array  # [B, 2 J, N + walls] one-hot
    speaker: Array  # [B, 2 J, N + walls] one-hot
    pushed: Array  # [B, T, N + walls] one-hot, the body of a thruster

    @classmethod
    def of(cls, seen: Entities, nodes: int, dtype: Any) -> "Wiring":
        """That of a batch of levels."""
        ends, pushed = owners(seen, nodes, dtype)
        a, b = ends[:, :, 0], ends[:, :, 1]
        return cls(hearer=jnp.concatenate([a, b], axis=1), speaker=jnp.concatenate([b, a], axis=1), pushed=pushed)


class Messages(nn.Module):
    """Bodies `[B, N, F]`, walls, directed joints and thrusters -> bodies that have heard `[B, N, F]`."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, bodies: Array, walls: Array, joints: Array, thrusters: Array, wiring: Wiring) -> Array:
        """Both kinds of message are made of the same bodies, then added."""
        nodes = jnp.concatenate([bodies, walls], axis=1)
        width, count = bodies.shape[-1], bodies.shape[1]
        ends = [read(wiring.hearer, nodes), read(wiring.speaker, nodes)]
        said = Dense(width, dtype=self.dtype, name="joint")(jnp.concatenate([*ends, joints], axis=-1))
        push = Dense(width, dtype=self.dtype, name="thruster")(jnp.concatenate([read(wiring.pushed, nodes), thrusters], axis=-1))
        # Walls cannot hear. What empty slots say reaches nobody, as their one-hot is zero.
        to = jnp.concatenate([wiring.hearer, wiring.pushed], axis=1)[..., :count]
        return bodies + jnp.einsum("bjn,bjf->bnf", to, jnp.concatenate([said, push], axis=1))


def read(one_hot: Array, nodes: Array) -> Array:
    """Nodes `[B, N, F]` where `one_hot [B, J, N]` points, `[B, J, F]`; zeros where it points nowhere."""
    return jnp.einsum("bjn,bnf->bjf", one_hot, nodes)
