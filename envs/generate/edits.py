"""Edits: small changes that turn a level into a near one. One world each; `edit.py` applies them to many.

An edit is `(level, dice, config) -> (level, possible)`; where it is not possible its level means nothing.
What is joined stays joined exactly, as whole chains are moved and turned, so that nothing has to settle.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp

from envs.base import Array, Level
from envs.generate import anatomy
from envs.generate import draft as drafts
from envs.generate.config import GeneratorConfig
from envs.generate.dice import Dice
from envs.generate.draft import Draft
from physics.base import CEILING, FLOOR, ROOM_WIDTH
from physics.prepare import capacity_of

NUMBERS = 8  # that an edit may draw from its dice, besides one key's worth
FARTHEST = 0.5  # m; of a move, along each axis
GRAVITY = 9.81  # m/s2

Edit = Callable[[Level, Dice, Array, GeneratorConfig], tuple[Level, Array]]


def _scene(level: Level, **parts: dict[str, Array]) -> Level:
    """The level with fields of its bodies, joints or thrusters changed."""
    changed = {name: dataclasses.replace(getattr(level.scene, name), **fields) for name, fields in parts.items()}
    return dataclasses.replace(level, scene=dataclasses.replace(level.scene, **changed))


def _draft(level: Level) -> Draft:
    """The level as the generator's drawing sees it: every polygon as its box."""
    bodies = level.scene.bodies
    return Draft(
        half=anatomy.extents(level), triangle=jnp.zeros_like(bodies.active), pos=level.start.pos, angle=level.start.angle, role=level.role,
        fixed=bodies.inverse_mass == 0, active=bodies.active, floor=level.wall_role[0] if level.wall_role.shape[0] else jnp.int32(0),
        joints=level.scene.joints, motor_channel=level.motor_channel, thrusters=level.scene.thrusters,
        thruster_channel=level.thruster_channel,
    )  # fmt: skip


def _grown(level: Level, draft: Draft) -> tuple[Level, Array]:
    """The level with what a draft has in slots that were empty; (level, whether there is anything)."""
    drawn = drafts.finish(draft, capacity_of(level.scene))
    body, joint, thruster = (
        getattr(drawn.scene, part).active & ~getattr(level.scene, part).active for part in ("bodies", "joints", "thrusters")
    )
    polygons = level.scene.bodies.vertices.shape[2]

    def take(new: Array, mine: object, theirs: object) -> object:
        return jax.tree.map(lambda a, b: jnp.where(new, b, a), mine, theirs)

    old, fresh = level.scene.bodies, drawn.scene.bodies
    shapes = {
        "vertices": jnp.where(body[:polygons], fresh.vertices, old.vertices),
        "vertex_count": jnp.where(body[:polygons], fresh.vertex_count, old.vertex_count),
        "radius": jnp.where(body[polygons:], fresh.radius, old.radius),
    }
    of_bodies = {f.name: take(body, getattr(old, f.name), getattr(fresh, f.name)) for f in dataclasses.fields(old) if f.name not in shapes}
    scene = dataclasses.replace(
        level.scene,
        bodies=dataclasses.replace(old, **shapes, **of_bodies),
        joints=take(joint, level.scene.joints, drawn.scene.joints),
        thrusters=take(thruster, level.scene.thrusters, drawn.scene.thrusters),
    )
    grown = dataclasses.replace(
        level, scene=scene, start=take(body, level.start, drawn.start), role=take(body, level.role, drawn.role),
        motor_channel=take(joint, level.motor_channel, drawn.motor_channel), motor_auto=level.motor_auto & ~joint,
        thruster_channel=take(thruster, level.thruster_channel, drawn.thruster_channel),
    )  # fmt: skip
    return grown, jnp.any(body) | jnp.any(thruster)


def add_body(level: Level, dice: Dice, key: Array, config: GeneratorConfig) -> tuple[Level, Array]:
    """A body that nothing is joined to, in an empty slot."""
    polygons = level.scene.bodies.vertices.shape[2]
    return _grown(level, drafts.add_free(_draft(level), key, polygons, jnp.array(True), config))


def add_joined(level: Level, dice: Dice, key: Array, config: GeneratorConfig) -> tuple[Level, Array]:
    """A body joined to one that is there, in an empty slot, with an empty slot for its joint."""
    polygons = level.scene.bodies.vertices.shape[2]
    return _grown(level, drafts.add_connected(_draft(level), key, polygons, jnp.array(False), config)[0])


def add_thruster(level: Level, dice: Dice, key: Array, config: GeneratorConfig) -> tuple[Level, Array]:
    """A thruster on a body that can move."""
    polygons = level.scene.bodies.vertices.shape[2]
    return _grown(level, drafts.add_thruster(_draft(level), key, polygons, config))


def _one_of(dice: Dice, flags: Array) -> tuple[Array, Array]:
    """(a random index among `flags` that are set, whether any is)."""
    if not flags.shape[0]:
        return jnp.int32(0), jnp.array(False)
    return dice.choose(flags.astype(jnp.float32))


def remove_body(level: Level, dice: Dice, key: Array, config: GeneratorConfig) -> tuple[Level, Array]:
    """A body less, with its joints and thrusters."""
    body, possible = _one_of(dice, level.scene.bodies.active)
    joints, thrusters = level.scene.joints, level.scene.thrusters
    stays = level.scene.bodies.active & (jnp.arange(level.role.shape[0]) != body)
    joint = joints.active & (joints.body_a != body) & (joints.body_b != body)
    changed = _scene(
        level, bodies={"active": stays}, joints={"active": joint}, thrusters={"active": thrusters.active & (thrusters.body != body)}
    )
    return changed, possible


def remove_joint(level: Level, dice: Dice, key: Array, config: GeneratorConfig) -> tuple[Level, Array]:
    """A joint less."""
    joints = level.scene.joints
    joint, possible = _one_of(dice, joints.active)
    return _scene(level, joints={"active": joints.active & (jnp.arange(joints.active.shape[0]) != joint)}), possible


def remove_thruster(level: Level, dice: Dice, key: Array, config: GeneratorConfig) -> tuple[Level, Array]:
    """A thruster less."""
    thrusters = level.scene.thrusters
    gone, possible = _one_of(dice, thrusters.active)
    return _scene(level, thrusters={"active": thrusters.active & (jnp.arange(thrusters.active.shape[0]) != gone)}), possible


def swap_roles(level: Level, dice: Dice, key: Array, config: GeneratorConfig) -> tuple[Level, Array]:
    """The roles of two bodies that have different ones, exchanged."""
    active = level.scene.bodies.active
    one, _ = _one_of(dice, active)
    other, possible = _one_of(dice, active & (level.role != level.role[one]))
    role = level.role.at[one].set(level.role[other]).at[other].set(level.role[one])
    return dataclasses.replace(level, role=role), possible


def toggle_fixed(level: Level, dice: Dice, key: Array, config: GeneratorConfig) -> tuple[Level, Array]:
    """A body that could move cannot any more (and loses its thrusters), or the other way round."""
    bodies, thrusters = level.scene.bodies, level.scene.thrusters
    body, possible = _one_of(dice, bodies.active)
    mass, inertia = anatomy.masses(level)
    frees = bodies.inverse_mass[body] == 0
    values = {
        "inverse_mass": bodies.inverse_mass.at[body].set(jnp.where(frees, 1 / mass[body], 0.0)),
        "inverse_inertia": bodies.inverse_inertia.at[body].set(jnp.where(frees, 1 / inertia[body], 0.0)),
    }
    return _scene(level, bodies=values, thrusters={"active": thrusters.active & ((thrusters.body != body) | frees)}), possible


def resize(level: Level, dice: Dice, key: Array, config: GeneratorConfig) -> tuple[Level, Array]:
    """Other sides, or another radius; large enough to hold the body's joints where they are."""
    bodies, joints, thrusters = level.scene.bodies, level.scene.joints, level.scene.thrusters
    body, possible = _one_of(dice, bodies.active)
    polygons = bodies.vertices.shape[2]
    circle, old = body >= polygons, anatomy.extents(level)[:, body]
    reach = jnp.zeros(2)
    for at, anchor in ((joints.body_a, joints.anchor_a), (joints.body_b, joints.anchor_b)):
        mine = joints.active & (at == body)
        away = jnp.where(circle, jnp.linalg.norm(anchor, axis=0), jnp.abs(anchor))
        reach = jnp.maximum(reach, jnp.max(jnp.where(mine, away, 0.0), axis=-1, initial=0.0))
    scale = jnp.maximum(drafts.draw_half(Dice(key, 5), circle, config), reach) / jnp.where(old > 0, old, 1.0)
    scale = jnp.where(circle, scale[0], scale)
    chosen = jnp.arange(level.role.shape[0]) == body
    vertices = jnp.where(chosen[:polygons], bodies.vertices * scale[:, None, None], bodies.vertices)
    radius = jnp.where(chosen[polygons:], bodies.radius * scale[0], bodies.radius)
    anchor = jnp.where(thrusters.body == body, thrusters.anchor * scale[:, None], thrusters.anchor)
    shaped = _scene(level, bodies={"vertices": vertices, "radius": radius}, thrusters={"anchor": anchor})
    mass, inertia = anatomy.masses(shaped)
    moves = chosen & (bodies.inverse_mass > 0)
    weights = {
        "inverse_mass": jnp.where(moves, 1 / mass, bodies.inverse_mass),
        "inverse_inertia": jnp.where(moves, 1 / inertia, bodies.inverse_inertia),
    }
    return _scene(shaped, bodies=weights), possible


def _placed(level: Level, members: Array, about: Array, turn: Array, shift: Array) -> Level:
    """The bodies `members [N]` turned about a point (rad) and moved (m); their joints with the room go along."""
    start, joints = level.start, level.scene.joints
    count = members.shape[0]

    def carried(points: Array) -> Array:
        return about[:, None] + drafts.turned(turn, points - about[:, None]) + shift[:, None]

    pos = jnp.where(members, carried(start.pos), start.pos)
    angle = jnp.where(members, start.angle + turn, start.angle)

    def moves(body: Array) -> Array:
        return members[jnp.minimum(body, count - 1)] & (body < count)

    from_a, from_b = moves(joints.body_a) & (joints.body_b >= count), moves(joints.body_b) & (joints.body_a >= count)
    rest = joints.rest_angle - turn * from_a + turn * from_b
    anchors = {
        "anchor_b": jnp.where(from_a, carried(joints.anchor_b), joints.anchor_b),
        "anchor_a": jnp.where(from_b, carried(joints.anchor_a), joints.anchor_a),
    }
    changed = _scene(level, joints={"rest_angle": rest, **anchors})
    return dataclasses.replace(changed, start=dataclasses.replace(start, pos=pos, angle=angle))


def move(level: Level, dice: Dice, key: Array, config: GeneratorConfig) -> tuple[Level, Array]:
    """A body, with all that hangs on it, up to half a metre away along each axis, and not out of the room."""
    body, possible = _one_of(dice, level.scene.bodies.active)
    members = anatomy.chain(level, body)
    reach = jnp.max(anatomy.extents(level), axis=0)
    low, high = jnp.array([0.0, FLOOR]), jnp.array([ROOM_WIDTH, CEILING])
    pos = level.start.pos
    down = low - jnp.min(jnp.where(members, pos - reach, jnp.inf), axis=1)  # the least shift that keeps all inside
    up = high - jnp.max(jnp.where(members, pos + reach, -jnp.inf), axis=1)
    shift = jnp.clip(dice.point() * FARTHEST, jnp.minimum(down, 0), jnp.maximum(up, 0))
    return _placed(level, members, jnp.zeros(2), jnp.zeros(()), shift), possible


def turn(level: Level, dice: Dice, key: Array, config: GeneratorConfig) -> tuple[Level, Array]:
    """A body, with all that hangs on it, turned about its centre by up to a right angle either way."""
    body, possible = _one_of(dice, level.scene.bodies.active)
    members = anatomy.chain(level, body)
    return _placed(level, members, level.start.pos[:, body], dice.uniform(-jnp.pi / 2, jnp.pi / 2), jnp.zeros(2)), possible


def bend(level: Level, dice: Dice, key: Array, config: GeneratorConfig) -> tuple[Level, Array]:
    """What hangs on one end of a joint turned about the joint, by up to a right angle either way."""
    joints, bodies = level.scene.joints, level.role.shape[0]
    joint, possible = _one_of(dice, joints.active)
    if not joints.active.shape[0]:
        return level, possible
    a, b = (end[joint] for end in anatomy.ends(level))
    from_a = b == bodies  # the end that turns is a body
    tip, other = jnp.where(from_a, a, b), jnp.where(from_a, b, a)
    side = anatomy.linked(level, without=jnp.arange(joints.active.shape[0]) == joint)[tip]
    anchor = jnp.where(from_a, joints.anchor_a[:, joint], joints.anchor_b[:, joint])
    at = level.start.pos[:, tip] + drafts.turned(level.start.angle[tip], anchor)
    angle = dice.uniform(-jnp.pi / 2, jnp.pi / 2)
    bent = _placed(level, side[:-1] & level.scene.bodies.active, at, angle, jnp.zeros(2))
    # Limits count from the pose at start, which is another now; with the room `_placed` has seen to it.
    with_room = jnp.maximum(a, b) == bodies
    rest = bent.scene.joints.rest_angle.at[joint].add(jnp.where(with_room, 0.0, jnp.where(from_a, -angle, angle)))
    return _scene(bent, joints={"rest_angle": rest}), possible & ~side[other] & ~side[bodies]


def change_gravity(level: Level, dice: Dice, key: Array, config: GeneratorConfig) -> tuple[Level, Array]:
    """The usual gravity half of the time, else anything from none to that."""
    pull = jnp.where(dice.chance(0.5), GRAVITY, dice.uniform(0.0, GRAVITY))
    scene = dataclasses.replace(level.scene, gravity=jnp.stack([jnp.zeros(()), -pull]))
    return dataclasses.replace(level, scene=scene), jnp.array(True)


EDITS: dict[str, Edit] = {
    "add_body": add_body, "add_joined": add_joined, "add_thruster": add_thruster, "remove_body": remove_body,
    "remove_joint": remove_joint, "remove_thruster": remove_thruster, "swap_roles": swap_roles, "toggle_fixed": toggle_fixed,
    "resize": resize, "move": move, "turn": turn, "bend": bend, "change_gravity": change_gravity,
}  # fmt: skip
