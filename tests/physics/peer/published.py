"""Makes our levels of the arrays that `play_reference` wrote of the published ones.

The reference counts the four walls as polygons 0 to 3, lists vertices clockwise and puts worlds
first; here walls are walls, vertices go counter-clockwise and worlds come last. Masses and inertias
are taken as they are, for a circle's inertia is half of what a disc has.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from envs.base import Level
from physics import pytree
from physics.base import CEILING, FLOOR, ROOM_WIDTH, Bodies, Joints, Motion, Scene, Thrusters, Walls

WALLS = 4  # the first polygons: floor, left, right, ceiling, in our order
WALL_FACES = ((1, np.max, FLOOR), (0, np.max, 0.0), (0, np.min, ROOM_WIDTH), (1, np.min, CEILING))  # axis, which side, where
NEVER_STORED = 0  # what an unused slot holds, for it may hold anything

Arrays = Mapping[str, np.ndarray]


def to_levels(found: Arrays) -> Level:
    """The levels `[..., W]` of one size."""
    _require_walls(found)
    bodies = _bodies(found)
    walls = Walls(friction=_wall(found, "friction"), restitution=_wall(found, "restitution"))
    scene = Scene(bodies=bodies, walls=walls, joints=_joints(found), thrusters=_thrusters(found), gravity=found["gravity"].T)
    start = Motion(
        pos=_both(found, "position"),
        angle=_both(found, "rotation"),
        vel=_both(found, "velocity"),
        omega=_both(found, "angular_velocity"),
    )
    roles = found["polygon_shape_roles"]
    level = Level(
        scene=scene,
        start=start,
        role=np.concatenate([roles[:, WALLS:], found["circle_shape_roles"]], axis=1).T,
        wall_role=roles[:, :WALLS].T,
        motor_channel=found["motor_bindings"].T,
        motor_auto=found["motor_auto"].T,
        thruster_channel=found["thruster_bindings"].T,
    )
    return pytree.cast(level)


def _require_walls(found: Arrays) -> None:
    """The walls are where ours are, meet every body and never move."""
    for wall, (axis, side, place) in enumerate(WALL_FACES):
        corners = found["polygon/position"][:, wall, None] + found["polygon/vertices"][:, wall]
        np.testing.assert_allclose(side(corners[..., axis], axis=1), place, atol=1e-5, err_msg=f"face of wall {wall}")
    expected = {"active": True, "collision_mode": 2, "rotation": 0, "inverse_mass": 0, "inverse_inertia": 0, "velocity": 0}
    for name, value in expected.items():
        assert (found[f"polygon/{name}"][:, :WALLS] == value).all(), f"{name} of a wall is not {value}"


def _wall(found: Arrays, name: str) -> np.ndarray:
    return found[f"polygon/{name}"][:, :WALLS].T


def _both(found: Arrays, name: str) -> np.ndarray:
    """A field of the polygons that are no walls, then of the circles, worlds last."""
    return np.concatenate([found[f"polygon/{name}"][:, WALLS:], found[f"circle/{name}"]], axis=1).T


def _bodies(found: Arrays) -> Bodies:
    count = found["polygon/n_vertices"][:, WALLS:].T
    density = np.concatenate([found["polygon_densities"][:, WALLS:], found["circle_densities"]], axis=1)
    return Bodies(
        vertices=_counter_clockwise(found["polygon/vertices"][:, WALLS:].T, count),
        vertex_count=count,
        radius=found["circle/radius"].T,
        inverse_mass=_both(found, "inverse_mass"),
        inverse_inertia=_both(found, "inverse_inertia"),
        density=density.T,
        friction=_both(found, "friction"),
        restitution=_both(found, "restitution"),
        collision=_both(found, "collision_mode"),
        active=_both(found, "active"),
    )


def _counter_clockwise(vertices: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The first `count [P, W]` of clockwise `vertices [2, V, P, W]` in the other order; the rest repeat the first."""
    last = np.maximum(count - 1, 0)
    place = np.arange(vertices.shape[1])[:, None, None]
    order = np.where(place < count, last - place, last)
    return np.take_along_axis(vertices, order[None], axis=1)


def _body_index(found: Arrays, index: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Our index of a body of theirs: walls come after the bodies here."""
    bodies = found["polygon/active"].shape[1] - WALLS + found["circle/active"].shape[1]
    ours = np.where(index < WALLS, bodies + index, index - WALLS)
    return np.where(active, ours, NEVER_STORED)


def _anchor(found: Arrays, index: np.ndarray, anchor: np.ndarray) -> np.ndarray:
    """Anchors `[W, J, 2]` in the body's frame; that of a wall is the world's."""
    wall = np.clip(index, 0, WALLS - 1)[..., None]
    origin = np.take_along_axis(found["polygon/position"], wall, axis=1)
    return np.where(index[..., None] < WALLS, origin + anchor, anchor)


def _joints(found: Arrays) -> Joints:
    part: Any = {name.removeprefix("joint/"): value for name, value in found.items() if name.startswith("joint/")}
    active, fixed = part["active"], part["is_fixed_joint"]
    return Joints(
        body_a=_body_index(found, part["a_index"], active).T,
        body_b=_body_index(found, part["b_index"], active).T,
        anchor_a=_anchor(found, part["a_index"], part["a_relative_pos"]).T,
        anchor_b=_anchor(found, part["b_index"], part["b_relative_pos"]).T,
        rest_angle=part["rotation"].T,
        lower=part["min_rotation"].T,
        upper=part["max_rotation"].T,
        limited=(part["motor_has_joint_limits"] & ~fixed).T,
        fixed=fixed.T,
        motor=(part["motor_on"] & ~fixed).T,
        motor_speed=part["motor_speed"].T,
        motor_power=part["motor_power"].T,
        active=active.T,
    )


def _thrusters(found: Arrays) -> Thrusters:
    index, active = found["thruster/object_index"], found["thruster/active"]
    active = active & (index >= WALLS)  # one on a wall moves nothing
    return Thrusters(
        body=_body_index(found, index, active).T,
        anchor=found["thruster/relative_position"].T,
        angle=found["thruster/rotation"].T,
        power=found["thruster/power"].T,
        active=active.T,
    )
