"""Revolute and fixed joints as solver rows: a point that two bodies share, and an angle.

The point is a 2 x 2 block solved exactly (as `b2RevoluteJoint`), the angle one row: held for a fixed
joint, one-sided at a limit. Joints are visited one after the other in slot order, so any number may sit
on a pair of bodies or on the room. How fast an error is mended is up to the solver: it fills in the
biases (`sequential.py`, `soft.py`).
"""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from physics import attach
from physics.base import Array, Motion
from physics.contacts import Rows3
from physics.materialise import Packed, materialise, pack
from physics.math2d import Twist, Vec, reciprocal, spin
from physics.prepare import Prepared


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class JointRows:
    """All joints `[J, W]`. `arm` is from a body's centre to the joint, world frame."""

    body_a: Array  # -1 where nothing moves; a float, so that all rows can be packed together
    body_b: Array
    arm_a: Vec
    arm_b: Vec
    inverse_k: Rows3  # xx, xy, yy of the point's inverse inverse-mass matrix; 0 when inactive
    bias: Vec  # velocity that closes the gap
    angle_mass: Array  # 0 when there is no angle row
    angle_bias: Array
    angle_hold: Array  # see contacts.Goal
    lowest: Array  # bounds of the accumulated angular impulse
    highest: Array
    inertia_a: Array
    inertia_b: Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Placed:
    """Where the ends of all joints are, `[J, W]`."""

    arm_a: Vec  # from a body's centre to its end, m
    arm_b: Vec
    gap: Vec  # from the first end to the second, m
    error: Array  # angle between the bodies less that at rest, rad


def ends(prepared: Prepared, motion: Motion) -> Placed:
    """Ends of joints from the poses of `motion` (padded to `E`)."""
    joints, a, b = prepared.scene.joints, prepared.body_a, prepared.body_b
    angle_a, angle_b = attach.read(a, motion.angle), attach.read(b, motion.angle)
    arm_a = Vec.of(joints.anchor_a).turned(jnp.cos(angle_a), jnp.sin(angle_a))
    arm_b = Vec.of(joints.anchor_b).turned(jnp.cos(angle_b), jnp.sin(angle_b))
    gap = attach.difference_vec(a, b, Vec.of(motion.pos)) + arm_b - arm_a
    return Placed(arm_a, arm_b, gap, angle_b - angle_a - joints.rest_angle)


@jax.named_scope("joints.prepare_rows")
def prepare_rows(prepared: Prepared, placed: Placed, bias: Vec) -> JointRows:
    """Rows of every joint's point, of which `bias` (m/s) closes the gap; there is no angle row yet."""
    a, b = prepared.body_a, prepared.body_b
    mass = attach.read(a, prepared.inverse_mass) + attach.read(b, prepared.inverse_mass)
    inertia_a, inertia_b = attach.read(a, prepared.inverse_inertia), attach.read(b, prepared.inverse_inertia)
    mass, inertia_a, inertia_b = materialise((mass, inertia_a, inertia_b))
    nothing = jnp.zeros_like(mass)
    return JointRows(
        body_a=a.astype(jnp.float32),
        body_b=b.astype(jnp.float32),
        arm_a=placed.arm_a,
        arm_b=placed.arm_b,
        inverse_k=_inverse_k(placed.arm_a, placed.arm_b, mass, inertia_a, inertia_b, prepared.joint_active),
        bias=bias,
        angle_mass=nothing,
        angle_bias=nothing,
        angle_hold=nothing,
        lowest=nothing,
        highest=nothing,
        inertia_a=inertia_a,
        inertia_b=inertia_b,
    )


def with_angle_row(rows: JointRows, on: Array, bias: Array, only_up: Array, only_down: Array, hold: Array | float = 1.0) -> JointRows:
    """The rows with an angle row where `on`, of which `bias` (rad/s) mends the error; it pushes both ways if not told else."""
    return replace(
        rows,
        angle_mass=jnp.where(on, reciprocal(rows.inertia_a + rows.inertia_b), 0.0),
        angle_bias=bias,
        angle_hold=jnp.broadcast_to(hold, bias.shape),
        lowest=jnp.where(only_up, 0.0, -jnp.inf),
        highest=jnp.where(only_down, 0.0, jnp.inf),
    )


def one_by_one(rows: JointRows) -> list[Packed]:
    """The rows of each joint `[W]`, in memory of their own: joints then share their compiled kernels."""
    packed = pack(rows)
    return [packed.row(j) for j in range(rows.angle_mass.shape[0])]


def _inverse_k(arm_a: Vec, arm_b: Vec, mass: Array, inertia_a: Array, inertia_b: Array, active: Array) -> Rows3:
    """Inverse of K = (1/m_a + 1/m_b) I + the levers' part, a symmetric 2 x 2 matrix."""
    xx = mass + inertia_a * arm_a.y**2 + inertia_b * arm_b.y**2
    yy = mass + inertia_a * arm_a.x**2 + inertia_b * arm_b.x**2
    xy = -inertia_a * arm_a.x * arm_a.y - inertia_b * arm_b.x * arm_b.y
    scale = jnp.where(active, reciprocal(xx * yy - xy * xy), 0.0)
    return yy * scale, -xy * scale, xx * scale


def apply(prepared: Prepared, rows: JointRows, point: Vec, angle: Array, moving: Twist) -> Twist:
    """Give the impulses of one joint to the velocities `[E, W]` of its two bodies."""
    bodies = moving.omega.shape[0]
    at_a, at_b = attach.is_at(rows.body_a, bodies), attach.is_at(rows.body_b, bodies)
    share = jnp.where(at_b, prepared.inverse_mass, jnp.where(at_a, -prepared.inverse_mass, 0.0))
    turn = jnp.where(at_b, rows.arm_b.cross(point) + angle, jnp.where(at_a, -rows.arm_a.cross(point) - angle, 0.0))
    return materialise(Twist(moving.vel + point * share, moving.omega + prepared.inverse_inertia * turn))


@jax.named_scope("solve.joints")
def visit(prepared: Prepared, all_rows: list[Packed], impulses: list[Rows3], moving: Twist, hold: float) -> tuple[list[Rows3], Twist]:
    """Visit every joint once: its new impulses and the new velocities `[E, W]`."""
    found = []
    for packed, impulse in zip(all_rows, impulses, strict=True):
        rows: JointRows = packed.open()
        new, added = _solve(rows, impulse, moving, hold)
        moving = apply(prepared, rows, Vec(added[0], added[1]), added[2], moving)
        found.append(new)
    return found, moving


def _solve(rows: JointRows, impulse: Rows3, moving: Twist, hold: float) -> tuple[Rows3, Rows3]:
    """Point, then angle: (accumulated impulses, what was added)."""
    omega_a, omega_b = attach.read(rows.body_a, moving.omega), attach.read(rows.body_b, moving.omega)
    apart = attach.difference_vec(rows.body_a, rows.body_b, moving.vel)
    wrong = apart + spin(omega_b, rows.arm_b) - spin(omega_a, rows.arm_a) + rows.bias
    xx, xy, yy = rows.inverse_k
    point = Vec(impulse[0] - (xx * wrong.x + xy * wrong.y), impulse[1] - (xy * wrong.x + yy * wrong.y))
    point = materialise(point if hold == 1 else point * hold)
    added = Vec(point.x - impulse[0], point.y - impulse[1])
    turning = omega_b - omega_a + rows.inertia_b * rows.arm_b.cross(added) + rows.inertia_a * rows.arm_a.cross(added)
    wanted = rows.angle_hold * (impulse[2] - rows.angle_mass * (turning + rows.angle_bias))
    angle = materialise(jnp.clip(wanted, rows.lowest, rows.highest))
    return (point.x, point.y, angle), (added.x, added.y, angle - impulse[2])


def push_all(prepared: Prepared, all_rows: list[Packed], impulses: list[Rows3], moving: Twist) -> Twist:
    """Apply the impulses of all joints to the velocities."""
    for packed, impulse in zip(all_rows, impulses, strict=True):
        moving = apply(prepared, packed.open(), Vec(impulse[0], impulse[1]), impulse[2], moving)
    return moving


def warm_start(prepared: Prepared, stored: Array) -> list[Rows3]:
    """Last step's impulses per joint; limits start from nothing, as they come and go."""
    active = prepared.joint_active
    held = active & prepared.scene.joints.fixed
    kept = materialise(jnp.where(jnp.stack([active, active, held]), stored, 0.0))
    parts = [materialise(kept[:, j]) for j in range(stored.shape[1])]
    return [(part[0], part[1], part[2]) for part in parts]
