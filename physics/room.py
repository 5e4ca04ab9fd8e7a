"""Bodies against the walls of the room, which are half-spaces: nothing gets through, however fast.

A body is never at two opposite walls at once, so floor and ceiling share a slot, as do left and right.
"""

import functools
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from physics.base import WALL_NORMALS, WALL_OFFSETS, Array, Capacity
from physics.collide import FAR, OVERLAP, Contact, Polygons, Reach, one_point
from physics.materialise import materialise
from physics.math2d import Vec, tangent, where
from physics.prepare import Prepared

OPPOSITE_WALLS = ((0, 3), (1, 2))  # floor and ceiling, left and right


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class WallContacts:
    """Contacts of every body `[E, W]` with the wall of each slot that it is at."""

    contacts: list[Contact]  # normals point into the room
    side: Array  # [2, E, W] whether that is the ceiling, or the right wall
    admitted: list[Array]  # per slot, may push
    friction: list[Array]
    restitution: list[Array]
    touching: Array  # [R, E, W] which walls the shapes overlap


@jax.named_scope("room.walls")
def walls(capacity: Capacity, prepared: Prepared, polygons: Polygons, pos: Vec, reach: Reach = OVERLAP) -> WallContacts:
    """Contacts with walls within `reach`; `pos [E, W]`."""
    if not capacity.walls:
        none = jnp.zeros((2, *pos.x.shape), bool)
        return WallContacts([], none, [], [], [], none[:0])
    depth = materialise([_deepest(capacity, prepared, polygons, pos, Vec(*n), o) for n, o in zip(WALL_NORMALS, WALL_OFFSETS, strict=True)])
    found = WallContacts([], jnp.zeros(()), [], [], [], jnp.stack(depth) > -reach.touch)
    sides = []
    for near, far in OPPOSITE_WALLS:
        side = materialise((depth[far] > -reach.margin) & prepared.wall_admitted[far])
        facing, offset = jnp.where(side, -1.0, 1.0), jnp.where(side, WALL_OFFSETS[far], WALL_OFFSETS[near])
        normal = Vec(WALL_NORMALS[near][0] * facing, WALL_NORMALS[near][1] * facing)
        found.contacts.append(_contact(capacity, prepared, polygons, pos, normal, offset, reach))
        for values, of_walls in (
            (found.admitted, prepared.wall_admitted),
            (found.friction, prepared.wall_friction),
            (found.restitution, prepared.wall_restitution),
        ):
            values.append(jnp.where(side, of_walls[far], of_walls[near]))
        sides.append(side)
    return materialise(replace(found, side=jnp.stack(sides)))


def _deepest(capacity: Capacity, prepared: Prepared, polygons: Polygons, pos: Vec, normal: Vec, offset: float) -> Array:
    """How far each body is behind a wall; negative in front of it, `[E, W]`."""
    reach = [jnp.full((capacity.even_bodies - capacity.bodies, pos.x.shape[1]), -FAR)]
    if capacity.circles:
        centre = pos[capacity.polygons : capacity.bodies]
        reach.insert(0, offset - centre.dot(normal) + prepared.scene.bodies.radius)
    if capacity.polygons:
        corners = [offset - corner.dot(normal) for corner in polygons.corners]  # padding repeats a corner
        reach.insert(0, functools.reduce(jnp.maximum, corners))
    return jnp.concatenate(reach)


def _contact(capacity: Capacity, prepared: Prepared, polygons: Polygons, pos: Vec, normal: Vec, offset: Array, reach: Reach) -> Contact:
    """Contact of each body with the wall that `normal` and `offset` (each `[E, W]`) describe."""
    bodies, count, parts = prepared.scene.bodies, capacity.polygons, []
    if count:
        parts.append(_polygons(polygons, bodies.vertex_count, normal[:count], offset[:count], reach))
    if capacity.circles:
        rows = slice(count, capacity.bodies)
        depth = bodies.radius - (pos[rows].dot(normal[rows]) - offset[rows])
        parts.append(one_point(normal[rows], pos[rows] - normal[rows] * (bodies.radius - depth), depth, reach))
    if capacity.even_bodies > capacity.bodies:
        blank = jnp.zeros((capacity.even_bodies - capacity.bodies, pos.x.shape[1]))
        parts.append(one_point(Vec(blank, blank), Vec(blank, blank), blank - FAR, reach))
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *materialise(parts))


def _polygons(polygons: Polygons, vertex_count: Array, normal: Vec, offset: Array, reach: Reach) -> Contact:
    """The two deepest corners behind a wall, in the order of its tangent."""
    first, second = polygons.corners[0], polygons.corners[0]
    heights = materialise([offset - corner.dot(normal) for corner in polygons.corners])
    deepest = heights[0]
    next_deepest = jnp.full_like(deepest, -jnp.inf)
    for i, corner in enumerate(polygons.corners[1:], start=1):
        depth = jnp.where(i < vertex_count, heights[i], -jnp.inf)
        better, good = depth > deepest, depth > next_deepest
        second = where(better, first, where(good, corner, second))
        next_deepest = jnp.where(better, deepest, jnp.where(good, depth, next_deepest))
        first, deepest = where(better, corner, first), jnp.where(better, depth, deepest)
    ordered = first.dot(tangent(normal)) <= second.dot(tangent(normal))
    depths = deepest, jnp.maximum(next_deepest, -FAR)
    depths = jnp.where(ordered, depths[0], depths[1]), jnp.where(ordered, depths[1], depths[0])
    points = where(ordered, first, second), where(ordered, second, first)
    return Contact(normal, points, depths, (depths[0] > -reach.margin, depths[1] > -reach.margin), deepest > -reach.touch)
