"""Area, centroid and inertia against textbook formulas, and which polygons are refused."""

import numpy as np
import pytest

from physics import shapes
from physics.errors import InputError
from tests.physics.scenes import random_polygon

SQUARE = [(0, 0), (1, 0), (1, 1), (0, 1)]


def test_rectangle():
    corners = np.array([(0, 0), (0.6, 0), (0.6, 0.2), (0, 0.2)]) + 3.0
    area, centroid, moment = shapes.polygon_properties(corners)
    assert area == pytest.approx(0.12)
    np.testing.assert_allclose(centroid, (3.3, 3.1))
    assert moment == pytest.approx(0.12 * (0.6**2 + 0.2**2) / 12)


def test_right_triangle():
    area, centroid, moment = shapes.polygon_properties(np.array([(0, 0), (0.9, 0), (0, 0.3)]))
    assert area == pytest.approx(0.135)
    np.testing.assert_allclose(centroid, (0.3, 0.1))
    assert moment == pytest.approx(0.135 * (0.9**2 + 0.3**2) / 18)


def test_disc():
    area, moment = shapes.circle_properties(0.5)
    assert area == pytest.approx(np.pi / 4)
    assert moment == pytest.approx(np.pi / 4 * 0.25 / 2)


def test_polygon_of_many_corners_approaches_disc():
    turn = np.arange(400) * 2 * np.pi / 400
    area, _, moment = shapes.polygon_properties(0.5 * np.stack([np.cos(turn), np.sin(turn)], 1))
    np.testing.assert_allclose((area, moment), shapes.circle_properties(0.5), rtol=1e-3)


def test_uneven_polygon_agrees_with_a_sum_over_a_grid():
    corners = random_polygon(np.random.RandomState(3), 5, 0.3, 0.9)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 801)] * 2), -1).reshape(-1, 2)
    edges = np.roll(corners, -1, 0) - corners
    offsets = grid[:, None] - corners
    points = grid[(edges[:, 0] * offsets[..., 1] - edges[:, 1] * offsets[..., 0] >= 0).all(1)]
    area, centroid, moment = shapes.polygon_properties(corners)
    assert area == pytest.approx(len(points) * 0.0025**2, rel=1e-2)
    np.testing.assert_allclose(centroid, points.mean(0), atol=1e-3)
    assert moment == pytest.approx(((points - points.mean(0)) ** 2).sum() * 0.0025**2, rel=1e-2)


def test_clockwise_is_turned_around():
    found = shapes.convex(np.array(SQUARE)[::-1], "p")
    assert shapes.polygon_properties(found)[0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("vertices", "says"),
    [
        ([(0, 0), (1, 0)], "at least 3 points"),
        ([(0, 0, 0), (1, 0, 0), (0, 1, 0)], "at least 3 points"),
        ([(0, 0), (1, 0), (2, 0)], "convex"),
        ([(0, 0), (1, 0), (1, 0), (0, 1)], "convex"),
        ([(0, 0), (1, 0), (0.2, 0.2), (0, 1)], "convex"),
        ([(0, 0), (1, 1), (1, 0), (0, 1)], "convex"),
        ([(np.cos(a), np.sin(a)) for a in np.arange(5) * 4 * np.pi / 5], "turn once around"),
        ([(0, 0), (1, 0), (np.nan, 1)], "not finite"),
        ([(0, 0), (1, 0), (0, np.inf)], "not finite"),
        ([(0, 0), (0.01, 0), (0, 0.01)], "area"),
    ],
    ids=["two", "3d", "line", "repeated", "dent", "bow tie", "star", "nan", "inf", "tiny"],
)
def test_refused(vertices, says):
    with pytest.raises(InputError, match=f"hull.*{says}"):
        shapes.convex(np.array(vertices, float), "hull")
