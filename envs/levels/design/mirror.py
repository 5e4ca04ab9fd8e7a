"""The twin of a level: left and right exchanged, so that an agent cannot live by preferring one side."""

import json
import math
import re
from typing import Any

from envs import level_file
from envs.level_model import LevelModel, parse
from physics.base import ROOM_WIDTH

OTHER_WALL = {"left": "right", "right": "left"}


def mirrored(model: LevelModel, name: str) -> LevelModel:
    """The level with left and right exchanged, without a solution. What the agent does keeps its meaning."""
    data = json.loads(level_file.to_text(model))
    description = re.sub(r"\b(left|right)\b", lambda word: OTHER_WALL[word[0]], model.description)
    data |= {"name": name, "twin": model.name, "description": description, "solution": None}
    walls = data.get("walls", {})
    data["walls"] = {OTHER_WALL.get(wall, wall): what for wall, what in walls.items()}
    data["bodies"] = [_body(body) for body in data["bodies"]]
    data["joints"] = [_joint(joint) for joint in data.get("joints", [])]
    data["thrusters"] = [each | {"at": _point(each["at"]), "angle": math.pi - each["angle"]} for each in data.get("thrusters", [])]
    if "gravity" in data:
        data["gravity"] = _vector(data["gravity"])
    return parse(data, f"twin of {model.name}")


def _point(at: list[float]) -> list[float]:
    return [ROOM_WIDTH - at[0], at[1]]


def _vector(of: list[float]) -> list[float]:
    return [-of[0], of[1]]


def _body(body: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {"at": _point(body["at"])}
    changed |= {key: -body[key] for key in ("angle", "omega") if key in body}
    if "vel" in body:
        changed["vel"] = _vector(body["vel"])
    if "vertices" in body:
        changed["vertices"] = [_vector(corner) for corner in reversed(body["vertices"])]
    return body | changed


def _joint(joint: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {key: OTHER_WALL.get(joint[key], joint[key]) for key in ("a", "b")}
    changed |= {key: _point(joint[key]) for key in ("at", "at_b") if joint.get(key)}
    if joint.get("rest_angle") is not None:
        changed["rest_angle"] = -joint["rest_angle"]
    if joint.get("limits"):
        changed["limits"] = [-limit for limit in reversed(joint["limits"])]
    if joint.get("motor"):
        changed["motor"] = joint["motor"] | {"speed": -joint["motor"].get("speed", 1.0)}
    return joint | changed
