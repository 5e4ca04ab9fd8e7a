"""A level being drawn: one world, plain arrays, and the draws that add a body, a joint or a thruster.

Everything works on a single level and is mapped over many with `vmap`; it is off the hot path. Each
`add_*` returns a new draft, or the old one where there is no room for what it adds.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from envs.base import MOTOR_CHANNELS, THRUSTER_CHANNELS, Array, Level, Role
from envs.generate import slots
from envs.generate.config import GeneratorConfig
from envs.generate.dice import Dice
from physics.base import CEILING, FLOOR, ROOM_WIDTH, Bodies, Capacity, Joints, Motion, Scene, Thrusters, Walls
from physics.pytree import select, zeros

MIN_HALF_SIDE = 0.05  # m
MIN_RADIUS = 0.1  # m
CORNERS = np.array([[-1.0, 1.0, 1.0, -1.0], [-1.0, -1.0, 1.0, 1.0]])  # counter-clockwise
TRIANGLE = np.array([[-1.0, 1.0, 0.0, -1.0], [-2 / 3, -2 / 3, 4 / 3, -2 / 3]])  # about its centroid; the first corner again
LINK_ROLES = np.array(  # which roles (column) a body may have when it is joined to one of a role (row)
    [[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]], np.float32
)


class Draft(NamedTuple):
    """A level without masses; `half` is a box's half sides (m), or a circle's radius twice."""

    half: Array  # [2, N]
    triangle: Array  # [N] an isosceles one, half its base and half its height
    pos: Array  # [2, N]
    angle: Array  # [N]
    role: Array  # [N]
    fixed: Array  # [N]
    active: Array  # [N]
    floor: Array  # [] role of the floor
    joints: Joints
    motor_channel: Array  # [J]
    thrusters: Thrusters
    thruster_channel: Array  # [T]


def empty(capacity: Capacity, floor: Array) -> Draft:
    """An empty room with a floor of the given role."""
    dims, bodies = capacity.dims, capacity.bodies
    return Draft(
        half=jnp.zeros((2, bodies)),
        triangle=jnp.zeros(bodies, bool),
        pos=jnp.zeros((2, bodies)),
        angle=jnp.zeros(bodies),
        role=jnp.zeros(bodies, jnp.int32),
        fixed=jnp.zeros(bodies, bool),
        active=jnp.zeros(bodies, bool),
        floor=floor,
        joints=zeros(Joints, **dims),
        motor_channel=jnp.zeros(capacity.joints, jnp.int32),
        thrusters=zeros(Thrusters, **dims),
        thruster_channel=jnp.zeros(capacity.thrusters, jnp.int32),
    )


def masses(draft: Draft, polygons: int) -> tuple[Array, Array]:
    """(mass kg, inertia kg m2) of every body slot at density 1."""
    circle = jnp.arange(draft.angle.shape[0]) >= polygons
    hx, hy = draft.half
    mass = jnp.where(circle, jnp.pi * hx * hx, jnp.where(draft.triangle, 2, 4) * hx * hy)
    square = jnp.where(draft.triangle, hx * hx / 6 + 2 * hy * hy / 9, (hx * hx + hy * hy) / 3)
    inertia = mass * jnp.where(circle, hx * hx / 2, square)
    return mass, inertia


def role_weights(draft: Draft) -> Array:
    """Weights of the next body's role: what is missing first, then normal, at most one red."""
    present = jax.nn.one_hot(draft.role, len(Role)) * draft.active[:, None]
    count = present.sum(0) + jax.nn.one_hot(draft.floor, len(Role))
    missing = (count == 0) & jnp.array([False, True, True, False])
    later = jnp.array([1.0, 0.0, 0.0, 0.0]).at[Role.RED].set(jnp.where(count[Role.RED] == 0, 1 / 3, 0.0))
    return jnp.where(jnp.any(missing), missing.astype(jnp.float32), later)


def draw_half(dice: Dice, circle: Array, config: GeneratorConfig, scale: Array | float = 1.0) -> Array:
    """Half sides `[2]` of a polygon, or the radius twice, m; the largest is `scale` times what is usual."""
    size = config.max_shape_size * scale
    largest = size / (2 * jnp.sqrt(2.0))
    sides = jnp.stack([dice.uniform(MIN_HALF_SIDE, largest), dice.uniform(MIN_HALF_SIDE, largest)])
    long = dice.chance(config.long_box_chance) & (jnp.arange(2) == dice.whole(2))
    radius = dice.uniform(MIN_RADIUS, config.circle_size * size)
    return jnp.where(circle, radius, sides * jnp.where(long, config.long_box_scale, 1.0))


def _free_slot(draft: Draft, circle: Array, polygons: int) -> tuple[Array, Array]:
    """(first empty slot of a kind, whether there is one)."""
    is_circle = jnp.arange(draft.active.shape[0]) >= polygons
    free = ~draft.active & (is_circle == circle)
    return jnp.argmax(free), jnp.any(free)


def put_body(
    draft: Draft, slot: Array | int, half: Array, pos: Array, angle: Array, role: Array | Role,
    fixed: Array | bool = False, triangle: Array | bool = False, active: Array | bool = True,
) -> Draft:  # fmt: skip
    """The draft with a body in a slot."""
    return draft._replace(
        half=slots.write(draft.half, slot, half),
        triangle=slots.write(draft.triangle, slot, triangle),
        pos=slots.write(draft.pos, slot, pos),
        angle=slots.write(draft.angle, slot, angle),
        role=slots.write(draft.role, slot, role),
        fixed=slots.write(draft.fixed, slot, fixed),
        active=slots.write(draft.active, slot, active),
    )


def _kinds(draft: Draft, polygons: int) -> Array:
    """Weights of (polygon, circle): equal among kinds with an empty slot."""
    return jnp.array([_free_slot(draft, jnp.array(kind), polygons)[1] for kind in (False, True)], jnp.float32)


def add_free(draft: Draft, key: Array, polygons: int, may_fix: Array, config: GeneratorConfig) -> Draft:
    """Add a body that nothing is joined to."""
    dice = Dice(key, 16)
    kind, possible = dice.choose(_kinds(draft, polygons))
    circle = kind == 1
    slot, _ = _free_slot(draft, circle, polygons)
    role, _ = dice.choose(role_weights(draft))
    goal = (role == Role.GREEN) | (role == Role.BLUE)
    half = draw_half(dice, circle, config, jnp.where(goal, config.goal_scale, 1.0))
    triangle = dice.chance(config.triangle_chance) & ~circle
    reach = jnp.where(circle, half[0], jnp.sqrt(2.0) * jnp.max(half))
    left, right = reach, ROOM_WIDTH - reach
    split, middle = dice.chance(config.same_side_chance), ROOM_WIDTH / 2
    right = jnp.where(split & (role == Role.GREEN), jnp.maximum(middle - reach, left), right)
    left = jnp.where(split & (role == Role.BLUE), jnp.minimum(middle + reach, right), left)
    x = dice.uniform(left, jnp.maximum(right, left))
    y = dice.uniform(FLOOR + reach, CEILING - reach)
    area = jnp.where(circle, jnp.pi * half[0] ** 2, jnp.where(triangle, 2, 4) * half[0] * half[1])
    fixed = dice.chance(jnp.minimum(config.fixed_chance_most, config.fixed_chance + config.fixed_mass_scale * area)) & may_fix
    low = jnp.where(role == Role.NORMAL, config.fixed_low_normal, config.fixed_low_chance)
    lower = dice.chance(low) & fixed & (y >= CEILING / 2)
    y = jnp.maximum(jnp.where(lower, y - CEILING / 2, y), FLOOR + reach)
    added = put_body(draft, slot, half, jnp.stack([x, y]), dice.angle(), role, fixed, triangle)
    return select(possible, added, draft)


def turned(angle: Array, vector: Array) -> Array:
    """`vector [2, ...]` rotated counter-clockwise."""
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return jnp.stack([cos * vector[0] - sin * vector[1], sin * vector[0] + cos * vector[1]])


def _anchor(dice: Dice, half: Array, circle: Array, triangle: Array) -> Array:
    """A point of a body in its own frame: anywhere in a box, about the centre of a triangle, the centre of a circle."""
    return jnp.where(circle, 0.0, dice.point() * half * jnp.where(triangle, 1 / 3, 1.0))


def _hidden(half_a: Array, at_a: Array, circle_a: Array, half_b: Array, at_b: Array, circle_b: Array, margin: float) -> Array:
    """Whether one of two bodies that turn about a common point could disappear behind the other."""

    def farthest(half: Array, at: Array, circle: Array) -> Array:
        return jnp.where(circle, half[0], jnp.linalg.norm(half + jnp.abs(at)))

    def nearest(half: Array, at: Array, circle: Array) -> Array:
        return jnp.where(circle, half[0], jnp.min(half - jnp.abs(at)))

    a_shows = farthest(half_a, at_a, circle_a) > nearest(half_b, at_b, circle_b) + margin
    b_shows = farthest(half_b, at_b, circle_b) > nearest(half_a, at_a, circle_a) + margin
    return ~(a_shows & b_shows)


def _joint_targets(draft: Draft, polygons: int, config: GeneratorConfig) -> Array:
    """Weights of the bodies to join to: polygons with few joints, circles with none, seldom immovable ones."""
    bodies = jnp.arange(draft.active.shape[0])
    ends = [(bodies[:, None] == body) & draft.joints.active for body in (draft.joints.body_a, draft.joints.body_b)]
    joints = (ends[0] | ends[1]).sum(1)
    by_kind = jnp.where(bodies >= polygons, joints == 0, jnp.maximum(0.0, (2 - joints) / 2))
    return by_kind * draft.active * jnp.where(draft.fixed, config.join_fixed_weight, 1.0)


def add_connected(draft: Draft, key: Array, polygons: int, force_motor: Array, config: GeneratorConfig) -> tuple[Draft, Array]:
    """Add a body joined to an earlier one: (draft, whether one of the two may hide the other)."""
    if not draft.joints.active.shape[0]:
        return draft, jnp.array(False)
    dice = Dice(key, 32)
    bodies = jnp.arange(draft.active.shape[0])
    open_kinds = _kinds(draft, polygons)
    weights = _joint_targets(draft, polygons, config)
    of_circles = jnp.where(bodies >= polygons, weights, 0.0)
    of_polygons = weights - of_circles
    target_kinds = jnp.array([jnp.any(of_polygons > 0), jnp.any(of_circles > 0) & (open_kinds[0] > 0)], jnp.float32)
    target_kind, has_target = dice.choose(target_kinds)
    target, _ = dice.choose(jnp.where(target_kind == 1, of_circles, of_polygons))
    kind, has_slot = dice.choose(open_kinds * jnp.array([True, target_kind == 0]))
    circle, target_circle = kind == 1, target >= polygons
    slot, _ = _free_slot(draft, circle, polygons)
    half, angle = draw_half(dice, circle, config), dice.angle()
    role, _ = dice.choose(_link_role_weights(draft, target))
    triangle = dice.chance(config.triangle_chance) & ~circle
    target_anchor = _anchor(dice, slots.read(draft.half, target), target_circle, slots.read(draft.triangle, target))
    anchor = _anchor(dice, half, circle, triangle)
    at = slots.read(draft.pos, target) + turned(slots.read(draft.angle, target), target_anchor)
    with_body = put_body(draft, slot, half, at - turned(angle, anchor), angle, role, triangle=triangle)
    swap = slot < target
    ends = jnp.where(swap, jnp.stack([slot, target]), jnp.stack([target, slot]))
    anchors = [jnp.where(swap, anchor, target_anchor), jnp.where(swap, target_anchor, anchor)]
    added = _put_joint(with_body, dice, ends, anchors, ~(circle | target_circle), force_motor, config)
    possible = has_target & has_slot & ~jnp.all(draft.joints.active)
    hidden = _hidden(slots.read(draft.half, target), target_anchor, target_circle, half, anchor, circle, config.hidden_margin)
    return select(possible, added, draft), possible & hidden


def _link_role_weights(draft: Draft, target: Array) -> Array:
    """Role weights of a body that is joined to `target`; normal if nothing else may be."""
    weights = role_weights(draft) * slots.read(jnp.asarray(LINK_ROLES).T, slots.read(draft.role, target))
    return jnp.where(jnp.any(weights > 0), weights, jnp.array([1.0, 0, 0, 0]))


def _put_joint(draft: Draft, dice: Dice, ends: Array, anchors: list, boxes: Array, force_motor: Array, config: GeneratorConfig) -> Draft:
    joints = draft.joints
    slot = jnp.argmin(joints.active)
    few = jnp.sum(joints.active & ~joints.fixed) < config.free_revolute
    revolute = force_motor | few | ~dice.chance(config.fixed_joint_chance)
    power = dice.uniform(config.motor_power_min, config.motor_power_max)
    values = {
        "body_a": ends[0],
        "body_b": ends[1],
        # Measured from the pose at start, so that limits around 0 are respected from the first step.
        "rest_angle": slots.read(draft.angle, ends[1]) - slots.read(draft.angle, ends[0]),
        "lower": dice.uniform(-config.limit_most, 0.0),
        "upper": dice.uniform(0.0, config.limit_most),
        "limited": revolute & boxes & dice.chance(config.limit_chance),
        "fixed": ~revolute,
        "motor": revolute & (force_motor | dice.chance(config.motor_chance)),
        "motor_speed": dice.uniform(config.motor_speed_min, config.motor_speed_max),
        "motor_power": jnp.where(boxes, power, config.wheel_power),
        "active": True,
    }
    values |= {"anchor_a": anchors[0], "anchor_b": anchors[1]}
    changed = {name: slots.write(getattr(joints, name), slot, value) for name, value in values.items()}
    channel = dice.whole(MOTOR_CHANNELS)
    return draft._replace(joints=Joints(**changed), motor_channel=slots.write(draft.motor_channel, slot, channel))


def add_thruster(draft: Draft, key: Array, polygons: int, config: GeneratorConfig) -> Draft:
    """Add a thruster to a random movable body."""
    if not draft.thrusters.active.shape[0]:
        return draft
    dice = Dice(key, 12)
    body, possible = dice.choose((draft.active & ~draft.fixed).astype(jnp.float32))
    half, circle = slots.read(draft.half, body), body >= polygons
    around = dice.angle()
    on_circle = jnp.stack([jnp.cos(around), jnp.sin(around)]) * dice.uniform() * half[0]
    anchor = jnp.where(circle, on_circle, dice.point() * half)
    outward = jnp.arctan2(anchor[1], anchor[0]) + jnp.pi * dice.chance(0.5)
    angle = jnp.where(dice.chance(config.thruster_align_chance), outward, dice.angle())
    mass, _ = masses(draft, polygons)
    power = slots.read(mass, body) * config.thruster_power * dice.uniform(0.5, 2.0)
    old, slot = draft.thrusters, jnp.argmin(draft.thrusters.active)
    thrusters = Thrusters(
        body=slots.write(old.body, slot, body),
        anchor=slots.write(old.anchor, slot, anchor),
        angle=slots.write(old.angle, slot, angle),
        power=slots.write(old.power, slot, power),
        active=slots.write(old.active, slot, True),
    )
    channel = slots.write(draft.thruster_channel, slot, dice.whole(THRUSTER_CHANNELS))
    added = draft._replace(thrusters=thrusters, thruster_channel=channel)
    return select(possible & ~jnp.all(old.active), added, draft)


def finish(draft: Draft, capacity: Capacity) -> Level:
    """The level (single world) that a draft describes."""
    polygons = capacity.polygons
    mass, inertia = masses(draft, polygons)
    movable = draft.active & ~draft.fixed
    vertices = jnp.zeros((2, capacity.vertices, polygons))
    box = CORNERS[:, :, None] * draft.half[:, None, :polygons]
    corners = jnp.where(draft.triangle[:polygons], TRIANGLE[:, :, None] * draft.half[:, None, :polygons], box)
    vertices = vertices.at[:, :4].set(corners).at[:, 4:].set(corners[:, :1])
    present = draft.active.astype(jnp.float32)
    bodies = Bodies(
        vertices=vertices * draft.active[:polygons],
        vertex_count=jnp.where(draft.active, jnp.where(draft.triangle, 3, 4), 0)[:polygons],
        radius=(draft.half[0] * draft.active)[polygons:],
        inverse_mass=jnp.where(movable, 1 / jnp.where(movable, mass, 1.0), 0.0),
        inverse_inertia=jnp.where(movable, 1 / jnp.where(movable, inertia, 1.0), 0.0),
        density=present,
        friction=present,
        restitution=jnp.zeros_like(present),
        collision=draft.active.astype(jnp.int32),
        active=draft.active,
    )
    walls = zeros(Walls, **capacity.dims)
    scene = Scene(
        bodies=bodies,
        walls=Walls(friction=jnp.ones_like(walls.friction), restitution=walls.restitution),
        joints=draft.joints,
        thrusters=draft.thrusters,
        gravity=jnp.array([0.0, -9.81]),
    )
    start = Motion(pos=draft.pos, angle=draft.angle, vel=jnp.zeros_like(draft.pos), omega=jnp.zeros_like(draft.angle))
    return Level(
        scene=scene,
        start=start,
        role=draft.role,
        wall_role=jnp.zeros(capacity.walls, jnp.int32).at[0].set(draft.floor),
        motor_channel=draft.motor_channel,
        motor_auto=jnp.zeros(capacity.joints, bool),
        thruster_channel=draft.thruster_channel,
    )
