"""One visit of a contact's rows is three sequential impulses, and warm starts keep only what still touches."""

import jax.numpy as jnp
import numpy as np
import pytest

from physics import contacts
from physics.collide import Contact
from physics.contacts import Goal, Side
from physics.math2d import Twist, Vec

FRICTION, NORMAL = 0.5, np.array([0.6, 0.8])
POINTS, DEPTHS = np.array([(0.3, 0.1), (-0.2, 0.4)]), (0.05, 0.02)


def column(value: float) -> jnp.ndarray:
    return jnp.array([value], jnp.float32)


def vec(pair: np.ndarray) -> Vec:
    return Vec(column(pair[0]), column(pair[1]))


def contact(second: bool = True) -> Contact:
    flags = jnp.array([[True], [second]])
    points = Vec.of(jnp.array(POINTS, jnp.float32).T[..., None])
    return Contact(vec(NORMAL), points, jnp.array(DEPTHS, jnp.float32)[:, None], flags, flags[0])


class Body:
    """A body in numpy that takes impulses at points."""

    def __init__(self, pos: tuple, vel: tuple, omega: float, inverse_mass: float, inverse_inertia: float) -> None:
        """Keep everything in double precision."""
        self.pos, self.vel, self.omega, self.w, self.i = np.array(pos), np.array(vel, float), omega, inverse_mass, inverse_inertia

    def side(self) -> Side:
        return Side(vec(self.pos), Twist(vec(self.vel), column(self.omega)), column(self.w), column(self.i))

    def lever(self, point: np.ndarray, direction: np.ndarray) -> float:
        arm = point - self.pos
        return arm[0] * direction[1] - arm[1] * direction[0]

    def speed(self, point: np.ndarray, direction: np.ndarray) -> float:
        return self.vel @ direction + self.omega * self.lever(point, direction)

    def push(self, point: np.ndarray, direction: np.ndarray, size: float) -> None:
        self.vel = self.vel + direction * size * self.w
        self.omega += self.lever(point, direction) * size * self.i


def bodies() -> tuple[Body, Body]:
    return Body((0.0, -0.4), (1.0, 1.5), 0.7, 0.8, 5.0), Body((0.2, 0.6), (-0.5, -1.0), -1.2, 2.0, 12.0)


TARGETS = (0.7, -0.2)


def textbook(a: Body, b: Body, stored: tuple[float, float, float], hold: tuple[float, float] = (1.0, 1.0)) -> list[float]:
    """Each row in turn, from the velocities that the row before has left."""
    along = np.array([NORMAL[1], -NORMAL[0]])
    places = [(POINTS[0], NORMAL), (POINTS[1], NORMAL), (POINTS.mean(0), along)]
    impulse = list(stored)
    for k, (point, direction) in enumerate(places):
        mass = 1 / (a.w + b.w + a.i * a.lever(point, direction) ** 2 + b.i * b.lever(point, direction) ** 2)
        wrong = b.speed(point, direction) - a.speed(point, direction) - (TARGETS[k] if k < 2 else 0.0)
        limit = FRICTION * (impulse[0] + impulse[1])
        new = max(hold[k] * (impulse[k] - mass * wrong), 0.0) if k < 2 else float(np.clip(impulse[k] - mass * wrong, -limit, limit))
        a.push(point, direction, impulse[k] - new)
        b.push(point, direction, new - impulse[k])
        impulse[k] = new
    return impulse


@pytest.mark.parametrize("stored", [(0.0, 0.0, 0.0), (0.4, 0.1, -0.2), (3.0, 2.0, 0.5)])
@pytest.mark.parametrize("hold", [None, (0.9, 0.5)])
def test_visit_is_three_sequential_impulses(stored, hold):
    a, b = bodies()
    rows = contacts.prepare_rows(contact(), a.side(), b.side(), jnp.array([True]), column(FRICTION))
    begin = (column(stored[0]), column(stored[1]), column(stored[2]))
    goal = Goal((column(TARGETS[0]), column(TARGETS[1])), hold and (column(hold[0]), column(hold[1])))
    impulse, added = contacts.solve(rows, goal, begin, b.side().moving.vel - a.side().moving.vel, column(a.omega), column(b.omega))
    linear, turn_a, turn_b = contacts.push(rows, added)
    found = [b.vel + np.array([linear.x[0], linear.y[0]]) * b.w, b.omega + float(turn_b[0]) * b.i, a.omega - float(turn_a[0]) * a.i]
    wanted = textbook(a, b, stored, hold or (1.0, 1.0))
    np.testing.assert_allclose(np.concatenate(impulse), wanted, atol=1e-5)
    np.testing.assert_allclose(found[0], b.vel, atol=1e-4)
    np.testing.assert_allclose(found[1:], [b.omega, a.omega], atol=1e-4)


@pytest.mark.parametrize(("second", "admitted", "mass_on"), [(False, True, (1, 0, 1)), (True, False, (0, 0, 0)), (True, True, (1, 1, 1))])
def test_rows_are_off_where_nothing_may_push(second, admitted, mass_on):
    a, b = bodies()
    rows = contacts.prepare_rows(contact(second), a.side(), b.side(), jnp.array([admitted]), column(1))
    np.testing.assert_array_equal([float(mass[0]) > 0 for mass in rows.mass], mass_on)


@pytest.mark.parametrize(
    ("before", "second", "kept"),
    [((1, 1), True, (1, 2, 3)), ((1, 0), True, (1, 0, 3)), ((1, 1), False, (1, 0, 3)), ((0, 0), True, (0, 0, 0))],
)
def test_warm_start_keeps_what_still_touches(before, second, kept):
    stored, was = jnp.array([[1.0], [2.0], [3.0]]), jnp.array(before, bool)[:, None]
    begin, active = contacts.warm_start(stored, was, contact(second), jnp.array([True]))
    np.testing.assert_array_equal(np.concatenate(begin), kept)
    np.testing.assert_array_equal(active[:, 0], [True, second])


def test_gate_leaves_a_normal_and_friction_alone():
    a, b = bodies()
    rows = contacts.prepare_rows(contact(), a.side(), b.side(), jnp.array([True]), column(FRICTION))
    goal = Goal((column(5.0), column(5.0)), gate=(column(0.0), column(1.0)))
    begin = (column(0.1), column(0.2), column(0.05))
    impulse, added = contacts.solve(rows, goal, begin, b.side().moving.vel - a.side().moving.vel, column(a.omega), column(b.omega))
    assert (float(impulse[0][0]), float(added[0][0]), float(added[2][0])) == (pytest.approx(0.1), 0.0, 0.0)
    assert float(added[1][0]) > 0.1


def test_separating_speed_is_that_of_the_points():
    a, b = bodies()
    for found, point in zip(contacts.separating(contact(), a.side(), b.side()), POINTS, strict=True):
        assert float(found[0]) == pytest.approx(b.speed(point, NORMAL) - a.speed(point, NORMAL), abs=1e-5)
