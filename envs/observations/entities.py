"""The level as sets of entities: bodies, joints, thrusters, and the room.

All features are scaled to about [-2, 2] and never beyond `BOUND`; inactive slots are all zeros and masked. Besides poses and
velocities every entity says where it is relative to what matters (the middle of green, the middle
of blue), and shapes are given as they stand now, already turned.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from envs import actions
from envs.base import MOTOR_CHANNELS, THRUSTER_CHANNELS, Array, Level, Role
from envs.observations.table import table, tame
from physics.base import ROOM_WIDTH, Motion
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
    scene = level.scene
    thruster_on = scene.thrusters.active
    joint_on = scene.joints.active
    return Entities(
        bodies=_table(_body_features(level, motion), scene.bodies.active),
        joints=_table(_joint_features(level, motion), joint_on),
        thrusters=_table(_thruster_features(level, motion), thruster_on),
        room=_room_features(level),
        body_mask=scene.bodies.active.T,
        joint_mask=joint_on.T,
        thruster_mask=thruster_on.T,
        joint_bodies=jnp.stack([jnp.where(joint_on, body, 0).T for body in (scene.joints.body_a, scene.joints.body_b)], axis=-1),
        thruster_body=jnp.where(thruster_on, scene.thrusters.body, 0).T,
        body_role=_table(_one_hot(level.role, ROLES), scene.bodies.active),
        motor_channel=_table(_one_hot(level.motor_channel, MOTOR_CHANNELS), actions.driven_motors(level)),
        thruster_channel=_table(_one_hot(level.thruster_channel, THRUSTER_CHANNELS), thruster_on),
        driven=actions.driven(level),
    )


def _table(columns: list[Array], mask: Array) -> Array:
    return table(columns, mask, BOUND)


def _middle(level: Level, motion: Motion, role: Role) -> Vec:
    """Mean position `[W]` of the bodies of a role; the room's middle if there is none."""
    chosen = level.scene.bodies.active & (level.role == role)
    count = jnp.sum(chosen.astype(jnp.float32), axis=0)
    middle = [jnp.sum(jnp.where(chosen, motion.pos[i], 0.0), axis=0) / jnp.maximum(count, 1.0) for i in range(2)]
    return Vec(*[jnp.where(count > 0, value, ROOM_WIDTH / 2) for value in middle])


def _places(level: Level, motion: Motion, at: Vec) -> list[Array]:
    """Where points are: in the room, from green, from blue; in half room widths."""
    half = ROOM_WIDTH / 2
    green, blue = _middle(level, motion, Role.GREEN), _middle(level, motion, Role.BLUE)
    return [
        at.x / half - 1, at.y / half - 1, (at.x - green.x) / half, (at.y - green.y) / half,
        (at.x - blue.x) / half, (at.y - blue.y) / half,
    ]  # fmt: skip


def _one_hot(value: Array, classes: int) -> list[Array]:
    return [value == i for i in range(classes)]


def _body_features(level: Level, motion: Motion) -> list[Array]:
    bodies = level.scene.bodies
    pos, vel = Vec.of(motion.pos), Vec.of(motion.vel)
    cos, sin = jnp.cos(motion.angle), jnp.sin(motion.angle)
    polygons, circles = bodies.vertices.shape[2], bodies.radius.shape[0]
    worlds = motion.angle.shape[-1]

    def for_polygons(value: Array) -> Array:
        return jnp.concatenate([value, jnp.zeros((circles, worlds))])

    corners = [Vec.of(bodies.vertices[:, i]).turned(cos[:polygons], sin[:polygons]) for i in range(bodies.vertices.shape[1])]
    radius = jnp.concatenate([jnp.zeros((polygons, worlds)), bodies.radius])
    return [
        *_places(level, motion, pos),
        vel.x / 5, vel.y / 5, jnp.tanh(motion.omega / 10), cos, sin,
        *[for_polygons(part) * 2 for corner in corners for part in (corner.x, corner.y)],
        radius * 2, radius > 0,
        *_one_hot(level.role, ROLES),
        bodies.inverse_mass == 0,
        jnp.log1p(bodies.inverse_mass) / 4, jnp.log1p(bodies.inverse_inertia) / 8,
        bodies.friction, bodies.restitution, bodies.collision == 0, bodies.collision == 2,
    ]  # fmt: skip


def _read(index: Array, values: Array) -> Array:
    """`values[index]` for bodies `[N, W]` and 0 for walls, by selection."""
    return sum((jnp.where(index == n, values[n], 0.0) for n in range(values.shape[0])), jnp.zeros(index.shape))


def _attached(level: Level, motion: Motion, body: Array, anchor: Array) -> tuple[Vec, Vec, Array]:
    """Of points fixed to bodies: world position, lever arm from the body's centre, the body's angle."""
    angle = _read(body, motion.angle)
    arm = Vec.of(anchor).turned(jnp.cos(angle), jnp.sin(angle))
    return arm + Vec(_read(body, motion.pos[0]), _read(body, motion.pos[1])), arm, angle


def _joint_features(level: Level, motion: Motion) -> list[Array]:
    joints = level.scene.joints
    at, arm_a, angle_a = _attached(level, motion, joints.body_a, joints.anchor_a)
    _, arm_b, angle_b = _attached(level, motion, joints.body_b, joints.anchor_b)
    turned = angle_b - angle_a - joints.rest_angle
    turning = _read(joints.body_b, motion.omega) - _read(joints.body_a, motion.omega)
    driven = joints.motor & ~joints.fixed
    return [
        *_places(level, motion, at),
        arm_a.x * 2, arm_a.y * 2, arm_b.x * 2, arm_b.y * 2,
        jnp.cos(turned), jnp.sin(turned), jnp.tanh(turning / 10),
        joints.fixed, driven, driven & level.motor_auto,
        jnp.where(driven, joints.motor_speed, 0.0) / 3, jnp.where(driven, joints.motor_power, 0.0) / 3,
        *[driven & (level.motor_channel == c) for c in range(MOTOR_CHANNELS)],
        joints.limited,
        jnp.where(joints.limited, jnp.tanh(turned - joints.lower), 0.0),
        jnp.where(joints.limited, jnp.tanh(joints.upper - turned), 0.0),
    ]  # fmt: skip


def _thruster_features(level: Level, motion: Motion) -> list[Array]:
    thrusters, bodies = level.scene.thrusters, level.scene.bodies
    at, arm, angle = _attached(level, motion, thrusters.body, thrusters.anchor)
    direction = Vec(jnp.cos(thrusters.angle + angle), jnp.sin(thrusters.angle + angle))
    lift = thrusters.power * _read(thrusters.body, bodies.inverse_mass)
    turn = thrusters.power * arm.cross(direction) * _read(thrusters.body, bodies.inverse_inertia)
    return [
        *_places(level, motion, at),
        arm.x * 2, arm.y * 2, direction.x, direction.y,
        thrusters.power, jnp.tanh(lift / 3), jnp.tanh(turn / 10),
        *_one_hot(level.thruster_channel, THRUSTER_CHANNELS),
    ]  # fmt: skip


def _room_features(level: Level) -> Array:
    """Roles of the walls and gravity, `[B, features]`."""
    roles = [level.wall_role[wall] == role for wall in range(level.wall_role.shape[0]) for role in range(1, ROLES)]
    gravity = [level.scene.gravity[0] / 10, level.scene.gravity[1] / 10]
    return tame(jnp.stack([value.astype(jnp.float32) for value in [*roles, *gravity]], axis=-1), BOUND)
