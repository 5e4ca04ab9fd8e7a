"""The level as sets of entities: bodies, joints, thrusters, and the room.

All features are scaled to about [-2, 2] and never beyond `BOUND`; inactive slots are all zeros and masked. Besides poses and
velocities every entity says where it is relative to what matters (the middle of green, the middle
of blue), and shapes are given as they stand now, already turned.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from envs import actions
from envs.actions.channels import is_each
from envs.base import MOTOR_CHANNELS, THRUSTER_CHANNELS, Array, Level, Role
from envs.observations.table import table, tame
from physics.base import ROOM_WIDTH, Motion
from physics.materialise import materialise
from physics.math2d import Vec

ROLES = len(Role)
BOUND = 20.0  # what the fastest body of the engine reaches; only absurd levels are cut


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Entities:
    """Batch first. An index of `N` or more means a wall of the room."""

    bodies: Array  # [B, N, features]
    joints: Array  # [B, J, features]
    thrusters: Array  # [B, T, features]
    room: Array  # [B, features]
    body_mask: Array  # [B, N]
    joint_mask: Array  # [B, J]
    thruster_mask: Array  # [B, T]
    joint_bodies: Array  # [B, J, 2] int, 0 where masked
    thruster_body: Array  # [B, T] int, 0 where masked
    body_role: Array  # [B, N, roles] one-hot, 0 where masked
    motor_channel: Array  # [B, J, motor channels] one-hot of what drives the joint, 0 if nothing does
    thruster_channel: Array  # [B, T, thruster channels]
    driven: Array  # [B, channels] whether a channel of the action drives anything


def observe(level: Level, motion: Motion) -> Entities:
    """Entities of a batch of levels and motions (worlds last in, batch first out)."""
    scene, origins = level.scene, _origins(level, motion)
    thruster_on = scene.thrusters.active
    joint_on = scene.joints.active
    ends = jnp.stack([scene.joints.body_a, scene.joints.body_b])
    return Entities(
        bodies=table(_body_features(level, motion, origins), scene.bodies.active, BOUND),
        joints=table(_joint_features(level, motion, ends, origins), joint_on, BOUND),
        thrusters=table(_thruster_features(level, motion, origins), thruster_on, BOUND),
        room=_room_features(level),
        body_mask=scene.bodies.active.T,
        joint_mask=joint_on.T,
        thruster_mask=thruster_on.T,
        joint_bodies=jnp.where(joint_on, ends, 0).T,
        thruster_body=jnp.where(thruster_on, scene.thrusters.body, 0).T,
        body_role=table([is_each(level.role, ROLES)], scene.bodies.active),
        motor_channel=table([is_each(level.motor_channel, MOTOR_CHANNELS)], actions.driven_motors(level)),
        thruster_channel=table([is_each(level.thruster_channel, THRUSTER_CHANNELS)], thruster_on),
        driven=actions.driven(level),
    )


def _origins(level: Level, motion: Motion) -> Array:
    """The points that places are told from, `[3, 2, W]`: the room's middle, that of green bodies, of blue ones (the room's if none)."""
    roles = np.array([Role.GREEN, Role.BLUE])[:, None, None]
    chosen = level.scene.bodies.active & (level.role == roles)
    count = jnp.sum(chosen.astype(jnp.float32), axis=1)[:, None]
    middle = jnp.sum(jnp.where(chosen[:, None], motion.pos, 0.0), axis=2) / jnp.maximum(count, 1.0)
    room = jnp.full((1, *middle.shape[1:]), ROOM_WIDTH / 2)
    return jnp.concatenate([room, jnp.where(count > 0, middle, room)])


def _places(origins: Array, at: Array) -> Array:
    """Where points `at [2, slots, W]` are, `[6, slots, W]`: from each origin, in half room widths."""
    return ((at - origins[:, :, None]) / (ROOM_WIDTH / 2)).reshape(-1, *at.shape[1:])


def _pairs(points: Vec) -> Array:
    """Points `[k, slots, W]` as `[2 k, slots, W]`: x and y of one after the other."""
    return jnp.stack([points.x, points.y], axis=1).reshape(-1, *points.x.shape[1:])


def _body_features(level: Level, motion: Motion, origins: Array) -> list[Array]:
    bodies = level.scene.bodies
    cos, sin = jnp.cos(motion.angle), jnp.sin(motion.angle)
    polygons, circles = bodies.vertices.shape[2], bodies.radius.shape[0]
    corners = _pairs(Vec.of(bodies.vertices).turned(cos[:polygons], sin[:polygons]))
    radius = jnp.pad(bodies.radius, ((polygons, 0), (0, 0)))
    inertia = jnp.stack([bodies.inverse_mass, bodies.inverse_inertia])
    return [
        _places(origins, motion.pos),
        motion.vel / 5, jnp.tanh(motion.omega / 10), cos, sin,
        jnp.pad(corners, ((0, 0), (0, circles), (0, 0))) * 2,
        radius * 2, radius > 0,
        is_each(level.role, ROLES),
        bodies.inverse_mass == 0,
        jnp.log1p(inertia) / np.array([4.0, 8.0], np.float32)[:, None, None],
        bodies.friction, bodies.restitution,
        bodies.collision == np.array([0, 2])[:, None, None],
    ]  # fmt: skip


def _read(index: Array, values: Array) -> Array:
    """`values[:, index]` `[K, ..., W]` of bodies `[K, N, W]`, and 0 for walls, by selection."""
    count, bodies, worlds = values.shape
    rows, here = values.reshape(count, bodies, *[1] * (index.ndim - 1), worlds), is_each(index, bodies)
    return materialise(sum((jnp.where(here[n], rows[:, n], 0.0) for n in range(bodies)), jnp.zeros((count, *index.shape))))


def _joint_features(level: Level, motion: Motion, ends: Array, origins: Array) -> list[Array]:
    joints = level.scene.joints
    x, y, angle, omega = _read(ends, jnp.stack([*motion.pos, motion.angle, motion.omega]))
    anchors = Vec(*jnp.stack([joints.anchor_a, joints.anchor_b], axis=1))
    arms = anchors.turned(jnp.cos(angle), jnp.sin(angle))
    turned = angle[1] - angle[0] - joints.rest_angle
    driven = joints.motor & ~joints.fixed
    motor = jnp.stack([joints.motor_speed, joints.motor_power])
    room_left = jnp.stack([turned - joints.lower, joints.upper - turned])
    return [
        _places(origins, (arms[0] + Vec(x[0], y[0])).stacked()),
        _pairs(arms) * 2,
        jnp.cos(turned), jnp.sin(turned), jnp.tanh((omega[1] - omega[0]) / 10),
        jnp.stack([joints.fixed, driven, driven & level.motor_auto]),
        jnp.where(driven, motor, 0.0) / 3,
        driven & is_each(level.motor_channel, MOTOR_CHANNELS),
        joints.limited,
        jnp.where(joints.limited, jnp.tanh(room_left), 0.0),
    ]  # fmt: skip


def _thruster_features(level: Level, motion: Motion, origins: Array) -> list[Array]:
    thrusters, bodies = level.scene.thrusters, level.scene.bodies
    known = jnp.stack([*motion.pos, motion.angle, bodies.inverse_mass, bodies.inverse_inertia])
    x, y, angle, lightness, nimbleness = _read(thrusters.body, known)
    arm = Vec.of(thrusters.anchor).turned(jnp.cos(angle), jnp.sin(angle))
    direction = Vec(jnp.cos(thrusters.angle + angle), jnp.sin(thrusters.angle + angle))
    effect = jnp.stack([lightness / 3, arm.cross(direction) * nimbleness / 10])  # it lifts, and it turns
    return [
        _places(origins, (arm + Vec(x, y)).stacked()),
        arm.stacked() * 2, direction.stacked(),
        thrusters.power, jnp.tanh(thrusters.power * effect),
        is_each(level.thruster_channel, THRUSTER_CHANNELS),
    ]  # fmt: skip


def _room_features(level: Level) -> Array:
    """Roles of the walls and gravity, `[B, features]`."""
    roles = level.wall_role[:, None] == np.arange(1, ROLES)[:, None]
    rows = [roles.reshape(-1, roles.shape[-1]).astype(jnp.float32), level.scene.gravity / 10]
    return tame(jnp.concatenate(rows).T, BOUND)
