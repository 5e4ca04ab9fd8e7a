"""Bodies against the walls of the room, which are half-spaces: nothing gets through, however fast.

A body is never at two opposite walls at once, so floor and ceiling share a slot, as do left and right.
A centre that one step carried behind a wall is set back to it (`hold`): pushed out from that deep by velocity,
the body would be thrown across the room.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from physics.base import WALL_NORMALS, WALL_OFFSETS, Array, Capacity
from physics.collide import FAR, Contact, Part, Point, Polygons, Reach
from physics.materialise import materialise
from physics.math2d import Vec, tangent, where
from physics.prepare import Prepared

OPPOSITE_WALLS = ((0, 3), (1, 2))  # floor and ceiling, left and right


SIDES = tuple(zip(*OPPOSITE_WALLS, strict=True))  # the nearer walls of both slots, and the farther


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class WallContacts:
    """Which wall of each slot every body is at, and what comes of it: `[S, E, W]`, without a room of no slot."""

    side: Array  # whether it is the ceiling, or the right wall
    admitted: Array  # may push
    friction: Array
    restitution: Array
    touching: Array  # [R, E, W] which walls the shapes overlap


@jax.named_scope("room.walls")
def walls(capacity: Capacity, prepared: Prepared, polygons: Polygons, pos: Vec, reach: Reach) -> tuple[WallContacts, list[Part]]:
    """Contacts with walls within `reach`, whose normals point into the room; `pos [E, W]`."""
    if not capacity.walls:
        return _no_room(pos), []
    depth = materialise(_deepest(capacity, prepared, polygons, pos))
    side = materialise((_at(SIDES[1], depth) > -reach.margin) & _at(SIDES[1], prepared.wall_admitted))

    def of_side(values: Array | np.ndarray) -> Array:
        return jnp.where(side, _at(SIDES[1], values), _at(SIDES[0], values))

    normals, offsets = np.array(WALL_NORMALS, np.float32)[..., None, None], np.array(WALL_OFFSETS, np.float32)[:, None, None]
    normal = Vec(of_side(normals[:, 0]), of_side(normals[:, 1]))
    at_walls = materialise(
        WallContacts(
            side=side,
            admitted=of_side(prepared.wall_admitted),
            friction=of_side(prepared.wall_friction),
            restitution=of_side(prepared.wall_restitution),
            touching=depth > -reach.touch,
        )
    )
    return at_walls, _contacts(capacity, prepared, polygons, pos, normal, of_side(offsets), reach)


@jax.named_scope("room.hold")
def hold(prepared: Prepared, pos: Array) -> Array:
    """Positions `[2, E, W]` with no centre behind a wall that may push its body."""
    at = Vec.of(pos)
    for normal, offset, admitted in zip(WALL_NORMALS, WALL_OFFSETS, prepared.wall_admitted, strict=False):  # none without a room
        inward = Vec(*normal)
        behind = offset - at.dot(inward)
        at = at + inward * jnp.where(admitted & (behind > 0), behind, 0.0)
    return at.stacked()


def _at(indices: Sequence[int], values: Array | np.ndarray) -> Any:
    stack = np.stack if isinstance(values, np.ndarray) else jnp.stack  # what is known now is not to be worked out by a kernel
    return stack([values[wall] for wall in indices])


def _no_room(pos: Vec) -> WallContacts:
    nothing = jnp.zeros((0, *pos.x.shape))
    return WallContacts(nothing > 0, nothing > 0, nothing, nothing, nothing > 0)


def _deepest(capacity: Capacity, prepared: Prepared, polygons: Polygons, pos: Vec) -> Array:
    """How far each body is behind each wall; negative in front of it, `[R, E, W]`."""
    normals = Vec.of(jnp.array(WALL_NORMALS).T[..., None, None])
    offset = jnp.array(WALL_OFFSETS)[:, None, None]
    parts = []
    if capacity.polygons:  # padding repeats a corner
        corners = (offset - polygons.corners[i].dot(normals) for i in range(capacity.vertices))
        parts.append(functools.reduce(jnp.maximum, corners))
    if capacity.even_bodies > capacity.polygons:
        parts.append(offset - pos[capacity.polygons :].dot(normals) + _radius(capacity, prepared))
    return jnp.concatenate(parts, axis=1)


def _contacts(capacity: Capacity, prepared: Prepared, polygons: Polygons, pos: Vec, normal: Vec, offset: Array, reach: Reach) -> list[Part]:
    """Contacts of each body with the walls that `normal` and `offset` (each `[S, E, W]`) describe."""
    count, parts = capacity.polygons, []
    slots = capacity.pairs + np.arange(capacity.wall_slots * capacity.even_bodies).reshape(capacity.wall_slots, -1)

    def part(contacts: Contact | Point, slots: np.ndarray) -> Part:
        return Part(jax.tree.map(flat, contacts), slots.reshape(-1))

    if count:
        found = _polygons(polygons, prepared.scene.bodies.vertex_count, normal[:, :count], offset[:, :count], reach)
        parts.append(part(found, slots[:, :count]))
    if capacity.even_bodies > count:
        radius, centre, inward = _radius(capacity, prepared), pos[count:], normal[:, count:]
        depth = radius - (centre.dot(inward) - offset[:, count:])
        parts.append(part(Point(inward, centre - inward * (radius - depth), depth), slots[:, count:]))
    return parts


def flat(values: Array) -> Array:
    """Values `[..., S, E, W]` of bodies at walls as `[..., S E, W]`."""
    return values.reshape(*values.shape[:-3], -1, values.shape[-1])


def _radius(capacity: Capacity, prepared: Prepared) -> Array:
    """Radii of the circles; of what makes the bodies an even number, which no wall may push, 0."""
    return jnp.pad(prepared.scene.bodies.radius, ((0, capacity.even_bodies - capacity.bodies), (0, 0)))


def _polygons(polygons: Polygons, vertex_count: Array, normal: Vec, offset: Array, reach: Reach) -> Contact:
    """The two deepest corners behind a wall, in the order of its tangent."""
    corners = polygons.corners
    count = corners.x.shape[0]
    real = np.arange(count)[:, None, None] < vertex_count
    heights = jnp.stack([offset - corners[i].dot(normal) for i in range(count)])
    heights = materialise(jnp.where(real[:, None], heights, -jnp.inf))
    first = second = Vec(*jnp.broadcast_arrays(corners.x[0], corners.y[0], offset)[:2])
    deepest = heights[0]
    next_deepest = jnp.full_like(deepest, -jnp.inf)
    for i, depth in enumerate(heights[1:], start=1):
        better, good = depth > deepest, depth > next_deepest
        second = where(better, first, where(good, corners[i], second))
        next_deepest = jnp.where(better, deepest, jnp.where(good, depth, next_deepest))
        first, deepest = where(better, corners[i], first), jnp.where(better, depth, deepest)
    ordered = first.dot(tangent(normal)) <= second.dot(tangent(normal))
    depths = jnp.maximum(jnp.stack([deepest, next_deepest]), -FAR)
    points = Vec(jnp.stack([first.x, second.x]), jnp.stack([first.y, second.y]))
    points, depths = materialise((points, depths))
    points, depths = where(ordered, points, points[::-1]), jnp.where(ordered, depths, depths[::-1])
    return Contact(normal, points, depths, depths > -reach.margin, deepest > -reach.touch)
