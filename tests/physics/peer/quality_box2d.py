"""Simulate the quality scenes with Box2D; runs in an environment that has it, and knows nothing of this project.

python quality_box2d.py v2|v3 SCENES.json OUT.npz

v2 is Box2D 2.3 (sequential impulses; package `Box2D`), v3 is Box2D 3 (soft step; package `pyb2d3`). Constants are the
defaults, at 60 steps a second: 8 velocity and 3 position iterations, or 4 sub-steps. Nothing sleeps. Scenes with motors are
left out, as these engines' motors follow another law.
"""

import json
import sys

import numpy as np

DT = 1 / 60
THICK = 5.0  # m, of the room's walls
ROOM = (  # (centre, half sizes) of floor, left, right, ceiling; as in the scenes' -1 - r
    ((2.5, 0.4 - THICK / 2), (2.5 + THICK, THICK / 2)),
    ((-THICK / 2, 2.5), (THICK / 2, 2.5 + THICK)),
    ((5 + THICK / 2, 2.5), (THICK / 2, 2.5 + THICK)),
    ((2.5, 5 + THICK / 2), (2.5 + THICK, THICK / 2)),
)


def wall_body(wall):
    """A wall of the room as a fixed body."""
    (x, y), (hx, hy) = wall
    corners = [(-hx, -hy), (hx, -hy), (hx, hy), (-hx, hy)]
    return {"at": (x, y), "vertices": corners, "angle": 0.0, "vel": (0, 0), "omega": 0.0, "density": 1.0, "fixed": True}


def groups(scene):
    """Per body, then per wall: a negative number that linked ones share, or 0. Equal negative ones never collide."""
    count = len(scene["bodies"])
    group = list(range(count + len(ROOM)))
    for joint in scene["joints"]:
        a, b = (group[place(joint[key], count)] for key in ("a", "b"))
        group = [a if value == b else value for value in group]
    return [-1 - value if group.count(value) > 1 else 0 for value in group]


def place(body, count):
    """Where a joint's end stands in the list of bodies, then walls."""
    return body if body >= 0 else count - 1 - body


class Two:
    """Box2D 2.3."""

    name = "Box2D 2.3"

    def __init__(self, scene):
        """An empty world."""
        import Box2D

        self.box2d, self.scene = Box2D, scene
        self.world = Box2D.b2World(gravity=scene["gravity"], doSleep=False)

    def add(self, body, group):
        """Add a body with its one shape."""
        create = self.world.CreateStaticBody if body["fixed"] else self.world.CreateDynamicBody
        made = create(
            position=body["at"], angle=body["angle"], linearVelocity=body["vel"], angularVelocity=body["omega"],
            allowSleep=False, linearDamping=0.0, angularDamping=0.0,
        )  # fmt: skip
        if body["vertices"]:
            shape = self.box2d.b2PolygonShape(vertices=[tuple(point) for point in body["vertices"]])
        else:
            shape = self.box2d.b2CircleShape(radius=body["radius"])
        made.CreateFixture(
            shape=shape, density=body["density"], friction=self.scene["friction"],
            restitution=self.scene["restitution"], groupIndex=group,
        )  # fmt: skip
        return made

    def pin(self, a, b, joint):
        """Add a joint."""
        lower, upper = joint["limits"] or (0.0, 0.0)
        self.world.CreateRevoluteJoint(
            bodyA=a, bodyB=b, anchor=joint["at"], enableLimit=joint["limits"] is not None, lowerAngle=lower, upperAngle=upper
        )

    def step(self):
        """One step."""
        self.world.Step(DT, 8, 3)
        self.world.ClearForces()

    def look(self, body):
        """(x, y, angle, velocity, angular velocity)."""
        return (*body.position, body.angle, *body.linearVelocity, body.angularVelocity)


class Three:
    """Box2D 3."""

    name = "Box2D 3"

    def __init__(self, scene):
        """An empty world."""
        import pyb2d3

        self.box2d, self.scene = pyb2d3, scene
        self.world = pyb2d3.World(gravity=tuple(scene["gravity"]))

    def add(self, body, group):
        """Add a body with its one shape."""
        create = self.world.create_static_body if body["fixed"] else self.world.create_dynamic_body
        made = create(
            position=tuple(body["at"]), rotation=self.box2d.Rot(body["angle"]), linear_velocity=tuple(body["vel"]),
            angular_velocity=body["omega"], enable_sleep=False, linear_damping=0.0, angular_damping=0.0,
        )  # fmt: skip
        material = self.box2d.surface_material(friction=self.scene["friction"], restitution=self.scene["restitution"])
        shape = self.box2d.shape_def(density=body["density"], material=material)
        shape.filter = self.box2d.make_filter(group_index=group)
        if body["vertices"]:
            made.create_shape(shape, self.box2d.polygon(points=body["vertices"]))
        else:
            made.create_shape(shape, self.box2d.circle(center=(0, 0), radius=body["radius"]))
        return made

    def pin(self, a, b, joint):
        """Add a joint."""
        lower, upper = joint["limits"] or (0.0, 0.0)
        at = tuple(joint["at"])
        self.world.create_revolute_joint(
            body_a=a, body_b=b, local_anchor_a=a.local_point(at), local_anchor_b=b.local_point(at),
            reference_angle=b.angle - a.angle, enable_limit=joint["limits"] is not None, lower_angle=lower, upper_angle=upper,
        )  # fmt: skip

    def step(self):
        """One step."""
        self.world.step(DT, 4)

    def look(self, body):
        """(x, y, angle, velocity, angular velocity)."""
        return (*body.position, body.angle, *body.linear_velocity, body.angular_velocity)


def simulate(engine, scene):
    """Motion after every step: dict of [steps, bodies, ...]."""
    world, group, walls = engine(scene), groups(scene), [wall_body(wall) for wall in ROOM]
    made = [world.add(*pair) for pair in zip(scene["bodies"] + walls, group, strict=True)]
    count = len(scene["bodies"])
    for joint in scene["joints"]:
        world.pin(*(made[place(joint[key], count)] for key in ("a", "b")), joint)
    seen = []
    for _ in range(round(scene["seconds"] * 60)):
        world.step()
        seen.append([world.look(body) for body in made[:count]])
    values = np.array(seen)
    return {"pos": values[..., :2], "angle": values[..., 2], "vel": values[..., 3:5], "omega": values[..., 5]}


def main(version, source, target):
    """Read scenes, simulate, write trajectories."""
    engine = {"v2": Two, "v3": Three}[version]
    with open(source) as opened:
        scenes = [scene for scene in json.load(opened) if not any(joint["motor"] for joint in scene["joints"])]
    arrays = {f"{scene['name']}/{field}": values for scene in scenes for field, values in simulate(engine, scene).items()}
    np.savez_compressed(target, engine=np.array(engine.name), **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
