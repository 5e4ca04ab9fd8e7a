"""What every kind of action has in common, and what discrete and continuous actions do."""

import jax
import numpy as np
import pytest
from levels_for_tests import unicycle

from envs import actions
from envs.actions import continuous, discrete
from envs.base import Level
from physics.errors import InputError
from physics.pytree import stack

DRAWS = 3000
every_kind = pytest.mark.parametrize("kind", list(actions.KINDS.values()), ids=list(actions.KINDS))


def level_of_channels(motor: int, thruster: int) -> Level:
    return stack([unicycle(channel=motor, thruster_channel=thruster)])


def driven_by(kind: object, action: object) -> list[float]:
    """The values of all six channels under one action."""
    motors = [kind.controls(level_of_channels(c, 0), np.array([action])).motor.item() for c in range(4)]
    return motors + [kind.controls(level_of_channels(0, c), np.array([action])).thruster.item() for c in range(2)]


@every_kind
def test_nothing_is_in_the_space_and_drives_nothing(kind):
    idle = kind.nothing(2)
    assert kind.SPACE.contains(np.asarray(idle), 2)
    assert driven_by(kind, idle[0]) == [0] * 6


@every_kind
def test_automatic_motors_run_whatever_is_done(kind):
    levels = stack([unicycle(channel=1, auto=True)] * 20)
    action = np.array(kind.uniform(jax.random.key(0), 20))
    action[0] = kind.nothing(1)[0]
    assert np.asarray(kind.controls(levels, action).motor).tolist() == [[1.0] * 20]


@every_kind
def test_uniform_actions_are_in_the_space_and_differ(kind):
    drawn = np.asarray(kind.uniform(jax.random.key(0), DRAWS))
    assert kind.SPACE.contains(drawn, DRAWS)
    assert len(np.unique(drawn, axis=0)) > 10
    np.testing.assert_array_equal(drawn, kind.uniform(jax.random.key(0), DRAWS))


def test_a_discrete_action_drives_one_channel():
    table = [driven_by(discrete, choice) for choice in range(discrete.SPACE.n)]
    expected = np.zeros((11, 6))
    for channel in range(4):
        expected[2 * channel, channel], expected[2 * channel + 1, channel] = -1, 1
    expected[9, 4] = expected[10, 5] = 1
    np.testing.assert_array_equal(table, expected)


def test_discrete_choices_are_equally_likely():
    counts = np.bincount(np.asarray(discrete.uniform(jax.random.key(1), DRAWS)), minlength=11)
    assert len(counts) == 11
    assert np.abs(counts / DRAWS - 1 / 11).max() < 0.02


def test_continuous_values_are_clipped_to_what_actuators_can():
    assert driven_by(continuous, [0.25, -0.5, 3.0, -3.0, 0.75, -0.5]) == [0.25, -0.5, 1, -1, 0.75, 0]
    assert driven_by(continuous, [0, 0, 0, 0, 7.0, 1.0]) == [0, 0, 0, 0, 1, 1]


def test_continuous_values_that_are_no_numbers_do_nothing():
    assert driven_by(continuous, [np.nan, np.inf, -np.inf, 0.5, np.nan, np.inf]) == [0, 0, 0, 0.5, 0, 0]


def test_continuous_thrusters_are_drawn_where_they_push():
    drawn = np.asarray(continuous.uniform(jax.random.key(2), DRAWS))
    assert abs(drawn[:, :4].mean()) < 0.05
    assert drawn[:, :4].min() < -0.95
    assert drawn[:, 4:].min() >= 0
    assert abs(drawn[:, 4:].mean() - 0.5) < 0.05


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match="one of multi_discrete, discrete, continuous"):
        actions.kind("joystick")
