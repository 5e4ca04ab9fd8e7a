"""Scenes by hand: masses, frames and slots are right, and every impossible wish is named."""

import numpy as np
import pytest

from physics import pytree
from physics.base import Capacity
from physics.build import FLOOR, LEFT, RIGHT, Builder
from physics.errors import InputError
from tests.physics.scenes import MEDIUM, corners_of, turned

TRIANGLE = [(0, 0), (0.6, 0), (0, 0.3)]


def test_masses_and_inertias():
    builder = Builder(MEDIUM)
    builder.box((1, 1), (0.3, 0.1), density=2.0)
    builder.circle((2, 1), 0.2, density=3.0)
    builder.circle((3, 1), 0.2, fixed=True)
    scene, _ = builder.finish()
    mass, disc = 2 * 0.6 * 0.2, 3 * np.pi * 0.04
    np.testing.assert_allclose(scene.bodies.inverse_mass, [1 / mass, 0, 1 / disc, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(scene.bodies.inverse_inertia, [1 / (mass * 0.4 / 12), 0, 1 / (disc * 0.02), 0, 0], rtol=1e-6)
    np.testing.assert_array_equal(scene.bodies.active, [True, False, True, True, False])


def test_everything_is_as_declared():
    scene, motion = Builder(MEDIUM).finish()
    pytree.check(scene, **MEDIUM.dims)
    pytree.check(motion, **MEDIUM.dims)


def test_position_is_the_centroid_and_corners_stay_where_asked():
    builder = Builder(MEDIUM)
    ref = builder.polygon(TRIANGLE, at=(1, 2), angle=0.7)
    _, motion = builder.finish()
    np.testing.assert_allclose(motion.pos[:, 0], np.array([1, 2]) + turned(np.array([0.2, 0.1]), 0.7), rtol=1e-6)
    np.testing.assert_allclose(corners_of(builder, ref)[:3], np.array([1, 2]) + turned(np.array(TRIANGLE), 0.7), atol=1e-6)


def test_clockwise_polygon_is_stored_counter_clockwise_and_padded():
    builder = Builder(MEDIUM)
    builder.polygon(TRIANGLE[::-1])
    bodies = builder.finish()[0].bodies
    corners = np.asarray(bodies.vertices[:, :, 0]).T
    assert bodies.vertex_count[0] == 3
    np.testing.assert_array_equal(corners[3], corners[0])
    edges = np.diff(corners, axis=0)
    assert edges[0, 0] * edges[1, 1] - edges[0, 1] * edges[1, 0] > 0


def test_bodies_go_to_slots_by_kind_in_any_order():
    builder = Builder(MEDIUM)
    disc, box = builder.circle((1, 1), 0.1), builder.box((2, 2), (0.1, 0.1))
    assert (builder.index(box), builder.index(disc), builder.index(RIGHT)) == (0, 2, 5 + 2)
    _, motion = builder.finish()
    np.testing.assert_array_equal(motion.pos[:, 2], [1, 1])


def test_joint_anchors_meet_at_the_point():
    builder = Builder(MEDIUM)
    a, b = builder.box((1, 1), (0.3, 0.1), angle=0.5), builder.circle((1.5, 1.2), 0.2, angle=-1.0)
    builder.joint(a, b, at=(1.3, 1.1), limits=(-0.2, 0.4))
    builder.joint(FLOOR, b, at=(1.5, 0.4), fixed=True, motor=True, limits=(-1, 1))
    scene, motion = builder.finish()
    joints = scene.joints
    for row, anchor, slot in ((0, joints.anchor_a, 0), (2, joints.anchor_b, 0)):
        world = np.asarray(motion.pos[:, row]) + turned(np.asarray(anchor[:, slot]), float(motion.angle[row]))
        np.testing.assert_allclose(world, (1.3, 1.1), atol=1e-6)
    assert (int(joints.body_a[1]), int(joints.body_b[1])) == (5, 2)
    np.testing.assert_allclose(joints.anchor_a[:, 1], (1.5, 0.4), rtol=1e-6)
    np.testing.assert_allclose(joints.rest_angle, (-1.5, -1.0))
    np.testing.assert_array_equal(joints.limited, [True, False])
    np.testing.assert_array_equal(joints.motor, [False, False])


def test_thruster_is_kept_in_the_body_frame():
    builder = Builder(MEDIUM)
    builder.thruster(builder.box((1, 1), (0.3, 0.1), angle=np.pi / 2), at=(1, 1.2), angle=np.pi, power=2.0)
    thrusters = builder.finish()[0].thrusters
    np.testing.assert_allclose(thrusters.anchor[:, 0], (0.2, 0), atol=1e-6)
    assert float(thrusters.angle[0]) == pytest.approx(np.pi / 2)


def two_bodies() -> tuple:
    builder = Builder(MEDIUM)
    return builder, builder.box((1, 1), (0.1, 0.1)), builder.circle((2, 2), 0.1)


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (lambda b, box, disc: b.polygon([(0, 0), (1, 0), (2, 0)]), "polygon 1.*convex"),
        (lambda b, box, disc: b.polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), "polygon 1.*convex"),
        (lambda b, box, disc: b.polygon([(0, 0), (1, 0), (1.2, 0.5), (1, 1), (0, 1)]), "5 vertices.*at most 4"),
        (lambda b, box, disc: b.polygon(TRIANGLE, at=(np.nan, 0)), "position.*finite"),
        (lambda b, box, disc: b.polygon(TRIANGLE, angle=np.inf), "angle.*finite"),
        (lambda b, box, disc: b.box((1, 1), (0.1, 0)), "half size.*above 0"),
        (lambda b, box, disc: b.box((1, 1), (0.1,)), "half size.*2 finite numbers"),
        (lambda b, box, disc: b.box((1, 1), (0.1, 0.1), weight=3), "material.*weight.*density"),
        (lambda b, box, disc: b.box((1, 1), (0.1, 0.1), fixed=True, vel=(1, 0)), "vel.*0 for an immovable body"),
        (lambda b, box, disc: b.circle((1, 1), 200.0), "radius.*0.01 to 100 m"),
        (lambda b, box, disc: b.box((1, 1), (500, 0.1)), "a vertex at 500 m', wanted at most 100 m"),
        (lambda b, box, disc: b.box((1e6, 1), (0.1, 0.1)), "pos.*at most 1000"),
        (lambda b, box, disc: b.box((1, 1), (0.1, 0.1), density=0), "density.*found 0.0, wanted 0.001 to 1000 kg/m2"),
        (lambda b, box, disc: b.box((1, 1), (0.1, 0.1), friction=np.nan), "friction.*finite"),
        (lambda b, box, disc: b.box((1, 1), (0.1, 0.1), collision=3), "collision.*0, 1 or 2"),
        (lambda b, box, disc: b.box((1, 1), (0.1, 0.1), vel=(1, np.inf)), "vel.*finite"),
        (lambda b, box, disc: [b.box((1, 1), (0.1, 0.1)) for _ in range(2)], "polygons.*at most 2"),
        (lambda b, box, disc: [b.circle((1, 1), 0.1) for _ in range(3)], "circles.*at most 3"),
        (lambda b, box, disc: b.circle((1, 1), 0.001), "radius.*0.01"),
        (lambda b, box, disc: b.circle((1, 1), "wide"), "radius.*finite"),
        (lambda b, box, disc: b.circle((1, 1), 0.1, angle=np.nan), "angle.*finite"),
        (lambda b, box, disc: b.joint(box, box, at=(1, 1)), "joint 0.*different bodies"),
        (lambda b, box, disc: b.joint(LEFT, FLOOR, at=(1, 1)), "joint 0.*different bodies"),
        (lambda b, box, disc: b.joint(box, disc, at=(1, 1), limits=(1, -1)), "limits.*lower at most upper"),
        (lambda b, box, disc: b.joint(box, disc, at=(1, np.nan)), "anchor.*finite"),
        (lambda b, box, disc: b.joint(box, disc, at=(1, 1), speed=np.inf), "speed.*finite"),
        (lambda b, box, disc: b.joint(box, disc, at=(1, 1), rest_angle=np.nan), "rest angle.*finite"),
        (lambda b, box, disc: [b.joint(box, disc, at=(1, 1)) for _ in range(3)], "joints.*at most 2"),
        (lambda b, box, disc: b.thruster(FLOOR, at=(1, 1), angle=0), "thruster.*a body"),
        (lambda b, box, disc: b.thruster(box, at=(1, 1), angle=0, power=np.nan), "power.*finite"),
        (lambda b, box, disc: [b.thruster(box, at=(1, 1), angle=0) for _ in range(3)], "thrusters.*at most 2"),
    ],
)
def test_refused(wish, says):
    with pytest.raises(InputError, match=says):
        wish(*two_bodies())


def test_gravity_must_be_finite():
    with pytest.raises(InputError, match="gravity"):
        Builder(MEDIUM, gravity=(0, np.nan))


def test_no_joint_to_a_wall_that_is_not_there():
    builder = Builder(Capacity(1, 0, 1, 0, walls=0))
    with pytest.raises(InputError, match="the wall floor"):
        builder.joint(builder.box((1, 1), (0.1, 0.1)), FLOOR, at=(1, 1))
