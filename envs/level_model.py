"""What a level file holds: strict models of its fields, and the errors of those who mistype one.

`parse` turns JSON text into a checked `LevelModel`; every error is one `InputError` that names the
file, the place in it, what was found and what was wanted. Making a `Level` of it, and files, is the
business of `level_file`.
"""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import pydantic
from pydantic import Field

from envs import sizes
from envs.actions import CHOICES
from envs.base import MOTOR_CHANNELS, THRUSTER_CHANNELS
from envs.json_place import Plain, cut, decode, shown
from physics import shapes
from physics.base import Capacity
from physics.build import WALL_NAMES
from physics.errors import InputError

FORMAT, VERSION = "fulcrum-level", 1
MAX_STEPS = 10_000  # of a solution
SMALLEST, LARGEST = 1e-4, 1e6  # beyond these, 32-bit arithmetic of the engine breaks down

Finite = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Positive = Annotated[float, Field(ge=SMALLEST, le=LARGEST, allow_inf_nan=False)]
Mass = Annotated[float, Field(gt=1e-12, le=LARGEST, allow_inf_nan=False)]
Unsigned = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Point = Annotated[list[Finite], Field(min_length=2, max_length=2)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Color = Literal["normal", "green", "blue", "red"]
Action = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=len(CHOICES), max_length=len(CHOICES))]
Repeat = Annotated[int, Field(ge=1, le=MAX_STEPS)]


class Part(pydantic.BaseModel):
    """What all parts of a file share: no unknown fields, no conversion of types."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True)


class Wall(Part):
    """Colour and material of a wall of the room."""

    role: Color = "normal"
    friction: Unsigned = 1.0
    restitution: Share = 0.0


class Walls(Part):
    """The four walls."""

    floor: Wall = Wall()
    left: Wall = Wall()
    right: Wall = Wall()
    ceiling: Wall = Wall()


class Body(Part):
    """What bodies of every shape have."""

    name: Name
    at: Point  # m, the centre of mass (of a polygon: where the origin of its vertices is)
    angle: Finite = 0.0  # rad
    vel: Point = [0.0, 0.0]  # m/s
    omega: Finite = 0.0  # rad/s
    role: Color = "normal"
    density: Positive = 1.0  # kg/m2
    friction: Unsigned = 1.0
    restitution: Share = 0.0
    collision: Annotated[int, Field(ge=0, le=2)] = 1  # 0 meets only 2; 1 meets 1 and 2; 2 meets all
    fixed: bool = False  # immovable
    mass: Mass | None = None  # kg, only where it is not what shape and density give
    inertia: Mass | None = None  # kg m2, likewise


class Box(Body):
    """A rectangle by its half sizes."""

    shape: Literal["box"]
    half: Annotated[list[Positive], Field(min_length=2, max_length=2)]  # m


class Polygon(Body):
    """A convex polygon by its corners."""

    shape: Literal["polygon"]
    vertices: Annotated[list[Point], Field(min_length=3)]  # m, in the body's own frame


class Circle(Body):
    """A disc."""

    shape: Literal["circle"]
    radius: Annotated[float, Field(ge=0.01, le=LARGEST, allow_inf_nan=False)]  # m


class Motor(Part):
    """What drives a joint."""

    channel: Annotated[int, Field(ge=0, lt=MOTOR_CHANNELS)]
    speed: Finite = 1.0  # multiples of the solver's motor speed
    power: Finite = 1.0
    auto: bool = False  # runs at full control whatever the agent does


class Joint(Part):
    """Pins body `b` to body (or wall) `a` at a point of the world."""

    a: str
    b: str
    at: Point  # m
    at_b: Point | None = None  # m, the anchor on b, only where the two are apart at the start
    fixed: bool = False  # a weld
    limits: Point | None = None  # rad, of b's angle relative to a's, from rest_angle
    motor: Motor | None = None
    rest_angle: Finite | None = None  # rad; without it, the relative angle at the start


class Thruster(Part):
    """A push on a body, from a point of the world at the start, along a direction of the world at the start."""

    body: str
    at: Point  # m
    angle: Finite  # rad
    power: Finite = 1.0
    channel: Annotated[int, Field(ge=0, lt=THRUSTER_CHANNELS)]


SHAPES: dict[str, type[Body]] = {"box": Box, "polygon": Polygon, "circle": Circle}


class Origin(Part):
    """Where a drawn level comes from: with the settings that are not usual, enough to draw it again."""

    seed: int
    number: Annotated[int, Field(ge=0)]  # of those that the seed stands for
    settings: list[str] = []  # as a person types them
    parent: str | None = None  # id or file of the level that was edited
    edits: list[str] = []  # what was changed


class Pooled(Part):
    """Where a level of a curriculum's pool comes from, and how it went there."""

    run: str
    iteration: Annotated[int, Field(ge=0)]  # of the checkpoint
    hash: str  # hexadecimal, as the pool knows it; so are the other two
    key: str | None = None  # of a drawn level: the generator's key
    number: Annotated[int, Field(ge=0)] | None = None  # and which draw of that key it is
    parent: str | None = None  # of an edited one: what it was made from
    edits: Annotated[int, Field(ge=0)] = 0  # in a row since a level was drawn
    success: Share | None = None  # rate in training; None if it was not played yet
    episodes: Unsigned = 0.0  # that the rate rests on


class LevelModel(Part):
    """A whole file. A solution is a list of (action, environment steps); for actions see `envs.actions`."""

    format: Literal["fulcrum-level"]
    version: Literal[1]
    name: Name
    description: Annotated[str, Field(max_length=300)]
    size: Literal["s", "m", "l"]
    theme: Name | None = None  # what kind of task it is
    twin: Name | None = None  # the level that this one mirrors
    origin: Origin | None = None  # of a level that was drawn
    pool: Pooled | None = None  # of a level that a run trained on
    gravity: Point = [0.0, -9.81]  # m/s2
    walls: Walls = Walls()
    bodies: list[Annotated[Box | Polygon | Circle, Field(discriminator="shape")]]
    joints: list[Joint] = []
    thrusters: list[Thruster] = []
    solution: list[tuple[Action, Repeat]] | None = None

    @pydantic.field_validator("solution", mode="before")
    @classmethod
    def _pairs(cls, runs: Any) -> Any:
        """JSON has no tuples, which strict models would insist on."""
        return [tuple(run) if isinstance(run, list) else run for run in runs] if isinstance(runs, list) else runs


def parse(source: str | Mapping[str, Any], where: str) -> LevelModel:
    """The checked contents of a JSON text (or of the dictionary in it); `where` begins every error."""
    data = decode(source, where) if isinstance(source, str) else source
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        found = shown(data.get("format")) if isinstance(data, Mapping) else Plain(type(data).__name__)
        raise InputError(f"{where}: format", found=found, wanted=f'an object with "format": "{FORMAT}"')
    if data.get("version") != VERSION or isinstance(data["version"], (bool, float)):
        raise InputError(f"{where}: version", found=shown(data.get("version")), wanted=str(VERSION), fix="A newer Fulcrum may read it.")
    try:
        model = LevelModel.model_validate(data)
    except pydantic.ValidationError as error:
        raise _translated(error.errors()[0], where) from None
    _check_names(model, where)
    check_slots(model, sizes.capacity(model.size), f"size {model.size}", where)
    _check_solution(model, where)
    for i, body in enumerate(model.bodies):
        if isinstance(body, Polygon):
            shapes.convex(np.asarray(body.vertices), f"{where}: bodies[{i}].vertices")
    return model


def check_slots(model: LevelModel, capacity: Capacity, name: str, where: str) -> None:
    """`InputError` if the level has more of anything than `capacity`, which is called `name`, has slots."""
    circles = sum(isinstance(body, Circle) for body in model.bodies)
    rows = [
        ("bodies", "polygon", len(model.bodies) - circles, capacity.polygons),
        ("bodies", "circle", circles, capacity.circles),
        ("joints", "joint", len(model.joints), capacity.joints),
        ("thrusters", "thruster", len(model.thrusters), capacity.thrusters),
    ]
    for field, what, found, most in rows:
        if found > most:
            raise InputError(f"{where}: {field}", found=count(found, what), wanted=f"at most {most} for {name}")
    for i, body in enumerate(model.bodies):
        if isinstance(body, Polygon) and len(body.vertices) > capacity.vertices:
            found, wanted = count(len(body.vertices), "point"), f"at most {capacity.vertices} for {name}"
            raise InputError(f"{where}: bodies[{i}].vertices", found=found, wanted=wanted)


def count(number: int, what: str) -> str:
    """As `1 joint` or `2 joints`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _check_names(model: LevelModel, where: str) -> None:
    """Bodies have different names, and joints and thrusters use those."""
    names: list[str] = []
    for i, body in enumerate(model.bodies):
        if body.name in names or body.name in WALL_NAMES:
            kind = "the name of a wall" if body.name in WALL_NAMES else f"the name of bodies[{names.index(body.name)}]"
            raise InputError(f"{where}: bodies[{i}].name", found=body.name, wanted=f"a name of its own, not {kind}")
        names.append(body.name)
    for i, joint in enumerate(model.joints):
        _check_known(joint.a, [*names, *WALL_NAMES], f"{where}: joints[{i}].a")
        _check_known(joint.b, [*names, *WALL_NAMES], f"{where}: joints[{i}].b")
        if joint.a == joint.b or {joint.a, joint.b} <= set(WALL_NAMES):
            found = cut(f"a = {joint.a}, b = {joint.b}")
            raise InputError(f"{where}: joints[{i}]", found=found, wanted="two different bodies, at most one of them a wall")
        if joint.limits and joint.limits[0] > joint.limits[1]:
            raise InputError(f"{where}: joints[{i}].limits", found=joint.limits, wanted="[lower, upper] with lower at most upper")
    for i, thruster in enumerate(model.thrusters):
        _check_known(thruster.body, names, f"{where}: thrusters[{i}].body")


def _check_solution(model: LevelModel, where: str) -> None:
    """Every action is one that the environment offers."""
    for i, (action, _) in enumerate(model.solution or []):
        for channel, (choice, choices) in enumerate(zip(action, CHOICES, strict=True)):
            if choice >= choices:
                raise InputError(f"{where}: solution[{i}][0][{channel}]", found=choice, wanted=f"a choice from 0 to {choices - 1}")


def _check_known(name: str, names: list[str], where: str) -> None:
    if name not in names:
        raise InputError(where, found=cut(name), wanted="one of " + (", ".join(names) or "no names"), fix=_near(name, names))


def _near(word: str, words: list[str]) -> str:
    """A hint at what was meant, if anything is like it."""
    near = difflib.get_close_matches(word, words, n=1)
    return f"Did you mean {near[0]!r}?" if near else ""


WANTED = {
    "float_type": "a number", "int_type": "a whole number", "bool_type": "true or false", "string_type": "a text", "list_type": "a list",
    "dict_type": "an object", "model_type": "an object", "model_attributes_type": "an object", "finite_number": "a finite number",
    "string_pattern_mismatch": "a name of lower case letters, digits and _, that begins with a letter",
    "union_tag_not_found": 'an object with "shape": one of ' + ", ".join(SHAPES),
}  # fmt: skip
BOUNDS = {
    "greater_than": ("more than", "gt"), "greater_than_equal": ("at least", "ge"), "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"), "too_short": ("a length of at least", "min_length"),
    "too_long": ("a length of at most", "max_length"), "string_too_long": ("a length of at most", "max_length"),
}  # fmt: skip


def _translated(error: Any, where: str) -> InputError:
    """One error of pydantic in the words of this project."""
    kind, context = error["type"], error.get("ctx", {})
    place: list[int | str] = list(error["loc"])
    if place[:1] == ["bodies"] and len(place) > 2:
        shape, place = str(place[2]), place[:2] + place[3:]
    else:
        shape = ""
    path = f"{where}: {_path(place)}"
    if kind == "extra_forbidden":
        fields = list(_model_at(place[:-1], shape).model_fields)
        return InputError(path, found=Plain("an unknown field"), wanted="one of " + ", ".join(fields), fix=_near(str(place[-1]), fields))
    if kind == "missing":
        return InputError(path, found=Plain("nothing"), wanted="this field")
    found = shown(error["input"])
    if kind in BOUNDS:
        words, key = BOUNDS[kind]
        return InputError(path, found=found, wanted=f"{words} {context[key]:g}")
    if kind in ("literal_error", "union_tag_invalid"):
        choices = context.get("expected") or context["expected_tags"]
        return InputError(path + (".shape" if kind == "union_tag_invalid" else ""), found=_tag(error, found), wanted=choices)
    return InputError(path, found=found, wanted=WANTED.get(kind) or error["msg"])


def _tag(error: Any, found: Plain) -> Plain:
    return shown(error["ctx"]["tag"]) if error["type"] == "union_tag_invalid" else found


def _path(place: list[int | str]) -> str:
    """`["bodies", 2, "radius"]` as `bodies[2].radius`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{cut(part)}" for part in place).removeprefix(".") or "the file"


def _model_at(place: list[int | str], shape: str) -> type[Part]:
    """The model whose fields are allowed at a place."""
    by_place = {"walls": Walls, "joints": Joint, "thrusters": Thruster, "origin": Origin, "pool": Pooled}
    if not place:
        return LevelModel
    if place[0] == "bodies":
        return SHAPES[shape]
    if len(place) > 1 and place[0] == "walls":
        return Wall
    return Motor if place[-1] == "motor" else by_place[str(place[0])]
