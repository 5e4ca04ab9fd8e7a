"""Questions about a scene that need no step: which bodies overlap where they stand."""

import jax.numpy as jnp
import numpy as np

from physics import schedule
from physics.base import Array, Motion, Scene, Touching
from physics.find import find_contacts, touching
from physics.prepare import capacity_of, pad, prepare


def overlaps(scene: Scene, motion: Motion) -> Touching:
    """Which bodies overlap each other and the walls, by geometry and collision mode; worlds last."""
    capacity, prepared = capacity_of(scene), prepare(scene)
    return touching(prepared, capacity, find_contacts(prepared, capacity, pad(motion, capacity)))


def overlap_table(scene: Scene, motion: Motion) -> Array:
    """`overlaps` as a symmetric table `[N + R, N + R, W]` over the bodies, then the walls; nothing overlaps itself."""
    found, capacity = overlaps(scene, motion), capacity_of(scene)
    plan = schedule.make(capacity.even_bodies)
    slot = np.full((capacity.even_bodies, capacity.even_bodies), capacity.pairs)  # one past the end: no such pair
    slot[plan.first, plan.second] = slot[plan.second, plan.first] = np.arange(capacity.pairs)
    nobody = jnp.zeros_like(found.pairs, shape=(1, found.pairs.shape[-1]))
    between = jnp.concatenate([found.pairs, nobody])[slot[: capacity.bodies, : capacity.bodies]]
    no_walls = jnp.zeros((capacity.walls, capacity.walls, found.walls.shape[-1]), bool)
    of_bodies = jnp.concatenate([between, jnp.swapaxes(found.walls, 0, 1)], axis=1)
    return jnp.concatenate([of_bodies, jnp.concatenate([found.walls, no_walls], axis=1)])
