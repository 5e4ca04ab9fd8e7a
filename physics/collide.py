"""Narrow phase: where two shapes overlap, along which normal and how deep.

Polygon against polygon is the separating axis test with clipping of the incident face (two points,
as `b2CollidePolygons`), polygon against circle the nearest point of the deepest face. Contacts come
out in the slot order of `schedule`. There is no broad phase: with few bodies a dense pass over all
pairs is cheaper than finding out which to skip. For the walls see `room`.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from physics import schedule
from physics.base import Array, Capacity
from physics.materialise import Packed, materialise, pack
from physics.math2d import Vec, reciprocal, where
from physics.prepare import Prepared

T = TypeVar("T")

FAR = 1e3  # m; a face this far out is never the nearest: how padding is kept from being chosen
TINY = 1e-6  # m; shorter than this, a vector has no direction
HYSTERESIS = 0.01  # m; the second polygon gives the reference face only if better by this, so that faces do not flicker


@dataclass(frozen=True)
class Reach:
    """How far apart bodies may be and still count, m."""

    margin: float = 0.0  # as a contact that the solver sees
    touch: float = 0.0  # as touching


OVERLAP = Reach()


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Contact:
    """Up to two contact points of a pair; `normal` points from the first body to the second.

    Points are in the order of the tangent, whichever body gave the reference face, and never in that of depth:
    an impulse that is kept for the next step must find its point again. Arrays `[..., W]` of one shape; what is
    of a point has a first axis of 2.
    """

    normal: Vec
    points: Vec  # [2, ...]
    depths: Array  # [2, ...]; negative where the bodies are apart
    active: Array  # [2, ...]; closer than the margin that the solver asks for
    touching: Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Point:
    """The only contact point of a pair with a circle. Arrays `[..., W]` of one shape."""

    normal: Vec
    at: Vec
    depth: Array  # negative where the bodies are apart

    def contact(self, reach: Reach) -> Contact:
        """As a contact, whose second point never counts."""
        active, never = self.depth > -reach.margin, jnp.zeros(self.depth.shape, bool)
        both = Vec(jnp.stack([self.at.x, self.at.x]), jnp.stack([self.at.y, self.at.y]))
        depths = jnp.stack([self.depth, jnp.zeros_like(self.depth)])
        return Contact(self.normal, both, depths, jnp.stack([active, never]), self.depth > -reach.touch)


@dataclass(frozen=True)
class Part:
    """Contacts of one kind, `[rows, W]`, and the slot of each among all contacts."""

    contacts: Contact | Point
    slots: np.ndarray


@jax.named_scope("collide.place")
def place(parts: Sequence[Part], count: int, worlds: int, reach: Reach) -> Contact:
    """Contacts of all kinds at their slots, `[count, W]`. Slots that no part has are never admitted, and read any row."""
    ordered = sorted(parts, key=lambda part: isinstance(part.contacts, Point))  # last, to become contacts all at once
    points = [part.contacts for part in ordered if isinstance(part.contacts, Point)] or [_nothing(worlds)]
    contacts = [part.contacts for part in ordered if isinstance(part.contacts, Contact)]
    found = _join([*contacts, _join(materialise(points)).contact(reach)])
    order = np.concatenate([part.slots for part in ordered])
    rows = np.zeros(count, int)
    rows[order] = np.arange(len(order))
    # Arrays of one type at once: one kernel joins them and one orders them.
    normal, points, depths = take_packed(pack((found.normal, found.points, found.depths)), rows)
    active, touching = take_packed(pack((found.active, found.touching)), rows)
    return Contact(normal, points, depths, active, touching)


def _join(values: Sequence[T]) -> T:
    """One after the other along the axis before the worlds."""
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves, axis=-2), *values)


def _nothing(worlds: int) -> Point:
    nothing = jnp.zeros((1, worlds))
    return Point(Vec(nothing, nothing), Vec(nothing, nothing), nothing)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Polygons:
    """Polygons in the world frame, `[V, ..., W]`: one entry a vertex; face `i` starts at corner `i`."""

    corners: Vec
    normals: Vec
    offsets: Array  # normal . corner

    def take(self, rows: np.ndarray) -> "Polygons":
        """The polygons at `rows`."""
        return jax.tree.map(lambda leaf: take_rows(leaf, rows), self)


def take_rows(values: Array, rows: np.ndarray) -> Array:
    """`values[..., rows, :]` of at most three axes, by whole rows of one long axis: other gathers get a layout of their own."""
    if values.ndim == 2:
        return values[rows]
    count = values.shape[1]
    return values.reshape(-1, values.shape[2])[np.arange(values.shape[0])[:, None] * count + rows]


def take_packed(packed: Packed[T], rows: np.ndarray) -> T:
    """The struct of the rows `rows`, in memory."""
    return packed.of(materialise(take_rows(packed.values, rows))).open()


def _fold(function: Callable[[Array, Array], Array], values: Array) -> Array:
    """Join the entries of the first axis, one after the other: over it, XLA's reductions are not vectorised on a CPU."""
    return functools.reduce(function, list(values))


def _pick(index: Array, values: Array, shift: int = 0) -> Array:
    """`values[index + shift]` along the first axis, elementwise, wrapping around."""
    count = values.shape[0]
    chosen = values[shift % count]
    for i in range(1, count):
        chosen = jnp.where(index == i, values[(i + shift) % count], chosen)
    return chosen


def _pick_vec(index: Array, values: Vec, shift: int = 0) -> Vec:
    return Vec(_pick(index, values.x, shift), _pick(index, values.y, shift))


def _first_at(value: Array, values: Array) -> Array:
    """Index of the first entry of `values` that equals `value`, elementwise."""
    last = values.shape[0] - 1
    index = jnp.full(value.shape, last)
    for i in reversed(range(last)):
        index = jnp.where(values[i] == value, i, index)
    return index


@jax.named_scope("collide.place_polygons")
def place_polygons(prepared: Prepared, pos: Vec, cos: Array, sin: Array) -> Polygons:
    """Turn and move the polygons' vertices and face normals into the world frame.

    Padding faces have no normal and lie `FAR` out. Were they copies of a real face, rounding would
    sometimes prefer the copy, which has no length to clip to.
    """
    vertices, vertex_count = prepared.scene.bodies.vertices, prepared.scene.bodies.vertex_count
    count = vertices.shape[2]
    cos, sin, centre = cos[:count], sin[:count], pos[:count]
    corners = Vec.of(vertices).turned(cos, sin) + centre
    normals = Vec.of(prepared.normals).turned(cos, sin)
    real = np.arange(vertices.shape[1])[:, None, None] < vertex_count
    return materialise(Polygons(corners, normals, jnp.where(real, normals.dot(corners), FAR)))


def _separations(faces: Polygons, other: Polygons) -> Array:
    """Per face, how far the other polygon's deepest corner is in front of it."""
    heights = (faces.normals.dot(other.corners[i]) for i in range(other.offsets.shape[0]))
    return functools.reduce(jnp.minimum, heights) - faces.offsets


def polygon_polygon(a: Polygons, b: Polygons, reach: Reach = OVERLAP) -> Contact:
    """Contact of polygon pairs: separating axes, then the incident face clipped to the reference face."""
    of_a, of_b = materialise((_separations(a, b), _separations(b, a)))
    best_a, best_b = materialise((_fold(jnp.maximum, of_a), _fold(jnp.maximum, of_b)))
    use_b = best_a + HYSTERESIS < best_b
    face = jnp.where(use_b, _first_at(best_b, of_b), _first_at(best_a, of_a))
    separation = jnp.maximum(best_a, best_b)
    face, separation, use_b = materialise((face, separation, use_b))

    reference, incident = [materialise(jax.tree.map(lambda p, q: jnp.where(use_b, p, q), *sides)) for sides in ((b, a), (a, b))]
    normal = _pick_vec(face, reference.normals)
    start, end = _pick_vec(face, reference.corners), _pick_vec(face, reference.corners, 1)
    normal, start, end = materialise((normal, start, end))
    facing = materialise(incident.normals.dot(normal))
    opposite = _first_at(_fold(jnp.minimum, facing), facing)
    ends = materialise((_pick_vec(opposite, incident.corners), _pick_vec(opposite, incident.corners, 1)))
    points, heights, distinct = materialise(_clip(ends, start, end, normal))
    points, heights = where(use_b, points[::-1], points), jnp.where(use_b, heights[::-1], heights)
    near, first_deeper = separation < reach.margin, heights[0] <= heights[1]
    first = near & ((heights[0] < reach.margin) | first_deeper | ~distinct)
    second = near & ((heights[1] < reach.margin) | ~first_deeper) & distinct
    return Contact(where(use_b, -normal, normal), points, -heights, jnp.stack([first, second]), separation < reach.touch)


def _clip(ends: tuple[Vec, Vec], start: Vec, end: Vec, normal: Vec) -> tuple[Vec, Array, Array]:
    """Cut a segment to the strip above the face `start`-`end`: (both points, their heights over the face, whether two)."""
    along = end - start
    length = along.length() + 1e-9
    along = along * (1 / length)
    along, length = materialise((along, length))
    at = jnp.stack([(point - start).dot(along) for point in ends])
    height = jnp.stack([(point - start).dot(normal) for point in ends])
    at, height = materialise((at, height))
    run = at[1] - at[0]
    upright = jnp.abs(run) < 1e-6
    slope = jnp.where(upright, 0.0, (height[1] - height[0]) / jnp.where(upright, 1.0, run))
    cut = jnp.clip(at, 0.0, length)
    cut_height = height + slope * (cut - at)
    cut, cut_height = materialise((cut, cut_height))
    return start + along * cut + normal * cut_height, cut_height, jnp.abs(cut[1] - cut[0]) > 1e-4


def polygon_circle(polygon: Polygons, centre: Vec, radius: Array) -> Point:
    """Contact of polygon-circle pairs, normal towards the circle."""
    heights = materialise(polygon.normals.dot(centre) - polygon.offsets)
    height = materialise(_fold(jnp.maximum, heights))
    face = materialise(_first_at(height, heights))
    normal = _pick_vec(face, polygon.normals)
    start, end = _pick_vec(face, polygon.corners), _pick_vec(face, polygon.corners, 1)
    normal, start, end = materialise((normal, start, end))
    along = end - start
    share = jnp.clip((centre - start).dot(along) / (along.dot(along) + 1e-12), 0.0, 1.0)
    nearest = start + along * materialise(share)
    away = centre - nearest
    distance = away.length()
    away, distance, nearest = materialise((away, distance, nearest))
    inside = height < TINY  # or on the edge, where the way to the nearest point has no direction
    direction = where(inside, normal, away * reciprocal(distance))
    point = where(inside, centre - normal * height, nearest)
    depth = radius - jnp.where(inside, height, distance)
    return Point(direction, point, depth)


def circle_circle(a: Vec, radius_a: Array, b: Vec, radius_b: Array) -> Point:
    """Contact of circle pairs."""
    between = b - a
    distance = between.length()
    normal = where(distance < TINY, Vec(jnp.ones_like(distance), jnp.zeros_like(distance)), between * reciprocal(distance))
    return Point(normal, a + normal * radius_a, radius_a + radius_b - distance)


@jax.named_scope("collide.pairs")
def pairs(capacity: Capacity, prepared: Prepared, polygons: Polygons, pos: Vec, reach: Reach) -> list[Part]:
    """Contacts of all pairs of bodies within `reach`, whether admitted or not."""
    plan = schedule.make(capacity.even_bodies)
    of_kind = _slots_by_kind(capacity)
    found: list[Part] = []
    radius = prepared.scene.bodies.radius
    if of_kind["pp"].size:
        a, b = polygons.take(plan.first[of_kind["pp"]]), polygons.take(plan.second[of_kind["pp"]])
        found.append(Part(polygon_polygon(a, b, reach), of_kind["pp"]))
    if of_kind["pc"].size:
        found.append(Part(_mixed(capacity, plan, of_kind["pc"], polygons, pos, radius), of_kind["pc"]))
    if of_kind["cc"].size:
        a, b = plan.first[of_kind["cc"]], plan.second[of_kind["cc"]]
        circles = circle_circle(pos[a], radius[a - capacity.polygons], pos[b], radius[b - capacity.polygons])
        found.append(Part(circles, of_kind["cc"]))
    return found


def _mixed(capacity: Capacity, plan: schedule.Schedule, slots: np.ndarray, polygons: Polygons, pos: Vec, radius: Array) -> Point:
    a, b = plan.first[slots], plan.second[slots]
    polygon_first = a < capacity.polygons
    polygon, circle = np.where(polygon_first, a, b), np.where(polygon_first, b, a)
    centre, size = materialise((pos[circle], radius[circle - capacity.polygons]))
    contact = polygon_circle(polygons.take(polygon), centre, size)
    sign = jnp.asarray(np.where(polygon_first, 1.0, -1.0), jnp.float32)[:, None]
    return replace(contact, normal=contact.normal * sign)


@functools.cache
def _slots_by_kind(capacity: Capacity) -> dict[str, np.ndarray]:
    """Pair slots of two polygons, of one of each, of two circles."""
    plan = schedule.make(capacity.even_bodies)
    circles = (plan.first >= capacity.polygons).astype(int) + (plan.second >= capacity.polygons)
    real = (plan.first < capacity.bodies) & (plan.second < capacity.bodies)
    return {kind: np.flatnonzero(real & (circles == n)) for n, kind in enumerate(("pp", "pc", "cc"))}
