"""Random levels and what must make no difference to an observation: other slots, and what is in empty ones.

Holds no tests.
"""

import dataclasses
import functools

import numpy as np
from levels_for_tests import random_levels

from envs.base import Level
from envs.sizes import capacity
from physics.base import Motion

COUNT = 256
MEDIUM = capacity("m")
POLYGON_ORDER, CIRCLE_ORDER = [1, 0], [2, 0, 1]  # which old slot each new one takes
ORDER = np.array([*POLYGON_ORDER, *(MEDIUM.polygons + slot for slot in CIRCLE_ORDER)])
JOINT_ORDER, THRUSTER_ORDER = [1, 0], [1, 0]


@functools.cache
def drawn(count: int = COUNT) -> tuple[Level, Motion]:
    """Random levels of size m and bodies that fly about."""
    level, random = random_levels("m", count), np.random.RandomState(0)
    start = level.start

    def moved(leaf: np.ndarray, by: float) -> np.ndarray:
        return (leaf + random.uniform(-by, by, leaf.shape)).astype(np.float32)

    return level, Motion(pos=moved(start.pos, 0.2), angle=moved(start.angle, 3), vel=moved(start.vel, 5), omega=moved(start.omega, 20))


def permuted(level: Level, motion: Motion) -> tuple[Level, Motion]:
    """The same levels with bodies, joints and thrusters in other slots."""
    place, scene = np.argsort(ORDER), level.scene
    circles = ("radius",)
    polygons = ("vertices", "vertex_count")

    def order_of(name: str) -> object:
        return POLYGON_ORDER if name in polygons else CIRCLE_ORDER if name in circles else ORDER

    bodies = {name: np.take(leaf, order_of(name), axis=-2) for name, leaf in vars(scene.bodies).items()}
    joints = {name: np.take(leaf, JOINT_ORDER, axis=-2) for name, leaf in vars(scene.joints).items()}
    joints |= {name: place[joints[name]].astype(np.int32) for name in ("body_a", "body_b")}
    thrusters = {name: np.take(leaf, THRUSTER_ORDER, axis=-2) for name, leaf in vars(scene.thrusters).items()}
    thrusters["body"] = place[thrusters["body"]].astype(np.int32)
    scene = dataclasses.replace(
        scene,
        bodies=dataclasses.replace(scene.bodies, **bodies),
        joints=dataclasses.replace(scene.joints, **joints),
        thrusters=dataclasses.replace(scene.thrusters, **thrusters),
    )
    motions = [Motion(**{name: np.take(leaf, ORDER, axis=-2) for name, leaf in vars(each).items()}) for each in (level.start, motion)]
    moved = dataclasses.replace(
        level,
        scene=scene,
        start=motions[0],
        role=level.role[ORDER],
        motor_channel=level.motor_channel[JOINT_ORDER],
        motor_auto=level.motor_auto[JOINT_ORDER],
        thruster_channel=level.thruster_channel[THRUSTER_ORDER],
    )
    return moved, motions[1]


def with_noise_in_empty_slots(level: Level, motion: Motion) -> tuple[Level, Motion]:
    random, scene = np.random.RandomState(1), level.scene

    def noise(leaf: np.ndarray, active: np.ndarray) -> np.ndarray:
        if leaf.dtype == bool:
            return np.where(active, leaf, ~leaf)
        other = random.randint(0, 2, leaf.shape) if leaf.dtype == np.int32 else random.uniform(-3, 3, leaf.shape)
        return np.where(active, leaf, other).astype(leaf.dtype)

    def part(value: object, **slots: np.ndarray) -> object:
        active = value.active
        changed = {name: noise(leaf, slots.get(name, active)) for name, leaf in vars(value).items() if name != "active"}
        return dataclasses.replace(value, **changed)

    on = scene.bodies.active
    polygons, circles = on[: MEDIUM.polygons], on[MEDIUM.polygons :]
    scene = dataclasses.replace(
        scene,
        bodies=part(scene.bodies, vertices=polygons, vertex_count=polygons, radius=circles),
        joints=part(scene.joints),
        thrusters=part(scene.thrusters),
    )
    noisy = dataclasses.replace(
        level,
        scene=scene,
        role=noise(level.role, on),
        motor_channel=noise(level.motor_channel, scene.joints.active),
        motor_auto=noise(level.motor_auto, scene.joints.active),
        thruster_channel=noise(level.thruster_channel, scene.thrusters.active),
    )
    return noisy, Motion(**{name: noise(leaf, on) for name, leaf in vars(motion).items()})
