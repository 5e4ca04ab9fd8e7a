"""What edits need to know of a level (one world): how large bodies are, what they weigh, what hangs together."""

import jax.numpy as jnp

from envs.base import Array, Level
from physics.prepare import linked as linked_in_batch


def extents(level: Level) -> Array:
    """Half sides `[2, N]` of every body's box in its own frame, m; a circle's radius twice."""
    bodies = level.scene.bodies
    return jnp.concatenate([jnp.max(jnp.abs(bodies.vertices), axis=1), jnp.stack([bodies.radius, bodies.radius])], axis=1)


def masses(level: Level) -> tuple[Array, Array]:
    """(mass kg, inertia kg m2) `[N]` that every body has, or would have if it could move."""
    bodies = level.scene.bodies
    x, y = bodies.vertices  # padding repeats a vertex and adds nothing
    nx, ny = jnp.roll(x, -1, axis=0), jnp.roll(y, -1, axis=0)
    cross = x * ny - y * nx
    area = cross.sum(0) / 2
    moment = (cross * (x * x + x * nx + nx * nx + y * y + y * ny + ny * ny)).sum(0) / 12
    disc = jnp.pi * bodies.radius**2
    mass = bodies.density * jnp.concatenate([area, disc])
    return mass, bodies.density * jnp.concatenate([moment, disc * bodies.radius**2 / 2])


def ends(level: Level) -> tuple[Array, Array]:
    """The nodes `[J]` that joints join: bodies, and `N` for the room, whichever wall it is."""
    bodies = level.role.shape[0]
    return jnp.minimum(level.scene.joints.body_a, bodies), jnp.minimum(level.scene.joints.body_b, bodies)


def chain(level: Level, body: Array) -> Array:
    """`[N]`: the active bodies that a chain of joints links to `body`, itself among them; not by way of the room."""
    bodies = level.role.shape[0]
    at_room = (level.scene.joints.body_a >= bodies) | (level.scene.joints.body_b >= bodies)
    return linked(level, without=at_room)[body, :-1] & level.scene.bodies.active


def linked(level: Level, without: Array) -> Array:
    """`[N + 1, N + 1]`: whether a chain of active joints, except those `without [J]`, leads from one node to another."""
    nodes = level.role.shape[0] + 1
    a, b = ends(level)
    counts = level.scene.joints.active & ~without
    return linked_in_batch(a[:, None], b[:, None], counts[:, None], nodes)[..., 0]
