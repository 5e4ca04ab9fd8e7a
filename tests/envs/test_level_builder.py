"""Levels by hand: roles and channels end in the right slots, and mistakes are told where they are made."""

import math

import numpy as np
import pytest
from levels_for_tests import BALL, BOX, GOAL, SMALL, unicycle

from envs.base import Role
from envs.build import LevelBuilder
from envs.sizes import SIZES, capacity
from physics.errors import InputError
from physics.pytree import check


@pytest.fixture
def builder() -> LevelBuilder:
    return LevelBuilder(SMALL)


def test_a_level_has_the_declared_shapes():
    check(unicycle(), **SMALL.dims)


def test_roles_follow_bodies_into_their_slots(builder):
    """Circles come after polygons whatever the order in which they were added."""
    builder.circle((1, 1), 0.2, role=Role.BLUE)
    builder.circle((2, 1), 0.2, role=Role.RED)
    builder.box((3, 1), (0.2, 0.2), role=Role.GREEN)
    level = builder.finish()
    assert level.role.tolist() == [Role.GREEN, Role.BLUE, Role.RED]
    assert level.start.pos[0].tolist() == [3, 1, 2]


def test_polygons_may_have_roles(builder):
    builder.polygon([(0, 0), (1, 0), (0, 1)], at=(1, 1), role=Role.GREEN)
    builder.circle((3, 1), 0.2, role=Role.BLUE)
    level = builder.finish()
    assert level.role.tolist() == [Role.GREEN, Role.BLUE, Role.NORMAL]
    assert level.scene.bodies.active.tolist() == [True, True, False]


def test_walls_have_roles_and_materials(builder):
    builder.wall("right", Role.RED, friction=0.3, restitution=0.5)
    builder.wall("floor", Role.BLUE)
    builder.circle((1, 1), 0.2, role=Role.GREEN)
    level = builder.finish()
    assert level.wall_role.tolist() == [Role.BLUE, Role.NORMAL, Role.RED, Role.NORMAL]
    assert level.scene.walls.friction.tolist() == pytest.approx([1, 1, 0.3, 1])
    assert level.scene.walls.restitution.tolist() == pytest.approx([0, 0, 0.5, 0])


def test_a_wall_may_be_the_green_or_the_blue_thing(builder):
    builder.wall("floor", Role.GREEN)
    builder.circle((1, 1), 0.2, role=Role.BLUE)
    assert builder.finish().wall_role[0] == Role.GREEN


def test_channels_follow_joints_and_thrusters():
    builder = LevelBuilder(capacity("m"))
    box = builder.box((2, 2), (0.4, 0.2), role=Role.GREEN)
    builder.circle((4, 2), 0.2, role=Role.BLUE)
    wheels = [(builder.circle(at, 0.2), at) for at in ((1.7, 2), (2.3, 2))]
    joints = [
        builder.joint(box, wheel, at, motor=True, channel=channel, auto=auto)
        for (wheel, at), channel, auto in zip(wheels, (3, 1), (False, True), strict=True)
    ]
    thrusters = [builder.thruster(box, (2, 2), 0.0, channel=channel) for channel in (1, 0)]
    level = builder.finish()
    assert joints == thrusters == [0, 1]
    assert level.motor_channel.tolist() == [3, 1]
    assert level.motor_auto.tolist() == [False, True]
    assert level.thruster_channel.tolist() == [1, 0]


def test_a_thruster_pushes_along_a_direction_of_the_room(builder):
    box = builder.box((2, 2), (0.4, 0.2), angle=0.3, role=Role.GREEN)
    builder.circle((4, 2), 0.2, role=Role.BLUE)
    builder.thruster(box, (2, 2), math.pi / 2, power=1.5)
    thrusters = builder.finish().scene.thrusters
    assert thrusters.angle[0] + 0.3 == pytest.approx(math.pi / 2)
    assert thrusters.body[0] == BOX
    assert thrusters.power[0] == 1.5


def test_gravity_is_a_choice():
    builder = LevelBuilder(SMALL, gravity=(0.0, -1.6))
    builder.circle((1, 1), 0.2, role=Role.GREEN)
    builder.circle((2, 1), 0.2, role=Role.BLUE)
    assert np.allclose(builder.finish().scene.gravity, [0, -1.6])


@pytest.mark.parametrize(("role", "missing"), [(Role.GREEN, "blue"), (Role.BLUE, "green"), (Role.NORMAL, "green")])
def test_a_level_without_green_or_blue_is_refused(builder, role, missing):
    builder.circle((1, 1), 0.2, role=role)
    with pytest.raises(InputError, match=f"nothing {missing}"):
        builder.finish()


@pytest.mark.parametrize("name", ["roof", "", "Floor"])
def test_an_unknown_wall_is_refused(builder, name):
    with pytest.raises(InputError, match="one of floor, left, right, ceiling"):
        builder.wall(name)


@pytest.mark.parametrize("channel", [-1, 4])
def test_a_motor_channel_that_does_not_exist_is_refused(builder, channel):
    box, ball = builder.box((2, 2), (0.4, 0.2)), builder.circle((2, 2), 0.2)
    with pytest.raises(InputError, match=r"motor channel.*0 to 3"):
        builder.joint(box, ball, (2, 2), channel=channel)
    assert builder.joint(box, ball, (2, 2), channel=3) == 0, "a refused joint leaves nothing behind"


@pytest.mark.parametrize("channel", [-1, 2])
def test_a_thruster_channel_that_does_not_exist_is_refused(builder, channel):
    ball = builder.circle((2, 2), 0.2)
    with pytest.raises(InputError, match=r"thruster channel.*0 to 1"):
        builder.thruster(ball, (2, 2), 0.0, channel=channel)
    assert builder.thruster(ball, (2, 2), 0.0, channel=1) == 0, "a refused thruster leaves nothing behind"


def test_more_than_a_size_has_room_for_is_refused(builder):
    builder.circle((1, 1), 0.2, role=Role.GREEN)
    builder.circle((2, 1), 0.2, role=Role.BLUE)
    with pytest.raises(InputError, match="at most 2"):
        builder.circle((3, 1), 0.2)


def test_slots_have_the_names_that_tests_use():
    level = unicycle()
    assert (BOX, BALL, GOAL) == (0, 1, 2)
    assert level.role.tolist() == [Role.NORMAL, Role.GREEN, Role.BLUE]


def test_sizes_are_known_by_name():
    assert [capacity(size).bodies for size in SIZES] == [3, 5, 12]
    assert [capacity(size).joints for size in SIZES] == [1, 2, 6]
    with pytest.raises(InputError, match="one of s, m, l"):
        capacity("xl")
