"""Motors and thrusters: the laws that turn controls into changes of velocity.

Both act once a step, before the solver, on all actuators at once. The laws are those of published
levels: a motor's strength does not depend on what it turns, and it goes slack at control 0.
"""

import jax
import jax.numpy as jnp

from physics.base import Array, Motion, SolverConfig
from physics.joints import pick
from physics.math2d import Vec, reciprocal
from physics.prepare import Prepared


@jax.named_scope("actuators.motors")
def motors(prepared: Prepared, motion: Motion, control: Array, omega: Array, config: SolverConfig) -> Array:
    """New angular velocities `[E, W]` after one step of every motor with `control [J, W]` in [-1, 1]."""
    joints, on_a, on_b = prepared.scene.joints, prepared.on_a, prepared.on_b
    turning = pick(prepared.between, omega)
    error = turning - joints.motor_speed * config.motor_speed * control
    inertia = pick(on_a, prepared.inverse_inertia) + pick(on_b, prepared.inverse_inertia)
    strength = config.motor_power * joints.motor_power * config.dt * reciprocal(inertia)
    torque = strength * jnp.tanh(config.motor_decay * error) * _weakening(prepared, motion, control, config)
    on = prepared.joint_active & joints.motor & ~joints.fixed & (control != 0)
    torque = jnp.where(on, torque, 0.0)
    push = -jnp.sum(prepared.between * torque[:, None], axis=0)
    return omega + prepared.inverse_inertia * push


def _weakening(prepared: Prepared, motion: Motion, control: Array, config: SolverConfig) -> Array:
    """Factor that fades a motor out as it drives a joint into its limit."""
    joints, zone = prepared.scene.joints, config.motor_limit_zone
    angle = pick(prepared.between, motion.angle) - joints.rest_angle
    over = angle - jnp.clip(angle, joints.lower + zone, jnp.maximum(joints.upper - zone, joints.lower + zone))
    fade = jnp.maximum(0.0, 1.0 - jnp.abs(over) / zone)
    leaving = jnp.sign(over) != jnp.sign(control)
    return jnp.where(joints.limited & (over != 0) & ~leaving, fade, 1.0)


@jax.named_scope("actuators.thrusters")
def thrusters(prepared: Prepared, angle: Array, control: Array, vel: Vec, omega: Array, config: SolverConfig) -> tuple[Vec, Array]:
    """New velocities `[E, W]` after one step of every thruster with `control [T, W]` in [0, 1]."""
    parts, on = prepared.scene.thrusters, prepared.thruster_on
    body_angle = pick(on, angle)
    arm = Vec.of(parts.anchor).turned(jnp.cos(body_angle), jnp.sin(body_angle))
    direction = parts.angle + body_angle
    size = parts.power * config.thruster_power * control * config.dt
    force = Vec(jnp.cos(direction) * size, jnp.sin(direction) * size)
    turn = jnp.sum(on * arm.cross(force)[:, None], axis=0)
    total = Vec(jnp.sum(on * force.x[:, None], axis=0), jnp.sum(on * force.y[:, None], axis=0))
    return vel + total * prepared.inverse_mass, omega + prepared.inverse_inertia * turn
