"""Motors and thrusters against their laws."""

import numpy as np
import pytest

from physics.build import LEFT, Builder
from tests.physics.scenes import DT, MEDIUM, run

TARGET = 6.0


def wheel(power: float = 1.0, speed: float = 1.0, omega: float = 0.0, **joint: object) -> Builder:
    """A wheel (row 2) on an immovable box, joint 0."""
    builder, at = Builder(MEDIUM), (2.5, 2.5)
    hub, disc = builder.box(at, (0.2, 0.2), fixed=True), builder.circle(at, 0.3, omega=omega)
    builder.joint(hub, disc, at=at, motor=True, power=power, speed=speed, **joint)
    return builder


@pytest.mark.parametrize(("power", "omegas"), [(0.5, (4.03, 5.49, 5.87, 5.97)), (1.0, (8.06, 5.01, 6.49, 5.76))])
def test_wheel_on_an_immovable_body(power, omegas):
    np.testing.assert_allclose(run(wheel(power), 4, motor=1.0).omega[:, 2], omegas, atol=0.01)


@pytest.mark.parametrize("control", [-1.0, -0.3, 0.5])
def test_motor_reaches_the_speed_it_is_told(control):
    done = run(wheel(0.7, speed=1.5), 60, motor=control)
    assert done.omega[-1, 2] == pytest.approx(control * 1.5 * TARGET, abs=0.02)
    np.testing.assert_allclose(done.pos[:, :, 2], 2.5, atol=1e-4)


def test_control_zero_lets_go():
    np.testing.assert_allclose(run(wheel(omega=3.0), 30).omega[:, 2], 3.0, atol=1e-4)


def test_gain_does_not_depend_on_inertia():
    builder = Builder(MEDIUM, gravity=(0, 0))
    a, b = builder.box((2, 2), (0.5, 0.1), density=5), builder.circle((2, 2), 0.2, density=0.3)
    builder.joint(a, b, at=(2, 2), motor=True, power=0.5)
    done = run(builder, 20, motor=(1.0, 0.0))
    first = 15 * 0.5 * np.tanh(0.1 * TARGET)
    assert done.omega[0, 2] - done.omega[0, 0] == pytest.approx(first, rel=1e-3)
    mass = np.array([5 * 0.2, 0.3 * np.pi * 0.04])
    inertia = mass * (0.2**2 / 12 + 1 / 12, 0.02)
    np.testing.assert_allclose(done.omega[:, 0] * inertia[0] + done.omega[:, 2] * inertia[1], 0, atol=1e-5)


def test_motor_on_a_wall_turns_the_body():
    builder = Builder(MEDIUM)
    builder.joint(LEFT, builder.circle((1, 2), 0.2), at=(1, 2), motor=True, power=0.5)
    assert run(builder, 30, motor=0.5).omega[-1, 2] == pytest.approx(3.0, abs=0.02)


def test_welded_joint_has_no_motor():
    builder = wheel(fixed=True)
    assert np.abs(run(builder, 30, motor=1.0).omega[:, 2]).max() < 1e-3


@pytest.mark.parametrize("control", [1.0, -1.0])
def test_motor_fades_before_its_limit_and_comes_back(control):
    builder = wheel(0.5, limits=(-0.6, 0.9))
    done = run(builder, 120, motor=control)
    limit = 0.9 if control > 0 else -0.6
    assert abs(limit) - 0.1 < abs(done.angle[-1, 2]) < abs(limit) + 1e-3
    assert np.abs(done.angle[:, 2]).max() < abs(limit) + TARGET * DT  # a limit acts once it is passed
    back = wheel(0.5, limits=(-0.6, 0.9), rest_angle=-limit)
    assert run(back, 10, motor=-control).omega[0, 2] == pytest.approx(-np.sign(control) * 4.03, abs=0.01)


@pytest.mark.parametrize(("angle", "turn"), [(0.0, 0.0), (np.pi / 2, 0.6)])
def test_thruster_pushes_along_its_direction_in_the_body(angle, turn):
    builder = Builder(MEDIUM, gravity=(0, 0))
    box = builder.box((2, 2), (0.2, 0.1), angle=turn, density=4.0)
    builder.thruster(box, at=(2, 2), angle=angle, power=1.5)
    done = run(builder, 20, thruster=(0.5, 1.0))
    pull = 1.5 * 10 * 0.5 / (4 * 0.08)
    steps = np.arange(1, 21)[:, None]
    np.testing.assert_allclose(done.vel[:, :, 0], steps * DT * pull * np.array([np.cos(angle), np.sin(angle)]), atol=1e-3)
    np.testing.assert_allclose(done.omega[:, 0], 0, atol=1e-5)


def test_thruster_off_centre_turns_the_body_and_turns_with_it():
    builder = Builder(MEDIUM, gravity=(0, 0))
    disc = builder.circle((2.5, 2.5), 0.3)
    builder.thruster(disc, at=(2.8, 2.5), angle=np.pi / 2, power=0.2)
    done = run(builder, 60, thruster=1.0)
    mass = np.pi * 0.09
    assert done.omega[0, 2] == pytest.approx(2.0 * 0.3 * DT / (mass * 0.045), rel=1e-4)
    before = np.concatenate([[0.0], done.angle[:-1, 2]]) + np.pi / 2
    force = 2.0 / mass * DT * np.stack([np.cos(before), np.sin(before)], 1)
    np.testing.assert_allclose(done.vel[:, :, 2], np.cumsum(force, 0), atol=2e-3)


def test_thruster_cannot_move_the_immovable():
    builder = Builder(MEDIUM)
    builder.thruster(builder.box((2, 2), (0.2, 0.1), fixed=True), at=(2.1, 2), angle=1.0, power=3.0)
    done = run(builder, 10, thruster=1.0)
    assert not done.vel.any()
    assert not done.omega.any()
