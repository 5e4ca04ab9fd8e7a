"""Questions about a scene that need no step: which bodies overlap where they stand."""

import jax.numpy as jnp

from physics import collide
from physics.base import Motion, Scene, Touching
from physics.math2d import Vec
from physics.prepare import capacity_of, prepare


def overlaps(scene: Scene, motion: Motion) -> Touching:
    """Which bodies overlap each other and the walls, by geometry and collision mode; worlds last."""
    capacity, prepared = capacity_of(scene), prepare(scene)
    polygons_pos = Vec.of(motion.pos)
    cos, sin = jnp.cos(motion.angle), jnp.sin(motion.angle)
    polygons = collide.place_polygons(prepared, polygons_pos, cos, sin)
    pos = _even(polygons_pos, capacity.even_bodies)
    pair = collide.pairs(capacity, prepared, polygons, pos)
    wall = collide.walls(capacity, prepared, polygons, pos) if capacity.walls else []
    return collide.touching(capacity, prepared, pair, wall)


def _even(pos: Vec, rows: int) -> Vec:
    extra = rows - pos.x.shape[0]
    blank = jnp.zeros((extra, pos.x.shape[1]))
    return Vec(jnp.concatenate([pos.x, blank]), jnp.concatenate([pos.y, blank])) if extra else pos
