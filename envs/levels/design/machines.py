"""Parts of vehicles, arms and scenery that recur in levels of size m and l."""

import math
from collections.abc import Sequence
from typing import Any

from envs.base import Role
from envs.build import Point
from envs.levels.design.parts import BAR, Sketch
from physics.build import BodyRef


def block(sketch: Sketch, name: str, at: Point, half: Point, role: Role = Role.NORMAL, **material: Any) -> BodyRef:
    """A box that stays where it is."""
    return sketch.named(name, sketch.builder.box(at, half, role=role, fixed=True, **material))


def rock(sketch: Sketch, name: str, at: Point, radius: float) -> BodyRef:
    """A red ball that stays where it is."""
    return sketch.named(name, sketch.builder.circle(at, radius, role=Role.RED, fixed=True))


def wheel(
    sketch: Sketch, name: str, body: BodyRef, at: Point, radius: float, *, speed: float = 1.0, power: float = 1.0, **more: Any
) -> BodyRef:
    """A driven wheel on the axle `at` of a body."""
    channel, motor = more.pop("channel", 0), more.pop("motor", True)
    found = sketch.named(name, sketch.builder.circle(at, radius, **more))
    sketch.builder.joint(body, found, at=at, motor=motor, speed=speed, power=power, channel=channel)
    return found


def car(
    sketch: Sketch, at: Point, half: Point, radius: float, *, role: Role = Role.GREEN, speed: float = 1.0, power: float = 1.0
) -> BodyRef:
    """A chassis centred at `at` on two driven wheels, one under each end."""
    body = sketch.named("chassis", sketch.builder.box(at, half, role=role))
    for name, side in (("rear_wheel", -1), ("front_wheel", 1)):
        wheel(sketch, name, body, (at[0] + side * (half[0] - radius / 2), at[1] - half[1]), radius, speed=speed, power=power)
    return body


def bar(sketch: Sketch, name: str, start: Point, end: Point, *, thick: float = BAR, role: Role = Role.NORMAL, **material: Any) -> BodyRef:
    """A thin bar from one point to another."""
    across, up = end[0] - start[0], end[1] - start[1]
    centre = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    half = (math.hypot(across, up) / 2, thick)
    return sketch.named(name, sketch.builder.box(centre, half, math.atan2(up, across), role, **material))


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
    thick: float = 0.05,
    **material: Any,
) -> list[BodyRef]:
    """A chain of bars through `points`, the first of which is on `root`; a motor in every joint, each with its channel and limits."""
    bodies = [root]
    for i, name in enumerate(names):
        bodies.append(bar(sketch, name, points[i], points[i + 1], thick=thick, **material))
        settings = {"motor": True, "speed": speed, "power": power, "limits": limits[i] if limits else None}
        sketch.builder.joint(bodies[i], bodies[i + 1], at=points[i], channel=channels[i], **settings)
    return bodies[1:]
