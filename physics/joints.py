"""What joints are to every solver: where their ends are, and whom their impulses push.

How a visit finds its impulse is the solver's own rule (`sequential.py`, `soft.py`). Joints are visited
one after the other in slot order, so any number may sit on a pair of bodies or on the room.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from physics import attach
from physics.base import Array, Motion
from physics.contacts import Rows3, rows3
from physics.materialise import Packed, each, materialise, pack
from physics.math2d import Twist, Vec
from physics.prepare import Prepared


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Placed:
    """Where the ends of all joints are, `[J, W]`."""

    arm_a: Vec  # from a body's centre to its end, m
    arm_b: Vec
    gap: Vec  # from the first end to the second, m
    error: Array  # angle between the bodies less that at rest, rad


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Linked:
    """What every row needs to know of a joint's two bodies, `[J, W]`."""

    body_a: Array  # -1 where nothing moves; a float, so that all fields can be packed together
    body_b: Array
    arm_a: Vec
    arm_b: Vec
    mass_a: Array  # inverse
    mass_b: Array
    inertia_a: Array  # inverse
    inertia_b: Array


@jax.named_scope("joints.ends")
def ends(prepared: Prepared, motion: Motion) -> Placed:
    """Ends of joints from the poses of `motion` (padded to `E`)."""
    joints, a, b = prepared.scene.joints, prepared.body_a, prepared.body_b
    angle_a, angle_b = attach.read(a, motion.angle), attach.read(b, motion.angle)
    arm_a = Vec.of(joints.anchor_a).turned(jnp.cos(angle_a), jnp.sin(angle_a))
    arm_b = Vec.of(joints.anchor_b).turned(jnp.cos(angle_b), jnp.sin(angle_b))
    gap = attach.difference_vec(a, b, Vec.of(motion.pos)) + arm_b - arm_a
    return materialise(Placed(arm_a, arm_b, gap, angle_b - angle_a - joints.rest_angle))


@jax.named_scope("joints.link")
def link(prepared: Prepared, placed: Placed) -> Linked:
    """The bodies of every joint."""
    a, b = prepared.body_a, prepared.body_b
    mass, inertia = prepared.inverse_mass, prepared.inverse_inertia
    linked = Linked(
        body_a=a.astype(jnp.float32),
        body_b=b.astype(jnp.float32),
        arm_a=placed.arm_a,
        arm_b=placed.arm_b,
        mass_a=attach.read(a, mass),
        mass_b=attach.read(b, mass),
        inertia_a=attach.read(a, inertia),
        inertia_b=attach.read(b, inertia),
    )
    return materialise(linked)


def one_by_one(rows: object) -> list[Packed]:
    """Rows `[J, W]` of all joints as rows `[W]` of each, in memory of their own: joints then share their compiled kernels."""
    return pack(rows).each()


@jax.jit
def apply(prepared: Prepared, link: Linked, impulse: Rows3, moving: Twist) -> Twist:
    """Give the impulses (x, y, angle) of one joint to the velocities `[E, W]` of its two bodies."""
    bodies, point = moving.omega.shape[0], Vec(impulse[0], impulse[1])
    at_a, at_b = attach.is_at(link.body_a, bodies), attach.is_at(link.body_b, bodies)
    share = jnp.where(at_b, prepared.inverse_mass, jnp.where(at_a, -prepared.inverse_mass, 0.0))
    turn_a, turn_b = link.arm_a.cross(point) + impulse[2], link.arm_b.cross(point) + impulse[2]
    turn = jnp.where(at_b, turn_b, jnp.where(at_a, -turn_a, 0.0))
    return materialise(Twist(moving.vel + point * share, moving.omega + prepared.inverse_inertia * turn))


@jax.named_scope("joints.warm_start")
def push_all(prepared: Prepared, links: list[Linked], impulses: list[Rows3], moving: Twist) -> Twist:
    """Apply the impulses of all joints to the velocities."""
    for linked, impulse in zip(links, impulses, strict=True):
        moving = apply(prepared, linked, impulse, moving)
    return moving


def warm_start(prepared: Prepared, stored: Array) -> list[Rows3]:
    """Last step's impulses per joint; limits start from nothing, as they come and go."""
    active = prepared.joint_active
    held = active & prepared.scene.joints.fixed
    kept = materialise(jnp.where(jnp.stack([active, active, held]), stored, 0.0))
    return [rows3(part) for part in each(kept)]
