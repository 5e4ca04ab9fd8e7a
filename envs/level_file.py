"""Level files: small JSON texts that a person can read and mend.

    level = level_file.read("envs/levels/s/unicycle_left.json")
    level_file.write(level, "my/level.json", name="level", description="Roll to blue.", size="s")

A file names its bodies; joints and thrusters say by name what they act on, at points of the world.
Values that are the default are left out. Units are SI, angles in radians counter-clockwise. What the
fields mean is said in `level_model`. A level is built through `LevelBuilder`, so that whatever is
refused there is refused here, with the file and the place in it. Files of other programs are not
read here; which levels are shipped is the business of `holdout`.
"""

import contextlib
import dataclasses
import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from envs import files, sizes
from envs.base import Level, Role
from envs.build import LevelBuilder
from envs.json_place import read_text
from envs.level_model import FORMAT, VERSION, Body, Box, Circle, Joint, LevelModel, Polygon, Wall, check_slots, parse
from physics import shapes
from physics.base import Capacity
from physics.build import WALL_NAMES, BodyRef
from physics.errors import InputError
from physics.prepare import capacity_of
from physics.pytree import check

__all__ = ["LevelModel", "compress", "expand", "parse", "read", "read_model", "to_level", "to_model", "to_text", "write", "write_model"]

MAX_BYTES = 64 * 1024
SAME = 1e-4  # relative (masses) or m (anchors): what differs less is not written apart


def read(path: str | Path, capacity: Capacity | None = None) -> Level:
    """The level (no world axis) in a file, in the slots of its own size or of any `capacity` that has room."""
    return to_level(read_model(path), capacity, where=str(path))


def read_model(path: str | Path) -> LevelModel:
    """The checked contents of a file; `InputError` names the file and the place in it."""
    return parse(read_text(path, MAX_BYTES), str(path))


def to_level(model: LevelModel, capacity: Capacity | None = None, where: str = "level") -> Level:
    """Build the level (no world axis); `capacity` defaults to that of its size."""
    capacity = capacity or sizes.capacity(model.size)
    check_slots(model, capacity, "this capacity", where)
    builder = LevelBuilder(capacity, model.gravity)
    for name in WALL_NAMES:
        wall: Wall = getattr(model.walls, name)
        builder.wall(name, Role[wall.role.upper()], wall.friction, wall.restitution)
    refs = {name: BodyRef("wall", slot) for slot, name in enumerate(WALL_NAMES)}
    for i, body in enumerate(model.bodies):
        with _located(f"{where}: bodies[{i}]"):
            refs[body.name] = _add_body(builder, body)
    for i, joint in enumerate(model.joints):
        with _located(f"{where}: joints[{i}]"):
            _add_joint(builder, refs, joint)
    for i, thruster in enumerate(model.thrusters):
        with _located(f"{where}: thrusters[{i}]"):
            builder.thruster(refs[thruster.body], thruster.at, thruster.angle, thruster.power, thruster.channel)
    with _located(where):
        return _overridden(builder.finish(), model, {name: builder.scene.index(ref) for name, ref in refs.items()})


def to_model(
    level: Level, *, name: str, description: str, size: str, solution: Sequence | None = None, names: Sequence[str] | None = None
) -> LevelModel:
    """The contents of a file for a level (no world axis).

    `names` are those of its active bodies in slot order; without them bodies are named after role and shape.
    """
    capacity = capacity_of(level.scene)
    check(level, worlds=None, path="", **capacity.dims)
    slots = np.flatnonzero(np.asarray(level.scene.bodies.active))
    bodies = [_body_data(level, int(slot), capacity) for slot in slots]
    _name_bodies(bodies, names)
    named = {int(slot): body["name"] for slot, body in zip(slots, bodies, strict=True)}
    named |= {capacity.bodies + slot: wall for slot, wall in enumerate(WALL_NAMES)}
    data = {
        "format": FORMAT,
        "version": VERSION,
        "name": name,
        "description": description,
        "size": size,
        "gravity": _numbers(level.scene.gravity),
        "walls": {wall: _wall_data(level, slot) for slot, wall in enumerate(WALL_NAMES)},
        "bodies": bodies,
        "joints": _joints_data(level, named),
        "thrusters": _thrusters_data(level, named),
        "solution": None if solution is None else [[list(action), repeat] for action, repeat in solution],
    }
    return parse(data, f"level {name}")


def write(
    level: Level, path: str | Path, name: str, description: str, size: str,
    solution: Sequence | None = None, names: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Write a level to a file, all of it or nothing; see `to_model`."""
    write_model(to_model(level, name=name, description=description, size=size, solution=solution, names=names), path)


def name_for(id: str) -> str:
    """A name that a level file may carry, made of the id or path of a level."""
    name = re.sub(r"[^a-z0-9_]+", "_", Path(id).stem.lower())[:40]
    return name if name[:1].isalpha() else f"level_{name}"[:40]


def write_model(model: LevelModel, path: str | Path) -> None:
    """Write checked contents to a file, all of it or nothing."""
    to_level(model, where=str(path))
    with files.whole(path) as target:
        target.write_text(to_text(model), encoding="utf-8")


def to_text(model: LevelModel) -> str:
    """The JSON text: one line a body, joint, thruster and run of the solution; defaults left out."""
    lines = []
    for key, value in model.model_dump(exclude_defaults=True).items():
        if isinstance(value, list) and value and isinstance(value[0], (list, dict)):
            rows = ",\n".join("    " + json.dumps(_shape_first(row)) for row in value)
            lines.append(f"  {json.dumps(key)}: [\n{rows}\n  ]")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _shape_first(row: Any) -> Any:
    """Bodies read best as name, shape, sizes, then the rest."""
    if isinstance(row, list):
        return row
    first = [key for key in ("name", "shape", "half", "radius", "vertices") if key in row]
    return {key: row[key] for key in first} | row


def expand(solution: Sequence) -> np.ndarray:
    """The actions `[steps, channels]` of a run-length-encoded solution (see `envs.actions`)."""
    actions = np.array([action for action, _ in solution], np.int32)
    return np.repeat(actions, [repeat for _, repeat in solution], axis=0)


def compress(actions: np.ndarray) -> list[list]:
    """Run-length-encode actions `[steps, channels]`: the inverse of `expand`."""
    runs: list[list] = []
    for action in np.asarray(actions).tolist():
        if runs and runs[-1][0] == action:
            runs[-1][1] += 1
        else:
            runs.append([action, 1])
    return runs


@contextlib.contextmanager
def _located(where: str) -> Iterator[None]:
    """Put the place in the file before the errors of the builder."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _add_body(builder: LevelBuilder, body: Body) -> BodyRef:
    material = {key: getattr(body, key) for key in ("density", "friction", "restitution", "collision", "fixed", "vel", "omega")}
    role = Role[body.role.upper()]
    if isinstance(body, Box):
        return builder.box(body.at, body.half, body.angle, role, **material)
    if isinstance(body, Polygon):
        return builder.polygon(body.vertices, body.at, body.angle, role, **material)
    assert isinstance(body, Circle)
    return builder.circle(body.at, body.radius, body.angle, role, **material)


def _add_joint(builder: LevelBuilder, refs: dict[str, BodyRef], joint: Joint) -> None:
    settings: dict[str, Any] = {"limits": joint.limits, "fixed": joint.fixed, "rest_angle": joint.rest_angle}
    if joint.motor:
        motor = joint.motor
        settings |= {"motor": True, "speed": motor.speed, "power": motor.power, "channel": motor.channel, "auto": motor.auto}
    builder.joint(refs[joint.a], refs[joint.b], joint.at, **settings)


def _overridden(level: Level, model: LevelModel, index: dict[str, int]) -> Level:
    """Apply what the builder does not offer: masses that are given, anchors that are apart."""
    bodies, joints = level.scene.bodies, level.scene.joints
    mass, inertia, anchor = (np.array(value) for value in (bodies.inverse_mass, bodies.inverse_inertia, joints.anchor_b))
    for body in model.bodies:
        if body.mass and not body.fixed:
            mass[index[body.name]] = 1 / body.mass
        if body.inertia and not body.fixed:
            inertia[index[body.name]] = 1 / body.inertia
    for slot, joint in enumerate(model.joints):
        if joint.at_b:
            anchor[:, slot] = _to_local(level, index[joint.b], np.array(joint.at_b))
    masses: dict[str, Any] = {"inverse_mass": mass, "inverse_inertia": inertia}
    anchors: dict[str, Any] = {"anchor_b": anchor}
    parts = {"bodies": dataclasses.replace(bodies, **masses), "joints": dataclasses.replace(joints, **anchors)}
    return dataclasses.replace(level, scene=dataclasses.replace(level.scene, **parts))


def _pose(level: Level, body: int) -> tuple[np.ndarray, np.ndarray, float]:
    """(position, rotation matrix, angle) of a body at the start; walls have the frame of the world."""
    if body >= level.role.shape[0]:
        return np.zeros(2), np.eye(2), 0.0
    angle = float(level.start.angle[body])
    cos, sin = math.cos(angle), math.sin(angle)
    return np.asarray(level.start.pos[:, body], float), np.array([[cos, -sin], [sin, cos]]), angle


def _to_local(level: Level, body: int, point: np.ndarray) -> np.ndarray:
    position, rotation, _ = _pose(level, body)
    return rotation.T @ (point - position)


def _to_world(level: Level, body: int, anchor: Any) -> np.ndarray:
    position, rotation, _ = _pose(level, body)
    return position + rotation @ np.asarray(anchor, float)


def _number(value: Any) -> float:
    """The shortest decimal that is the same 32-bit number; a Python float is rounded to what matters."""
    return round(value, 6) + 0.0 if isinstance(value, float) else float(str(np.float32(value)))


def _numbers(values: Any) -> list[float]:
    return [_number(value) for value in np.asarray(values)]


def _color(role: Any) -> str:
    return Role(int(role)).name.lower()


def _wall_data(level: Level, slot: int) -> dict[str, Any]:
    walls = level.scene.walls
    return {
        "role": _color(level.wall_role[slot]),
        "friction": _number(walls.friction[slot]),
        "restitution": _number(walls.restitution[slot]),
    }


def _body_data(level: Level, slot: int, capacity: Capacity) -> dict[str, Any]:
    bodies, start = level.scene.bodies, level.start
    shape, area, moment = _shape_data(level, slot, capacity)
    data = shape | {
        "at": _numbers(start.pos[:, slot]),
        "angle": _number(start.angle[slot]),
        "vel": _numbers(start.vel[:, slot]),
        "omega": _number(start.omega[slot]),
        "role": _color(level.role[slot]),
        "collision": int(bodies.collision[slot]),
        "fixed": not float(bodies.inverse_mass[slot]) > 0,
    }
    data |= {key: _number(getattr(bodies, key)[slot]) for key in ("density", "friction", "restitution")}
    for key, inverse, per_density in (("mass", bodies.inverse_mass, area), ("inertia", bodies.inverse_inertia, moment)):
        value, usual = float(inverse[slot]), 1 / max(per_density * data["density"], 1e-12)
        if value > 0 and abs(value / usual - 1) > SAME:
            data[key] = float(f"{1 / value:.7g}")
    return data


def _shape_data(level: Level, slot: int, capacity: Capacity) -> tuple[dict[str, Any], float, float]:
    """Shape fields, area and second moment of the body in a slot."""
    bodies = level.scene.bodies
    if slot >= capacity.polygons:
        radius = _number(bodies.radius[slot - capacity.polygons])
        return {"shape": "circle", "radius": radius}, *shapes.circle_properties(radius)
    corners = np.asarray(bodies.vertices[:, : int(bodies.vertex_count[slot]), slot], np.float32).T
    area, _, moment = shapes.polygon_properties(corners.astype(float))
    hx, hy = np.abs(corners[0])
    if len(corners) == 4 and np.array_equal(corners, [(-hx, -hy), (hx, -hy), (hx, hy), (-hx, hy)]):
        return {"shape": "box", "half": [_number(hx), _number(hy)]}, area, moment
    return {"shape": "polygon", "vertices": [_numbers(corner) for corner in corners]}, area, moment


def _name_bodies(bodies: list[dict[str, Any]], names: Sequence[str] | None) -> None:
    """Give every body a name: the given ones, or its colour and shape with a number where that repeats."""
    if names is not None and len(names) != len(bodies):
        raise InputError("names", found=len(names), wanted=f"one for each of the {len(bodies)} bodies")
    taken: list[str] = []
    for i, body in enumerate(bodies):
        plain = body["shape"] if body["role"] == "normal" else f"{body['role']}_{body['shape']}"
        count = taken.count(plain)
        taken.append(plain)
        body["name"] = names[i] if names is not None else plain if not count else f"{plain}_{count + 1}"


def _joints_data(level: Level, named: dict[int, str]) -> list[dict[str, Any]]:
    """The joints that are active between bodies that are."""
    joints, found = level.scene.joints, []
    for slot in np.flatnonzero(np.asarray(joints.active)):
        a, b = int(joints.body_a[slot]), int(joints.body_b[slot])
        if a in named and b in named:
            found.append(_joint_data(level, int(slot), a, b) | {"a": named[a], "b": named[b]})
    return found


def _joint_data(level: Level, slot: int, a: int, b: int) -> dict[str, Any]:
    joints = level.scene.joints
    at, at_b = (_to_world(level, body, anchor[:, slot]) for body, anchor in ((a, joints.anchor_a), (b, joints.anchor_b)))
    data: dict[str, Any] = {"at": _numbers(at), "fixed": bool(joints.fixed[slot])}
    if np.abs(at - at_b).max() > SAME:
        data["at_b"] = _numbers(at_b)
    if joints.limited[slot] and not data["fixed"]:
        data["limits"] = _numbers(np.array([joints.lower[slot], joints.upper[slot]]))
    if joints.motor[slot] and not data["fixed"]:
        data["motor"] = {
            "channel": int(level.motor_channel[slot]),
            "speed": _number(joints.motor_speed[slot]),
            "power": _number(joints.motor_power[slot]),
            "auto": bool(level.motor_auto[slot]),
        }
    now, rest = _pose(level, b)[2] - _pose(level, a)[2], float(joints.rest_angle[slot])
    return data | ({"rest_angle": _number(rest)} if abs(rest - now) > 1e-6 else {})


def _thrusters_data(level: Level, named: dict[int, str]) -> list[dict[str, Any]]:
    """The thrusters that are active on bodies that are."""
    thrusters, found = level.scene.thrusters, []
    for slot in np.flatnonzero(np.asarray(thrusters.active)):
        body = int(thrusters.body[slot])
        if body not in named:
            continue
        found.append(
            {
                "body": named[body],
                "at": _numbers(_to_world(level, body, thrusters.anchor[:, slot])),
                "angle": _number(float(thrusters.angle[slot]) + _pose(level, body)[2]),
                "power": _number(thrusters.power[slot]),
                "channel": int(level.thruster_channel[slot]),
            }
        )
    return found
