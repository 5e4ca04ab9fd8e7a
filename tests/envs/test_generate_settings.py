"""The settings of the generator do what they say, at their extremes, and impossible ones are refused. All in size m."""

import dataclasses

import numpy as np
import pytest
from levels_for_tests import random_levels

from envs.base import Level, Role
from envs.generate import GeneratorConfig
from physics.base import CEILING, FLOOR, ROOM_WIDTH
from physics.errors import InputError

NORMAL, GREEN, BLUE, RED = Role
BOXES = 2  # polygon slots of size m
LARGEST = 1 / (2 * np.sqrt(2))  # half a side of the largest square of default size, m
ALL_FREE = {"add_free": 1.0, "add_connected": 0.0, "add_nothing": 0.0}
ALL_JOINED = {"add_free": 0.0, "add_connected": 1.0, "add_nothing": 0.0}
ALL_FIXED = {"fixed_chance": 1.0, "fixed_low_chance": 0.0}
NONE_FIXED = {"fixed_chance": 0.0, "fixed_mass_scale": 0.0}


def drawn(**settings: float) -> Level:
    """256 levels of size m, as numpy arrays."""
    return random_levels("m", **settings)


def joints(level: Level) -> dict[str, np.ndarray]:
    """The joints there are, of all levels in a row; `boxes` says whether it joins two of them."""
    slot, world = np.nonzero(level.scene.joints.active)
    found = {name: leaf[..., slot, world] for name, leaf in vars(level.scene.joints).items()}
    return found | {"boxes": (found["body_a"] < BOXES) & (found["body_b"] < BOXES)}


def thrusters(level: Level) -> dict[str, np.ndarray]:
    """The thrusters there are, of all levels in a row, with the inverse mass of what they push."""
    slot, world = np.nonzero(level.scene.thrusters.active)
    found = {name: leaf[..., slot, world] for name, leaf in vars(level.scene.thrusters).items()}
    return found | {"inverse_mass": level.scene.bodies.inverse_mass[found["body"], world]}


def fixed(level: Level) -> np.ndarray:
    return level.scene.bodies.active & (level.scene.bodies.inverse_mass == 0)


def longest_sides(level: Level) -> np.ndarray:
    return level.scene.bodies.vertices[:, 2].max(0)[level.scene.bodies.active[:BOXES]]


@pytest.mark.parametrize(("size", "circle"), [(0.5, 0.4), (1.0, 0.2), (2.0, 0.5)])
def test_sizes_of_shapes(size: float, circle: float):
    level = drawn(max_shape_size=size, circle_size=circle, long_box_chance=0.0)
    half, radius = longest_sides(level), level.scene.bodies.radius[level.scene.bodies.active[BOXES:]]
    assert 0.9 * LARGEST < half.max() / size <= LARGEST + 1e-6
    assert 0.9 * circle < radius.max() / size <= circle + 1e-6


def test_the_largest_bodies_still_fit_into_the_room():
    level = drawn(max_shape_size=2.0, circle_size=0.5, long_box_chance=1.0, **ALL_FREE)
    half = np.linalg.norm(level.scene.bodies.vertices[:, 2], axis=0)
    reach = np.concatenate([half, level.scene.bodies.radius])
    loose = np.ones_like(level.role, bool)
    slot, world = np.nonzero(level.scene.joints.active)
    for end in (level.scene.joints.body_a, level.scene.joints.body_b):
        loose[end[slot, world], world] = False
    x, y = level.start.pos
    inside = (x - reach > -1e-5) & (x + reach < ROOM_WIDTH + 1e-5) & (y - reach > FLOOR - 1e-5) & (y + reach < CEILING + 1e-5)
    assert inside[loose].all()


def test_long_boxes():
    assert longest_sides(drawn(long_box_chance=0.0)).max() <= LARGEST
    always = longest_sides(drawn(long_box_chance=1.0))
    assert always.max() <= 2 * LARGEST
    # The doubled side of a box is uniform from 0.1 to 0.71, so that 58 % are longer than any other.
    assert (always > LARGEST).mean() == pytest.approx(0.58, abs=0.08)


def opposite_halves(level: Level) -> float:
    """How often green and blue, wholly, are in different halves of the room."""
    reach = np.concatenate([np.sqrt(2) * level.scene.bodies.vertices[:, 2].max(0), level.scene.bodies.radius])
    sides = []
    for role in (GREEN, BLUE):
        slot = (level.role == role).argmax(0)
        x, far = (np.take_along_axis(value, slot[None], axis=0)[0] for value in (level.start.pos[0], reach))
        sides.append(np.where(x + far < ROOM_WIDTH / 2 + 1e-5, -1, np.where(x - far > ROOM_WIDTH / 2 - 1e-5, 1, 0)))
    return (sides[0] * sides[1] == -1).mean()


def test_green_and_blue_start_in_different_halves():
    plain = {"floor_blue": 0.0, "floor_red": 0.0, "max_shape_size": 0.5}
    assert opposite_halves(drawn(same_side_chance=1.0, **plain)) == 1
    # By chance, with a strip in the middle where a body is in neither half: less than a half.
    assert 0.2 < opposite_halves(drawn(same_side_chance=0.0, **plain)) < 0.5


def test_of_green_and_blue_one_is_immovable_at_most():
    level = drawn(**ALL_FIXED, **ALL_FREE)
    roles = [(fixed(level) & (level.role == role)).any(0) for role in (GREEN, BLUE)]
    on_floor = (level.wall_role[0] == BLUE).mean()
    assert not (roles[0] & roles[1]).any()
    assert (roles[0] | roles[1]).mean() == pytest.approx(1 - on_floor, abs=0.001)
    assert not fixed(drawn(**NONE_FIXED)).any()


def test_heavy_bodies_are_immovable_more_often():
    """With a chance of 10 a kilogram all above 0.1 kg are, where a body may be."""
    level = drawn(fixed_chance=0.0, fixed_mass_scale=10.0, **ALL_FREE)
    assert fixed(level).mean() > 0.3
    light = drawn(fixed_chance=0.0, fixed_mass_scale=0.5, **ALL_FREE)
    area = 4 * light.scene.bodies.vertices[:, 2].prod(0)
    boxes = fixed(light)[:BOXES]
    assert 0 < boxes.mean() < 0.3
    assert area[boxes].mean() > 1.2 * area.mean()


def test_immovable_bodies_with_a_role_may_be_kept_low():
    low, anywhere = drawn(fixed_chance=1.0, fixed_low_chance=1.0, **ALL_FREE), drawn(**ALL_FIXED, **ALL_FREE)

    def share_above(level: Level, chosen: np.ndarray) -> float:
        return (level.start.pos[1][chosen & level.scene.bodies.active] > CEILING / 2).mean()

    assert share_above(low, fixed(low) & (low.role != NORMAL)) == 0
    assert share_above(low, fixed(low) & (low.role == NORMAL)) > 0.3
    assert share_above(low, ~fixed(low) & (low.role != NORMAL)) > 0.3
    assert share_above(anywhere, fixed(anywhere) & (anywhere.role != NORMAL)) > 0.3


def test_what_the_other_slots_hold():
    nothing = drawn(add_free=0.0, add_connected=0.0, add_nothing=1.0)
    assert set(nothing.scene.bodies.active.sum(0)) == {3}
    free = drawn(**ALL_FREE)
    assert set(free.scene.bodies.active.sum(0)) == {5}
    assert set(free.scene.joints.active.sum(0)) == {0, 1}, "one at most, for what is controlled"
    joined = drawn(**ALL_JOINED).scene
    assert set(joined.joints.active.sum(0)) == {2}
    assert set(joined.bodies.active.sum(0) - joined.joints.active.sum(0)) == {2, 3}


def test_immovable_bodies_are_seldom_joined_to():
    """Of the first two bodies one is immovable: with equal weights, half of the joints would hang on it."""
    level = drawn(**ALL_FIXED, **ALL_JOINED)
    slot, world = np.nonzero(level.scene.joints.active)
    ends = [fixed(level)[end[slot, world], world] for end in (level.scene.joints.body_a, level.scene.joints.body_b)]
    assert not (ends[0] & ends[1]).any()
    assert 0 < (ends[0] | ends[1]).mean() < 0.42


def test_further_thrusters():
    assert set(drawn(add_thruster=0.0).scene.thrusters.active.sum(0)) == {0, 1}
    assert set(drawn(add_thruster=1.0).scene.thrusters.active.sum(0)) == {1, 2}


def test_motors():
    """Without any chance of one, what is controlled still has its motor, so that no level is beyond control."""
    always = joints(drawn(motor_chance=1.0, free_revolute=0, **ALL_JOINED))
    np.testing.assert_array_equal(always["motor"], ~always["fixed"])
    never = drawn(motor_chance=0.0, **ALL_JOINED).scene
    motors = (never.joints.active & never.joints.motor).sum(0)
    assert set(motors) == {0, 1}
    assert (motors + never.thrusters.active.sum(0) > 0).all()


def test_strength_of_motors():
    found = joints(drawn(motor_speed_min=2.0, motor_speed_max=2.0, motor_power_min=1.5, motor_power_max=1.5, wheel_power=0.5))
    assert set(found["motor_speed"]) == {2.0}
    assert set(found["motor_power"][found["boxes"]]) == {1.5}
    assert set(found["motor_power"][~found["boxes"]]) == {0.5}


def test_limits_are_of_joints_between_boxes():
    always, never = (joints(drawn(limit_chance=chance, free_revolute=0, **ALL_JOINED)) for chance in (1.0, 0.0))
    np.testing.assert_array_equal(always["limited"], always["boxes"] & ~always["fixed"])
    assert always["limited"].any()
    assert (always["boxes"] & always["fixed"]).any()
    assert not never["limited"].any()


def test_fixed_joints_come_after_so_many_revolute_ones():
    assert not joints(drawn(free_revolute=2, **ALL_JOINED))["fixed"].any()
    one, none = (drawn(free_revolute=count, **ALL_JOINED).scene.joints.fixed for count in (1, 0))
    assert one.sum(0).max() == 1, "the first is always revolute"
    assert 0.15 < one.mean() < 0.35
    assert none.mean() > one.mean()


def test_thrusters_scale_with_what_they_carry():
    for power in (1.0, 4.0):
        found = thrusters(drawn(thruster_power=power))
        share = found["power"] * found["inverse_mass"] / power
        assert 0.5 - 1e-5 <= share.min() < 0.55
        assert 1.9 < share.max() <= 2.0 + 1e-5


def test_thrusters_point_to_or_from_the_centre():
    def aligned(level: Level) -> np.ndarray:
        """Sine of the angle between the force and the line from the centre, and whether it points outwards."""
        found = thrusters(level)
        along = found["angle"] - np.arctan2(found["anchor"][1], found["anchor"][0])
        return np.stack([np.abs(np.sin(along)), np.cos(along) > 0])

    off, outwards = aligned(drawn(thruster_align_chance=1.0))
    assert off.max() < 1e-4
    assert outwards.mean() == pytest.approx(0.5, abs=0.12)
    off, _ = aligned(drawn(thruster_align_chance=0.0))
    assert np.median(off) == pytest.approx(np.sin(np.pi / 4), abs=0.12)


@pytest.mark.parametrize(("name", "role"), [("floor_green", GREEN), ("floor_blue", BLUE), ("floor_red", RED)])
def test_coloured_floors(name: str, role: Role):
    """The floor takes the place of a body: there is still one green thing, one blue thing and at most one red."""
    chances = dict.fromkeys(("floor_green", "floor_blue", "floor_red"), 0.0)
    level = drawn(**{**chances, name: 1.0}, **ALL_FIXED)
    assert (level.wall_role[0] == role).all()
    assert not (level.role == role).any()
    for other in {GREEN, BLUE} - {role}:
        assert set((level.role == other).sum(0)) == {1}
    can_move = ((level.role == GREEN) | (level.role == BLUE)) & level.scene.bodies.active & ~fixed(level)
    assert can_move.any(0).all()


def test_floors_without_colour():
    assert not drawn(floor_blue=0.0, floor_red=0.0).wall_role.any()


def test_triangles_are_balanced_about_their_centre_and_weigh_half_a_box():
    assert not (drawn().scene.bodies.vertex_count == 3).any()
    level = drawn(triangle_chance=1.0, **NONE_FIXED)
    bodies = level.scene.bodies
    active = bodies.active[:BOXES]
    assert set(bodies.vertex_count[active]) == {3}
    corners = bodies.vertices[:, :3][:, :, active]
    np.testing.assert_allclose(corners.mean(1), 0, atol=1e-6)
    base, height = np.ptp(corners[0], axis=0), np.ptp(corners[1], axis=0)
    np.testing.assert_allclose(1 / bodies.inverse_mass[:BOXES][active], base * height / 2, rtol=1e-5)
    # About the centroid of an isosceles triangle: m (b^2 / 24 + h^2 / 18).
    expected = base * height / 2 * (base**2 / 24 + height**2 / 18)
    np.testing.assert_allclose(1 / bodies.inverse_inertia[:BOXES][active], expected, rtol=1e-4)


def test_goals_may_be_drawn_larger():
    def largest(level: Level, goal: bool) -> float:
        chosen = ((level.role == GREEN) | (level.role == BLUE)) == goal
        return level.scene.bodies.radius[chosen[BOXES:] & level.scene.bodies.active[BOXES:]].max()

    level = drawn(goal_scale=2.0, **ALL_FREE)
    assert 0.7 < largest(level, True) <= 0.8 + 1e-6
    assert largest(level, False) <= 0.4 + 1e-6


def test_long_boxes_are_as_long_as_is_said():
    level = drawn(long_box_chance=1.0, long_box_scale=3.0)
    assert 2.8 * LARGEST < longest_sides(level).max() <= 3 * LARGEST + 1e-6


def test_immovable_bodies_may_be_kept_rare_however_heavy():
    assert not fixed(drawn(fixed_chance=1.0, fixed_chance_most=0.0)).any()


def test_limits_may_be_kept_close():
    found = joints(drawn(limit_chance=1.0, limit_most=0.5, **ALL_JOINED))
    limited = found["limited"]
    assert limited.any()
    assert found["lower"][limited].min() >= -0.5
    assert found["upper"][limited].max() <= 0.5


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_joints_without_need_to_turn_are_welds_or_not(chance: float):
    found = joints(drawn(fixed_joint_chance=chance, free_revolute=0, **ALL_JOINED))["fixed"]
    assert (found.sum() > 0) == bool(chance)


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(GeneratorConfig) if field.type in (int, float)])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_every_impossible_setting_is_refused_by_its_name(name: str, value: float):
    with pytest.raises(InputError, match=rf"^{name}: found {value}, wanted"):
        GeneratorConfig(**{name: value})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_shape_size": 2.5}, "max_shape_size: found 2.5, wanted more than 0 and at most 2"),
        ({"max_shape_size": 0}, "max_shape_size"),
        ({"circle_size": 0.6}, "circle_size"),
        ({"proposals": 0}, "proposals: found 0, wanted at least 1"),
        ({"motor_chance": 1.5}, "motor_chance: found 1.5, wanted at least 0 and at most 1"),
        ({"floor_blue": 0.6, "floor_red": 0.6}, "floor_green . floor_blue . floor_red: found 1.2, wanted at most 1"),
        ({"motor_speed_min": 4.0}, "motor_speed_min: found 4.0, wanted at most motor_speed_max, which is 3"),
        ({"motor_power_max": 0.5}, "motor_power_min: found 1.0, wanted at most motor_power_max, which is 0.5"),
    ],
)
def test_settings_that_cannot_be_met_are_refused(wrong: dict, message: str):
    with pytest.raises(InputError, match=message):
        GeneratorConfig(**wrong)


def test_chances_that_add_up_to_one_but_for_rounding_are_fine():
    chances = {"floor_green": 0.33, "floor_blue": 0.56, "floor_red": 0.11}
    assert sum(chances.values()) > 1
    GeneratorConfig(**chances)
