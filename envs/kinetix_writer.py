"""Writes level files of Kinetix: a level as the state of a simulation that has not begun.

    lost = kinetix_writer.write(level, "my_level.json")    # sentences: what the format cannot hold

The counterpart of `kinetix_file`, which says how the two programs differ. Contacts and impulses are
written as none: an episode starts without. Names of bodies, descriptions and solutions have no place there.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from envs import files, kinetix_notes
from envs.base import MOTOR_CHANNELS, THRUSTER_CHANNELS, EnvConfig, Level, Role
from envs.kinetix_file import VERTICES, WALLS
from physics.base import Capacity
from physics.errors import InputError
from physics.prepare import capacity_of
from physics.pytree import check

HIGH, WIDE = 5.2, 2.5  # m, half sizes of the floor and of the ceiling
WALL_POSITIONS = ((2.5, -4.8), (0.0, 0.0), (0.0, 0.0), (2.5, 10.2))
WALL_CORNERS = (  # m from the position, clockwise
    ((WIDE, HIGH), (WIDE, -HIGH), (-WIDE, -HIGH), (-WIDE, HIGH)),
    ((-5.0, 5.0), (0.0, 5.0), (0.0, 0.0), (-5.0, 0.0)),
    ((5.0, 5.0), (10.0, 5.0), (10.0, 0.0), (5.0, 0.0)),
    ((WIDE, HIGH), (WIDE, -HIGH), (-WIDE, -HIGH), (-WIDE, HIGH)),
)
BATCH, SCREEN, PIXELS, LARGEST_SHAPE = 16, 500, 100, 2  # of its solver and of its pictures; they change nothing of the level
EMPTY_SHAPE = {"vertices": ((0.0, 0.0),) * VERTICES, "n_vertices": 0, "radius": 0.0}
EMPTY_BODY = {
    "position": (0.0, 0.0), "rotation": 0.0, "velocity": (0.0, 0.0), "angular_velocity": 0.0, "inverse_mass": 0.0,
    "inverse_inertia": 0.0, "friction": 1.0, "restitution": 0.0, "collision_mode": 1, "active": False,
} | EMPTY_SHAPE | {"role": int(Role.NORMAL), "density": 1.0}  # fmt: skip
EMPTY_CONTACT = {
    "normal": (0.0, 0.0), "penetration": 0.0, "collision_point": (0.0, 0.0), "active": False,
    "acc_impulse_normal": 0.0, "acc_impulse_tangent": 0.0, "restitution_velocity_target": 0.0,
}  # fmt: skip

Row = dict[str, Any]


def write(level: Level, path: str | Path) -> list[str]:
    """Write a level (no world axis) to a file, all of it or nothing; returns what the format cannot hold."""
    text = json.dumps(to_document(level))
    with files.whole(path) as target:
        target.write_text(text + "\n", encoding="utf-8")
    return lost(level)


def lost(level: Level) -> list[str]:
    """What of a level Kinetix would not play, a sentence each."""
    notes = []
    if np.any(np.asarray(level.motor_auto) & np.asarray(level.scene.joints.active) & np.asarray(level.scene.joints.motor)):
        notes.append("Motors that run by themselves become motors that the agent drives: the format has none.")
    gravity = [float(value) for value in level.scene.gravity]
    if np.abs(np.subtract(gravity, kinetix_notes.STANDARD_GRAVITY)).max() > kinetix_notes.SAME:
        notes.append(f"Gravity ({gravity[0]:g}, {gravity[1]:g}) m/s2 is written, but Kinetix plays every file at (0, -9.81).")
    return notes


def to_document(level: Level) -> Row:
    """The JSON document of a level (no world axis); `InputError` if a polygon has more vertices than it can hold."""
    capacity = capacity_of(level.scene)
    check(level, worlds=None, path="", **capacity.dims)
    if capacity.walls != WALLS:
        raise InputError("level", found=f"{capacity.walls} walls", wanted=f"{WALLS} walls")
    polygons = [_wall(level, wall) for wall in range(WALLS)]
    polygons += [_body(level, slot, _polygon(level, slot)) for slot in range(capacity.polygons)]
    circles = [_body(level, capacity.polygons + slot, _circle(level, slot)) for slot in range(capacity.circles)]
    joints = [_joint(level, slot, capacity) for slot in range(capacity.joints)]
    count, discs = len(polygons), len(circles)
    state = {
        "polygon": polygons,
        "circle": circles,
        "joint": joints,
        "thruster": [_thruster(level, slot, capacity) for slot in range(capacity.thrusters)],
        "collision_matrix": _array(_may_collide(joints, count + discs)),
        "acc_rr_manifolds": [EMPTY_CONTACT] * (2 * (count * (count - 1) // 2 - WALLS * (WALLS - 1) // 2)),
        "acc_cr_manifolds": [EMPTY_CONTACT] * (discs * count),
        "acc_cc_manifolds": [EMPTY_CONTACT] * (discs * (discs - 1) // 2),
        "gravity": _numbers(level.scene.gravity),
    }
    return {"env_state": _keyed(state), "env_params": _parameters(), "static_env_params": _static(capacity)}


def _number(value: Any) -> float:
    """The shortest decimal that is the same 32-bit number."""
    return float(str(np.float32(value)))


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(_number(value) for value in np.asarray(values))


def _array(rows: np.ndarray) -> tuple:
    return tuple(tuple(row) for row in rows.tolist())


def _keyed(value: Any) -> Any:
    """Arrays, which are tuples here, as objects with the fields "0", "1" and so on; lists stay lists."""
    if isinstance(value, tuple):
        return {str(i): _keyed(entry) for i, entry in enumerate(value)}
    if isinstance(value, list):
        return [_keyed(entry) for entry in value]
    return {key: _keyed(entry) for key, entry in value.items()} if isinstance(value, dict) else value


def _wall(level: Level, wall: int) -> Row:
    walls = level.scene.walls
    return EMPTY_BODY | {
        "position": WALL_POSITIONS[wall],
        "vertices": WALL_CORNERS[wall],
        "n_vertices": VERTICES,
        "friction": _number(walls.friction[wall]),
        "restitution": _number(walls.restitution[wall]),
        "collision_mode": kinetix_notes.WALL_MODE,
        "active": True,
        "role": int(level.wall_role[wall]),
    }


def _body(level: Level, slot: int, shape: Row) -> Row:
    bodies, start = level.scene.bodies, level.start
    if not bodies.active[slot]:
        return EMPTY_BODY
    names = ("inverse_mass", "inverse_inertia", "friction", "restitution", "density")
    return EMPTY_BODY | shape | {
        "position": _numbers(start.pos[:, slot]),
        "rotation": _number(start.angle[slot]),
        "velocity": _numbers(start.vel[:, slot]),
        "angular_velocity": _number(start.omega[slot]),
        "collision_mode": int(bodies.collision[slot]),
        "active": True,
        "role": int(level.role[slot]),
        **{name: _number(getattr(bodies, name)[slot]) for name in names},
    }  # fmt: skip


def _polygon(level: Level, slot: int) -> Row:
    bodies = level.scene.bodies
    count = int(bodies.vertex_count[slot])
    if bodies.active[slot] and count > VERTICES:
        raise InputError(f"polygon {slot}", found=f"{count} vertices", wanted=f"at most {VERTICES} in a file of Kinetix")
    corners = [_numbers(bodies.vertices[:, corner, slot]) for corner in reversed(range(count))]
    return {"vertices": tuple(corners + [(0.0, 0.0)] * (VERTICES - count)), "n_vertices": count}


def _circle(level: Level, slot: int) -> Row:
    return {"radius": _number(level.scene.bodies.radius[slot])}


def _end(level: Level, body: int, anchor: Any, capacity: Capacity) -> tuple[int, tuple, tuple]:
    """(their index, anchor in its frame, the same point of the world at the start) of a joint's or thruster's body."""
    if body >= capacity.bodies:
        wall = body - capacity.bodies
        point = np.asarray(anchor, float)
        return wall, _numbers(point - WALL_POSITIONS[wall]), _numbers(point)
    angle = float(level.start.angle[body])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return WALLS + body, _numbers(anchor), _numbers(np.asarray(level.start.pos[:, body]) + turn @ np.asarray(anchor))


def _joint(level: Level, slot: int, capacity: Capacity) -> Row:
    joints = level.scene.joints
    on = bool(joints.active[slot])
    a, anchor_a, point = _end(level, int(joints.body_a[slot]), joints.anchor_a[:, slot], capacity)
    b, anchor_b, _ = _end(level, int(joints.body_b[slot]), joints.anchor_b[:, slot], capacity)
    return {
        "a_index": a if on else 0,
        "b_index": b if on else 0,
        "a_relative_pos": anchor_a if on else (0.0, 0.0),
        "b_relative_pos": anchor_b if on else (0.0, 0.0),
        "global_position": point if on else (0.0, 0.0),
        "active": on,
        "acc_impulse": (0.0, 0.0),
        "acc_r_impulse": 0.0,
        "motor_speed": _number(joints.motor_speed[slot]),
        "motor_power": _number(joints.motor_power[slot]),
        "motor_on": bool(joints.motor[slot]),
        "motor_has_joint_limits": bool(joints.limited[slot]),
        "min_rotation": _number(joints.lower[slot]),
        "max_rotation": _number(joints.upper[slot]),
        "is_fixed_joint": bool(joints.fixed[slot]),
        "rotation": _number(joints.rest_angle[slot]),
        "motor_binding": int(level.motor_channel[slot]),
    }


def _thruster(level: Level, slot: int, capacity: Capacity) -> Row:
    thrusters = level.scene.thrusters
    on = bool(thrusters.active[slot])
    body, anchor, point = _end(level, int(thrusters.body[slot]), thrusters.anchor[:, slot], capacity)
    return {
        "object_index": body if on else 0,
        "relative_position": anchor if on else (0.0, 0.0),
        "rotation": _number(thrusters.angle[slot]),
        "power": _number(thrusters.power[slot]),
        "global_position": point if on else (0.0, 0.0),
        "active": on,
        "thruster_binding": int(level.thruster_channel[slot]),
    }


def _may_collide(joints: list[Row], count: int) -> np.ndarray:
    """`[count, count]`: false for a body and itself and for bodies that a chain of joints links."""
    group = np.arange(count)
    for joint in joints:
        if joint["active"]:
            group[group == group[joint["a_index"]]] = group[joint["b_index"]]
    return group[:, None] != group


def _parameters() -> Row:
    env = EnvConfig()
    constants = {name: default for name, (_, default) in kinetix_notes.CONSTANTS.items()}
    return constants | {
        "pixels_per_unit": PIXELS,
        "dense_reward_scale": env.dense_reward,
        "num_shape_roles": len(Role),
    }


def _static(capacity: Capacity) -> Row:
    constants = {name: default for name, (_, default) in kinetix_notes.STATIC.items()}
    return constants | {
        "num_polygons": WALLS + capacity.polygons,
        "num_circles": capacity.circles,
        "num_joints": capacity.joints,
        "num_thrusters": capacity.thrusters,
        "max_polygon_vertices": VERTICES,
        "solver_batch_size": BATCH,
        "do_warm_starting": True,
        "num_static_fixated_polys": WALLS,
        "screen_dim": {"0": SCREEN, "1": SCREEN},
        "downscale": 4,
        "max_shape_size": LARGEST_SHAPE,
        "num_motor_bindings": MOTOR_CHANNELS,
        "num_thruster_bindings": THRUSTER_CHANNELS,
    }
