"""Motors and thrusters: the laws that turn controls into changes of velocity.

Both act once a step, before the solver, on all actuators at once. The laws are those of published
levels: a motor's strength does not depend on what it turns, and it goes slack at control 0.
"""

import jax
import jax.numpy as jnp

from physics import attach
from physics.base import Array, Capacity, Controls, Motion, SolverConfig
from physics.math2d import Twist, Vec, reciprocal
from physics.prepare import Prepared


def drive(prepared: Prepared, capacity: Capacity, motion: Motion, controls: Controls, config: SolverConfig) -> Twist:
    """Velocities `[E, W]` of a motion padded to `E` after one step of all actuators."""
    vel, omega = Vec.of(motion.vel), motion.omega
    if capacity.joints:
        omega = motors(prepared, motion, controls.motor, omega, config)
    if capacity.thrusters:
        vel, omega = thrusters(prepared, motion.angle, controls.thruster, vel, omega, config)
    return Twist(vel, omega)


@jax.named_scope("actuators.motors")
def motors(prepared: Prepared, motion: Motion, control: Array, omega: Array, config: SolverConfig) -> Array:
    """New angular velocities `[E, W]` after one step of every motor with `control [J, W]` in [-1, 1]."""
    joints, a, b = prepared.scene.joints, prepared.body_a, prepared.body_b
    turning = attach.difference(a, b, omega)
    error = turning - joints.motor_speed * config.motor_speed * control
    inertia = attach.read(a, prepared.inverse_inertia) + attach.read(b, prepared.inverse_inertia)
    strength = config.motor_power * joints.motor_power * config.dt * reciprocal(inertia)
    torque = strength * jnp.tanh(config.motor_decay * error) * _weakening(prepared, motion, control, config)
    on = prepared.joint_active & joints.motor & ~joints.fixed & (control != 0)
    torque = jnp.where(on, torque, 0.0)
    bodies = omega.shape[0]
    push = attach.spread(a, torque, bodies) - attach.spread(b, torque, bodies)
    return omega + prepared.inverse_inertia * push


def _weakening(prepared: Prepared, motion: Motion, control: Array, config: SolverConfig) -> Array:
    """Factor that fades a motor out as it drives a joint into its limit."""
    joints, zone = prepared.scene.joints, config.motor_limit_zone
    angle = attach.difference(prepared.body_a, prepared.body_b, motion.angle) - joints.rest_angle
    over = angle - jnp.clip(angle, joints.lower + zone, jnp.maximum(joints.upper - zone, joints.lower + zone))
    fade = jnp.maximum(0.0, 1.0 - jnp.abs(over) / zone)
    leaving = jnp.sign(over) != jnp.sign(control)
    return jnp.where(joints.limited & (over != 0) & ~leaving, fade, 1.0)


@jax.named_scope("actuators.thrusters")
def thrusters(prepared: Prepared, angle: Array, control: Array, vel: Vec, omega: Array, config: SolverConfig) -> tuple[Vec, Array]:
    """New velocities `[E, W]` after one step of every thruster with `control [T, W]` in [0, 1]."""
    parts, body, bodies = prepared.scene.thrusters, prepared.thruster_body, angle.shape[0]
    body_angle = attach.read(body, angle)
    arm = Vec.of(parts.anchor).turned(jnp.cos(body_angle), jnp.sin(body_angle))
    direction = parts.angle + body_angle
    size = parts.power * config.thruster_power * control * config.dt
    force = Vec(jnp.cos(direction) * size, jnp.sin(direction) * size)
    turn = attach.spread(body, arm.cross(force), bodies)
    total = Vec(attach.spread(body, force.x, bodies), attach.spread(body, force.y, bodies))
    return vel + total * prepared.inverse_mass, omega + prepared.inverse_inertia * turn
