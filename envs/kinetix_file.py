"""Reads level files of Kinetix: JSON of a simulation's whole state, of which what is in the level is kept.

    found = kinetix_file.read("h0_unicycle.json")          # found.level, in the file's own number of slots
    found = kinetix_file.read("h0_unicycle.json", sizes.capacity("l"))
    found.notes                                            # sentences: what is otherwise here than in Kinetix

There the room's four walls are polygons 0 to 3, vertices go clockwise, and slots that are off hold
anything; here walls are walls, vertices go the other way and such slots are empty. Masses and inertias
are taken as they stand. Contacts and impulses that a file stores are not read: an episode starts without.
`kinetix_writer` writes such files; which levels were published is said in `kinetix_levels`.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from envs import kinetix_notes
from envs.base import MOTOR_CHANNELS, THRUSTER_CHANNELS, Level, Role
from envs.json_place import Place, decode, read_text
from physics import shapes
from physics.base import Bodies, Capacity, Joints, Motion, Scene, Thrusters, Walls
from physics.build import FARTHEST, SMALLEST, WALL_NAMES, blank
from physics.errors import InputError

MAX_BYTES = 1 << 20
WALLS = len(WALL_NAMES)  # the first polygons: floor, left, right, ceiling
MOST_SLOTS = 64  # of anything in a file; the largest published levels have 12
VERTICES = 4  # of a polygon in a file
LARGEST = 1e6  # of numbers that mean no place
LARGEST_INVERSE = 1e12  # of masses and inertias

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Found:
    """What was in a file."""

    level: Level  # no world axis
    slots: Capacity  # of the file
    notes: list[str]  # what this engine treats otherwise, a sentence each


def read(path: str | Path, capacity: Capacity | None = None) -> Found:
    """What is in a file, in its own slots or in those of any `capacity` that has room."""
    return parse(read_text(path, MAX_BYTES), str(path), capacity)


def parse(text: str, where: str, capacity: Capacity | None = None) -> Found:
    """What is in a JSON text; `where` begins every error."""
    return to_level(decode(text, where), where, capacity)


def is_kinetix(document: Any) -> bool:
    """Whether a decoded JSON document looks like a file of Kinetix."""
    return isinstance(document, dict) and "env_state" in document


def to_level(document: Any, where: str, capacity: Capacity | None = None) -> Found:
    """What is in a decoded document; `InputError` for whatever is wrong with it."""
    root = Place(where, document)
    state = root.field("env_state")
    places = {kind: state.field(kind).items() for kind in ("polygon", "circle", "joint", "thruster")}
    _check_counts(root, places)
    slots = Capacity(len(places["polygon"]) - WALLS, len(places["circle"]), len(places["joint"]), len(places["thruster"]))
    walls = [_wall(place) for place in places["polygon"][:WALLS]]
    polygons = [_body(place, _polygon) for place in places["polygon"][WALLS:]]
    circles = [_body(place, _circle) for place in places["circle"]]
    bodies = len(walls) + len(polygons) + len(circles)
    joints = [_joint(place, bodies) for place in places["joint"]]
    thrusters = [_thruster(place, bodies) for place in places["thruster"]]
    gravity = state.field("gravity").point(FARTHEST) if state.has("gravity") else kinetix_notes.STANDARD_GRAVITY
    notes = kinetix_notes.of_document(root) + kinetix_notes.of_parts(walls, polygons + circles, joints, thrusters, gravity)
    _check_goal(root, [*walls, *polygons, *circles])
    made = _Slots(where, slots, capacity or slots, polygons, circles)
    return Found(made.level(walls, joints, thrusters, gravity), slots, notes)


def _check_counts(root: Place, places: dict[str, list[Place]]) -> None:
    """The lists are as long as the file says and not longer than anyone needs."""
    state = root.field("env_state")
    for kind, found in places.items():
        if len(found) > MOST_SLOTS:
            state.field(kind).fail(f"at most {MOST_SLOTS}", f"{len(found)} entries")
        name = f"num_{kind}s"
        if root.has("static_env_params") and root.field("static_env_params").has(name):
            count = root.field("static_env_params").field(name).whole(0, MOST_SLOTS)
            if count != len(found):
                state.field(kind).fail(f"{count}, as static_env_params.{name} says", f"{len(found)} entries")
    if len(places["polygon"]) < WALLS:
        found = f"{len(places['polygon'])} entries"
        state.field("polygon").fail(f"at least {WALLS}: the floor, the left and the right wall and the ceiling come first", found)


def _check_goal(root: Place, bodies: Sequence[Row | None]) -> None:
    roles = [body["role"] for body in bodies if body]
    for wanted in (Role.GREEN, Role.BLUE):
        if wanted not in roles:
            root.field("env_state").fail("at least one active green and one active blue body", f"nothing {wanted.name.lower()}")


def _wall(place: Place) -> Row:
    """A polygon that stands for a wall, on or off."""
    row = _material(place) | _polygon(place, checked=False) | {"active": place.field("active").flag(), "path": place.path}
    return row if row["active"] else row | {"role": int(Role.NORMAL)}


def _body(place: Place, shape: Callable[[Place], Row]) -> Row | None:
    """A body, or nothing where the slot is off: it may hold anything."""
    if not place.field("active").flag():
        return None
    return _material(place) | shape(place) | {"path": place.path}


def _material(place: Place) -> Row:
    inverse_mass, inverse_inertia = (place.field(name).number(0, LARGEST_INVERSE) for name in ("inverse_mass", "inverse_inertia"))
    return {
        "pos": place.field("position").point(FARTHEST),
        "angle": place.field("rotation").number(-LARGEST, LARGEST),
        "vel": place.field("velocity").point(FARTHEST),
        "omega": place.field("angular_velocity").number(-LARGEST, LARGEST),
        "inverse_mass": inverse_mass,
        "inverse_inertia": inverse_inertia,
        "density": place.field("density").number(0, LARGEST),
        "friction": place.field("friction").number(0, LARGEST),
        "restitution": place.field("restitution").number(0, 1),
        "collision": place.field("collision_mode").whole(0, 2),
        "role": place.field("role").whole(0, len(Role) - 1),
    }


def _polygon(place: Place, checked: bool = True) -> Row:
    count = place.field("n_vertices").whole(3, VERTICES)
    corners = place.field("vertices")
    points = np.array([corner.point(FARTHEST) for corner in corners.numbered(VERTICES)[:count]])
    if checked:
        points = shapes.convex(points, f"{place.where}: {corners.path}")
    return {"vertices": points}


def _circle(place: Place) -> Row:
    return {"radius": place.field("radius").number(SMALLEST, shapes.LARGEST)}


def _joint(place: Place, bodies: int) -> Row | None:
    if not place.field("active").flag():
        return None
    a, b = (place.field(name).whole(0, bodies - 1) for name in ("a_index", "b_index"))
    if a == b:
        place.field("b_index").fail("another body than a_index names")
    fixed = place.field("is_fixed_joint").flag()
    limited = place.field("motor_has_joint_limits").flag() and not fixed
    lower, upper = (place.field(name).number(-LARGEST, LARGEST) for name in ("min_rotation", "max_rotation"))
    if limited and lower > upper:
        place.field("min_rotation").fail(f"at most {upper:g}, which is max_rotation")
    return {
        "body_a": a,
        "body_b": b,
        "anchor_a": place.field("a_relative_pos").point(FARTHEST),
        "anchor_b": place.field("b_relative_pos").point(FARTHEST),
        "rest_angle": place.field("rotation").number(-LARGEST, LARGEST),
        "lower": lower,
        "upper": upper,
        "limited": limited,
        "fixed": fixed,
        "motor": place.field("motor_on").flag() and not fixed,
        "motor_speed": place.field("motor_speed").number(-LARGEST, LARGEST),
        "motor_power": place.field("motor_power").number(-LARGEST, LARGEST),
        "channel": place.field("motor_binding").whole(0, MOTOR_CHANNELS - 1),
        "path": place.path,
    }


def _thruster(place: Place, bodies: int) -> Row | None:
    if not place.field("active").flag():
        return None
    return {
        "body": place.field("object_index").whole(0, bodies - 1),
        "anchor": place.field("relative_position").point(FARTHEST),
        "angle": place.field("rotation").number(-LARGEST, LARGEST),
        "power": place.field("power").number(-LARGEST, LARGEST),
        "channel": place.field("thruster_binding").whole(0, THRUSTER_CHANNELS - 1),
        "path": place.path,
    }


class _Slots:
    """Finds a slot of the level for everything in the file, and fills it."""

    def __init__(self, where: str, slots: Capacity, capacity: Capacity, polygons: list[Row | None], circles: list[Row | None]) -> None:
        self._where, self.capacity = where, capacity
        if capacity.vertices < VERTICES or capacity.walls != WALLS:
            raise ValueError(f"{capacity}: wanted {WALLS} walls and at least {VERTICES} vertices")
        self._polygons = self._placed("polygon", polygons, capacity.polygons)
        self._circles = self._placed("circle", circles, capacity.circles)
        places = {WALLS + old: new for old, (new, _) in self._polygons.items()}
        first = WALLS + slots.polygons
        places |= {first + old: capacity.polygons + new for old, (new, _) in self._circles.items()}
        self.index = places | {wall: capacity.bodies + wall for wall in range(WALLS)}

    def _placed(self, kind: str, rows: Sequence[Row | None], room: int) -> dict[int, tuple[int, Row]]:
        """(new slot, row) by old slot: slots are kept, or closed up where there are fewer than in the file."""
        active = [(old, row) for old, row in enumerate(rows) if row]
        if len(active) > room:
            found = f"{len(active)} active {kind}{'' if len(active) == 1 else 's'}"
            raise InputError(f"{self._where}: env_state.{kind}", found=found, wanted=f"at most {room} for this capacity")
        kept = len(rows) <= room
        return {old: (old if kept else new, row) for new, (old, row) in enumerate(active)}

    def level(self, walls: Sequence[Row], joints: list[Row | None], thrusters: list[Row | None], gravity: tuple[float, float]) -> Level:
        """The whole level, as numpy arrays."""
        bodies, motion, role = self._bodies()
        jointed, motor_channel = self._joints([row if self._holds(row) else None for row in joints], walls)
        pushing, thruster_channel = self._thrusters([row if row and self._pushes(row) else None for row in thrusters])
        material: Any = {name: np.array([wall[name] for wall in walls], np.float32) for name in ("friction", "restitution")}
        pull: Any = np.array(gravity, np.float32)
        rest: Any = {
            "role": role,
            "wall_role": np.array([wall["role"] for wall in walls], np.int32),
            "motor_channel": motor_channel,
            "motor_auto": np.zeros(self.capacity.joints, bool),
            "thruster_channel": thruster_channel,
        }
        scene = Scene(bodies=bodies, walls=Walls(**material), joints=jointed, thrusters=pushing, gravity=pull)
        return Level(scene=scene, start=motion, **rest)

    def _holds(self, row: Row | None) -> bool:
        """A joint of bodies that are on, at most one of them a wall."""
        ends = [] if row is None else [row["body_a"], row["body_b"]]
        return bool(ends) and all(end in self.index for end in ends) and max(ends) >= WALLS

    def _pushes(self, row: Row) -> bool:
        """A thruster on a body that is on; one on a wall moves nothing."""
        return row["body"] >= WALLS and row["body"] in self.index

    def _bodies(self) -> tuple[Bodies, Motion, np.ndarray]:
        bodies, motion = blank(Bodies, self.capacity), blank(Motion, self.capacity)
        role = np.zeros(self.capacity.bodies, np.int32)
        for slot, row in self._rows():
            for name in ("inverse_mass", "inverse_inertia", "density", "friction", "restitution", "collision"):
                bodies[name][slot] = row[name]
            bodies["active"][slot] = True
            for name in ("angle", "omega"):
                motion[name][slot] = row[name]
            for name in ("pos", "vel"):
                motion[name][:, slot] = row[name]
            role[slot] = row["role"]
        for slot, row in self._polygons.values():
            corners = row["vertices"]
            padding = np.repeat(corners[:1], self.capacity.vertices - len(corners), axis=0)
            bodies["vertices"][:, :, slot] = np.concatenate([corners, padding]).T
            bodies["vertex_count"][slot] = len(corners)
        for slot, row in self._circles.values():
            bodies["radius"][slot] = row["radius"]
        return Bodies(**bodies), Motion(**motion), role

    def _rows(self) -> list[tuple[int, Row]]:
        return [*self._polygons.values(), *((self.capacity.polygons + slot, row) for slot, row in self._circles.values())]

    def _joints(self, rows: list[Row | None], walls: Sequence[Row]) -> tuple[Joints, np.ndarray]:
        values, channel = blank(Joints, self.capacity), np.zeros(self.capacity.joints, np.int32)
        for slot, row in self._placed("joint", rows, self.capacity.joints).values():
            for end in ("a", "b"):
                body, anchor = row[f"body_{end}"], row[f"anchor_{end}"]
                values[f"body_{end}"][slot] = self.index[body]
                values[f"anchor_{end}"][:, slot] = np.add(anchor, walls[body]["pos"]) if body < WALLS else anchor
            for name in ("rest_angle", "lower", "upper", "limited", "fixed", "motor", "motor_speed", "motor_power"):
                values[name][slot] = row[name]
            values["active"][slot], channel[slot] = True, row["channel"]
        return Joints(**values), channel

    def _thrusters(self, rows: list[Row | None]) -> tuple[Thrusters, np.ndarray]:
        values, channel = blank(Thrusters, self.capacity), np.zeros(self.capacity.thrusters, np.int32)
        for slot, row in self._placed("thruster", rows, self.capacity.thrusters).values():
            values["body"][slot] = self.index[row["body"]]
            values["anchor"][:, slot] = row["anchor"]
            values["angle"][slot], values["power"][slot], values["active"][slot] = row["angle"], row["power"], True
            channel[slot] = row["channel"]
        return Thrusters(**values), channel
