"""Rows of features of polygons, circles, joints and thrusters, in SI units and in Kinetix' order.

There the room is made of the first four polygons: floor, left wall, right wall, ceiling. Bodies are
counted polygons first, so that a body's index is four more than here and a wall's is `N` less.
Corners go clockwise, in the order in which ours go backwards.
"""

import jax.numpy as jnp

from envs.base import MOTOR_CHANNELS, THRUSTER_CHANNELS, Array, Level, Role
from envs.observations.table import table
from physics.base import Motion

CORNERS = 4
NO_CORNER = -1.0
WALL_POS = ((2.5, -4.8), (0.0, 0.0), (0.0, 0.0), (2.5, 10.2))  # m, of what stands for the room there
WALL_CORNERS = (  # m, from there
    ((2.5, 5.2), (2.5, -5.2), (-2.5, -5.2), (-2.5, 5.2)),
    ((-5.0, 5.0), (0.0, 5.0), (0.0, 0.0), (-5.0, 0.0)),
    ((5.0, 5.0), (10.0, 5.0), (10.0, 0.0), (5.0, 0.0)),
    ((2.5, 5.2), (2.5, -5.2), (-2.5, -5.2), (-2.5, 5.2)),
)
WALLS = len(WALL_POS)


def masks(level: Level) -> tuple[Array, Array]:
    """Which polygons `[P + 4, W]` and circles `[C, W]` are there."""
    active, polygons = level.scene.bodies.active, level.scene.bodies.vertices.shape[2]
    return jnp.concatenate([jnp.ones_like(active, shape=(WALLS, active.shape[-1])), active[:polygons]]), active[polygons:]


def bodies(level: Level, motion: Motion, with_gravity: bool) -> tuple[Array, Array]:
    """Polygons `[B, P + 4, 26]` and circles `[B, C, 18]`; `with_gravity` appends its share to each."""
    polygon_mask, circle_mask = masks(level)
    split, base = polygon_mask.shape[0], _base(level, motion)
    tail = [level.scene.gravity[1] / 10] if with_gravity else []
    polygons = [*[column[:split] for column in base], jnp.zeros(()), *_corners(level), *tail]
    circles = [*[column[split:] for column in base], level.scene.bodies.radius, jnp.ones(()), *tail]
    return table(polygons, polygon_mask), table(circles, circle_mask)


def _base(level: Level, motion: Motion) -> list[Array]:
    """What polygons and circles share: columns `[4 + N, W]`."""
    made, walls = level.scene.bodies, level.scene.walls

    def column(wall: Array | float, body: Array) -> Array:
        return jnp.concatenate([jnp.broadcast_to(wall, (WALLS, body.shape[-1])).astype(body.dtype), body])

    role = column(level.wall_role, level.role)
    return [
        *[column(jnp.array(WALL_POS)[:, i, None], motion.pos[i]) for i in range(2)],
        *[column(0.0, motion.vel[i]) for i in range(2)],
        column(0.0, made.inverse_mass), column(0.0, made.inverse_inertia), column(1.0, made.density),
        column(0.0, jnp.tanh(motion.omega / 10)),
        *[role == kind for kind in Role],
        column(0.0, jnp.sin(motion.angle)), column(1.0, jnp.cos(motion.angle)),
        column(walls.friction, made.friction), column(walls.restitution, made.restitution),
    ]  # fmt: skip


def _corners(level: Level) -> list[Array]:
    """Coordinates of the four corners `[P + 4, W]`, clockwise, and whether there are but three."""
    vertices, count = level.scene.bodies.vertices, level.scene.bodies.vertex_count
    if vertices.shape[1] != CORNERS:
        raise ValueError(f"Kinetix' polygons have {CORNERS} corners, these have room for {vertices.shape[1]}")
    walls, worlds = jnp.array(WALL_CORNERS), count.shape[-1]
    columns = []
    for corner in range(CORNERS):
        for axis in range(2):
            value = jnp.full(count.shape, NO_CORNER)
            for place in range(CORNERS):
                value = jnp.where(count - 1 - corner == place, vertices[axis, place], value)
            wall = jnp.broadcast_to(walls[:, corner, axis, None], (WALLS, worlds))
            columns.append(jnp.concatenate([wall, value]))
    return [*columns, jnp.concatenate([jnp.zeros((WALLS, worlds), bool), count <= CORNERS - 1])]


def index(level: Level, body: Array, active: Array) -> Array:
    """The reference's index of a body or wall; 0 where there is none."""
    count = level.role.shape[0]
    return jnp.where(active, jnp.where(body < count, body + WALLS, body - count), 0)


def joints(level: Level) -> Array:
    """`[B, 2 J, 22]`: every joint as seen from its second body, then every joint as seen from its first."""
    made = level.scene.joints
    a, b = _anchor(level, made.body_a, made.anchor_a), _anchor(level, made.body_b, made.anchor_b)
    free, limited = ~made.fixed, made.limited & ~made.fixed
    head = [made.active, made.fixed]
    tail = [
        jnp.sin(made.rest_angle), jnp.cos(made.rest_angle),
        made.motor_speed * free, made.motor_power * free, made.motor & free, limited,
        *[(level.motor_channel == channel) & free for channel in range(MOTOR_CHANNELS)],
        jnp.sin(made.lower) * limited, jnp.cos(made.lower) * limited,
        jnp.sin(made.upper) * limited, jnp.cos(made.upper) * limited,
        (made.lower - made.rest_angle) * limited, (made.upper - made.rest_angle) * limited,
    ]  # fmt: skip
    seen = [table([*head, *first, *second, *tail], made.active) for first, second in ((b, a), (a, b))]
    return jnp.concatenate(seen, axis=1)


def joint_indexes(level: Level) -> Array:
    """`[B, 2 J, 2]`: (from, to) of the rows of `joints`."""
    made = level.scene.joints
    a, b = (index(level, body, made.active).T for body in (made.body_a, made.body_b))
    return jnp.concatenate([jnp.stack([b, a], axis=-1), jnp.stack([a, b], axis=-1)], axis=1)


def _anchor(level: Level, body: Array, anchor: Array) -> list[Array]:
    """An anchor in the frame of its body; here that of a wall is the room's."""
    count = level.role.shape[0]
    origins = [sum(jnp.where(body == count + wall, WALL_POS[wall][axis], 0.0) for wall in range(WALLS)) for axis in range(2)]
    return [anchor[axis] - origins[axis] for axis in range(2)]


def thrusters(level: Level) -> Array:
    """`[B, T, 8]`."""
    made = level.scene.thrusters
    columns = [
        made.active, made.anchor[0], made.anchor[1],
        *[level.thruster_channel == channel for channel in range(THRUSTER_CHANNELS)],
        jnp.sin(made.angle), jnp.cos(made.angle), made.power,
    ]  # fmt: skip
    return table(columns, made.active)
