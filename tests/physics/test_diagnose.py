"""What `diagnose` says, against formulas, and what it says of motion that must conserve."""

import dataclasses

import jax
import numpy as np
import pytest

from physics import pytree
from physics.build import FLOOR as FLOOR_REF
from physics.build import Builder
from physics.diagnose import Diagnosis, diagnose, summary
from tests.physics.scenes import CHUNK, DEFAULT, GRAVITY, MEDIUM, QUICK, in_every_world, prepare, run_batch

FLOOR = 0.4
look = jax.jit(diagnose, compiler_options=QUICK)


def seen(*builders: Builder) -> Diagnosis:
    """The diagnosis of scenes at their start, one a world."""
    scene, motion = in_every_world([builder.finish() for builder in builders])
    return jax.tree.map(np.asarray, look(prepare(scene), motion))


def one_box(**settings) -> Builder:
    builder = Builder(MEDIUM)
    builder.box((2, 3), (0.5, 0.25), density=2.0, **settings)
    return builder


def test_energy_and_momentum_of_a_box_are_those_of_the_formulas():
    found = seen(one_box(vel=(3, -1), omega=4), one_box(fixed=True))
    mass = 2 * 1.0 * 0.5
    inertia = mass * (1.0**2 + 0.5**2) / 12
    assert found.kinetic.tolist() == pytest.approx([0.5 * mass * 10 + 0.5 * inertia * 16, 0], rel=1e-5)
    assert found.potential.tolist() == pytest.approx([mass * GRAVITY * 3, 0], rel=1e-5)
    np.testing.assert_allclose(found.momentum, [[3 * mass, 0], [-mass, 0]], rtol=1e-5)
    assert found.penetration.tolist() == [0, 0]
    assert found.joint_error.tolist() == [0, 0]


def two_discs(apart: float, y: float = 2.0, jointed: bool = False) -> Builder:
    builder = Builder(MEDIUM)
    a, b = builder.circle((2, y), 0.3), builder.circle((2 + apart, y), 0.2)
    if jointed:
        builder.joint(a, b, at=(2.2, y))
    return builder


def test_penetration_is_that_of_the_deepest_contact_that_is_pushed_apart():
    found = seen(two_discs(0.45), two_discs(0.6), two_discs(0.45, jointed=True), two_discs(0.49, y=FLOOR + 0.28))
    assert found.penetration.tolist() == pytest.approx([0.05, 0, 0, 0.02], abs=1e-5)


def test_joint_error_is_the_widest_gap():
    builder = Builder(MEDIUM)
    a, b = builder.circle((2, 2), 0.2), builder.circle((3, 2), 0.2)
    builder.joint(a, b, at=(2.5, 2))
    builder.joint(FLOOR_REF, a, at=(2, 1.5))
    scene, motion = pytree.stack([builder.finish()[0]] * 3), pytree.stack([builder.finish()[1]] * 3)
    pos = np.array(motion.pos)
    circle = MEDIUM.polygons
    pos[:, circle + 1, 1] += (0.03, 0.04)  # b alone: 5 cm from a
    pos[:, circle, 2] += (0.0, 0.2)  # a: 20 cm from b and from the floor's anchor
    found = look(prepare(scene), dataclasses.replace(motion, pos=pos))
    assert np.asarray(found.joint_error).tolist() == pytest.approx([0, 0.05, 0.2], abs=1e-6)


def test_a_broken_world_is_found_and_does_not_spoil_the_summary():
    scene, motion = in_every_world([one_box(vel=(1, 0)).finish()] * 4)
    vel = np.array(motion.vel)
    vel[0, 0, 2] = np.nan
    found = look(prepare(scene), dataclasses.replace(motion, vel=vel))
    assert np.asarray(found.finite).tolist() == [True, True, False, True]
    short = {name: float(value) for name, value in summary(found).items()}
    mass = 1.0
    assert short == pytest.approx(
        {"energy": 0.5 * mass + mass * GRAVITY * 3, "penetration": 0, "joint_error": 0, "broken_worlds": 0.25}, rel=1e-5, abs=1e-7
    )


def test_free_flight_keeps_energy_and_a_collision_keeps_momentum():
    flying = one_box(vel=(0.5, 2), omega=1)
    meeting = Builder(MEDIUM, gravity=(0, 0))
    meeting.circle((2, 2), 0.2, vel=(1, 0.2))
    meeting.circle((2.6, 2.1), 0.25, vel=(-1, 0), density=3.0)
    scene, motion = in_every_world([flying.finish(), meeting.finish()])
    steps = 2 * CHUNK
    done = run_batch(scene, motion, steps, config=DEFAULT)
    before, after = (look(prepare(scene), state) for state in (motion, done.state.motion))
    lost = (after.kinetic + after.potential - before.kinetic - before.potential)[0]
    # Semi-implicit Euler is off by half a step of gravity along the way: m g (g t) dt / 2.
    expected = -1.0 * GRAVITY * (GRAVITY * steps / 60) / 120
    assert float(lost) == pytest.approx(expected, rel=0.02)
    assert abs(float(done.vel[-1, 0, MEDIUM.polygons, 1]) - 1) > 0.5, "they met"
    np.testing.assert_allclose(after.momentum[:, 1], before.momentum[:, 1], atol=1e-5)
