"""What a scene of the quality benchmark is: plain data that any engine can be given.

All scenes stand in the same empty room (`physics.base`). Materials belong to a scene, not to a body: `friction` and
`restitution` are what every contact shall have after an engine has combined those of two bodies in its own way.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

Point = tuple[float, float]
HERTZ = 60  # motion is recorded so often
FLOOR, LEFT, RIGHT, CEILING = -1, -2, -3, -4  # what a joint may name instead of a body


@dataclasses.dataclass(frozen=True)
class Body:
    """A convex polygon, or a disc if it has no vertices."""

    at: Point  # centre of mass, m
    vertices: tuple[Point, ...] = ()  # m, own frame, counter-clockwise, centroid at the origin
    radius: float = 0.0
    angle: float = 0.0
    vel: Point = (0.0, 0.0)
    omega: float = 0.0
    density: float = 1.0
    fixed: bool = False


@dataclasses.dataclass(frozen=True)
class Joint:
    """Pins body `b` to body `a` at a point of the world. Bodies that joints link, however far, never collide."""

    a: int
    b: int
    at: Point
    limits: Point | None = None  # of the angle of b relative to a, from the start, rad
    motor: bool = False  # driven at full control, from the first step


@dataclasses.dataclass(frozen=True)
class Row:
    """A number to be measured in a scene, and what it would be in an ideal engine."""

    measure: str  # a function of `measures`
    words: str
    unit: str
    ideal: float = 0.0
    at_most: bool = False  # less than the ideal is as good
    of: int = 0  # the body that is meant, where it is one
    beyond: float = 0.0  # m, the x that bodies shall not pass, where it is about that

    def error(self, value: float) -> float:
        """How far a measured value is from the ideal."""
        return max(value - self.ideal, 0.0) if self.at_most else abs(value - self.ideal)


@dataclasses.dataclass(frozen=True)
class Scene:
    """Bodies and joints in the room, how long to watch them, and what to measure."""

    name: str
    words: str
    seconds: float
    bodies: tuple[Body, ...]
    rows: tuple[Row, ...]
    joints: tuple[Joint, ...] = ()
    gravity: Point = (0.0, -9.81)
    friction: float = 0.0
    restitution: float = 0.0
    drop: tuple[float, ...] = ()  # m that each body can fall: what energy is compared with

    @property
    def steps(self) -> int:
        """Recorded steps."""
        return round(self.seconds * HERTZ)


def box(at: Sequence[float], half: Point, **more: object) -> Body:
    """A rectangle with half sizes `half`."""
    x, y = half
    return Body(at=(float(at[0]), float(at[1])), vertices=((-x, -y), (x, -y), (x, y), (-x, y)), **more)  # type: ignore[arg-type]


def disc(at: Sequence[float], radius: float, **more: object) -> Body:
    """A disc."""
    return Body(at=(float(at[0]), float(at[1])), radius=radius, **more)  # type: ignore[arg-type]


def save(scenes: Sequence[Scene], path: Path) -> None:
    """Write scenes as JSON, for engines that run in another environment."""
    path.write_text(json.dumps([dataclasses.asdict(scene) for scene in scenes]))
