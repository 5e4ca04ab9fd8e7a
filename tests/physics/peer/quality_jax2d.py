"""Simulate the quality scenes with Jax2D; runs in an environment that has it, and knows nothing of this project.

python quality_jax2d.py SCENES.json OUT.npz

All scenes are worlds of one batch of one static shape. The engine's constants are its defaults.
"""

import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax2d.engine import PhysicsEngine, create_empty_sim
from jax2d.scene import add_circle_to_scene, add_polygon_to_scene, add_revolute_joint_to_scene
from jax2d.sim_state import SimParams, StaticSimParams

WALLS = (0, 1, 2, 3)  # polygons of the room: floor, left, right, ceiling; as in the scenes' -1 - r


def static_shape(scenes):
    """Slots that hold any of the scenes, walls included."""
    most = {
        "num_polygons": max(sum(bool(body["vertices"]) for body in scene["bodies"]) for scene in scenes) + len(WALLS),
        "num_circles": max(sum(not body["vertices"] for body in scene["bodies"]) for scene in scenes),
        "num_joints": max(len(scene["joints"]) for scene in scenes),
    }
    return StaticSimParams(num_thrusters=1, **most)


def build(scene, static, params):
    """(state, actions, slot of each body) of one scene."""
    state = create_empty_sim(static).replace(gravity=jnp.array(scene["gravity"]))
    friction = scene["friction"] / (params.base_friction * 2**0.5)  # two equal ones combine to what the scene wants
    slots = []
    for body in scene["bodies"]:
        state, slot = add_body(state, static, body)
        slots.append(int(slot))
    for joint in scene["joints"]:
        state = add_joint(state, static, joint, scene["bodies"], slots)
    materials = {
        name: getattr(state, name).replace(
            friction=jnp.full_like(getattr(state, name).friction, friction),
            restitution=jnp.full_like(getattr(state, name).restitution, scene["restitution"]),
        )
        for name in ("polygon", "circle")
    }
    actions = np.zeros(static.num_joints + static.num_thrusters, np.float32)
    actions[: len(scene["joints"])] = [joint["motor"] for joint in scene["joints"]]
    return state.replace(**materials), jnp.array(actions), slots


def add_body(state, static, body):
    """Add a body; returns its place on the axis of polygons, then circles."""
    more = {
        "rotation": body["angle"], "velocity": jnp.array(body["vel"]), "angular_velocity": body["omega"],
        "density": body["density"], "fixated": body["fixed"],
    }  # fmt: skip
    if not body["vertices"]:
        state, (_, slot) = add_circle_to_scene(state, static, jnp.array(body["at"]), body["radius"], **more)
        return state, slot
    clockwise = sorted(body["vertices"], key=lambda point: -np.arctan2(point[1], point[0]))
    first = min(range(len(clockwise)), key=lambda i: (-round(clockwise[i][1], 6), clockwise[i][0]))  # the top left one
    vertices = jnp.array(clockwise[first:] + clockwise[:first])
    state, (_, slot) = add_polygon_to_scene(state, static, jnp.array(body["at"]), vertices, len(clockwise), **more)
    return state, slot


def add_joint(state, static, joint, bodies, slots):
    """Pin two bodies, or a body to a wall of the room."""
    ends = [end_of(state, joint[key], joint["at"], bodies, slots) for key in ("a", "b")]
    (a, anchor_a, angle_a), (b, anchor_b, angle_b) = ends
    limits = {} if joint["limits"] is None else {"min_rotation": joint["limits"][0], "max_rotation": joint["limits"][1]}
    state, slot = add_revolute_joint_to_scene(
        state, static, a, b, anchor_a, anchor_b, motor_on=joint["motor"], has_joint_limits=joint["limits"] is not None, **limits
    )
    rest = state.joint.rotation.at[slot].set(angle_b - angle_a)
    return state.replace(joint=state.joint.replace(rotation=rest))


def end_of(state, body, at, bodies, slots):
    """(place, anchor in its own frame, angle) of a joint's end."""
    if body < 0:
        wall = WALLS[-1 - body]
        return wall, jnp.array(at) - state.polygon.position[wall], 0.0
    angle, arm = bodies[body]["angle"], np.subtract(at, bodies[body]["at"])
    cos, sin = np.cos(angle), np.sin(angle)
    return slots[body], jnp.array([cos * arm[0] + sin * arm[1], -sin * arm[0] + cos * arm[1]]), angle


def simulate(engine, params, states, actions, steps):
    """Motion after every step, bodies as polygons then circles: dict of [steps, worlds, bodies, ...]."""

    def one(now, _):
        after = jax.vmap(lambda state, action: engine.step(state, params, action)[0])(now, actions)
        both = {
            field: jnp.concatenate([getattr(after.polygon, name), getattr(after.circle, name)], axis=1)
            for field, name in (("pos", "position"), ("angle", "rotation"), ("vel", "velocity"), ("omega", "angular_velocity"))
        }
        return after, both

    return jax.jit(lambda begin: jax.lax.scan(one, begin, None, length=steps)[1])(states)


def main(source, target):
    """Read scenes, simulate, write trajectories."""
    with open(source) as opened:
        scenes = json.load(opened)
    static, params = static_shape(scenes), SimParams()
    built = [build(scene, static, params) for scene in scenes]
    states = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[made[0] for made in built])
    steps = max(round(scene["seconds"] * 60) for scene in scenes)
    done = simulate(PhysicsEngine(static), params, states, jnp.stack([made[1] for made in built]), steps)
    done = {field: np.asarray(values) for field, values in done.items()}
    arrays = {
        f"{scene['name']}/{field}": values[: round(scene["seconds"] * 60), world][:, built[world][2]]
        for world, scene in enumerate(scenes)
        for field, values in done.items()
    }
    np.savez_compressed(target, engine=np.array("Jax2D 1.0.1"), **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
