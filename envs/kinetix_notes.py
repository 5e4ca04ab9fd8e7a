"""What a level file of Kinetix says that this engine does not do, or does otherwise: a sentence each.

It is here so that whoever measures on such a file learns of every difference that is a file's own.
Those that hold for all files (rounding, the order of contacts) are said in docs/physics.md.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from envs.base import EnvConfig
from envs.json_place import Place
from physics.base import CEILING, FLOOR, ROOM_WIDTH, SolverConfig
from physics.build import WALL_NAMES

Row = dict[str, Any]

SAME = 1e-3  # m, m/s2 or relative; files are rounded to single precision
WALLS = len(WALL_NAMES)
FACES = ((1, np.max, FLOOR), (0, np.max, 0.0), (0, np.min, ROOM_WIDTH), (1, np.min, CEILING))  # axis, which side, where
WALL_MODE = 2  # of collision: meets every body
STANDARD_GRAVITY = (0.0, -9.81)

_solver, _env = SolverConfig(), EnvConfig()
CONSTANTS = {  # env_params of a file, and what is used here unless settings say otherwise
    "dt": ("env.solver.dt", _solver.dt),
    "slop": ("env.solver.sequential.slop", _solver.sequential.slop),
    "baumgarte_coefficient_joints_v": ("env.solver.sequential.joint_bias", _solver.sequential.joint_bias),
    "baumgarte_coefficient_joints_p": ("env.solver.sequential.joint_projection", _solver.sequential.joint_projection),
    "baumgarte_coefficient_fjoint_av": ("env.solver.sequential.fixed_bias", _solver.sequential.fixed_bias),
    "baumgarte_coefficient_rjoint_limit_av": ("env.solver.sequential.limit_bias", _solver.sequential.limit_bias),
    "baumgarte_coefficient_collision": ("env.solver.sequential.contact_bias", _solver.sequential.contact_bias),
    "joint_stiffness": ("env.solver.sequential.joint_stiffness", _solver.sequential.joint_stiffness),
    "clip_position": ("env.solver.max_position", _solver.max_position),
    "clip_velocity": ("env.solver.max_speed", _solver.max_speed),
    "clip_angular_velocity": ("env.solver.max_spin", _solver.max_spin),
    "base_motor_speed": ("env.solver.motor_speed", _solver.motor_speed),
    "base_motor_power": ("env.solver.motor_power", _solver.motor_power),
    "base_thruster_power": ("env.solver.thruster_power", _solver.thruster_power),
    "motor_decay_coefficient": ("env.solver.motor_decay", _solver.motor_decay),
    "motor_joint_limit": ("env.solver.motor_limit_zone", _solver.motor_limit_zone),
    "base_friction": ("env.solver.base_friction", _solver.base_friction),
    "max_timesteps": ("env.max_steps", _env.max_steps),
}
STATIC = {
    "num_solver_iterations": ("env.solver.sequential.iterations", _solver.sequential.iterations),
    "frame_skip": ("env.frame_skip", _env.frame_skip),
}
BODY_FIELDS = {
    "position", "rotation", "velocity", "angular_velocity", "inverse_mass", "inverse_inertia", "friction", "restitution",
    "collision_mode", "active", "n_vertices", "vertices", "radius", "role", "density", "highlighted",
}  # fmt: skip
JOINT_FIELDS = {
    "a_index", "b_index", "a_relative_pos", "b_relative_pos", "global_position", "active", "acc_impulse", "acc_r_impulse",
    "motor_speed", "motor_power", "motor_on", "motor_has_joint_limits", "min_rotation", "max_rotation", "is_fixed_joint", "rotation",
    "motor_binding",
}  # fmt: skip
THRUSTER_FIELDS = {"object_index", "relative_position", "rotation", "power", "global_position", "active", "thruster_binding"}
ENTRIES = {"polygon": BODY_FIELDS, "circle": BODY_FIELDS, "joint": JOINT_FIELDS, "thruster": THRUSTER_FIELDS}
CONTACTS = ("acc_rr_manifolds", "acc_cr_manifolds", "acc_cc_manifolds")
STATE_FIELDS = {*ENTRIES, *CONTACTS, "collision_matrix", "gravity"}


def of_document(root: Place) -> list[str]:
    """What stands beside bodies, joints and thrusters."""
    notes = []
    for section, known in (("env_params", CONSTANTS), ("static_env_params", STATIC)):
        for name, (setting, here) in known.items() if root.has(section) else ():
            if root.field(section).has(name):
                notes += _constant(root.field(section).field(name), setting, here)
    if root.has("static_env_params") and root.field("static_env_params").has("num_static_fixated_polys"):
        root.field("static_env_params").field("num_static_fixated_polys").whole(WALLS, WALLS)
    return notes + _stored_contacts(root.field("env_state")) + _unknown_fields(root.field("env_state"))


def _constant(place: Place, setting: str, here: float) -> list[str]:
    there = place.number()
    if abs(there - here) <= SAME * abs(here):
        return []
    return [f"{place.path} is {there:g} in the file; here the setting {setting} decides, by default {here:g}."]


def _stored_contacts(state: Place) -> list[str]:
    found = [contact for name in CONTACTS if state.has(name) for contact in state.field(name).items()]
    if any(contact.has("active") and contact.field("active").flag() for contact in found):
        return ["The file stores impulses of contacts; they are not read, an episode starts without."]
    return []


def _unknown_fields(state: Place) -> list[str]:
    unknown = [f"env_state.{name}" for name in state.value if name not in STATE_FIELDS]
    for kind, known in ENTRIES.items():
        for entry in state.field(kind).items():
            unknown += [f"{entry.path}.{name}" for name in entry.value if name not in known]
    if not unknown:
        return []
    more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
    return [f"The file has fields that are not read: {', '.join(unknown[:3])}{more}."]


def of_parts(
    walls: Sequence[Row], bodies: Sequence[Row | None], joints: Sequence[Row | None], thrusters: Sequence[Row | None], gravity: Any
) -> list[str]:
    """What bodies, joints and thrusters are; entries are `None` where a slot is off."""
    notes = [note for name, wall, face in zip(WALL_NAMES, walls, FACES, strict=True) for note in _wall(name, wall, face)]
    if np.abs(np.subtract(gravity, STANDARD_GRAVITY)).max() > SAME:
        notes.append(f"Gravity is ({gravity[0]:g}, {gravity[1]:g}) m/s2 as in the file; Kinetix plays every file at (0, -9.81).")
    movable = [False] * WALLS + [bool(body and body["inverse_mass"] > 0) for body in bodies]
    for joint in joints:
        if joint and not movable[joint["body_a"]] and not movable[joint["body_b"]]:
            notes.append(
                f"{joint['path']} joins two things that never move and is left out; in Kinetix what is jointed to them does not collide."
            )
    notes += [f"{push['path']} pushes a wall and is left out." for push in thrusters if push and push["body"] < WALLS]
    notes += [
        f"{body['path']} starts outside the room: here it is pushed back inside, in Kinetix it may be pushed out further."
        for body in bodies
        if body and body["inverse_mass"] > 0 and not _inside(*body["pos"])
    ]
    return notes


def _inside(x: float, y: float) -> bool:
    return 0 <= x <= ROOM_WIDTH and FLOOR <= y <= CEILING


def _wall(name: str, wall: Row, face: tuple[int, Any, float]) -> list[str]:
    axis, side, place = face
    found = side(wall["pos"][axis] + wall["vertices"][:, axis])
    what = f"The {name}" if name in ("floor", "ceiling") else f"The {name} wall"
    sentences = {
        "is switched off in the file; here every wall is there.": not wall["active"],
        f"is at {found:g} m in the file; here it is at {place:g} m.": abs(found - place) > SAME,
        "is turned in the file; here it is not.": abs(wall["angle"]) > SAME,
        "does not meet every body in the file; here it does.": wall["collision"] != WALL_MODE,
        "can move in the file; here it cannot.": wall["inverse_mass"] > 0 or wall["inverse_inertia"] > 0,
        "moves in the file; here it does not.": any(wall["vel"]) or wall["omega"] != 0,
    }
    return [f"{what} {sentence}" for sentence, holds in sentences.items() if holds]
