"""Bodies that walk or drive: a green trunk with legs, or with wheels, that must bring itself to a blue ball.

The tasks of the walkers and cars that reinforcement learning grew up with, drawn at every size: what a level can
have of legs, knees and wheels follows from its slots. The trunk stands on the floor, so that nothing has to
settle first; half of the levels are mirrored. Where the floor is red the trunk must not touch it.
"""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp

from envs.base import MOTOR_CHANNELS, Array, Level, Role
from envs.generate import draft as drafts
from envs.generate.config import MorphologyConfig
from envs.generate.dice import Dice
from envs.generate.draft import Draft, put_body, turned
from physics.base import FLOOR, ROOM_WIDTH, Capacity
from physics.errors import InputError
from physics.pytree import cast, select

CLEARANCE = 0.01  # m, between the floor and what stands on it
MARGIN = 0.2  # m, between the walls and the body
INSET = 0.05  # m, of a joint from the end of a leg
NUMBERS = 96  # draws that a level needs at most


class Plan(NamedTuple):
    """Slots of the two kinds of body, known before anything is drawn."""

    legs: int
    knees: bool
    wheels: int


def plan(capacity: Capacity) -> Plan:
    """What a level of a capacity has room for besides the trunk and the goal; `InputError` if for nothing."""
    segments = min(capacity.polygons - 1, capacity.joints)
    legs = segments // 2 or min(segments, 1)
    wheels = min(capacity.circles - 1, capacity.joints, MOTOR_CHANNELS)
    if capacity.circles < 1 or capacity.polygons < 1 or max(legs, wheels) < 1:
        raise InputError("generate.morphology", found=f"{capacity}", wanted="slots for a trunk, a goal and a leg or a wheel")
    return Plan(max(legs, 0), segments >= 2, max(wheels, 0))


def sample(key: Array, capacity: Capacity, config: MorphologyConfig) -> Level:
    """Draw one level (no world axis)."""
    room = plan(capacity)
    dice = Dice(key, NUMBERS)
    floor = jnp.where(dice.chance(config.red_floor), int(Role.RED), int(Role.NORMAL))
    now = _with_trunk(drafts.empty(capacity, floor), dice, config)
    options = [add(now, dice, capacity, config) for add, slots in ((_with_legs, room.legs), (_with_wheels, room.wheels)) if slots]
    chosen = select(dice.chance(config.wheeled_chance), options[-1], options[0])
    on_two = jnp.sum(chosen.joints.active & (chosen.joints.body_a == 0)) >= 2  # or the trunk is sure to fall on the floor
    chosen = chosen._replace(floor=jnp.where(on_two, floor, int(Role.NORMAL)))
    level = drafts.finish(_with_goal(_stood(chosen, dice, capacity), dice, capacity, config), capacity)
    return cast(_mirrored(level, dice.chance(0.5)))


def _about(dice: Dice, mean: float, config: MorphologyConfig) -> Array:
    return mean * dice.uniform(1 - config.variation, 1 + config.variation)


def _with_trunk(now: Draft, dice: Dice, config: MorphologyConfig) -> Draft:
    half = jnp.stack([_about(dice, config.trunk_length, config), _about(dice, config.trunk_height, config)])
    return put_body(now, 0, half, jnp.zeros(2), jnp.zeros(()), Role.GREEN)


def _with_joint(now: Draft, slot: int, a: int, b: int, anchors: tuple[Array, Array], **values: Array | float | bool) -> Draft:
    """A motor joint of bodies `a < b`; the pose at start is its rest."""
    every = {"body_a": a, "body_b": b, "motor": True, "motor_speed": 1.0, "rest_angle": now.angle[b] - now.angle[a], **values}
    joints = {name: getattr(now.joints, name).at[slot].set(value) for name, value in every.items()}
    for name, anchor in zip(("anchor_a", "anchor_b"), anchors, strict=True):
        joints[name] = getattr(now.joints, name).at[:, slot].set(anchor)
    return now._replace(joints=dataclasses.replace(now.joints, **joints))


def _with_legs(now: Draft, dice: Dice, capacity: Capacity, config: MorphologyConfig) -> Draft:
    """One leg or more, spaced along the trunk, alike in size; upper parts first, all with lower parts or none."""
    room = plan(capacity)
    count = 1 + dice.whole(room.legs)
    knee = dice.chance(config.knee_chance) & room.knees
    upper = jnp.stack([_about(dice, config.leg_width, config), _about(dice, config.leg_length, config)])
    lower = jnp.stack([_about(dice, config.leg_width, config), _about(dice, config.leg_length, config)])
    limits = {"lower": -config.limit, "upper": config.limit, "limited": True, "motor_power": config.motor_power}
    for leg in range(room.legs):
        there = leg < count
        at = jnp.where(count > 1, -1 + 2 * leg / jnp.maximum(1, count - 1), 0.0)  # along the trunk, from -1 to 1
        hip = jnp.stack([at * jnp.maximum(now.half[0, 0] - INSET, 0.0), -now.half[1, 0]])
        lean, bend = (dice.uniform(-config.spread, config.spread) for _ in range(2))
        now = _with_part(now, 1 + leg, leg, 0, hip, upper, lean, there, limits)
        if room.knees:
            down = jnp.stack([0.0, INSET - upper[1]])
            now = _with_part(now, 1 + room.legs + leg, room.legs + leg, 1 + leg, down, lower, lean + bend, there & knee, limits)
    return _driven(now, dice, config, capacity)


def _with_part(now: Draft, slot: int, joint: int, on: int, at: Array, half: Array, angle: Array, there: Array, values: dict) -> Draft:
    """A part of a leg that hangs, turned by `angle`, from the point `at` of the body `on`."""
    top = jnp.stack([0.0, half[1] - INSET])
    point = now.pos[:, on] + turned(now.angle[on], at)
    now = put_body(now, slot, half, point - turned(angle, top), angle, Role.NORMAL, active=there)
    return _with_joint(now, joint, on, slot, (at, top), active=there, **values)


def _with_wheels(now: Draft, dice: Dice, capacity: Capacity, config: MorphologyConfig) -> Draft:
    """One wheel or more, spaced along the underside of the trunk."""
    wheels = plan(capacity).wheels
    count = 1 + dice.whole(wheels)
    for wheel in range(wheels):
        at = jnp.where(count > 1, -1 + 2 * wheel / jnp.maximum(1, count - 1), 1.0)
        radius = _about(dice, config.wheel_radius, config)
        axle = jnp.stack([at * now.half[0, 0], -now.half[1, 0]])
        slot, there = capacity.polygons + wheel, wheel < count
        now = put_body(now, slot, jnp.stack([radius, radius]), axle, jnp.zeros(()), Role.NORMAL, active=there)
        now = _with_joint(now, wheel, 0, slot, (axle, jnp.zeros(2)), active=there, motor_power=config.wheel_power)
    return _driven(now, dice, config, capacity)


def _driven(now: Draft, dice: Dice, config: MorphologyConfig, capacity: Capacity) -> Draft:
    """Every joint with a channel: each its own as far as they go, or sometimes drawn."""
    own = jnp.arange(capacity.joints) % MOTOR_CHANNELS
    drawn = jnp.stack([dice.whole(MOTOR_CHANNELS) for _ in range(capacity.joints)])
    return now._replace(motor_channel=jnp.where(dice.chance(config.shared_channels), drawn, own))


def _stood(now: Draft, dice: Dice, capacity: Capacity) -> Draft:
    """The body set down on the floor at the left wall."""
    circle = jnp.arange(capacity.bodies) >= capacity.polygons
    cos, sin = jnp.abs(jnp.cos(now.angle)), jnp.abs(jnp.sin(now.angle))
    wide = jnp.where(circle, now.half[0], cos * now.half[0] + sin * now.half[1])
    high = jnp.where(circle, now.half[0], sin * now.half[0] + cos * now.half[1])
    left = jnp.min(jnp.where(now.active, now.pos[0] - wide, jnp.inf))
    bottom = jnp.min(jnp.where(now.active, now.pos[1] - high, jnp.inf))
    shift = jnp.stack([MARGIN + dice.uniform(0.0, MARGIN) - left, FLOOR + CLEARANCE - bottom])
    return now._replace(pos=now.pos + jnp.where(now.active, shift[:, None], 0.0))


def _with_goal(now: Draft, dice: Dice, capacity: Capacity, config: MorphologyConfig) -> Draft:
    """The goal, near the floor, so far away that the body does not touch it at the start."""
    reach = jnp.max(jnp.where(now.active, now.pos[0] + jnp.linalg.norm(now.half, axis=0), 0.0))
    farthest = ROOM_WIDTH - config.goal_radius
    nearest = jnp.minimum(jnp.maximum(config.goal_nearest, reach + config.goal_radius + MARGIN), farthest)
    at = jnp.stack([dice.uniform(nearest, farthest), FLOOR + config.goal_radius + dice.uniform(0.0, 2 * config.goal_radius)])
    return put_body(now, capacity.bodies - 1, jnp.full(2, config.goal_radius), at, jnp.zeros(()), Role.BLUE, fixed=True)


def _mirrored(level: Level, wanted: Array) -> Level:
    """Left and right exchanged if wanted. Bodies are symmetric, so that only places, angles and directions change."""
    joints, start = level.scene.joints, level.start
    other = dataclasses.replace(
        joints,
        anchor_a=joints.anchor_a.at[0].multiply(-1.0), anchor_b=joints.anchor_b.at[0].multiply(-1.0),
        rest_angle=-joints.rest_angle, lower=-joints.upper, upper=-joints.lower, motor_speed=-joints.motor_speed,
    )  # fmt: skip
    pos = start.pos.at[0].set(jnp.where(level.scene.bodies.active, ROOM_WIDTH - start.pos[0], 0.0))
    mirrored = dataclasses.replace(
        level,
        scene=dataclasses.replace(level.scene, joints=other),
        start=dataclasses.replace(start, pos=pos, angle=-start.angle),
    )
    return select(wanted, mirrored, level)
