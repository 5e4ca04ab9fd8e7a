"""What every random level is like, whatever the seed, and how often it is like that: all sizes, compared with numpy."""

import jax
import numpy as np
import pytest
from levels_for_tests import random_levels

from envs import actions
from envs.base import MOTOR_CHANNELS, THRUSTER_CHANNELS, Level, Role
from envs.generate.draft import MIN_HALF_SIDE, MIN_RADIUS
from envs.sizes import capacity
from physics.base import CEILING, FLOOR, ROOM_WIDTH
from physics.pytree import check

NORMAL, GREEN, BLUE, RED = Role
COUNTS = {"s": 1024, "m": 1024, "l": 512}
LARGEST = 1.0 / (2 * np.sqrt(2))  # half a side of the largest square that fits into a circle of the largest size, 1 m


@pytest.fixture(params=COUNTS)
def size(request) -> str:
    return request.param


@pytest.fixture
def level(size: str) -> Level:
    return random_levels(size, COUNTS[size])


def polygons(level: Level) -> int:
    return level.scene.bodies.vertices.shape[2]


def of_role(level: Level, role: Role) -> np.ndarray:
    """Which bodies `[N, W]` are there and have the role."""
    return level.scene.bodies.active & (level.role == role)


def joint_ends(level: Level) -> tuple[np.ndarray, ...]:
    """(slot, world, first body, second body) of every joint there is, worlds in a row."""
    joints = level.scene.joints
    slot, world = np.nonzero(joints.active)
    return slot, world, joints.body_a[slot, world], joints.body_b[slot, world]


def jointed(level: Level) -> np.ndarray:
    """Which bodies `[N, W]` hang on a joint."""
    found = np.zeros_like(level.scene.bodies.active)
    _, world, first, second = joint_ends(level)
    found[first, world] = found[second, world] = True
    return found


def turned(angle: np.ndarray, vector: np.ndarray) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * vector[0] - sin * vector[1], sin * vector[0] + cos * vector[1]])


def corners(level: Level) -> np.ndarray:
    """Corners `[2, 4, P, W]` of the boxes where they stand."""
    boxes = polygons(level)
    return turned(level.start.angle[:boxes], level.scene.bodies.vertices) + level.start.pos[:, None, :boxes]


def outside(level: Level) -> np.ndarray:
    """How far `[N, W]` every body sticks out of the room, m; negative inside."""
    boxes, radius = corners(level), level.scene.bodies.radius
    circles = level.start.pos[:, polygons(level) :]
    low = np.concatenate([boxes.min(1), circles - radius], axis=1)
    high = np.concatenate([boxes.max(1), circles + radius], axis=1)
    return np.where(level.scene.bodies.active, np.max([-low[0], high[0] - ROOM_WIDTH, FLOOR - low[1], high[1] - CEILING], axis=0), -np.inf)


def separated(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Whether a side of the first of two boxes (corners `[2, 4, W]`) has all of the second on its far side."""
    found = np.zeros(first.shape[-1], bool)
    for side in range(2):  # opposite sides of a box are parallel
        along = first[:, side + 1] - first[:, side]
        one, other = ((along[:, None] * box).sum(0) for box in (first, second))
        found |= (one.max(0) < other.min(0)) | (other.max(0) < one.min(0))
    return found


def overlapping(level: Level, i: int, other: Level, j: int) -> np.ndarray:
    """Whether body `i` of every level covers a part of body `j > i` of the other; absent ones cover nothing."""
    boxes, bodies = polygons(level), (level.scene.bodies, other.scene.bodies)
    both = bodies[0].active[i] & bodies[1].active[j]
    if j < boxes:
        one, two = corners(level)[:, :, i], corners(other)[:, :, j]
        return both & ~separated(one, two) & ~separated(two, one)
    apart, reach = other.start.pos[:, j] - level.start.pos[:, i], bodies[1].radius[j - boxes]
    if i < boxes:
        half = bodies[0].vertices[:, 2, i]
        inside = turned(-level.start.angle[i], apart)
        return both & (np.linalg.norm(inside - np.clip(inside, -half, half), axis=0) < reach)
    return both & (np.linalg.norm(apart, axis=0) < reach + bodies[0].radius[i - boxes])


def linked(level: Level, i: int, j: int) -> np.ndarray:
    """Whether a joint holds bodies `i` and `j` together, `[W]`."""
    joints = level.scene.joints
    ends = ((joints.body_a == i) & (joints.body_b == j)) | ((joints.body_a == j) & (joints.body_b == i))
    return (ends & joints.active).any(0)


def test_arrays_have_the_declared_shapes_and_finite_numbers(size: str, level: Level):
    check(level, worlds=COUNTS[size], **capacity(size).dims)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(level))


def test_one_thing_is_green_one_is_blue_and_at_most_one_is_red(level: Level):
    count = {role: of_role(level, role).sum(0) + (level.wall_role == role).sum(0) for role in Role}
    assert set(count[GREEN]) == set(count[BLUE]) == {1}
    assert set(count[RED]) == {0, 1}


def test_something_green_or_blue_can_move(level: Level):
    movable = level.scene.bodies.inverse_mass > 0
    assert ((of_role(level, GREEN) | of_role(level, BLUE)) & movable).any(0).all()


def test_the_agent_drives_something_in_every_level(level: Level):
    joints, thrusters = level.scene.joints, level.scene.thrusters
    motor, thruster = (joints.active & joints.motor & ~joints.fixed).any(0), thrusters.active.any(0)
    assert (motor | thruster).all()
    assert not level.motor_auto.any()
    driven = np.asarray(actions.driven(level))
    np.testing.assert_array_equal(driven[:, :MOTOR_CHANNELS].any(1), motor)
    np.testing.assert_array_equal(driven[:, MOTOR_CHANNELS:].any(1), thruster)


def test_free_bodies_stand_inside_the_room_and_jointed_ones_nearly_always_do(level: Level):
    far, hanging = outside(level), jointed(level)
    assert far[~hanging].max() < 1e-5
    assert (far[hanging] > 1e-5).mean() < 0.01


def test_green_and_blue_do_not_overlap_at_the_start(level: Level):
    role, pairs = level.role, range(level.role.shape[0])
    for i in pairs:
        for j in pairs[i + 1 :]:
            goal = ((role[i] == GREEN) & (role[j] == BLUE)) | ((role[i] == BLUE) & (role[j] == GREEN))
            assert not (goal & overlapping(level, i, level, j)).any()


def test_free_bodies_hardly_ever_overlap_others_and_jointed_ones_less_than_by_chance(level: Level):
    """Chance is what the bodies of one level would do in the room of another."""
    other = jax.tree.map(lambda leaf: np.roll(leaf, 1, axis=-1), level)
    hanging, also_hanging = jointed(level), jointed(other)
    found, by_chance = np.zeros(2, int), np.zeros(2, int)  # of any two bodies; of two of which one is free
    for i in range(level.role.shape[0]):
        for j in range(i + 1, level.role.shape[0]):
            here = overlapping(level, i, level, j) & ~linked(level, i, j)
            there = overlapping(level, i, other, j)
            found += [here.sum(), (here & ~(hanging[i] & hanging[j])).sum()]
            by_chance += [there.sum(), (there & ~(hanging[i] & also_hanging[j])).sum()]
    assert by_chance.min() > 100
    assert found[0] < by_chance[0] / 2
    assert found[1] < by_chance[1] / 50


def test_masses_are_those_of_the_shapes_and_none_of_what_cannot_move(level: Level):
    bodies = level.scene.bodies
    x, y = bodies.vertices.astype(float)
    area = (x * np.roll(y, -1, axis=0) - y * np.roll(x, -1, axis=0)).sum(0) / 2  # shoelace, counter-clockwise
    width, height = np.hypot(x[1] - x[0], y[1] - y[0]), np.hypot(x[2] - x[1], y[2] - y[1])
    mass = np.concatenate([area, np.pi * bodies.radius.astype(float) ** 2])
    inertia = mass * np.concatenate([(width**2 + height**2) / 12, bodies.radius.astype(float) ** 2 / 2])
    movable = bodies.inverse_mass > 0
    np.testing.assert_allclose((bodies.inverse_mass * mass)[movable], 1, rtol=1e-4)
    np.testing.assert_allclose((bodies.inverse_inertia * inertia)[movable], 1, rtol=1e-4)
    assert not bodies.inverse_inertia[~movable].any()
    assert bodies.active[movable].all()


def test_some_bodies_are_immovable_but_none_of_only_three(size: str, level: Level):
    share = (level.scene.bodies.inverse_mass == 0)[level.scene.bodies.active].mean()
    assert share == 0 if size == "s" else 0.1 < share < 0.5


def test_shapes_are_boxes_and_circles_of_the_sizes_drawn(level: Level):
    bodies, boxes = level.scene.bodies, polygons(level)
    there = bodies.active[:boxes]
    half = bodies.vertices[:, 2]
    np.testing.assert_array_equal(bodies.vertices[0, :4], half[0] * np.array([-1, 1, 1, -1])[:, None, None])
    np.testing.assert_array_equal(bodies.vertices[1, :4], half[1] * np.array([-1, -1, 1, 1])[:, None, None])
    shorter, longer = half.min(0)[there], half.max(0)[there]
    assert shorter.min() >= MIN_HALF_SIDE
    assert shorter.max() <= LARGEST < longer.max() <= 2 * LARGEST, "one side may be doubled, never both"
    radius = bodies.radius[bodies.active[boxes:]]
    assert MIN_RADIUS <= radius.min() < 0.12
    assert 0.38 < radius.max() <= 0.4


def test_joints_hold_together_what_already_fits(level: Level):
    """Anchors coincide, the pose at the start is that of rest, limits allow it: nothing jerks in the first step."""
    slot, world, first, second = joint_ends(level)
    joints, start = level.scene.joints, level.start
    assert (first != second).all()
    assert (level.scene.bodies.active[first, world] & level.scene.bodies.active[second, world]).all()
    places = [
        start.pos[:, body, world] + turned(start.angle[body, world], anchor[:, slot, world])
        for body, anchor in ((first, joints.anchor_a), (second, joints.anchor_b))
    ]
    np.testing.assert_allclose(places[0], places[1], atol=1e-5)
    np.testing.assert_allclose(joints.rest_angle[slot, world], start.angle[second, world] - start.angle[first, world], atol=1e-5)
    assert (joints.lower <= 0).all()
    assert (joints.upper >= 0).all()
    assert np.abs([joints.lower, joints.upper]).max() <= np.pi + 1e-5


def test_wheels_turn_about_their_centres_and_hang_on_boxes(level: Level):
    slot, world, first, second = joint_ends(level)
    joints, boxes = level.scene.joints, polygons(level)
    assert ((first < boxes) | (second < boxes)).all()
    assert not joints.anchor_a[:, slot, world][:, first >= boxes].any()
    assert not joints.anchor_b[:, slot, world][:, second >= boxes].any()
    two_boxes = (first < boxes) & (second < boxes)
    assert not joints.limited[slot, world][~two_boxes].any()
    assert set(joints.motor_power[slot, world][~two_boxes]) == {1.0}


def test_joined_bodies_seldom_hide_each_other(level: Level):
    """One does if all of it is nearer to the joint than the nearest edge of the other."""
    slot, world, first, second = joint_ends(level)
    half = np.concatenate([level.scene.bodies.vertices[:, 2], np.stack([level.scene.bodies.radius] * 2)], axis=1)

    def reach(body: np.ndarray, anchor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distance from the joint to the nearest edge and to the farthest point of a body."""
        size, at = half[:, body, world], np.abs(anchor[:, slot, world])
        return np.min(size - at, axis=0), np.where(body < polygons(level), np.linalg.norm(size + at, axis=0), size[0])

    (near_a, far_a), (near_b, far_b) = (
        reach(body, anchor) for body, anchor in ((first, level.scene.joints.anchor_a), (second, level.scene.joints.anchor_b))
    )
    hidden = (far_a < near_b) | (far_b < near_a)
    by_chance = (far_a < np.roll(near_b, 1)) | (far_b < np.roll(near_a, 1))  # with another level's body
    assert by_chance.mean() > 0.03
    assert hidden.mean() < by_chance.mean() / 3


def test_joints_build_trees_of_few_branches(level: Level):
    """A circle has one joint, a box two at most, and there are no loops: every joint makes one of two parts."""
    _, world, first, second = joint_ends(level)
    bodies, worlds = level.role.shape
    links = np.zeros((worlds, bodies, bodies), int)
    np.add.at(links, (world, first, second), 1)
    np.add.at(links, (world, second, first), 1)
    boxes = polygons(level)
    assert links.sum(2)[:, boxes:].max() == 1
    assert links.sum(2)[:, :boxes].max() <= 2
    reached = np.linalg.matrix_power(links + np.eye(bodies, dtype=int), bodies) > 0  # [W, N, N]
    first_of_part = reached.argmax(2) == np.arange(bodies)
    parts = (first_of_part & level.scene.bodies.active.T).sum(1)
    np.testing.assert_array_equal(parts, (level.scene.bodies.active.sum(0) - level.scene.joints.active.sum(0)))


def test_bodies_that_are_joined_never_win_or_lose_by_it(level: Level):
    """Joined bodies touch by nature: were one of them green and the other blue, the level would be solved."""
    _, world, first, second = joint_ends(level)
    roles = np.stack([level.role[first, world], level.role[second, world]])
    assert (roles.min(0) == NORMAL).all()
    assert {GREEN, BLUE} <= set(roles.max(0))


def test_fixed_joints_have_neither_motor_nor_limits_and_motors_are_of_the_strength_drawn(level: Level):
    slot, world, _, _ = joint_ends(level)
    joints = {name: leaf[..., slot, world] for name, leaf in vars(level.scene.joints).items()}
    assert not (joints["fixed"] & (joints["motor"] | joints["limited"])).any()
    assert 0.4 <= joints["motor_speed"].min() < 0.5
    assert 2.9 < joints["motor_speed"].max() <= 3.0
    assert joints["motor_power"].min() >= 1.0
    assert joints["motor_power"].max() <= 3.0


def test_thrusters_sit_on_movable_bodies_and_can_lift_them(level: Level):
    thrusters, bodies = level.scene.thrusters, level.scene.bodies
    slot, world = np.nonzero(thrusters.active)
    body, anchor = thrusters.body[slot, world], thrusters.anchor[:, slot, world]
    inverse_mass = bodies.inverse_mass[body, world]
    assert (inverse_mass > 0).all()
    lift = thrusters.power[slot, world] * inverse_mass * 10  # N/kg, 10 N being a thruster's force
    assert 9.81 < lift.min() < 11
    assert 38 < lift.max() < 40.01
    boxes = polygons(level)
    on_box = body < boxes
    half = bodies.vertices[:, 2][:, body[on_box], world[on_box]]
    assert (np.abs(anchor[:, on_box]) <= half).all()
    radius = bodies.radius[body[~on_box] - boxes, world[~on_box]]
    assert (np.linalg.norm(anchor[:, ~on_box], axis=0) <= radius + 1e-6).all()


def test_indices_are_valid_even_in_empty_slots(level: Level):
    bodies, scene = level.role.shape[0], level.scene
    for index in (scene.joints.body_a, scene.joints.body_b, scene.thrusters.body):
        assert 0 <= index.min() <= index.max() < bodies
    for channel, channels in ((level.motor_channel, MOTOR_CHANNELS), (level.thruster_channel, THRUSTER_CHANNELS)):
        assert 0 <= channel.min() <= channel.max() < channels


def test_empty_body_slots_hold_nothing(level: Level):
    bodies, boxes = level.scene.bodies, polygons(level)
    absent = ~bodies.active
    everywhere = {**vars(bodies), **vars(level.start), "role": level.role}
    for name, leaf in everywhere.items():
        slots = absent[:boxes] if name in ("vertices", "vertex_count") else absent[boxes:] if name == "radius" else absent
        assert not leaf[..., slots].any(), name


def test_everything_starts_at_rest_and_is_made_of_one_material(level: Level):
    bodies, walls = level.scene.bodies, level.scene.walls
    assert not level.start.vel.any()
    assert not level.start.omega.any()
    for name in ("density", "friction", "collision"):
        np.testing.assert_array_equal(getattr(bodies, name), bodies.active, err_msg=name)
    assert not bodies.restitution.any()
    assert not walls.restitution.any()
    assert (walls.friction == 1).all()
    assert (level.scene.gravity == np.array([[0.0], [-9.81]], np.float32)).all()


def test_floors_are_seldom_coloured_and_other_walls_never(level: Level):
    shares = np.bincount(level.wall_role[0], minlength=4) / level.wall_role.shape[1]
    np.testing.assert_allclose(shares, [0.90, 0.0, 0.02, 0.08], atol=0.035)
    assert shares[GREEN] == 0
    assert shares[BLUE] > 0
    assert not level.wall_role[1:].any()


def test_a_third_has_motors_alone_a_third_thrusters_alone_and_a_third_both():
    """In the smallest size, where nothing is added to that."""
    scene = random_levels("s", COUNTS["s"]).scene
    motor, thruster = (scene.joints.active & scene.joints.motor)[0], scene.thrusters.active[0]
    for chosen in (motor & ~thruster, thruster & ~motor, motor & thruster):
        assert chosen.mean() == pytest.approx(1 / 3, abs=0.05)


def test_larger_sizes_are_filled_to_different_degrees(size: str, level: Level):
    count, slots = level.scene.bodies.active.sum(0), capacity(size)
    assert count.min() >= 3
    assert count.max() == slots.bodies
    assert 0.6 * slots.bodies < count.mean()
    assert (count.std() > 0.5) == (size != "s")
    assert set(level.scene.joints.active.sum(0)) == set(range(slots.joints + 1))


def test_the_number_of_a_slot_and_of_a_channel_means_nothing(level: Level):
    scene, boxes, near = level.scene, polygons(level), {"abs": 0.07}
    for part in (scene.bodies.active[:boxes], scene.bodies.active[boxes:], scene.joints.active, scene.thrusters.active):
        assert part.mean(1).tolist() == [pytest.approx(part.mean(), **near)] * len(part)
    for role in (GREEN, BLUE):
        for part in (level.role[:boxes], level.role[boxes:]):
            shares = (part == role).mean(1)
            assert shares.tolist() == [pytest.approx(shares.mean(), **near)] * len(part)
    for channel, on, count in (
        (level.motor_channel, scene.joints.active, MOTOR_CHANNELS),
        (level.thruster_channel, scene.thrusters.active, THRUSTER_CHANNELS),
    ):
        np.testing.assert_allclose(np.bincount(channel[on], minlength=count) / on.sum(), 1 / count, atol=0.07)


def test_green_is_as_often_at_the_left_of_blue_as_at_the_right(level: Level):
    x, both = level.start.pos[0], of_role(level, GREEN).any(0) & of_role(level, BLUE).any(0)
    green, blue = ((x * of_role(level, role)).sum(0)[both] for role in (GREEN, BLUE))
    assert (green < blue).mean() == pytest.approx(0.5, abs=0.07)


def test_no_level_is_drawn_twice(level: Level):
    assert len(np.unique(level.start.pos.reshape(-1, level.role.shape[1]), axis=1).T) == level.role.shape[1]
