"""What both solvers are made of: rows, warm start, and one Gauss-Seidel sweep over all of them.

A sweep visits the joints one after the other, then the pairs of bodies colour by colour, then the walls.
Velocities are flat `[E, W]` for joints and walls and two rows of seats `[2, E/2, W]` for the
tournament of pairs; the change of shape is free. See `schedule` for why seats rotate.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from physics import contacts, find, joints, room, schedule
from physics.base import Array, Capacity, Impulses, Motion
from physics.collide import Contact, take_packed
from physics.contacts import ContactRows, Goal, Pair, Rows3, Side, rows3
from physics.find import Found
from physics.joints import Linked
from physics.materialise import Packed, cut, materialise, pack
from physics.math2d import Twist, Vec
from physics.prepare import Prepared

T = TypeVar("T")


@dataclass(frozen=True)
class Problem:
    """What a solver is given: poses, velocities before and after actuators, contacts, and last step's impulses."""

    prepared: Prepared
    capacity: Capacity
    motion: Motion  # padded to `E`
    driven: Twist  # velocities after motors and thrusters
    found: Found
    stored: Impulses


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Touches:
    """All contacts of a step, as the rows need them, with what `extra` a solver keeps of each."""

    all: Packed  # (ContactRows, extra), [Q, W]
    colours: list[Packed]  # the pairs of it cut into colours, each [E/2, W]
    walls: list[Packed]  # the rest: of floor or ceiling, then of left or right, each [E, W]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Solution:
    """What a sweep changes: accumulated impulses and velocities `[E, W]`."""

    pair: list[Rows3]  # one entry a colour
    wall: list[Rows3]
    joint: list[Rows3]  # per joint (x, y, angle), each [W]
    moving: Twist


Extra = Callable[[Contact, Side, Side, Array], T]  # (contact, first, second, restitution) -> what a solver keeps of it


@jax.named_scope("contacts.prepare_rows")
def touches(problem: Problem, moving: Twist, extra: Extra) -> Touches:
    """Rows of all contacts, with what `extra` makes of each; `moving` is what it may judge impacts by."""
    prepared, found = problem.prepared, problem.found
    body = pack(Side(Vec.of(problem.motion.pos), moving, prepared.inverse_mass, prepared.inverse_inertia))
    body = body.of(jnp.pad(body.values, ((0, 0), (0, 1), (0, 0))))  # after the last comes a wall: still, and not to be moved
    a, b = (take_packed(body, rows) for rows in find.bodies(problem.capacity))
    rows = contacts.prepare_rows(found.contact, a, b, found.admitted, found.friction)
    packed = pack((rows, extra(found.contact, a, b, found.restitution)))
    colours, walls = _parts(packed.values, problem.capacity)
    return Touches(packed, [packed.of(part) for part in colours], [packed.of(part) for part in walls])


def _parts(values: Array, capacity: Capacity) -> tuple[list[Array], list[Array]]:
    """Values `[..., Q, W]` of all contacts: `[..., E/2, W]` of each colour, `[..., E, W]` of each slot of walls."""
    bodies = capacity.even_bodies
    plan = schedule.make(bodies)
    return cut(values, plan.colours, plan.half), cut(values, capacity.wall_slots, bodies, begin=capacity.pairs)


def _joined(pairs: list[Rows3], walls: list[Rows3]) -> Rows3:
    """The inverse of `_parts`, for impulses: their rows, `[Q, W]` each."""
    first, second, friction = (jnp.concatenate(parts) for parts in zip(*pairs, *walls, strict=True))
    return materialise((first, second, friction))


@jax.named_scope("solve.begin")
def begin(problem: Problem, moving: Twist) -> tuple[Solution, Impulses]:
    """Where sweeps start from: last step's impulses of what still touches, and which contacts are active now."""
    stored, found = problem.stored, problem.found
    same_wall = room.flat(found.wall_side == stored.wall_side)
    same = jnp.concatenate([jnp.ones_like(problem.prepared.admitted), same_wall])
    impulse, active = contacts.warm_start(stored.contact, stored.contact_active & same, found.contact, found.admitted)
    colours, walls = _parts(materialise(impulse), problem.capacity)
    joint = joints.warm_start(problem.prepared, stored.joint)
    start = Solution([rows3(part) for part in colours], [rows3(part) for part in walls], joint, moving)
    return start, replace(stored, contact_active=active, wall_side=found.wall_side)


@jax.named_scope("solve.store")
def store(done: Solution, now: Impulses) -> Impulses:
    """The impulses to start from in the next step; `now` says which contacts are active."""
    return replace(
        now,
        contact=jnp.stack(_joined(done.pair, done.wall)),
        joint=jnp.stack([jnp.stack(row) for row in zip(*done.joint, strict=True)]) if done.joint else now.joint,
    )


@jax.named_scope("solve.warm_start")
def warm_start(problem: Problem, rows: Touches, links: list[Linked], now: Solution) -> Solution:
    """Apply the impulses that `now` carries to its velocities."""
    contact, _ = rows.all.open()
    pushes = pack(_pushed(contact, _joined(now.pair, now.wall)))
    colours, walls = _parts(pushes.values, problem.capacity)
    seats = sit(now.moving)
    for part in colours:
        seats = _change(seats, *pushes.of(part).open())
    moving = materialise(rise(seats))
    for part in walls:
        _, push = pushes.of(part).open()
        moving = materialise(moving + push)
    return replace(now, moving=joints.push_all(problem.prepared, links, now.joint, moving))


def sweep_contacts(rows: Touches, pairs: list[Goal], walls: list[Goal], now: Solution) -> Solution:
    """Visit every contact once."""
    pair, moving = _visit_pairs(rows, pairs, now.pair, now.moving)
    wall, moving = _visit_walls(rows, walls, now.wall, moving)
    return Solution(pair, wall, now.joint, moving)


def _visit_pairs(rows: Touches, goals: list[Goal], impulses: list[Rows3], moving: Twist) -> tuple[list[Rows3], Twist]:
    seats, found = sit(moving), []
    for packed, goal, impulse in zip(rows.colours, goals, impulses, strict=True):
        impulse, seats = _visit_colour(packed, goal, impulse, seats)
        found.append(impulse)
    return found, materialise(rise(seats))


@jax.jit
@jax.named_scope("solve.pairs")
def _visit_colour(packed: Packed, goal: Goal, impulse: Rows3, seats: Twist) -> tuple[Rows3, Twist]:
    row, _ = packed.open()
    relative = seats.vel[1] - seats.vel[0]
    impulse, added = contacts.solve(row, goal, impulse, relative, seats.omega[0], seats.omega[1])
    return impulse, _change(seats, *_pushed(row, added))


def _visit_walls(rows: Touches, goals: list[Goal], impulses: list[Rows3], moving: Twist) -> tuple[list[Rows3], Twist]:
    found: list[Rows3] = []
    for packed, goal, impulse in zip(rows.walls, goals, impulses, strict=True):
        impulse, moving = _visit_wall(packed, goal, impulse, moving)
        found.append(impulse)
    return found, moving


@jax.jit
@jax.named_scope("solve.walls")
def _visit_wall(packed: Packed, goal: Goal, impulse: Rows3, moving: Twist) -> tuple[Rows3, Twist]:
    row, _ = packed.open()
    impulse, added = contacts.solve(row, goal, impulse, moving.vel, jnp.zeros(()), moving.omega)
    return impulse, _push_wall(row, added, moving)


@jax.named_scope("solve.separations")
def separations(rows: Touches, moved: Twist, start: Callable[[Any], Pair]) -> tuple[list[Pair], list[Pair]]:
    """Distance at each contact point, per colour and per wall, after bodies have `moved` (m, rad) since the rows were made.

    To first order in the rotation, with the levers of the rows: exact for discs. `start` reads the distance at
    first from what the solver keeps of a contact.
    """
    seats, pairs = sit(moved), []
    for packed in rows.colours:
        row, extra = packed.open()
        pairs.append(materialise(_moved_apart(row, start(extra), seats.vel[1] - seats.vel[0], seats.omega[0], seats.omega[1])))
        seats = materialise(_stand_next(seats))
    walls = []
    for packed in rows.walls:
        row, extra = packed.open()
        walls.append(_moved_apart(row, start(extra), moved.vel, jnp.zeros(()), moved.omega))
    return pairs, materialise(walls)


def _moved_apart(row: ContactRows, start: Pair, relative: Vec, turn_a: Array, turn_b: Array) -> Pair:
    along = row.normal.dot(relative)
    first, second = (start[i] + along + row.arm_b[i] * turn_b - row.arm_a[i] * turn_a for i in range(2))
    return first, second


def sit(moving: Twist) -> Twist:
    """Bodies `[E, W]` on their seats `[2, E/2, W]` of the first colour, in memory as for the other colours, whose kernels it shares."""
    return materialise(moving.reshape(2, moving.omega.shape[0] // 2, moving.omega.shape[1]))


def rise(seats: Twist) -> Twist:
    """The inverse of `sit`, after the last colour."""
    return seats.reshape(2 * seats.omega.shape[1], seats.omega.shape[2])


@jax.jit
def _change(seats: Twist, upper: Twist, lower: Twist) -> Twist:
    """Add to the velocities of both rows of seats, and move everybody one seat on."""
    return materialise(_stand_next(jax.tree.map(lambda at, u, l: at + jnp.stack([u, l]), seats, upper, lower)))


def _stand_next(seats: Twist) -> Twist:
    return jax.tree.map(schedule.rotate, seats)


def _pushed(row: ContactRows, impulse: Rows3) -> tuple[Twist, Twist]:
    """What impulses add to the velocities of the first bodies and of the second."""
    linear, turn_a, turn_b = contacts.push(row, impulse)
    mass, inertia = row.inverse_mass, row.inverse_inertia
    return Twist(linear * -mass[0], turn_a * -inertia[0]), Twist(linear * mass[1], turn_b * inertia[1])


def _push_wall(row: ContactRows, impulse: Rows3, moving: Twist) -> Twist:
    _, added = _pushed(row, impulse)
    return materialise(moving + added)
