"""Semi-implicit Euler: velocities first, positions with the new velocities, and the clips."""

import jax
import jax.numpy as jnp

from physics.base import Array, Motion, SolverConfig
from physics.math2d import Vec


@jax.named_scope("integrate.velocities")
def gravity(vel: Vec, inverse_mass: Array, pull: Array, config: SolverConfig) -> Vec:
    """Velocities `[E, W]` after gravity `[2, W]`; immovable and absent bodies do not fall."""
    falls = inverse_mass > 0
    return Vec(vel.x + jnp.where(falls, pull[0] * config.dt, 0.0), vel.y + jnp.where(falls, pull[1] * config.dt, 0.0))


@jax.named_scope("integrate.positions")
def positions(pos: Vec, angle: Array, vel: Vec, omega: Array, config: SolverConfig) -> Motion:
    """The motion at the end of the step, clipped to the configured bounds."""
    farthest, fastest = config.max_position, config.max_speed
    moved = pos + vel * config.dt
    return Motion(
        pos=jnp.clip(moved.stacked(), -farthest, farthest),
        angle=angle + omega * config.dt,
        vel=jnp.clip(vel.stacked(), -fastest, fastest),
        omega=jnp.clip(omega, -config.max_spin, config.max_spin),
    )
