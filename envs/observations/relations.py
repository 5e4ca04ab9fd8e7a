"""Entities, and how they stand to each other: four tables over the bodies and the walls of the room.

For networks whose heads of attention look along different relations. It is a kind of its own because
who touches whom costs more than all features together, and a network that does not ask should not pay.
Everything follows from level and motion, so that the learner, which keeps motion alone, sees the same.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from envs.base import Array, Level
from envs.observations import entities
from envs.observations.entities import Entities
from physics.base import Motion, Scene
from physics.prepare import acting_joints, linked
from physics.query import overlap_table

RELATIONS = ("all", "jointed", "mechanism", "touching")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class RelatedEntities(Entities):
    """Batch first. `N + R` nodes: bodies, then walls, as `joint_bodies` counts them."""

    relations: Array  # [B, relations, N + R, N + R] bool, in the order of `RELATIONS`; symmetric, nothing with an empty slot


def observe(level: Level, motion: Motion) -> RelatedEntities:
    """Entities with their relations."""
    return RelatedEntities(**vars(entities.observe(level, motion)), relations=relations(level, motion))


def relations(level: Level, motion: Motion) -> Array:
    """`[B, relations, N + R, N + R]`. Everything is of one mechanism with itself, but touches and is jointed to others alone."""
    acting = acting_joints(level.scene, _count(level.scene))
    both = present(level.scene)
    tables = [both, jointed(level.scene, acting), mechanism(level.scene, acting), overlap_table(level.scene, motion)]
    return jnp.transpose(jnp.stack([table & both for table in tables]), (3, 0, 1, 2))


def present(scene: Scene) -> Array:
    """`[N + R, N + R, W]`: whether both are there; walls always are."""
    walls = jnp.ones_like(scene.bodies.active, shape=(scene.walls.friction.shape[0], scene.bodies.active.shape[-1]))
    active = jnp.concatenate([scene.bodies.active, walls])
    return active[:, None] & active[None]


def jointed(scene: Scene, active: Array) -> Array:
    """`[N + R, N + R, W]`: whether one of the `active [J, W]` joints is between the two."""
    joints, nodes = scene.joints, jnp.arange(_count(scene))[:, None]
    table = jnp.zeros((_count(scene), _count(scene), active.shape[-1]), bool)
    for j in range(active.shape[0]):
        a, b = (nodes == joints.body_a[j]) & active[j], (nodes == joints.body_b[j]) & active[j]
        table = table | (a[:, None] & b[None]) | (b[:, None] & a[None])
    return table


def mechanism(scene: Scene, active: Array) -> Array:
    """`[N + R, N + R, W]`: whether a chain of `active` joints leads from one to the other."""
    return linked(scene.joints.body_a, scene.joints.body_b, active, _count(scene))


def _count(scene: Scene) -> int:
    return scene.bodies.active.shape[0] + scene.walls.friction.shape[0]
