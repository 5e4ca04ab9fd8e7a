"""Semi-implicit Euler: velocities first, positions with the new velocities, and the clips."""

import jax
import jax.numpy as jnp

from physics.base import Array, Motion, SolverConfig
from physics.math2d import Twist, Vec
from physics.prepare import Prepared


@jax.named_scope("integrate.velocities")
def gravity(moving: Twist, prepared: Prepared, dt: float) -> Twist:
    """Velocities `[E, W]` after `dt` s of gravity; immovable and absent bodies do not fall."""
    falls, pull = prepared.inverse_mass > 0, Vec.of(prepared.scene.gravity)
    return Twist(moving.vel + Vec(jnp.where(falls, pull.x * dt, 0.0), jnp.where(falls, pull.y * dt, 0.0)), moving.omega)


@jax.named_scope("integrate.positions")
def positions(pos: Vec, angle: Array, moving: Twist, config: SolverConfig) -> Motion:
    """The motion after a step at these velocities, clipped."""
    return clipped(pos + moving.vel * config.dt, angle + moving.omega * config.dt, moving, config)


def clipped(pos: Vec, angle: Array, moving: Twist, config: SolverConfig) -> Motion:
    """A motion inside the configured bounds."""
    farthest, fastest = config.max_position, config.max_speed
    return Motion(
        pos=jnp.clip(pos.stacked(), -farthest, farthest),
        angle=angle,
        vel=jnp.clip(moving.vel.stacked(), -fastest, fastest),
        omega=jnp.clip(moving.omega, -config.max_spin, config.max_spin),
    )
