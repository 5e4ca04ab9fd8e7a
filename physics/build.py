"""Build a scene by hand: bodies, joints by world anchor, thrusters, with physically right masses.

    builder = Builder(Capacity(polygons=1, circles=2, joints=1, thrusters=1))
    chassis = builder.box(at=(2, 1), half=(0.4, 0.1))
    wheel = builder.circle(at=(1.7, 0.9), radius=0.15)
    builder.joint(chassis, wheel, at=(1.7, 0.9), motor=True)
    scene, motion = builder.finish()

Bodies are added in any order; `finish` puts polygons first. Everything impossible is an
`InputError` at the line that asks for it. Plain numpy: off the hot path.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from physics import shapes
from physics.base import Bodies, Capacity, Joints, Motion, Scene, Thrusters, Walls
from physics.errors import InputError
from physics.pytree import declarations

Point = Sequence[float]
T = TypeVar("T")
WALL_NAMES = ("floor", "left", "right", "ceiling")
SMALLEST = 0.01  # m
FARTHEST = 1000.0  # of any other number of a body; in single precision more would cost the digits that matter
LIGHTEST, HEAVIEST = 1e-3, 1e3  # kg/m2


@dataclasses.dataclass(frozen=True)
class BodyRef:
    """Names a body, or a wall of the room, to the builder."""

    kind: str  # polygon, circle or wall
    slot: int


FLOOR, LEFT, RIGHT, CEILING = (BodyRef("wall", i) for i in range(4))


class Builder:
    """Collects the parts of one scene."""

    def __init__(self, capacity: Capacity, gravity: Point = (0.0, -9.81)) -> None:
        """Start an empty scene with the given slots."""
        self.capacity = capacity
        self.gravity = _numbers("gravity", gravity, 2)
        self.wall_friction = [1.0] * capacity.walls
        self.wall_restitution = [0.0] * capacity.walls
        self._bodies: dict[str, list[dict]] = {"polygon": [], "circle": []}
        self._joints: list[dict] = []
        self._thrusters: list[dict] = []

    def box(self, at: Point, half: Point, angle: float = 0.0, **material: object) -> BodyRef:
        """A rectangle with half sizes `half` (m) centred at `at`; see `polygon` for the material."""
        hx, hy = _numbers("box half size", half, 2)
        if hx <= 0 or hy <= 0:
            raise InputError("box half size", found=(hx, hy), wanted="two numbers above 0")
        return self.polygon([(-hx, -hy), (hx, -hy), (hx, hy), (-hx, hy)], at, angle, **material)

    def polygon(self, vertices: Sequence[Point], at: Point = (0.0, 0.0), angle: float = 0.0, **material: object) -> BodyRef:
        """A convex polygon from `vertices` (m) in its own frame, whose origin goes to `at`.

        Material: `density`, `friction`, `restitution`, `collision` (0, 1 or 2), `fixed` (immovable),
        `vel` (m/s), `omega` (rad/s).
        """
        name = f"polygon {len(self._bodies['polygon'])}"
        corners = shapes.convex(np.asarray(vertices, float), name)
        if len(corners) > self.capacity.vertices:
            raise InputError(name, found=f"{len(corners)} vertices", wanted=f"at most {self.capacity.vertices}")
        area, centroid, moment = shapes.polygon_properties(corners)
        angle = _number(f"{name} angle", angle)
        cos, sin = math.cos(angle), math.sin(angle)
        centre = _numbers(f"{name} position", at, 2) + np.array([[cos, -sin], [sin, cos]]) @ centroid
        return self._add("polygon", area, moment, centre, angle, {"vertices": corners - centroid}, material)

    def circle(self, at: Point, radius: float, angle: float = 0.0, **material: object) -> BodyRef:
        """A disc; see `polygon` for the material."""
        if not SMALLEST <= _number("circle radius", radius) <= shapes.LARGEST:
            raise InputError("circle radius", found=radius, wanted=f"{SMALLEST:g} to {shapes.LARGEST:g} m")
        area, moment = shapes.circle_properties(radius)
        return self._add("circle", area, moment, _numbers("circle position", at, 2), angle, {"radius": radius}, material)

    def _add(self, kind: str, area: float, moment: float, at: np.ndarray, angle: float, shape: dict, material: dict) -> BodyRef:
        slots = self.capacity.polygons if kind == "polygon" else self.capacity.circles
        if len(self._bodies[kind]) == slots:
            raise InputError(f"{kind}s", found=f"more than {slots}", wanted=f"at most {slots} for this size")
        body = {"density": 1.0, "friction": 1.0, "restitution": 0.0, "collision": 1, "fixed": False, "vel": (0, 0), "omega": 0.0}
        unknown = set(material) - set(body)
        if unknown:
            raise InputError(f"{kind} material", found=", ".join(sorted(unknown)), wanted=", ".join(body))
        body |= material
        for key in ("density", "friction", "restitution", "omega"):
            body[key] = _number(f"{kind} {key}", body[key])
        if not LIGHTEST <= body["density"] <= HEAVIEST:
            raise InputError(f"{kind} density", found=body["density"], wanted=f"{LIGHTEST:g} to {HEAVIEST:g} kg/m2")
        if body["collision"] not in (0, 1, 2):
            raise InputError(f"{kind} collision", found=body["collision"], wanted="0, 1 or 2")
        if body["fixed"] and (body["omega"] or any(body["vel"])):
            raise InputError(f"{kind} vel", found=f"{body['vel']} and omega {body['omega']}", wanted="0 for an immovable body")
        mass, inertia = area * body["density"], moment * body["density"]
        body |= {"pos": at, "angle": _number(f"{kind} angle", angle), "vel": _numbers("vel", body["vel"], 2)}
        for key in ("pos", "angle", "vel", "omega", "friction", "restitution"):
            if np.abs(body[key]).max() > FARTHEST:
                raise InputError(f"{kind} {key}", found=body[key], wanted=f"at most {FARTHEST:g}")
        body["inverse"] = (0.0, 0.0) if body["fixed"] else (1 / mass, 1 / inertia)
        self._bodies[kind].append(body | shape)
        return BodyRef(kind, len(self._bodies[kind]) - 1)

    def joint(
        self, a: BodyRef, b: BodyRef, at: Point, *, motor: bool = False, speed: float = 1.0, power: float = 1.0,
        limits: Point | None = None, fixed: bool = False, rest_angle: float | None = None,
    ) -> int:  # fmt: skip
        """Pin `a` and `b` together at the world point `at`; returns the joint's slot.

        `limits` (rad) bound the angle of b relative to a, measured from now. `fixed` welds them.
        """
        name = f"joint {len(self._joints)}"
        if len(self._joints) == self.capacity.joints:
            raise InputError("joints", found=f"more than {self.capacity.joints}", wanted=f"at most {self.capacity.joints}")
        self._require_walls(name, a, b)
        if a == b or (a.kind == b.kind == "wall"):
            raise InputError(name, found=f"{a} and {b}", wanted="two different bodies, at most one of them a wall")
        point = _numbers(f"{name} anchor", at, 2)
        lower, upper = _numbers(f"{name} limits", limits, 2) if limits is not None else (0.0, 0.0)
        if lower > upper:
            raise InputError(f"{name} limits", found=(lower, upper), wanted="lower at most upper")
        angle = self._angle(b) - self._angle(a) if rest_angle is None else _number(f"{name} rest angle", rest_angle)
        speed, power = _number(f"{name} motor speed", speed), _number(f"{name} motor power", power)
        self._joints.append(
            {
                "bodies": (a, b), "anchors": (self._local(a, point), self._local(b, point)),
                "rest_angle": angle, "lower": lower, "upper": upper, "limited": limits is not None and not fixed,
                "fixed": fixed, "motor": motor and not fixed, "motor_speed": speed, "motor_power": power,
            }
        )  # fmt: skip
        return len(self._joints) - 1

    def thruster(self, body: BodyRef, at: Point, angle: float, power: float = 1.0) -> int:
        """A thruster at the world point `at` that pushes along the world direction `angle` (rad); returns its slot."""
        if len(self._thrusters) == self.capacity.thrusters:
            raise InputError("thrusters", found=f"more than {self.capacity.thrusters}", wanted=f"at most {self.capacity.thrusters}")
        if body.kind == "wall":
            raise InputError("thruster", found="a wall", wanted="a body")
        direction = _number("thruster angle", angle) - self._angle(body)
        anchor = self._local(body, _numbers("thruster position", at, 2))
        self._thrusters.append({"body": body, "anchor": anchor, "angle": direction, "power": _number("thruster power", power)})
        return len(self._thrusters) - 1

    def index(self, ref: BodyRef) -> int:
        """Where a body will be on the body axis; walls come after all bodies."""
        offset = {"polygon": 0, "circle": self.capacity.polygons, "wall": self.capacity.bodies}
        return offset[ref.kind] + ref.slot

    def _require_walls(self, name: str, *refs: BodyRef) -> None:
        for ref in refs:
            if ref.kind == "wall" and ref.slot >= self.capacity.walls:
                raise InputError(name, found=f"the wall {WALL_NAMES[ref.slot]}", wanted="bodies, as this capacity has no such wall")

    def _angle(self, ref: BodyRef) -> float:
        return 0.0 if ref.kind == "wall" else self._bodies[ref.kind][ref.slot]["angle"]

    def _local(self, ref: BodyRef, point: np.ndarray) -> np.ndarray:
        if ref.kind == "wall":
            return point
        body = self._bodies[ref.kind][ref.slot]
        cos, sin = math.cos(body["angle"]), math.sin(body["angle"])
        return np.array([[cos, sin], [-sin, cos]]) @ (point - body["pos"])

    def finish(self) -> tuple[Scene, Motion]:
        """The scene and its start, as single-world numpy arrays."""
        frictions, restitutions = np.array(self.wall_friction, np.float32), np.array(self.wall_restitution, np.float32)
        walls = _filled(Walls, {"friction": frictions, "restitution": restitutions})
        bodies, motion = self._finish_bodies()
        gravity: Any = np.array(self.gravity, np.float32)
        scene = Scene(bodies=bodies, walls=walls, joints=self._finish_joints(), thrusters=self._finish_thrusters(), gravity=gravity)
        return scene, motion

    def _finish_bodies(self) -> tuple[Bodies, Motion]:
        capacity = self.capacity
        values = blank(Bodies, capacity) | blank(Motion, capacity)
        for kind, first in (("polygon", 0), ("circle", capacity.polygons)):
            for slot, body in enumerate(self._bodies[kind]):
                row = first + slot
                for key in ("density", "friction", "restitution", "collision", "angle", "omega"):
                    values[key][row] = body[key]
                values["inverse_mass"][row], values["inverse_inertia"][row] = body["inverse"]
                values["active"][row] = True
                values["pos"][:, row], values["vel"][:, row] = body["pos"], body["vel"]
        for slot, body in enumerate(self._bodies["polygon"]):
            count = len(body["vertices"])
            padding = np.repeat(body["vertices"][:1], capacity.vertices - count, axis=0)
            values["vertices"][:, :, slot] = np.concatenate([body["vertices"], padding]).T
            values["vertex_count"][slot] = count
        for slot, body in enumerate(self._bodies["circle"]):
            values["radius"][slot] = body["radius"]
        return _filled(Bodies, values), _filled(Motion, values)

    def _finish_joints(self) -> Joints:
        values = blank(Joints, self.capacity)
        for slot, joint in enumerate(self._joints):
            values["body_a"][slot], values["body_b"][slot] = (self.index(ref) for ref in joint["bodies"])
            values["anchor_a"][:, slot], values["anchor_b"][:, slot] = joint["anchors"]
            values["active"][slot] = True
            for key in ("rest_angle", "lower", "upper", "limited", "fixed", "motor", "motor_speed", "motor_power"):
                values[key][slot] = joint[key]
        return _filled(Joints, values)

    def _finish_thrusters(self) -> Thrusters:
        values = blank(Thrusters, self.capacity)
        for slot, thruster in enumerate(self._thrusters):
            values["body"][slot] = self.index(thruster["body"])
            values["anchor"][:, slot] = thruster["anchor"]
            values["angle"][slot], values["power"][slot], values["active"][slot] = thruster["angle"], thruster["power"], True
        return _filled(Thrusters, values)


def blank(cls: type, capacity: Capacity) -> dict[str, Any]:
    """Arrays of zeros for every field of a struct (nested ones left out), for numpy code to fill: single world, declared dtypes."""
    declared = {name: value for name, value in declarations(cls).items() if not isinstance(value, type)}
    return {name: np.zeros(value.shape(capacity.dims), value.dtype) for name, value in declared.items()}


def _filled(cls: type[T], values: dict[str, np.ndarray]) -> T:
    return cls(**{name: values[name] for name in declarations(cls)})


def _numbers(name: str, values: object, count: int) -> np.ndarray:
    try:
        found = np.asarray(values, float)
    except (TypeError, ValueError):
        found = np.array([np.nan])
    if found.shape != (count,) or not np.isfinite(found).all():
        raise InputError(name, found=values, wanted=f"{count} finite number{'s' if count > 1 else ''}")
    return found


def _number(name: str, value: object) -> float:
    return float(_numbers(name, [value], 1)[0])
