"""Batches of random worlds, drawn in numpy: as wild as a recipe says, hundreds at a time.

Holds no tests. Every world is one that `physics.build` would accept, with all bodies inside the room and the
ends of every joint together at the start, unless the recipe says otherwise.
"""

import dataclasses

import numpy as np

from physics.base import CEILING, FLOOR, ROOM_WIDTH, Bodies, Capacity, Controls, Joints, Motion, Scene, Thrusters, Walls
from tests.physics.scenes import GRAVITY

SMALLEST_AREA = 4e-4  # m2; four times what `physics.shapes` asks for


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How wild worlds may be. The defaults are a quiet room."""

    seed: int = 0
    fastest: float = 0.0  # m/s, in each direction
    spin: float = 0.0  # rad/s
    uneven: float = 0.0  # densities are between 10 ** -uneven and 10 ** uneven
    thin: float = 0.0  # one half size of a polygon may be this share shorter than the other
    bouncy: float = 0.0  # the largest restitution, of bodies and of walls
    crowded: float = 0.0  # 0: anywhere in the room; 1: all at one place
    jointed: float = 0.0  # share of the joint slots in use
    to_walls: float = 0.0  # share of those that hold a body to a wall
    immovable: float = 0.0  # share of the bodies


def draw(capacity: Capacity, worlds: int, recipe: Recipe) -> tuple[Scene, Motion]:
    """`worlds` scenes of the given slots and how they start, worlds last."""
    random = np.random.default_rng(recipe.seed)
    bodies, reach = _bodies(random, capacity, worlds, recipe)
    joints, motion = _joints(random, capacity, _motion(random, reach, bodies.inverse_mass > 0, recipe), reach, recipe)
    scene = Scene(
        bodies=bodies,
        walls=Walls(
            friction=_single(random.uniform(0, 1, (capacity.walls, worlds))),
            restitution=_single(random.uniform(0, recipe.bouncy, (capacity.walls, worlds))),
        ),
        joints=joints,
        thrusters=_thrusters(random, capacity, worlds),
        gravity=_single(np.broadcast_to(np.array([[0.0], [-GRAVITY]]), (2, worlds))),
    )
    return scene, motion


def full_controls(capacity: Capacity, worlds: int, seed: int) -> Controls:
    """Random controls of all actuators; a third of the motors are driven at full."""
    random = np.random.default_rng(seed)
    motor = np.clip(random.uniform(-1.5, 1.5, (capacity.joints, worlds)), -1, 1)
    return Controls(motor=_single(motor), thruster=_single(random.uniform(0, 1, (capacity.thrusters, worlds))))


def _single(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.float32)


def _bodies(random: np.random.Generator, capacity: Capacity, worlds: int, recipe: Recipe) -> tuple[Bodies, np.ndarray]:
    """The bodies, and how far `[N, W]` each reaches from its centre."""
    vertices, count, shape_area, shape_moment = _polygons(random, capacity, worlds, recipe.thin)
    radius = random.uniform(0.05, 0.4, (capacity.circles, worlds))
    area = np.concatenate([shape_area, np.pi * radius**2])
    moment = np.concatenate([shape_moment, np.pi * radius**4 / 2])
    rows = (capacity.bodies, worlds)
    density = 10 ** random.uniform(-recipe.uneven, recipe.uneven, rows)
    active = random.uniform(size=rows) < 0.85
    moves = active & (random.uniform(size=rows) >= recipe.immovable)
    bodies = Bodies(
        vertices=_single(vertices),
        vertex_count=count,
        radius=_single(radius),
        inverse_mass=_single(np.where(moves, 1 / (area * density), 0)),
        inverse_inertia=_single(np.where(moves, 1 / (moment * density), 0)),
        density=_single(density),
        friction=_single(random.uniform(0, 1.5, rows)),
        restitution=_single(random.uniform(0, recipe.bouncy, rows)),
        collision=random.choice(np.array([0, 1, 1, 1, 2], np.int32), rows),
        active=active,
    )
    return bodies, np.concatenate([np.hypot(*vertices).max(0), radius])


def _polygons(random: np.random.Generator, capacity: Capacity, worlds: int, thin: float) -> tuple[np.ndarray, ...]:
    """Convex polygons, corners on ellipses: vertices about the centroid `[2, V, P, W]`, their count, area and second moment."""
    shape = (capacity.polygons, worlds)
    count = random.integers(3, capacity.vertices + 1, shape)
    corner = np.minimum(np.arange(capacity.vertices)[:, None, None], count - 1)
    jitter = random.uniform(-0.3, 0.3, (capacity.vertices, *shape))
    turn = (corner + np.take_along_axis(jitter, corner, 0)) * 2 * np.pi / count
    long = random.uniform(0.08, 0.5, shape)
    short = np.maximum(long * (1 - thin * random.uniform(0, 1, shape)), SMALLEST_AREA / long)
    vertices = np.stack([np.cos(turn) * long, np.sin(turn) * short])
    vertices = np.where(np.arange(capacity.vertices)[:, None, None] < count, vertices, vertices[:, :1])
    following = np.roll(vertices, -1, 1)
    cross = vertices[0] * following[1] - vertices[1] * following[0]
    area = cross.sum(0) / 2
    vertices = vertices - ((vertices + following) * cross).sum(1, keepdims=True) / (6 * area)
    following = np.roll(vertices, -1, 1)
    cross = vertices[0] * following[1] - vertices[1] * following[0]
    squares = (vertices**2 + vertices * following + following**2).sum(0)
    return vertices, count.astype(np.int32), area, (cross * squares).sum(0) / 12


def _motion(random: np.random.Generator, reach: np.ndarray, moves: np.ndarray, recipe: Recipe) -> Motion:
    low, high = _limits(reach)
    anywhere = random.uniform(low, high)
    meeting = random.uniform(low.max(1, keepdims=True), high.min(1, keepdims=True))
    pos = anywhere + recipe.crowded * (meeting - anywhere)
    shape = reach.shape
    return Motion(
        pos=_single(pos),
        angle=_single(random.uniform(-np.pi, np.pi, shape)),
        vel=_single(moves * random.uniform(-recipe.fastest, recipe.fastest, (2, *shape))),
        omega=_single(moves * random.uniform(-recipe.spin, recipe.spin, shape)),
    )


def _limits(reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Between which positions `[2, ..., W]` a body that reaches so far is inside the room."""
    return np.stack([reach, FLOOR + reach]), np.stack([ROOM_WIDTH - reach, CEILING - reach])


def _joints(random: np.random.Generator, capacity: Capacity, motion: Motion, reach: np.ndarray, recipe: Recipe) -> tuple[Joints, Motion]:
    """Joints, and the motion with bodies brought to where they are jointed."""
    shape = (capacity.joints, motion.angle.shape[1])
    first = random.integers(0, capacity.bodies, shape)
    second = (first + random.integers(1, max(2, capacity.bodies), shape)) % capacity.bodies
    held = (random.uniform(size=shape) < recipe.to_walls) & (capacity.walls > 0)
    wanted = (random.uniform(size=shape) < recipe.jointed) & (first != second)
    pos, points, active = _assemble(random, motion, reach, first, second, held, wanted)
    motion = dataclasses.replace(motion, pos=_single(pos))
    anchor_a, angle_a = _end(motion, first, points)
    anchor_b, angle_b = _end(motion, second, points)
    kind = random.integers(0, 4, shape)  # free, motor, limited motor, weld
    joints = Joints(
        body_a=np.where(held, capacity.bodies + random.integers(0, max(1, capacity.walls), shape), first).astype(np.int32),
        body_b=second.astype(np.int32),
        anchor_a=_single(np.where(held, points, anchor_a)),
        anchor_b=_single(anchor_b),
        rest_angle=_single(angle_b - np.where(held, 0, angle_a)),
        lower=_single(-random.uniform(0, 1.5, shape)),
        upper=_single(random.uniform(0, 1.5, shape)),
        limited=kind == 2,
        fixed=kind == 3,
        motor=(kind == 1) | (kind == 2),
        motor_speed=_single(random.uniform(0, 3, shape)),
        motor_power=_single(random.uniform(0, 3, shape)),
        active=active,
    )
    return joints, motion


def _assemble(
    random: np.random.Generator,
    motion: Motion,
    reach: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    held: np.ndarray,
    wanted: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(positions, points of the joints, which joints are there): joints sit on their bodies, as in levels.

    A joint's second body is brought to its first unless a joint holds it already; then the joint, which would
    close a loop, is there only if the bodies are near each other.
    """
    pos, world = np.array(motion.pos), np.arange(reach.shape[1])
    placed, points, active = np.zeros(reach.shape, bool), np.zeros((2, *first.shape)), np.array(wanted)
    for slot in range(first.shape[0]):
        a, b = first[slot], second[slot]
        at_a = random.uniform(-0.7, 0.7, (2, len(world))) * reach[a, world]
        at_b = random.uniform(-0.7, 0.7, (2, len(world))) * reach[b, world]
        point = np.where(held[slot], pos[:, b, world] + at_b, pos[:, a, world] + at_a)
        brought = wanted[slot] & ~held[slot] & ~placed[b, world]
        there = np.clip(point - at_b, *_limits(reach[b, world]))
        pos[:, b, world] = np.where(brought, there, pos[:, b, world])
        near = np.hypot(*(pos[:, b, world] - point)) < reach[b, world]
        active[slot] &= near
        placed[b, world] |= active[slot]
        placed[a, world] |= active[slot] & ~held[slot]
        points[:, slot] = point
    return pos, points, active


def _end(motion: Motion, body: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """World points `[2, J, W]` in the frames of bodies `[J, W]`, and the angles of these."""
    world = np.broadcast_to(np.arange(body.shape[1]), body.shape)
    away, angle = points - np.asarray(motion.pos)[:, body, world], np.asarray(motion.angle)[body, world]
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * away[0] + sin * away[1], cos * away[1] - sin * away[0]]), angle


def _thrusters(random: np.random.Generator, capacity: Capacity, worlds: int) -> Thrusters:
    shape = (capacity.thrusters, worlds)
    return Thrusters(
        body=random.integers(0, capacity.bodies, shape).astype(np.int32),
        anchor=_single(random.uniform(-0.3, 0.3, (2, *shape))),
        angle=_single(random.uniform(-np.pi, np.pi, shape)),
        power=_single(random.uniform(0, 3, shape)),
        active=random.uniform(size=shape) < 0.7,
    )
