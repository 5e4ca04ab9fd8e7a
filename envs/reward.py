"""What is earned: green must touch blue and never red.

+1 when a green thing touches a blue one, -1 when it touches a red one (red first when both happen at
once); both end the episode. A dense term pays for coming closer. Things are bodies or walls of the
room; touching is by geometry, so bodies joined to each other count.
"""

import functools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from envs.base import Array, Level, Role
from physics import schedule
from physics.base import WALL_NORMALS, WALL_OFFSETS, Motion, Touching
from physics.math2d import Vec


@jax.named_scope("reward.sparse")
def sparse(level: Level, touching: Touching) -> Array:
    """-1, 0 or 1 per world `[W]`."""
    role = level.role
    count = role.shape[0]
    plan = schedule.make(max(2, count + count % 2))
    first, second = role[jnp.minimum(plan.first, count - 1)], role[jnp.minimum(plan.second, count - 1)]

    def meets(other: Role) -> Array:
        pair = _one_each(first, second, other) & touching.pairs
        wall = _one_each(level.wall_role[:, None], role[None], other) & touching.walls
        return jnp.any(pair, axis=0) | jnp.any(wall, axis=(0, 1))

    return jnp.where(meets(Role.RED), -1.0, jnp.where(meets(Role.BLUE), 1.0, 0.0))


def _one_each(a: Array, b: Array, other: Role) -> Array:
    return ((a == Role.GREEN) & (b == other)) | ((a == other) & (b == Role.GREEN))


@jax.named_scope("reward.distance")
def distance(level: Level, motion: Motion) -> Array:
    """Distance of centres (or from centre to wall), m, summed over all pairs of green and blue, `[W]`."""
    return sum((jnp.sum(jnp.where(counts, apart, 0.0), axis=(0, 1)) for apart, counts in _apart(level, motion)), jnp.zeros(()))


@jax.named_scope("reward.nearest")
def nearest(level: Level, motion: Motion) -> Array:
    """Distance as above, of the pair of green and blue that is nearest, `[W]`; infinite without a pair."""
    return functools.reduce(
        jnp.minimum, [jnp.min(jnp.where(counts, apart, jnp.inf), axis=(0, 1)) for apart, counts in _apart(level, motion)]
    )


def _apart(level: Level, motion: Motion) -> Iterator[tuple[Array, Array]]:
    """How far apart things are, m, and whether one is green and the other blue: `[N, N, W]` of bodies, `[R, N, W]` of walls and bodies."""
    present = level.scene.bodies.active
    green, blue = [present & (level.role == role) for role in (Role.GREEN, Role.BLUE)]
    x, y = motion.pos[0], motion.pos[1]
    yield jnp.sqrt((x[:, None] - x) ** 2 + (y[:, None] - y) ** 2 + 1e-12), green[:, None] & blue
    count, role = level.wall_role.shape[0], level.wall_role[:, None]
    if count:
        normal, offset = (np.array(values[:count], np.float32)[..., None, None] for values in (WALL_NORMALS, WALL_OFFSETS))
        yield Vec(normal[:, 0], normal[:, 1]).dot(Vec(x, y)) - offset, (green & (role == Role.BLUE)) | (blue & (role == Role.GREEN))
