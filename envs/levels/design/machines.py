"""Parts of machines and scenery that recur in levels of size m and l: ground, rods, chains, limbs, wheels, cars."""

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


def rock(sketch: Sketch, name: str, at: Point, radius: float) -> BodyRef:
    """A red ball that stays where it is."""
    return sketch.named(name, sketch.builder.circle(at, radius, role=Role.RED, fixed=True))


def wheel(
    sketch: Sketch, name: str, carrier: BodyRef, at: Point, radius: float, *, speed: float = 1.0, channel: int = 0, role: Role = NORMAL,
    power: float = 1.0, **material: Any,
) -> BodyRef:  # fmt: skip
    """A driven wheel; forward drives to the right."""
    body = sketch.named(name, sketch.builder.circle(at, radius, role=role, **material))
    sketch.builder.joint(carrier, body, at=at, motor=True, speed=-speed, power=power, channel=channel)
    return body


def car(
    sketch: Sketch, at: Point, half: Point, radius: float, *, overhang: float = 0.06, name: str = "car", role: Role = NORMAL,
    speed: float = 1.0, channel: int = 0, **body: Any,
) -> BodyRef:  # fmt: skip
    """A chassis centred at `at` on two driven wheels, its ends `overhang` beyond the axles; forward drives to the right."""
    chassis = sketch.named(name, sketch.builder.box(at, half, role=role, **body))
    for end, side in (("rear", -1), ("front", 1)):
        axle = (at[0] + side * (half[0] - overhang), at[1] - half[1])
        wheel(sketch, f"{end}_wheel", chassis, axle, radius, speed=speed, channel=channel)
    return chassis


def car_on(sketch: Sketch, ground: float, x: float, *, half: float = 0.35, radius: float = 0.18, **more: Any) -> BodyRef:
    """A flat car, see `car`, whose wheels stand on `ground`."""
    thick = 0.08  # half of it
    return car(sketch, (x, ground + radius + 0.005 + thick), (half, thick), radius, **more)


def limb(
    sketch: Sketch,
    names: Sequence[str],
    root: BodyRef,
    points: Sequence[Point],
    channels: Sequence[int],
    *,
    limits: Sequence[Point] | None = None,
    speed: float = 1.0,
    power: float = 1.0,
    half: float = THIN,
    **material: Any,
) -> list[BodyRef]:
    """A chain of rods through `points`, the first of which is on `root`; a motor in every joint, each with its channel and limits."""
    bodies = [root]
    for i, name in enumerate(names):
        bodies.append(rod(sketch, name, points[i], points[i + 1], half=half, **material))
        settings = {"motor": True, "speed": speed, "power": power, "limits": limits[i] if limits else None}
        sketch.builder.joint(bodies[i], bodies[i + 1], at=points[i], channel=channels[i], **settings)
    return bodies[1:]
