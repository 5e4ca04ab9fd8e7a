"""The sweeps: joints, then pairs of bodies colour by colour, then walls, again and again.

Velocities are flat `[E, W]` for joints and walls and two rows of seats `[2, E/2, W]` for the
tournament of pairs; the change of shape is free. See `schedule` for why seats rotate.
"""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from jax import lax

from physics import contacts, joints, schedule
from physics.base import Array, SolverConfig
from physics.contacts import ContactRows, Rows3
from physics.joints import JointRows
from physics.materialise import materialise
from physics.math2d import Vec
from physics.prepare import Prepared


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Rows:
    """Everything that the sweeps read."""

    pair: list[ContactRows]  # one entry a colour, each [E/2, W]
    pair_mass: list[Array]  # per colour [2, E/2, W]: inverse masses, negative for the first body
    pair_inertia: list[Array]
    wall: list[ContactRows]  # floor or ceiling, then left or right; each [E, W]
    joint: JointRows


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Solution:
    """What the sweeps change: accumulated impulses and velocities `[E, W]`."""

    pair: list[Rows3]
    wall: list[Rows3]
    joint: tuple[Array, Array, Array]  # each [J, W]
    vel: Vec
    omega: Array


def split_colours(plan: schedule.Schedule, value: Array) -> list[Array]:
    """Slots `[K, W]` as one array `[E/2, W]` a colour."""
    return [value[colour * plan.half : (colour + 1) * plan.half] for colour in range(plan.colours)]


def join_colours(values: list[Rows3]) -> Array:
    """The inverse of `split_colours` for impulses: `[3, K, W]`."""
    return jnp.stack([jnp.concatenate([value[i] for value in values]) for i in range(3)])


@jax.named_scope("solve.warm_start")
def warm_start(rows: Rows, prepared: Prepared, start: Solution) -> Solution:
    """Apply the impulses that `start` carries to its velocities."""
    seats = _sit(start.vel, start.omega)
    for colour, (row, impulse) in enumerate(zip(rows.pair, start.pair, strict=True)):
        seats = materialise(_stand_next(_push_pair(rows, colour, row, impulse, *seats)))
    vel, omega = _rise(*seats, start.omega.shape)
    for row, impulse in zip(rows.wall, start.wall, strict=True):
        vel, omega = _push_wall(prepared, row, impulse, vel, omega)
    for j in range(start.joint[0].shape[0]):
        point, angle = Vec(start.joint[0][j], start.joint[1][j]), start.joint[2][j]
        vel, omega = joints.apply(prepared, rows.joint, j, point, angle, vel, omega)
    return replace(start, vel=vel, omega=omega)


@jax.named_scope("solve.sweep")
def sweep(rows: Rows, prepared: Prepared, start: Solution, config: SolverConfig) -> Solution:
    """`config.iterations` Gauss-Seidel sweeps over all constraints."""
    return lax.fori_loop(0, config.iterations, lambda _, now: _one_sweep(rows, prepared, now), start)


def _one_sweep(rows: Rows, prepared: Prepared, now: Solution) -> Solution:
    joint, vel, omega = _visit_joints(rows, prepared, now)
    pair, vel, omega = _visit_pairs(rows, now.pair, vel, omega)
    wall, vel, omega = _visit_walls(rows, prepared, now.wall, vel, omega)
    return Solution(pair, wall, joint, vel, omega)


@jax.named_scope("solve.pairs")
def _visit_pairs(rows: Rows, impulses: list[Rows3], vel: Vec, omega: Array) -> tuple[list[Rows3], Vec, Array]:
    seats = _sit(vel, omega)
    found: list[Rows3] = []
    for colour, (row, impulse) in enumerate(zip(rows.pair, impulses, strict=True)):
        seat_vel, seat_omega = seats
        relative = seat_vel[1] - seat_vel[0]
        impulse, added = contacts.solve(row, impulse, relative, seat_omega[0], seat_omega[1])
        found.append(impulse)
        seats = materialise(_stand_next(_push_pair(rows, colour, row, added, *seats)))
    return found, *_rise(*seats, omega.shape)


@jax.named_scope("solve.walls")
def _visit_walls(rows: Rows, prepared: Prepared, impulses: list[Rows3], vel: Vec, omega: Array) -> tuple[list[Rows3], Vec, Array]:
    found: list[Rows3] = []
    for row, impulse in zip(rows.wall, impulses, strict=True):
        impulse, added = contacts.solve(row, impulse, vel, jnp.zeros(()), omega)
        found.append(impulse)
        vel, omega = materialise(_push_wall(prepared, row, added, vel, omega))
    return found, vel, omega


@jax.named_scope("solve.joints")
def _visit_joints(rows: Rows, prepared: Prepared, now: Solution) -> tuple[tuple[Array, Array, Array], Vec, Array]:
    vel, omega = now.vel, now.omega
    results = []
    for j in range(now.joint[0].shape[0]):
        impulse = (now.joint[0][j], now.joint[1][j], now.joint[2][j])
        impulse, vel, omega = joints.solve(prepared, rows.joint, j, impulse, vel, omega)
        results.append(impulse)
    if not results:
        return now.joint, vel, omega
    x, y, angle = (jnp.stack(values) for values in zip(*results, strict=True))
    return (x, y, angle), vel, omega


def _sit(vel: Vec, omega: Array) -> tuple[Vec, Array]:
    shape = (2, omega.shape[0] // 2, omega.shape[1])
    return vel.reshape(*shape), omega.reshape(shape)


def _rise(vel: Vec, omega: Array, shape: tuple[int, ...]) -> tuple[Vec, Array]:
    return vel.reshape(*shape), omega.reshape(shape)


def _stand_next(seats: tuple[Vec, Array]) -> tuple[Vec, Array]:
    return jax.tree.map(schedule.rotate, seats)


def _push_pair(rows: Rows, colour: int, row: ContactRows, impulse: Rows3, vel: Vec, omega: Array) -> tuple[Vec, Array]:
    linear, turn_a, turn_b = contacts.push(row, impulse)
    mass, inertia = rows.pair_mass[colour], rows.pair_inertia[colour]
    return vel + linear * mass, omega + inertia * jnp.stack([turn_a, turn_b])


def _push_wall(prepared: Prepared, row: ContactRows, impulse: Rows3, vel: Vec, omega: Array) -> tuple[Vec, Array]:
    linear, _, turn = contacts.push(row, impulse)
    return vel + linear * prepared.inverse_mass, omega + prepared.inverse_inertia * turn
