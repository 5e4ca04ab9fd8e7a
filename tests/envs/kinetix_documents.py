"""Level files of Kinetix made by hand, for tests. Holds no tests."""

import copy
from typing import Any

FLOOR = [(2.5, 5.2), (2.5, -5.2), (-2.5, -5.2), (-2.5, 5.2)]
LEFT = [(-5, 5), (0, 5), (0, 0), (-5, 0)]
RIGHT = [(5, 5), (10, 5), (10, 0), (5, 0)]
BOX = [(0.4, 0.1), (0.4, -0.1), (-0.4, -0.1), (-0.4, 0.1)]  # clockwise
TRIANGLE = [(0.3, 0.2), (0.0, -0.4), (-0.3, 0.2), (7, 7)]  # the last one is not used


def keyed(values: Any) -> Any:
    """Nested tuples and lists as objects with the fields 0, 1 and so on."""
    return {str(i): keyed(value) for i, value in enumerate(values)} if isinstance(values, (list, tuple)) else values


def body(at: tuple[float, float], **fields: Any) -> dict:
    """A free body: a polygon, or a circle where `radius` is given."""
    plain = {
        "position": keyed(at), "rotation": 0.0, "velocity": keyed((0, 0)), "angular_velocity": 0.0, "inverse_mass": 4.0,
        "inverse_inertia": 50.0, "friction": 1.0, "restitution": 0.0, "collision_mode": 1, "active": True, "n_vertices": 4,
        "vertices": keyed(BOX), "radius": 0.0, "role": 0, "density": 1.0, "highlighted": False,
    }  # fmt: skip
    return plain | fields


def wall(at: tuple[float, float], vertices: list, **fields: Any) -> dict:
    """An immovable polygon that meets everything."""
    return body(at, vertices=keyed(vertices), inverse_mass=0.0, inverse_inertia=0.0, collision_mode=2) | fields


def joint(**fields: Any) -> dict:
    """A motor between the box (slot 4) and the first circle (slot 5)."""
    plain = {
        "a_index": 4, "b_index": 5, "a_relative_pos": keyed((0.1, -0.1)), "b_relative_pos": keyed((0, 0)),
        "global_position": keyed((0, 0)), "active": True, "acc_impulse": keyed((0, 0)), "acc_r_impulse": 0.0, "motor_speed": 0.5,
        "motor_power": 2.0, "motor_on": True, "motor_has_joint_limits": True, "min_rotation": -0.5, "max_rotation": 0.25,
        "is_fixed_joint": False, "rotation": 0.125, "motor_binding": 3,
    }  # fmt: skip
    return plain | fields


def document(**state: Any) -> dict:
    """A level of size s: a box with a motor wheel (green) and a thruster, and a blue ball that is immovable."""
    junk = {"active": False, "anything": "may stand in a slot that is off"}
    plain = {
        "polygon": [wall((2.5, -4.8), FLOOR, role=3, friction=0.5), wall((0, 0), LEFT), wall((0, 0), RIGHT), wall((2.5, 10.2), FLOOR),
                    body((2, 1), rotation=0.5, velocity=keyed((0.25, -0.5)), friction=0.75)],
        "circle": [body((1.9, 0.9), radius=0.25, role=1, angular_velocity=2.0), body((4, 1), radius=0.5, role=2, inverse_mass=0.0,
                   inverse_inertia=0.0, collision_mode=2)],
        "joint": [joint()],
        "thruster": [{"object_index": 6, "relative_position": keyed((0.1, 0.2)), "rotation": 1.5, "power": 0.5,
                      "global_position": keyed((0, 0)), "active": True, "thruster_binding": 1}],
        "gravity": keyed((0.0, -9.81)),
    }  # fmt: skip
    counts = {"num_polygons": 5, "num_circles": 2, "num_joints": 1, "num_thrusters": 1, "frame_skip": 2, "num_static_fixated_polys": 4}
    chosen = {
        key: [junk if entry is None else entry for entry in value] if isinstance(value, list) else value for key, value in state.items()
    }
    found = {"env_state": plain | chosen, "env_params": {"dt": 1 / 60, "max_timesteps": 256}, "static_env_params": counts}
    for kind in ("polygon", "circle", "joint", "thruster"):
        counts[f"num_{kind}s"] = len(found["env_state"][kind])
    return copy.deepcopy(found)


def changed(place: str, value: Any) -> dict:
    """The document with one thing changed; `place` like env_state.circle.0.radius; `KeyError` takes it away."""
    found = document()
    *path, last = place.split(".")
    target: Any = found
    for part in path:
        target = target[int(part) if isinstance(target, list) else part]
    if value is KeyError:
        del target[last]
    else:
        target[int(last) if isinstance(target, list) else last] = value
    return found
