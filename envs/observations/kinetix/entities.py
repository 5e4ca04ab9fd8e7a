"""Kinetix' entities: sets of features with masks, unscaled and without bounds."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from envs import actions
from envs.base import Array, Level
from envs.observations import relations
from envs.observations.kinetix import features
from physics.base import Motion
from physics.query import overlap_table


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class KinetixEntities:
    """Batch first. Bodies are counted polygons first, of which the first four are the room."""

    circles: Array  # [B, C, 19]
    polygons: Array  # [B, P + 4, 27]
    joints: Array  # [B, 2 J, 22]
    thrusters: Array  # [B, T, 8]
    circle_mask: Array  # [B, C]
    polygon_mask: Array  # [B, P + 4]
    joint_mask: Array  # [B, 2 J]
    thruster_mask: Array  # [B, T]
    attention_mask: Array  # [B, 4, bodies, bodies] all, mechanism, jointed, touching (one way)
    joint_indexes: Array  # [B, 2 J, 2] int: from, to
    thruster_indexes: Array  # [B, T] int
    driven: Array  # [B, channels] whether a channel of the action drives anything; not in the original


def observe(level: Level, motion: Motion) -> KinetixEntities:
    """What an agent of Kinetix sees by default."""
    polygons, circles = features.bodies(level, motion, with_gravity=True)
    polygon_mask, circle_mask = features.masks(level)
    joint_on, thrusters = level.scene.joints.active.T, level.scene.thrusters
    return KinetixEntities(
        circles=circles,
        polygons=polygons,
        joints=features.joints(level),
        thrusters=features.thrusters(level),
        circle_mask=circle_mask.T,
        polygon_mask=polygon_mask.T,
        joint_mask=jnp.concatenate([joint_on, joint_on], axis=1),
        thruster_mask=thrusters.active.T,
        attention_mask=_attention(level, motion),
        joint_indexes=features.joint_indexes(level),
        thruster_indexes=features.index(level, thrusters.body, thrusters.active).T,
        driven=actions.driven(level),
    )


def _attention(level: Level, motion: Motion) -> Array:
    """`[B, 4, bodies, bodies]`: who (row) may attend to whom (column)."""
    scene, active = level.scene, level.scene.joints.active
    both = relations.present(scene)
    one_way = _one_way(scene.bodies.vertices.shape[2], scene.bodies.radius.shape[0])[..., None]
    touching = jnp.roll(overlap_table(scene, motion), features.WALLS, (0, 1)) & one_way
    tables = [both, relations.mechanism(scene, active), relations.jointed(scene, active)]
    walls_first = [jnp.roll(table & both, features.WALLS, (0, 1)) for table in tables]
    return jnp.transpose(jnp.stack([*walls_first, touching]), (3, 0, 1, 2))


def _one_way(polygons: int, circles: int) -> np.ndarray:
    """A contact is told from the lower to the higher index of equal shapes, and from circle to polygon."""
    circle = np.arange(features.WALLS + polygons + circles) >= features.WALLS + polygons
    alike = circle[:, None] == circle[None]
    return np.where(alike, np.triu(np.ones_like(alike), 1), circle[:, None])
