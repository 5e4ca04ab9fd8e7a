"""Whatever numbers come, a polygon is either built with right masses or refused with an `InputError`."""

import contextlib

import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from physics import shapes
from physics.base import Capacity
from physics.build import Builder
from physics.errors import InputError
from tests.physics.scenes import random_polygon, turned

ROOMY = Capacity(polygons=1, circles=1, joints=1, thrusters=1, vertices=8)
always_the_same = settings(max_examples=200, derandomize=True, deadline=None, database=None)
SEEDS = st.integers(0, 2**32 - 1)
numbers = st.floats(-100, 100) | st.sampled_from([np.nan, np.inf, -np.inf])
any_numbers = st.floats()
no_smaller = settings(always_the_same, phases=(Phase.explicit, Phase.generate))


def corner_lists(number: st.SearchStrategy[float]) -> st.SearchStrategy[list[tuple[float, float]]]:
    """Up to ten corners, one corner too few and too many included."""
    return st.lists(st.tuples(number, number), max_size=10)


def by_triangles(corners: np.ndarray) -> tuple[float, np.ndarray, float]:
    """(area, centroid, second moment about it) as a sum over a fan of triangles about the first corner."""
    a, b, c = np.broadcast_to(corners[0], corners[2:].shape), corners[1:-1], corners[2:]
    areas = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    middles = (a + b + c) / 3
    centroid = (areas[:, None] * middles).sum(0) / areas.sum()
    own = areas / 36 * (((a - b) ** 2).sum(1) + ((b - c) ** 2).sum(1) + ((c - a) ** 2).sum(1))
    return areas.sum(), centroid, (own + areas * ((middles - centroid) ** 2).sum(1)).sum()


@given(seed=SEEDS, count=st.integers(3, 8), size=st.floats(0.05, 2), angle=st.floats(-7, 7), density=st.floats(0.01, 100))
@always_the_same
def test_convex_polygons_get_the_mass_of_their_triangles(seed, count, size, angle, density):
    random = np.random.RandomState(seed)
    corners = random_polygon(random, count, size / 3, size) + random.uniform(-1, 1, 2)
    if random.uniform() < 0.5:
        corners = corners[::-1]  # clockwise
    builder = Builder(ROOMY)
    builder.polygon(corners, at=(1, 2), angle=angle, density=density)
    scene, motion = builder.finish()
    area, centroid, moment = by_triangles(corners)
    assert 1 / scene.bodies.inverse_mass[0] == pytest.approx(area * density, rel=1e-5)
    assert 1 / scene.bodies.inverse_inertia[0] == pytest.approx(moment * density, rel=1e-4)
    np.testing.assert_allclose(motion.pos[:, 0], np.array([1, 2]) + turned(centroid, angle), atol=1e-5)
    stored = scene.bodies.vertices[:, :count, 0].T
    np.testing.assert_allclose(sorted(map(tuple, np.round(stored + centroid, 3))), sorted(map(tuple, np.round(corners, 3))), atol=2e-3)


@given(seed=SEEDS, count=st.integers(4, 8), depth=st.floats(0.01, 2))
@always_the_same
def test_a_dented_polygon_is_refused(seed, count, depth):
    """One corner pushed through the line of its neighbours."""
    random = np.random.RandomState(seed)
    corners = random_polygon(random, count, 0.2, 0.5)
    corner = random.randint(count)
    before, after = corners[corner - 1], corners[(corner + 1) % count]
    middle = (before + after) / 2
    corners[corner] = middle - depth * (corners[corner] - middle)
    with pytest.raises(InputError, match="convex"):
        Builder(ROOMY).polygon(corners)


@given(vertices=corner_lists(numbers))
@always_the_same
def test_any_corners_are_built_or_refused(vertices):
    polygon_is_whole_or_refused(vertices)


@given(at=st.tuples(numbers, numbers), radius=numbers, angle=numbers, density=numbers)
@always_the_same
def test_any_circle_is_built_or_refused(at, radius, angle, density):
    circle_is_whole_or_refused(at, radius, angle, density)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(vertices=corner_lists(any_numbers))
@no_smaller
@example(vertices=[(0.0, 0.0), (0.0, 1.0), (5.2e38, 0.0)])
def test_corners_of_any_size_are_built_or_refused(vertices):
    polygon_is_whole_or_refused(vertices)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(at=st.tuples(any_numbers, any_numbers), radius=any_numbers, angle=any_numbers, density=any_numbers)
@no_smaller
@example(at=(0.0, 0.0), radius=1.4e154, angle=0.0, density=1.0)
def test_a_circle_of_any_size_is_built_or_refused(at, radius, angle, density):
    circle_is_whole_or_refused(at, radius, angle, density)


def polygon_is_whole_or_refused(vertices: list[tuple[float, float]]) -> None:
    """Build a polygon: an `InputError`, or a body whose numbers are finite."""
    builder = Builder(ROOMY)
    with contextlib.suppress(InputError):
        builder.polygon(vertices)
        scene, motion = builder.finish()
        for value in (scene.bodies.vertices, scene.bodies.inverse_mass, scene.bodies.inverse_inertia, motion.pos):
            assert np.isfinite(value).all()
        assert scene.bodies.inverse_inertia[0] > 0


def circle_is_whole_or_refused(at: tuple[float, float], radius: float, angle: float, density: float) -> None:
    """Build a disc: an `InputError`, or a body whose numbers are finite."""
    builder = Builder(ROOMY)
    with contextlib.suppress(InputError):
        builder.circle(at, radius, angle, density=density)
        scene, motion = builder.finish()
        for value in (scene.bodies.radius, scene.bodies.inverse_mass, scene.bodies.inverse_inertia, motion.pos, motion.angle):
            assert np.isfinite(value).all()


@given(radius=st.floats(0.01, 10), share=st.floats(0, 1))
@always_the_same
def test_a_disc_is_its_inner_disc_and_the_ring_around_it(radius, share):
    """Areas and moments add up: those of a ring are known apart."""
    inner = radius * share
    area, moment = shapes.circle_properties(radius)
    ring = np.pi * (radius**2 - inner**2)
    assert area == pytest.approx(ring + np.pi * inner**2)
    assert moment == pytest.approx(ring * (radius**2 + inner**2) / 2 + np.pi * inner**4 / 2)
