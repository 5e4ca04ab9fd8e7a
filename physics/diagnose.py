"""How a batch of worlds is doing: energy, momentum, penetration, joint error, broken numbers.

For tests, for metrics and for people who wonder why a level misbehaves; not on the hot path. Nothing can
overflow in this engine, so nothing is counted as such: every pair, wall and joint has a slot of its own.
"""

import jax
import jax.numpy as jnp

from physics import joints
from physics.base import Array, Motion
from physics.find import find_contacts
from physics.math2d import Vec, reciprocal
from physics.prepare import Prepared, capacity_of, pad
from physics.pytree import array, struct


@struct
class Diagnosis:
    """One number a world."""

    kinetic: Array = array("", unit="J")  # of bodies that can move
    potential: Array = array("", unit="J")  # likewise, under gravity; 0 at the origin of the world
    momentum: Array = array("2", unit="kg m/s")
    penetration: Array = array("", unit="m")  # of the deepest contact that is pushed apart; 0 without any
    joint_error: Array = array("", unit="m")  # widest gap between the two ends of a joint
    finite: Array = array("", "bool")  # whether every number of the motion is


@jax.named_scope("diagnose")
def diagnose(prepared: Prepared, motion: Motion) -> Diagnosis:
    """Look at worlds as they are; changes nothing."""
    padded = pad(motion, capacity_of(prepared.scene))
    pos, vel, pull = Vec.of(padded.pos), Vec.of(padded.vel), Vec.of(prepared.scene.gravity)
    mass, inertia = reciprocal(prepared.inverse_mass), reciprocal(prepared.inverse_inertia)
    gap = joints.ends(prepared, padded).gap.length()
    return Diagnosis(
        kinetic=0.5 * jnp.sum(mass * vel.dot(vel) + inertia * padded.omega**2, axis=0),
        potential=-jnp.sum(mass * pos.dot(pull), axis=0),
        momentum=jnp.stack([jnp.sum(mass * vel.x, axis=0), jnp.sum(mass * vel.y, axis=0)]),
        penetration=_penetration(prepared, padded),
        joint_error=jnp.max(jnp.where(prepared.joint_active, gap, 0.0), axis=0, initial=0.0),
        finite=finite(motion),
    )


def finite(motion: Motion) -> Array:
    """Per world `[W]`, whether every number of the motion is finite."""
    total = jnp.sum(motion.pos, axis=(0, 1)) + jnp.sum(motion.vel, axis=(0, 1))
    return jnp.isfinite(total + jnp.sum(motion.angle, axis=0) + jnp.sum(motion.omega, axis=0))


def summary(diagnosis: Diagnosis) -> dict[str, Array]:
    """A few scalars over all worlds that are whole, for curves: means of energy, the worst of errors, the share that broke."""
    whole = diagnosis.finite
    count = jnp.maximum(whole.sum(), 1)
    energy = jnp.where(whole, diagnosis.kinetic + diagnosis.potential, 0.0)
    return {
        "energy": energy.sum() / count,
        "penetration": jnp.max(jnp.where(whole, diagnosis.penetration, 0.0)),
        "joint_error": jnp.max(jnp.where(whole, diagnosis.joint_error, 0.0)),
        "broken_worlds": 1 - whole.mean(),
    }


def _penetration(prepared: Prepared, motion: Motion) -> Array:
    found = find_contacts(prepared, capacity_of(prepared.scene), motion)
    return jnp.max(jnp.where(found.contact.active & found.admitted, found.contact.depths, 0.0), axis=(0, 1), initial=0.0)
