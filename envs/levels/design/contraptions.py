"""Parts that contraptions and vehicles of large levels are made of: ground, rods, chains, cars."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

from envs.base import Role
from envs.build import Point
from envs.levels.design.parts import Sketch
from physics.build import BodyRef

NORMAL = Role.NORMAL
THIN = 0.05  # m, half the thickness of a rod


def block(sketch: Sketch, name: str, x: Point, y: Point, role: Role = NORMAL, **material: Any) -> BodyRef:
    """An immovable box from `x[0]` to `x[1]` and from `y[0]` to `y[1]`."""
    return crate(sketch, name, x, y, role, fixed=True, **material)


def crate(sketch: Sketch, name: str, x: Point, y: Point, role: Role = NORMAL, **material: Any) -> BodyRef:
    """A box that can move, from `x[0]` to `x[1]` and from `y[0]` to `y[1]`."""
    at, half = ((x[0] + x[1]) / 2, (y[0] + y[1]) / 2), ((x[1] - x[0]) / 2, (y[1] - y[0]) / 2)
    return sketch.named(name, sketch.builder.box(at, half, role=role, **material))


def wedge(sketch: Sketch, name: str, corners: Sequence[Point], role: Role = NORMAL, **material: Any) -> BodyRef:
    """An immovable polygon by its corners, counter-clockwise."""
    return sketch.named(name, sketch.builder.polygon(corners, role=role, fixed=True, **material))


def rod(sketch: Sketch, name: str, start: Point, end: Point, role: Role = NORMAL, half: float = THIN, **material: Any) -> BodyRef:
    """A bar from `start` to `end`, `half` a thickness to either side; both points are on its axis."""
    along = (end[0] - start[0], end[1] - start[1])
    at = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    return sketch.named(name, sketch.builder.box(at, (math.hypot(*along) / 2, half), math.atan2(along[1], along[0]), role, **material))


def chain(sketch: Sketch, first: BodyRef, points: Sequence[Point], name: str = "link", **link: Any) -> BodyRef:
    """Rods from point to point, joined loosely to one another and the first one to `first`; the last rod is returned."""
    for i, (start, end) in enumerate(itertools.pairwise(points)):
        body = rod(sketch, f"{name}_{i + 1}", start, end, **link)
        sketch.builder.joint(first, body, at=start)
        first = body
    return first


def wheel(
    sketch: Sketch, name: str, carrier: BodyRef, at: Point, radius: float, *, speed: float = 1.0, channel: int = 0, role: Role = NORMAL,
    power: float = 1.0, **material: Any,
) -> BodyRef:  # fmt: skip
    """A driven wheel; forward drives to the right."""
    body = sketch.named(name, sketch.builder.circle(at, radius, role=role, **material))
    sketch.builder.joint(carrier, body, at=at, motor=True, speed=-speed, power=power, channel=channel)
    return body


def car(
    sketch: Sketch, x: float, ground: float, *, half: float = 0.35, radius: float = 0.18, role: Role = NORMAL, speed: float = 1.0,
    channel: int = 0, overhang: float = 0.06, **body: Any,
) -> BodyRef:  # fmt: skip
    """A chassis on two driven wheels that stand on `ground`, its ends `overhang` beyond the axles; forward drives to the right."""
    thick = 0.08  # half of it
    axle = ground + radius + 0.005
    chassis = sketch.named("car", sketch.builder.box((x, axle + thick), (half, thick), role=role, **body))
    for end, side in (("rear", -1), ("front", 1)):
        wheel(sketch, f"{end}_wheel", chassis, (x + side * (half - overhang), axle), radius, speed=speed, channel=channel)
    return chassis
