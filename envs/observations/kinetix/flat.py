"""Kinetix' flat observations: the same rows as one long row, or padded to one width, cut at 10."""

import jax
import jax.numpy as jnp

from envs import actions
from envs.base import Array, Level
from envs.observations.flat import Flat
from envs.observations.flat_padded import FlatPadded, kinds, padded
from envs.observations.kinetix import features
from envs.observations.table import flattened
from physics.base import Motion

BOUND = 10.0


def observe(level: Level, motion: Motion) -> Flat:
    """One row of features a world."""
    row = flattened([*_blocks(level, motion), level.scene.gravity[1:].T / 10])
    return Flat(features=jnp.clip(row, -BOUND, BOUND), driven=actions.driven(level))


def observe_padded(level: Level, motion: Motion) -> FlatPadded:
    """One row of features a slot; empty slots still say what they are for, and gravity."""
    blocks = _blocks(level, motion)
    rows = padded(blocks)
    gravity = jnp.broadcast_to(level.scene.gravity[1][:, None, None] / 10, (*rows.shape[:2], 1))
    return FlatPadded(
        rows=jnp.clip(jnp.concatenate([rows, kinds(blocks), gravity], axis=-1), -BOUND, BOUND),
        mask=_mask(level),
        driven=actions.driven(level),
    )


def _blocks(level: Level, motion: Motion) -> list[Array]:
    """Rows of polygons, circles, joints and thrusters, those of the last two with one-hots of their bodies."""
    polygons, circles = features.bodies(level, motion, with_gravity=False)
    joints, thrusters = level.scene.joints, level.scene.thrusters
    count = polygons.shape[1] + circles.shape[1]

    def owner(body: Array, active: Array) -> Array:
        return jax.nn.one_hot(features.index(level, body, active).T, count) * active.T[..., None]

    ends = [owner(body, joints.active) for body in (joints.body_b, joints.body_a)]
    return [
        _told(polygons),
        circles,
        jnp.concatenate([features.joints(level)[:, : joints.active.shape[0]], *ends], axis=-1),
        jnp.concatenate([features.thrusters(level), owner(thrusters.body, thrusters.active)], axis=-1),
    ]


def _told(polygons: Array) -> Array:
    """Without the walls and the ceiling: `[B, P + 1, ...]`."""
    return jnp.concatenate([polygons[:, :1], polygons[:, features.WALLS :]], axis=1)


def _mask(level: Level) -> Array:
    polygon_mask, circle_mask = (mask.T for mask in features.masks(level))
    return jnp.concatenate([_told(polygon_mask), circle_mask, level.scene.joints.active.T, level.scene.thrusters.active.T], axis=1)
