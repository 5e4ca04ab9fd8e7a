"""What a choice does: the table of choices, shared channels, automatic motors, channels that drive nothing."""

import dataclasses
import functools

import jax
import numpy as np
import pytest
from levels_for_tests import BOX, WORLDS, batch, push_level, random_levels, reset, step, unicycle

from envs import actions
from envs.base import Level, Role
from envs.build import LevelBuilder
from envs.sizes import capacity
from physics.pytree import stack

FORWARD, BACKWARD = 1, 2


def with_joint(level: Level, **changes: object) -> Level:
    """The level with other values in its first joint slot."""
    joints = level.scene.joints
    values = {name: np.full_like(getattr(joints, name), value) for name, value in changes.items()}
    return dataclasses.replace(level, scene=dataclasses.replace(level.scene, joints=dataclasses.replace(joints, **values)))


def two_wheels(channels: tuple[int, int], thruster_channels: tuple[int, int] = (0, 0)) -> Level:
    """A box on two motor wheels with two thrusters, size m."""
    builder = LevelBuilder(capacity("m"))
    box = builder.box((2.0, 2.0), (0.4, 0.2), role=Role.GREEN)
    for x, channel in zip((1.7, 2.3), channels, strict=True):
        builder.joint(box, builder.circle((x, 1.9), 0.2), (x, 1.9), motor=True, channel=channel)
    for channel in thruster_channels:
        builder.thruster(box, (2.0, 2.0), 0.0, channel=channel)
    builder.circle((4, 2), 0.2, role=Role.BLUE)
    return builder.finish()


def test_choices_are_those_of_four_motors_and_two_thrusters():
    assert actions.CHOICES == (3, 3, 3, 3, 2, 2)
    assert actions.CHANNELS == 6


def test_doing_nothing_is_all_zeros():
    assert actions.nothing(3).tolist() == [[0] * 6] * 3


def test_uniform_gives_every_choice_equally_often():
    drawn = np.asarray(actions.uniform(jax.random.key(0), 3000))
    assert drawn.shape == (3000, 6)
    for channel, choices in enumerate(actions.CHOICES):
        share = np.bincount(drawn[:, channel], minlength=choices) / len(drawn)
        assert len(share) == choices
        assert np.abs(share - 1 / choices).max() < 0.05


@pytest.mark.parametrize(("choice", "value"), [(0, 0.0), (1, 1.0), (2, -1.0)])
@pytest.mark.parametrize("channel", range(4))
def test_motor_choices(channel: int, choice: int, value: float):
    action = np.full((1, 6), 1, np.int32)  # what the other channels say must not matter
    action[0, channel] = choice
    found = actions.controls(stack([unicycle(channel)]), action)
    assert found.motor.tolist() == [[value]]


@pytest.mark.parametrize(("choice", "value"), [(0, 0.0), (1, 1.0)])
@pytest.mark.parametrize("channel", range(2))
def test_thruster_choices(channel: int, choice: int, value: float):
    action = np.full((1, 6), 1 - choice, np.int32)
    action[0, 4 + channel] = choice
    found = actions.controls(stack([unicycle(thruster_channel=channel)]), action)
    assert found.thruster.tolist() == [[value]]


def test_actuators_share_a_channel():
    levels = stack([two_wheels((3, 3), (1, 1)), two_wheels((3, 0), (1, 0))])
    action = np.array([[0, 0, 0, BACKWARD, 0, 1]] * 2)
    found = actions.controls(levels, action)
    assert np.asarray(found.motor).T.tolist() == [[-1, -1], [-1, 0]]
    assert np.asarray(found.thruster).T.tolist() == [[1, 1], [1, 0]]


def test_every_world_obeys_its_own_action():
    found = actions.controls(stack([unicycle(channel=2)] * 3), np.array([[0, 0, choice, 0, 0, 0] for choice in (0, 1, 2)]))
    assert found.motor.tolist() == [[0, 1, -1]]


@pytest.mark.parametrize("choice", [0, 1, 2])
def test_automatic_motors_always_run_forward(choice: int):
    found = actions.controls(stack([unicycle(channel=1, auto=True)]), np.array([[0, choice, 0, 0, 0, 0]]))
    assert found.motor.tolist() == [[1.0]]


def test_driven_names_the_channels_that_reach_something():
    wheel = unicycle(channel=2, thruster_channel=1)
    levels = [
        (wheel, [2, 5]),
        (push_level(), [4]),
        (unicycle(auto=True), [5]),
        (with_joint(wheel, active=False), [5]),
        (with_joint(wheel, motor=False), [5]),
        (with_joint(wheel, fixed=True), [5]),
    ]
    found = np.asarray(actions.driven(stack([level for level, _ in levels])))
    assert [np.flatnonzero(row).tolist() for row in found] == [wanted for _, wanted in levels]


def test_an_absent_thruster_is_not_driven():
    level = unicycle(thruster_channel=1)
    thrusters = dataclasses.replace(level.scene.thrusters, active=np.zeros(1, bool))
    level = dataclasses.replace(level, scene=dataclasses.replace(level.scene, thrusters=thrusters))
    assert np.flatnonzero(actions.driven(stack([level]))[0]).tolist() == [2]


def test_driven_of_shared_and_of_separate_channels():
    found = np.asarray(actions.driven(stack([two_wheels((3, 3), (1, 1)), two_wheels((3, 0), (1, 0))])))
    assert found.astype(int).tolist() == [[0, 0, 0, 1, 0, 1], [1, 0, 0, 1, 1, 1]]


@functools.cache
def played() -> dict[str, np.ndarray]:
    """Spin `[N]` of the bodies of wheels after four steps, by what was done."""
    levels = {"plain": unicycle(channel=2), "auto": unicycle(channel=2, auto=True)}
    found = {}
    for name, action in (("nothing", 0), ("forward", [0, 0, FORWARD, 0, 0, 0]), ("backward", [0, 0, BACKWARD, 0, 0, 0])):
        state = reset(batch(list(levels.values())))
        for _ in range(4):
            state, _ = step(state, action)
        for world, level in enumerate(levels):
            found[f"{level} {name}"] = np.asarray(state.physics.motion.omega[:, world])
    return found


def test_an_automatic_motor_runs_whatever_is_done():
    """It does so in the physics too, exactly as if the agent drove it forward."""
    found = played()
    assert np.abs(found["plain forward"]).max() > 1
    for action in ("nothing", "forward", "backward"):
        assert np.array_equal(found[f"auto {action}"], found["plain forward"])


def test_forward_backward_and_nothing_differ():
    found = played()
    turning = {name: found[f"plain {name}"][1] - found[f"plain {name}"][BOX] for name in ("nothing", "forward", "backward")}
    assert turning["forward"] > 1  # the wheel is the joint's second body: forward turns it counter-clockwise
    assert turning["backward"] < -1
    assert abs(turning["nothing"]) < 0.5


def test_a_channel_that_drives_nothing_changes_nothing():
    levels = random_levels("s", WORLDS)
    driven = np.asarray(actions.driven(levels))
    assert 0 < driven.mean() < 0.5
    action = np.asarray(actions.uniform(jax.random.key(1), WORLDS))
    other = np.where(driven, action, np.asarray(actions.uniform(jax.random.key(2), WORLDS)))
    changed = (other != action).any(1)
    assert changed.sum() > WORLDS / 2
    state = reset(levels)
    first, second = (step(state, choice)[1].final_motion for choice in (action, other))
    jax.tree.map(np.testing.assert_array_equal, first, second)
    # The opposite, so that the test can fail: other choices of channels that do drive something are felt.
    felt = step(state, np.where(driven, 1 - np.minimum(action, 1), action))[1].final_motion
    assert np.mean(np.abs(np.asarray(felt.omega - first.omega)).max(0) > 1e-6) > 0.5
