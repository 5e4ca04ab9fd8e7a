"""Narrow phase against a restatement in numpy, on random shapes with three to six corners."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physics import collide, pytree, room, schedule
from physics.base import CEILING, FLOOR, ROOM_WIDTH, Capacity, Motion, Scene
from physics.build import Builder
from physics.collide import Contact, Reach
from physics.find import Found, find_contacts
from physics.math2d import Vec
from physics.prepare import prepare
from tests.physics.scenes import QUICK, random_polygon, turned

WORLDS = 500
CAPACITY = Capacity(polygons=2, circles=2, joints=0, thrusters=0, vertices=6)
SLOTS = schedule.make(CAPACITY.even_bodies)


@dataclasses.dataclass
class Sample:
    """Random worlds of two polygons (rows 0 and 1) and two discs (rows 2 and 3), and what was found there."""

    corners: list[list[np.ndarray]]  # per polygon and world, `[3 to 6, 2]` in the world frame
    pos: np.ndarray
    radius: np.ndarray
    contacts: Found

    def found(self, a: int, b: int) -> Contact:
        """Contacts `[W]` of bodies a and b, whose normals point from a to b."""
        k = next(k for k in range(CAPACITY.pairs) if {SLOTS.first[k], SLOTS.second[k]} == {a, b})
        contact = jax.tree.map(lambda leaf: leaf[..., k, :], self.contacts.contact)
        return contact if SLOTS.first[k] == a else dataclasses.replace(contact, normal=-contact.normal)

    def at_walls(self, slot: int) -> Contact:
        """Contacts `[E, W]` with floor or ceiling, or with left or right."""
        bodies = CAPACITY.even_bodies
        first = CAPACITY.pairs + slot * bodies
        return jax.tree.map(lambda leaf: leaf[..., first : first + bodies, :], self.contacts.contact)


@pytest.fixture(scope="module")
def sample() -> Sample:
    random = np.random.RandomState(0)
    pos = random.uniform(-0.5, 0.5, (2, 4, WORLDS)).astype(np.float32)
    pos[:, :, ::2] += 4.8  # half of the worlds at the left and the floor, half at the right and the ceiling
    angle = random.uniform(-4, 4, (4, WORLDS)).astype(np.float32)
    radius = random.uniform(0.05, 0.5, (2, WORLDS)).astype(np.float32)
    shapes = [[random_polygon(random, random.randint(3, 7), 0.15, 0.6) for _ in range(WORLDS)] for _ in range(2)]
    contacts = jax.device_get(_find(_scene(shapes, radius), pos, angle))
    corners = [[turned(s, angle[p, w]) + pos[:, p, w] for w, s in enumerate(row)] for p, row in enumerate(shapes)]
    return Sample(corners, pos, radius, contacts)


def _scene(shapes: list[list[np.ndarray]], radius: np.ndarray) -> Scene:
    builder = Builder(CAPACITY)
    for _ in range(2):
        builder.box((0, 0), (0.1, 0.1))
        builder.circle((0, 0), 0.1)
    scene = pytree.stack([builder.finish()[0]] * WORLDS)
    vertices = np.zeros((2, 6, 2, WORLDS), np.float32)
    for p in range(2):
        for w, shape in enumerate(shapes[p]):
            vertices[:, :, p, w] = np.concatenate([shape, np.repeat(shape[:1], 6 - len(shape), 0)]).T
    count = jnp.array([[len(shape) for shape in row] for row in shapes], jnp.int32)
    bodies = dataclasses.replace(scene.bodies, vertices=jnp.array(vertices), vertex_count=count, radius=jnp.array(radius))
    return dataclasses.replace(scene, bodies=bodies)


def _found(scene: Scene, pos: jax.Array, angle: jax.Array) -> Found:
    still = Motion(pos=pos, angle=angle, vel=jnp.zeros_like(pos), omega=jnp.zeros_like(angle))
    return find_contacts(prepare(scene), CAPACITY, still)


_find = jax.jit(_found, compiler_options=QUICK)


def faces(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outward normals `[V, 2]` and offsets `[V]`."""
    edges = np.roll(corners, -1, 0) - corners
    normals = np.stack([edges[:, 1], -edges[:, 0]], 1) / np.linalg.norm(edges, axis=1)[:, None]
    return normals, (normals * corners).sum(1)


def separation(a: np.ndarray, b: np.ndarray) -> tuple[float, np.ndarray]:
    """Largest separation over the faces of `a`, and that face's normal."""
    normals, offsets = faces(a)
    gaps = (normals @ b.T).min(1) - offsets
    return gaps.max(), normals[gaps.argmax()]


def height(corners: np.ndarray, point: np.ndarray) -> float:
    """How far a point is outside a polygon's deepest face."""
    normals, offsets = faces(corners)
    return (normals @ point - offsets).max()


def vec(value: Vec, world: int) -> np.ndarray:
    return np.array([value.x[world], value.y[world]])


def test_polygons_overlap_where_no_axis_separates(sample):
    found = sample.found(0, 1)
    gaps = np.array([max(separation(a, b)[0], separation(b, a)[0]) for a, b in zip(*sample.corners, strict=True)])
    sure = np.abs(gaps) > 1e-5
    np.testing.assert_array_equal((found.active[0] | found.active[1])[sure], (gaps < 0)[sure])
    np.testing.assert_array_equal(found.touching[sure], (gaps < 0)[sure])
    assert 0.2 < found.touching.mean() < 0.9  # the sample has both


def test_polygons_part_along_the_normal_by_the_depth(sample):
    found = sample.found(0, 1)
    for w in np.flatnonzero(found.touching):
        a, b = sample.corners[0][w], sample.corners[1][w]
        (of_a, normal_a), (of_b, normal_b) = separation(a, b), separation(b, a)
        use_b = of_b > of_a + collide.HYSTERESIS
        np.testing.assert_allclose(vec(found.normal, w), -normal_b if use_b else normal_a, atol=1e-4)
        depth = -(of_b if use_b else of_a)
        assert depth - 2 * collide.HYSTERESIS <= max(found.depths[0][w], found.depths[1][w]) <= depth + 1e-4


def test_polygon_contact_points_lie_on_one_and_their_depth_is_inside_the_other(sample):
    found, two = sample.found(0, 1), 0
    for w in np.flatnonzero(found.touching):
        a, b = sample.corners[0][w], sample.corners[1][w]
        active = [k for k in range(2) if found.active[k][w]]
        two += len(active) == 2
        for k in active:
            point = vec(found.points[k], w)
            on_b = abs(height(b, point)) < abs(height(a, point))
            on, other = (b, a) if on_b else (a, b)
            assert abs(height(on, point)) < 1e-4
            surface = point + vec(found.normal, w) * found.depths[k][w] * (1 if on_b else -1)
            np.testing.assert_allclose(np.abs(faces(other)[0] @ surface - faces(other)[1]).min(), 0, atol=1e-4)
    assert two > WORLDS / 10


def nearest(corners: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, float]:
    """Nearest point of the outline, and its distance: negative from inside."""
    following = np.roll(corners, -1, 0) - corners
    share = np.clip(((point - corners) * following).sum(1) / (following**2).sum(1), 0, 1)
    candidates = corners + following * share[:, None]
    distance = np.linalg.norm(candidates - point, axis=1)
    best = distance.argmin()
    return candidates[best], distance[best] * (-1 if height(corners, point) < 0 else 1)


@pytest.mark.parametrize(("polygon", "circle"), [(0, 2), (0, 3), (1, 2), (1, 3)])
def test_polygon_and_circle_against_the_nearest_point(sample, polygon, circle):
    found = sample.found(polygon, circle)
    for w in range(WORLDS):
        centre, radius = sample.pos[:, circle, w], sample.radius[circle - 2, w]
        point, distance = nearest(sample.corners[polygon][w], centre)
        assert found.depths[0][w] == pytest.approx(radius - distance, abs=1e-4)
        if abs(distance) > 1e-3:
            np.testing.assert_allclose(vec(found.normal, w), (centre - point) / distance, atol=1e-2)
            np.testing.assert_allclose(vec(found.points[0], w), point, atol=1e-3)
        if abs(radius - distance) > 1e-4:
            assert found.active[0][w] == (distance < radius)
    assert not found.active[1].any()


def test_circles(sample):
    found = sample.found(2, 3)
    between = sample.pos[:, 3] - sample.pos[:, 2]
    distance = np.linalg.norm(between, axis=0)
    np.testing.assert_allclose(found.depths[0], sample.radius.sum(0) - distance, atol=1e-5)
    np.testing.assert_allclose([found.normal.x, found.normal.y], between / distance, atol=1e-4)
    on_rim = np.array([found.points[0].x, found.points[0].y]) - sample.pos[:, SLOTS.first[_slot(2, 3)]]
    np.testing.assert_allclose(np.linalg.norm(on_rim, axis=0), sample.radius[SLOTS.first[_slot(2, 3)] - 2], atol=1e-5)


def _slot(a: int, b: int) -> int:
    return next(k for k in range(CAPACITY.pairs) if {SLOTS.first[k], SLOTS.second[k]} == {a, b})


def _polygon(corners: list[tuple[float, float]]) -> collide.Polygons:
    """A polygon in a world of its own."""
    normals, offsets = faces(np.array(corners))
    at, facing = (Vec.of(jnp.array(values, jnp.float32).T[..., None]) for values in (corners, normals))
    return collide.Polygons(at, facing, jnp.array(offsets, jnp.float32)[:, None])


def test_normal_exists_where_there_is_no_direction():
    centre = Vec(jnp.array([1.0]), jnp.array([2.0]))
    contact = collide.circle_circle(centre, jnp.array([0.1]), centre, jnp.array([0.2]))
    assert float(contact.normal.length()[0]) == pytest.approx(1.0)
    polygon = _polygon([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
    contact = collide.polygon_circle(polygon, Vec(jnp.array([0.5]), jnp.array([0.0])), jnp.array([0.1]))
    np.testing.assert_allclose([contact.normal.x[0], contact.normal.y[0]], (0, -1), atol=1e-6)
    assert float(contact.depth[0]) == pytest.approx(0.1)


WALLS = [((0, 1), FLOOR), ((1, 0), 0.0), ((-1, 0), -ROOM_WIDTH), ((0, -1), -CEILING)]


@pytest.mark.parametrize("wall", range(4))
def test_walls_are_half_spaces(sample, wall):
    normal, offset = np.array(WALLS[wall][0]), WALLS[wall][1]
    slot, far = next((s, wall == pair[1]) for s, pair in enumerate(room.OPPOSITE_WALLS) if wall in pair)
    found, here = sample.at_walls(slot), sample.contacts.wall_side[slot] == far
    assert (~here[:, ::2] if wall in (0, 1) else ~here[:, 1::2]).any()
    for p in range(2):
        for w in range(WORLDS):
            depths = np.sort(offset - sample.corners[p][w] @ normal)[::-1]
            assert bool(sample.contacts.wall_touching[wall, p, w]) == (depths[0] > 0) or abs(depths[0]) < 1e-5
            if here[p, w]:
                _check_corners(found, (p, w), depths)
    for c in range(2):
        depth = sample.radius[c] - (normal @ sample.pos[:, 2 + c] - offset)
        np.testing.assert_array_equal(sample.contacts.wall_touching[wall, 2 + c], depth > 0)
        at = here[2 + c]
        np.testing.assert_allclose(found.depths[0][2 + c][at], depth[at], atol=1e-5)
        point = np.array([found.points[0].x[2 + c], found.points[0].y[2 + c]])[:, at]
        np.testing.assert_allclose(normal @ point, offset, atol=1e-5)
        for axis, part in enumerate((found.normal.x, found.normal.y)):
            assert (part[2 + c][at] == normal[axis]).all()


def _check_corners(found: Contact, at: tuple[int, int], depths: np.ndarray) -> None:
    """The two deepest corners of one polygon, against all `depths` in falling order."""
    np.testing.assert_allclose(sorted([found.depths[0][at], found.depths[1][at]])[::-1], depths[:2], atol=1e-5)
    assert [bool(found.active[k][at]) for k in range(2)] == [found.depths[k][at] > 0 for k in range(2)]
    assert found.points[0].x[at] * found.normal.y[at] - found.points[0].y[at] * found.normal.x[at] <= (
        found.points[1].x[at] * found.normal.y[at] - found.points[1].y[at] * found.normal.x[at]
    )


def test_margin_finds_what_is_about_to_touch():
    square = [(-0.1, -0.1), (0.1, -0.1), (0.1, 0.1), (-0.1, 0.1)]

    def at(x: float) -> collide.Polygons:
        return _polygon([(a + x, b) for a, b in square])

    for gap, near, touch in ((0.03, False, False), (0.01, True, False), (-0.01, True, True)):
        centre, radius = Vec(jnp.array([0.2 + gap]), jnp.array([0.0])), jnp.array([0.1])
        boxes = collide.polygon_polygon(at(0), at(0.2 + gap), Reach(0.02))
        disc = collide.polygon_circle(at(0), centre, radius).contact(Reach(0.02))
        discs = collide.circle_circle(Vec(jnp.array([0.0]), jnp.array([0.0])), radius, centre, radius).contact(Reach(0.02))
        for found in (boxes, disc, discs):
            assert (bool(found.active[0][0]), bool(found.touching[0])) == (near, touch)
            assert float(found.depths[0][0]) == pytest.approx(-gap, abs=1e-5)
        assert bool(boxes.active[1][0]) == near
        assert boxes.points[0].y[0] > boxes.points[1].y[0]  # in the order of the tangent, whichever side the face is from
        swapped = collide.polygon_polygon(at(0.2 + gap), at(0), Reach(0.02))
        assert swapped.points[0].y[0] < swapped.points[1].y[0]
