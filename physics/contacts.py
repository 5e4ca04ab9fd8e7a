"""Contacts as solver rows: two normals and one friction row a pair (enough in the plane).

`prepare_rows` works out effective masses and couplings once a step; `solve` is one Gauss-Seidel visit
of all three rows, towards the `Goal` that the solver sets. The couplings let the second row see what
the first has done without going back to the velocities. Sequential impulses after Catto (GDC 2006).
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from physics.base import Array
from physics.collide import Contact
from physics.materialise import each, materialise
from physics.math2d import Twist, Vec, reciprocal, spin, tangent, where

Rows3 = tuple[Array, Array, Array]  # first normal, second normal, friction
Pair = tuple[Array, Array]  # of a contact's two points


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Side:
    """One body of each contact: what the rows need of it."""

    pos: Vec
    moving: Twist
    inverse_mass: Array
    inverse_inertia: Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ContactRows:
    """The three rows of every contact, `[3, ...]`. `arm` is the lever of the row's direction at a body's centre, m."""

    normal: Vec
    arm_a: Array
    arm_b: Array
    mass: Array  # effective mass; 0 switches the row off
    coupling: Array  # inverse effective mass between rows (0, 1), (0, 2) and (1, 2)
    friction: Array
    inverse_mass: Pair  # of the first body and of the second
    inverse_inertia: Pair


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Goal:
    """What a visit works towards: the normal velocity wanted at each point, and how stiffly.

    A soft row is `hold` times the hard one: with 1 nothing is given away, below 1 impulses leak and the
    row acts as a spring with a damper (Catto, Soft Constraints, GDC 2011, solved for unit mass).
    """

    velocity: Pair  # m/s
    hold: Pair | None = None
    gate: Pair | None = None  # 0 leaves a normal alone; with it, so is friction


def prepare_rows(contact: Contact, a: Side, b: Side, admitted: Array, friction: Array) -> ContactRows:
    """Rows of contacts `[K, W]` (any leading shape); `admitted` says which may push at all."""
    normal, along = contact.normal, tangent(contact.normal)
    active = contact.active & admitted
    share = jnp.where(active[1], jnp.where(active[0], 0.5, 1.0), 0.0)
    row = np.arange(3).reshape(3, *[1] * share.ndim)

    def of_rows(first: Array | float, second: Array | float, third: Array | float) -> Array:
        return jnp.where(row == 0, first, jnp.where(row == 1, second, third))

    second_share = of_rows(0.0, 1.0, share)
    point = contact.points[0] * (1 - second_share) + contact.points[1] * second_share  # of friction: in the middle of what touches
    direction = where(row == 2, along, normal)
    arm_a, arm_b = materialise(((point - a.pos).cross(direction), (point - b.pos).cross(direction)))

    def inverse_mass(arms_a: tuple[Array, Array], arms_b: tuple[Array, Array], linear: Array) -> Array:
        return linear + a.inverse_inertia * arms_a[0] * arms_a[1] + b.inverse_inertia * arms_b[0] * arms_b[1]

    def between(arm: Array) -> tuple[Array, Array]:
        return of_rows(arm[0], arm[0], arm[1]), of_rows(arm[1], arm[2], arm[2])

    linear = a.inverse_mass + b.inverse_mass
    on = of_rows(active[0], active[1], active[0] | active[1])
    return ContactRows(
        normal=normal,
        arm_a=arm_a,
        arm_b=arm_b,
        mass=jnp.where(on, reciprocal(inverse_mass((arm_a, arm_a), (arm_b, arm_b), linear)), 0.0),
        coupling=inverse_mass(between(arm_a), between(arm_b), of_rows(linear, 0.0, 0.0)),
        friction=friction,
        inverse_mass=(a.inverse_mass, b.inverse_mass),
        inverse_inertia=(a.inverse_inertia, b.inverse_inertia),
    )


def separating(contact: Contact, a: Side, b: Side) -> Array:
    """Normal velocity at which the second body leaves the first at each point, m/s; `[2, ...]`."""

    def velocity(side: Side, point: Vec) -> Vec:
        return side.moving.vel + spin(side.moving.omega, point - side.pos)

    return (velocity(b, contact.points) - velocity(a, contact.points)).dot(contact.normal)


def solve(rows: ContactRows, goal: Goal, impulse: Rows3, relative: Vec, omega_a: Array, omega_b: Array) -> tuple[Rows3, Rows3]:
    """Visit the rows once: (accumulated impulses, what was added). `relative` is vel_b - vel_a."""
    normal_speed = rows.normal.dot(relative)
    speeds = (normal_speed, normal_speed, tangent(rows.normal).dot(relative))
    u = [s + rows.arm_b[i] * omega_b - rows.arm_a[i] * omega_a for i, s in enumerate(speeds)]
    k01, k02, k12 = rows.coupling
    first = _pushed(impulse, rows, goal, 0, u[0])
    d0 = first - impulse[0]
    second = _pushed(impulse, rows, goal, 1, u[1] + k01 * d0)
    d1 = second - impulse[1]
    if goal.gate is not None:
        return (first, second, impulse[2]), (d0, d1, jnp.zeros_like(d0))
    limit = rows.friction * (first + second)
    along = materialise(jnp.clip(impulse[2] - rows.mass[2] * (u[2] + k02 * d0 + k12 * d1), -limit, limit))
    return (first, second, along), (d0, d1, along - impulse[2])


def _pushed(impulse: Rows3, rows: ContactRows, goal: Goal, i: int, speed: Array) -> Array:
    """A normal impulse after a visit: never a pull."""
    change = rows.mass[i] * (speed - goal.velocity[i])
    wanted = impulse[i] - (change if goal.gate is None else goal.gate[i] * change)
    return materialise(jnp.maximum(wanted if goal.hold is None else goal.hold[i] * wanted, 0.0))


def push(rows: ContactRows, impulse: Rows3) -> tuple[Vec, Array, Array]:
    """Linear impulse on the second body, and angular impulses of rows on (first, second)."""
    linear = rows.normal * (impulse[0] + impulse[1]) + tangent(rows.normal) * impulse[2]
    turn_a, turn_b = (arm[0] * impulse[0] + arm[1] * impulse[1] + arm[2] * impulse[2] for arm in (rows.arm_a, rows.arm_b))
    return linear, turn_a, turn_b


def rows3(stacked: Array) -> Rows3:
    """The rows of `[3, ...]`."""
    first, second, third = each(stacked, axis=0)
    return first, second, third


def warm_start(stored: Array, stored_active: Array, contact: Contact, admitted: Array) -> tuple[Array, Array]:
    """Last step's impulses `[3, ...]` where the same point is still in contact: (start `[3, ...]`, active flags `[2, ...]`)."""
    active = contact.active & admitted
    keep = active & stored_active
    return jnp.where(jnp.stack([keep[0], keep[1], keep[0] | keep[1]]), stored, 0.0), active
