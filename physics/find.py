"""Everything that may touch, as one list of contacts: what solvers, rewards and diagnoses read.

Pairs of bodies come first, in the slot order of `schedule`, then every body at the nearer of floor and
ceiling, then every body at the nearer of left and right. As one list, pairs and walls share all that is done
once a step, and its compiled kernels (a step of size m has 265 instead of 294); only in the sweeps is each
visited in its turn.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from physics import collide, room, schedule
from physics.base import Array, Capacity, Motion, Touching
from physics.collide import OVERLAP, Contact, Reach
from physics.materialise import materialise
from physics.math2d import Vec
from physics.prepare import Prepared


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Found:
    """All contacts `[Q, W]`, admitted or not, and what of them is the room's alone."""

    contact: Contact
    admitted: Array  # may push
    friction: Array
    restitution: Array
    wall_side: Array  # [S, E, W] whether the wall of a slot is the ceiling, or the right one
    wall_touching: Array  # [R, E, W] which walls the shapes overlap


def find_contacts(prepared: Prepared, capacity: Capacity, motion: Motion, reach: Reach = OVERLAP) -> Found:
    """All contacts within `reach` of a motion padded to `E`."""
    pos, cos, sin = materialise((Vec.of(motion.pos), jnp.cos(motion.angle), jnp.sin(motion.angle)))
    polygons = collide.place_polygons(prepared, pos, cos, sin)
    between = collide.pairs(capacity, prepared, polygons, pos, reach)
    wall, at_walls = room.walls(capacity, prepared, polygons, pos, reach)
    of_pairs = (prepared.admitted, prepared.friction, prepared.restitution)
    of_walls = (wall.admitted, wall.friction, wall.restitution)
    joined = materialise(jax.tree.map(lambda pair, at: jnp.concatenate([pair, room.flat(at)]), of_pairs, of_walls))
    contact = collide.place([*between, *at_walls], capacity.contacts, pos.x.shape[-1], reach)
    return Found(contact, *joined, wall_side=wall.side, wall_touching=wall.touching)


def bodies(capacity: Capacity) -> tuple[np.ndarray, np.ndarray]:
    """`[Q]` the two bodies of every contact; `E`, which is none, for the wall that is the first of its contacts."""
    plan, body = schedule.make(capacity.even_bodies), np.arange(capacity.even_bodies)
    at_walls = np.tile(body, capacity.wall_slots)
    return np.concatenate([plan.first, np.full_like(at_walls, capacity.even_bodies)]), np.concatenate([plan.second, at_walls])


def touching(prepared: Prepared, capacity: Capacity, found: Found) -> Touching:
    """Which bodies touch, by geometry and collision mode: what rewards are decided on."""
    return Touching(
        pairs=found.contact.touching[: capacity.pairs] & prepared.touchable,
        walls=found.wall_touching[:, : capacity.bodies] & prepared.wall_touchable,
    )
