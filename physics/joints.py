"""Revolute and fixed joints as solver rows: a point that two bodies share, and an angle.

The point is a 2 x 2 block solved exactly (as `b2RevoluteJoint`), the angle one row: held for a fixed
joint, one-sided for a violated limit. The row of a limit only stops; what is violated is mended by
turning the bodies back, as mending by velocity would fling them to the other limit. Joints are
visited one after the other in slot order, so any number may sit on a pair of bodies or on the room.
Which body a joint acts on is a 0/1 mask over bodies, worked out once per level: reading and writing
velocities needs no gather and no scatter.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from physics.base import Array, Motion, SolverConfig
from physics.materialise import materialise
from physics.math2d import Vec, reciprocal, spin
from physics.prepare import Prepared


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class JointRows:
    """All joints `[J, W]`. `arm` is from a body's centre to the joint, world frame."""

    arm_a: Vec
    arm_b: Vec
    inverse_k: tuple[Array, Array, Array]  # xx, xy, yy of the point's inverse inverse-mass matrix; 0 when inactive
    gap: Vec  # bias velocity that closes the gap
    angle_mass: Array  # 0 when there is no angle row
    angle_bias: Array
    over: Array  # how far a limit is violated, rad; signed
    lowest: Array  # bounds of the accumulated angular impulse
    highest: Array
    inverse_mass: Array  # of both bodies together
    inertia_a: Array
    inertia_b: Array
    offset: Vec  # arm_b - arm_a: what the centres must differ by, for position correction


def pick(mask: Array, values: Array) -> Array:
    """Read, per world, the entry of `values [E, W]` that `mask [..., E, W]` marks; 0 if none."""
    return jnp.sum(mask * values, axis=-2)


def pick_vec(mask: Array, values: Vec) -> Vec:
    """`pick` for both components."""
    return Vec(pick(mask, values.x), pick(mask, values.y))


def ends(prepared: Prepared, motion: Motion) -> tuple[Vec, Vec, Vec]:
    """Per joint `[J, W]`, from the centre of each body to its end of the joint, and from the first end to the second (m)."""
    joints = prepared.scene.joints
    angle_a, angle_b = pick(prepared.on_a, motion.angle), pick(prepared.on_b, motion.angle)
    arm_a = Vec.of(joints.anchor_a).turned(jnp.cos(angle_a), jnp.sin(angle_a))
    arm_b = Vec.of(joints.anchor_b).turned(jnp.cos(angle_b), jnp.sin(angle_b))
    return arm_a, arm_b, pick_vec(prepared.between, Vec.of(motion.pos)) + arm_b - arm_a


@jax.named_scope("joints.prepare_rows")
def prepare_rows(prepared: Prepared, motion: Motion, config: SolverConfig) -> JointRows:
    """Rows of every joint from the bodies' poses at the start of the step (`motion` padded to `E`)."""
    joints, on_a, on_b = prepared.scene.joints, prepared.on_a, prepared.on_b
    arm_a, arm_b, gap = ends(prepared, motion)
    inverse_mass = pick(on_a, prepared.inverse_mass) + pick(on_b, prepared.inverse_mass)
    inertia_a, inertia_b = pick(on_a, prepared.inverse_inertia), pick(on_b, prepared.inverse_inertia)
    arm_a, arm_b, gap, inverse_mass, inertia_a, inertia_b = materialise((arm_a, arm_b, gap, inverse_mass, inertia_a, inertia_b))
    error = pick(prepared.between, motion.angle) - joints.rest_angle
    over = jnp.where(joints.limited, error - jnp.clip(error, joints.lower, joints.upper), 0.0)
    angular = reciprocal(inertia_a + inertia_b)
    has_row = prepared.joint_active & (joints.fixed | (over != 0))
    rows = JointRows(
        arm_a=arm_a,
        arm_b=arm_b,
        inverse_k=_inverse_k(arm_a, arm_b, inverse_mass, inertia_a, inertia_b, prepared.joint_active),
        gap=gap * config.joint_bias,
        angle_mass=jnp.where(has_row, angular, 0.0),
        angle_bias=jnp.where(joints.fixed, config.fixed_bias * error, 0.0),
        over=jnp.where(joints.fixed, 0.0, over),
        lowest=jnp.where(joints.fixed | (over > 0), -jnp.inf, 0.0),
        highest=jnp.where(joints.fixed | (over < 0), jnp.inf, 0.0),
        inverse_mass=inverse_mass,
        inertia_a=inertia_a,
        inertia_b=inertia_b,
        offset=arm_b - arm_a,
    )
    return materialise(rows)


def _inverse_k(arm_a: Vec, arm_b: Vec, mass: Array, inertia_a: Array, inertia_b: Array, active: Array) -> tuple[Array, Array, Array]:
    """Inverse of K = (1/m_a + 1/m_b) I + the levers' part, a symmetric 2 x 2 matrix."""
    xx = mass + inertia_a * arm_a.y**2 + inertia_b * arm_b.y**2
    yy = mass + inertia_a * arm_a.x**2 + inertia_b * arm_b.x**2
    xy = -inertia_a * arm_a.x * arm_a.y - inertia_b * arm_b.x * arm_b.y
    scale = jnp.where(active, reciprocal(xx * yy - xy * xy), 0.0)
    return yy * scale, -xy * scale, xx * scale


def apply(prepared: Prepared, rows: JointRows, j: int, point: Vec, angle: Array, vel: Vec, omega: Array) -> tuple[Vec, Array]:
    """Give the impulses of joint `j` to the velocities `[E, W]` of its two bodies."""
    turn_a = prepared.on_a[j] * (rows.arm_a[j].cross(point) + angle)
    turn_b = prepared.on_b[j] * (rows.arm_b[j].cross(point) + angle)
    changed = vel + point * (prepared.between[j] * prepared.inverse_mass), omega + prepared.inverse_inertia * (turn_b - turn_a)
    return materialise(changed)


def solve(
    prepared: Prepared, all_rows: JointRows, j: int, impulse: tuple[Array, Array, Array], vel: Vec, omega: Array
) -> tuple[tuple[Array, Array, Array], Vec, Array]:
    """Visit joint `j`: point, then angle. Returns its impulses and the new velocities `[E, W]`."""
    rows = jax.tree.map(lambda leaf: leaf[j], all_rows)
    omega_a, omega_b = pick(prepared.on_a[j], omega), pick(prepared.on_b[j], omega)
    wrong = pick_vec(prepared.between[j], vel) + spin(omega_b, rows.arm_b) - spin(omega_a, rows.arm_a) + rows.gap
    xx, xy, yy = rows.inverse_k
    point = materialise(Vec(-(xx * wrong.x + xy * wrong.y), -(xy * wrong.x + yy * wrong.y)))
    turning = omega_b - omega_a + rows.inertia_b * rows.arm_b.cross(point) + rows.inertia_a * rows.arm_a.cross(point)
    held = materialise(jnp.clip(impulse[2] - rows.angle_mass * (turning + rows.angle_bias), rows.lowest, rows.highest))
    vel, omega = apply(prepared, all_rows, j, point, held - impulse[2], vel, omega)
    return (impulse[0] + point.x, impulse[1] + point.y, held), vel, omega


def warm_start(prepared: Prepared, stored: Array) -> tuple[Array, Array, Array]:
    """Last step's impulses `[J, W]`; limits start from nothing, as they come and go."""
    active = prepared.joint_active
    held = active & prepared.scene.joints.fixed
    return jnp.where(active, stored[0], 0.0), jnp.where(active, stored[1], 0.0), jnp.where(held, stored[2], 0.0)


@jax.named_scope("joints.correct")
def correct(rows: JointRows, prepared: Prepared, pos: Vec, angle: Array, config: SolverConfig) -> tuple[Vec, Array]:
    """Move jointed bodies towards each other and turn them back into their limits, without touching velocities."""
    scale = materialise(config.joint_projection * reciprocal(rows.inverse_mass))
    for _ in range(config.position_sweeps):
        for j in range(scale.shape[0]):
            between = prepared.between[j]
            gap = pick_vec(between, pos) + rows.offset[j]
            pos = materialise(pos - gap * scale[j] * (between * prepared.inverse_mass))
    turn = min(config.limit_bias * config.dt, 1.0) * rows.over * rows.angle_mass
    back = prepared.on_a * (turn * rows.inertia_a)[:, None] - prepared.on_b * (turn * rows.inertia_b)[:, None]
    return pos, angle + jnp.sum(back, axis=0)
