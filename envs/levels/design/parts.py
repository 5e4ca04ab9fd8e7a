"""The vocabulary that hand-made levels are written in: a sketch of a level, and parts that recur in many.

A level is a function without arguments: its name names the level, its docstring describes it in a
sentence, and it returns a `Sketch`. A module of levels lists them by theme, and the mirrored twins.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from envs import holdout, level_file
from envs.base import Role
from envs.build import LevelBuilder, Point
from envs.level_model import LevelModel
from envs.levels.design.mirror import mirrored
from envs.sizes import capacity
from physics.base import FLOOR as GROUND
from physics.build import BodyRef

GREEN, BLUE, RED = Role.GREEN, Role.BLUE, Role.RED
UP = math.pi / 2  # direction of a push

BAR = 0.06  # m, half the thickness of a beam or a mast
PLATE = 0.07  # m, half the thickness of a chassis
CLEARANCE = 0.01  # m


class Sketch:
    """A level in the making: a `LevelBuilder` with names for its bodies."""

    def __init__(self, size: str, gravity: float = 1.0, **walls: Any) -> None:
        """An empty room; `gravity` as a share of the usual; `walls` by name: a role, or keyword arguments of `LevelBuilder.wall`."""
        self.size = size
        self.builder = LevelBuilder(capacity(size), gravity=(0.0, -9.81 * gravity))
        self._names: dict[str, list[str]] = {"polygon": [], "circle": []}
        for name, wall in walls.items():
            self.builder.wall(name, **(wall if isinstance(wall, dict) else {"role": wall}))

    def named(self, name: str, body: BodyRef) -> BodyRef:
        """Give a body its name."""
        self._names[body.kind].append(name)
        return body

    def model(self, name: str, description: str) -> LevelModel:
        """What the level's file will hold."""
        names = [*self._names["polygon"], *self._names["circle"]]
        return level_file.to_model(self.builder.finish(), name=name, description=description, size=self.size, names=names)


Design = Callable[[], Sketch]


def goal(sketch: Sketch, at: Point, radius: float) -> BodyRef:
    """The blue ball that stays where it is."""
    return sketch.named("goal", sketch.builder.circle(at, radius, role=BLUE, fixed=True))


def ball(sketch: Sketch, at: Point, radius: float, role: Role = GREEN, **material: Any) -> BodyRef:
    """A free ball."""
    return sketch.named("ball", sketch.builder.circle(at, radius, role=role, **material))


def rocket(sketch: Sketch, at: Point, half: Point, power: float, *, name: str = "rocket", tilt: float = 0.0, **material: Any) -> BodyRef:
    """A box with a thruster under it that pushes up, `tilt` rad to the left."""
    body = sketch.named(name, sketch.builder.box(at, half, **material))
    sketch.builder.thruster(body, at=(at[0], at[1] - half[1]), angle=UP + tilt, power=power)
    return body


def beam(sketch: Sketch, at: Point, half_length: float, angle: float = 0.0, role: Role = Role.NORMAL) -> BodyRef:
    """A thin bar centred at `at`."""
    return sketch.named("beam", sketch.builder.box(at, (half_length, BAR), angle, role))


def unicycle(sketch: Sketch, x: float, radius: float, mast: float, *, mast_role: Role, wheel_role: Role, speed: float = 1.0) -> None:
    """A driven wheel on the floor with a mast of half length `mast` that stands up from its axle."""
    axle = (x, GROUND + radius)
    body = sketch.named("mast", sketch.builder.box((x, axle[1] + mast), (BAR, mast), role=mast_role, density=0.5))
    wheel = sketch.named("wheel", sketch.builder.circle(axle, radius, role=wheel_role))
    sketch.builder.joint(body, wheel, at=axle, motor=True, speed=speed)


def tail_dragger(
    sketch: Sketch, x: float, radius: float, half: float, *, role: Role = Role.NORMAL, speed: float = 1.0, **moving: Any
) -> None:
    """A car with one driven wheel in front at `x`: a chassis of half length `half` slopes to the floor behind it."""
    axle = (x, GROUND + radius)
    drop = (radius - PLATE - CLEARANCE) / 2  # of the chassis' centre below the axle
    slope = math.asin(drop / half)
    centre = (x - half * math.cos(slope), axle[1] - drop)
    body = sketch.named("chassis", sketch.builder.box(centre, (half, PLATE), slope, role, **moving))
    wheel = sketch.named("wheel", sketch.builder.circle(axle, radius, **moving))
    sketch.builder.joint(body, wheel, at=axle, motor=True, speed=speed)


def models(designs: Mapping[str, Sequence[Design]], twins: Mapping[str, Design]) -> list[LevelModel]:
    """The levels of all themes, then the mirrored twins by name; a twin has the theme of the level that it mirrors."""
    found = {}
    for theme, group in designs.items():
        for design in group:
            model = design().model(design.__name__, (design.__doc__ or "").strip())
            found[design] = model.model_copy(update={"theme": theme})
    return [*found.values(), *(mirrored(found[design], name) for name, design in twins.items())]


def save(
    models: Iterable[LevelModel],
    solve: Callable[[LevelModel], list] | None = None,
    still_solves: Callable[[LevelModel], bool] = lambda model: True,
) -> list[str]:
    """Write the file of every level into `holdout.FOLDER`: the ids of those that are new or changed.

    A file whose level is the same keeps its solution if that `still_solves`; others get what `solve` finds, if it is given.
    """
    changed = []
    for model in models:
        path = holdout.FOLDER / model.size / f"{model.name}.json"
        shipped = level_file.read_model(path) if path.exists() else None
        if shipped and _text_without_solution(shipped) == _text_without_solution(model) and still_solves(shipped):
            continue
        solution = [tuple(run) for run in solve(model)] if solve else None
        level_file.write_model(model.model_copy(update={"solution": solution}), path)
        changed.append(f"{model.size}/{model.name}")
    return changed


def _text_without_solution(model: LevelModel) -> str:
    return json.dumps(json.loads(level_file.to_text(model)) | {"solution": None})
