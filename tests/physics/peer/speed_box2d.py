"""Steps a second of Box2D 3 in C on one core, on random worlds with the slots of our sizes, one after the other.

    BOX2D/bin/python tests/physics/peer/speed_box2d.py      # pip install pyb2d3==0.11.1 numpy

One JSON line a size. The call through Python costs about a tenth of the smallest world's step, and is taken off.
"""

import json
import sys
import time

import numpy as np
from quality_box2d import DT, ROOM, Three, groups, wall_body

SIZES = {"s": (1, 2, 1), "m": (2, 3, 2), "l": (8, 4, 6)}  # boxes, discs, joints
WORLDS, STEPS, ROUNDS = 24, 170, 5  # Box2D holds at most 128 worlds


def random_scene(random, boxes, discs, joints):
    """A room with bodies dropped anywhere, the first ones jointed in a row."""
    bodies = []
    for index in range(boxes + discs):
        half, radius = random.uniform(0.1, 0.4, 2), random.uniform(0.1, 0.35)
        corners = [(x * half[0], y * half[1]) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        shape = {"vertices": corners, "radius": 0.0} if index < boxes else {"vertices": [], "radius": radius}
        place = {"at": tuple(random.uniform(0.6, 4.4, 2)), "angle": random.uniform(0, 6) if index < boxes else 0.0}
        bodies.append(shape | place | {"vel": (0.0, 0.0), "omega": 0.0, "density": 1.0, "fixed": False})
    pins = [{"a": j, "b": j + 1, "at": bodies[j]["at"], "limits": None, "motor": 0.0} for j in range(joints)]
    return {"bodies": bodies, "joints": pins, "gravity": (0.0, -9.81), "friction": 0.5, "restitution": 0.0}


def build(scene):
    """A Box2D world of the scene."""
    world, walls = Three(scene), [wall_body(wall) for wall in ROOM]
    made = [world.add(*pair) for pair in zip(scene["bodies"] + walls, groups(scene), strict=True)]
    for joint in scene["joints"]:
        world.pin(made[joint["a"]], made[joint["b"]], joint)
    return world.world


def seconds(worlds):
    """Of one round: every world for all steps before the next begins."""
    begun = time.perf_counter()
    for world in worlds:
        for _ in range(STEPS):
            world.step(DT, 4)
    return time.perf_counter() - begun


def main():
    """Measure every size, and what a step of an empty world costs."""
    nothing = {"bodies": [], "joints": [], "gravity": (0.0, 0.0), "friction": 0.5, "restitution": 0.0}
    empty = [Three(nothing).world for _ in range(WORLDS)]
    overhead = min(seconds(empty) for _ in range(ROUNDS))
    for size, slots in SIZES.items():
        worlds = [build(random_scene(np.random.RandomState(seed), *slots)) for seed in range(WORLDS)]
        best = min(seconds(worlds) for _ in range(ROUNDS))
        rate = WORLDS * STEPS / (best - overhead)
        row = {"what": "box2d 3 physics, one core", "size": size, "worlds": WORLDS, "steps_per_s": round(rate)}
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
