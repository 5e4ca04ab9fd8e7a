"""Who may push whom, who counts as touching, and with which material."""

import numpy as np
import pytest

from physics import pytree, schedule
from physics.base import FLOOR_WALL, LEFT_WALL
from physics.build import FLOOR, BodyRef, Builder
from physics.prepare import Prepared, capacity_of
from tests.physics.scenes import MEDIUM, prepare, run


def prepared(builder: Builder) -> Prepared:
    return pytree.world(prepare(pytree.stack([builder.finish()[0]])), 0)


def slot(builder: Builder, a: BodyRef, b: BodyRef) -> int:
    plan, wanted = schedule.make(MEDIUM.even_bodies), {builder.index(a), builder.index(b)}
    return next(k for k in range(MEDIUM.pairs) if {plan.first[k], plan.second[k]} == wanted)


def pair(**material: dict) -> tuple[Builder, BodyRef, BodyRef]:
    """Two overlapping bodies, a box and a disc."""
    builder = Builder(MEDIUM)
    return builder, builder.box((2, 2), (0.3, 0.3), **material.get("a", {})), builder.circle((2.1, 2.2), 0.2, **material.get("b", {}))


def test_capacity_is_read_off_the_arrays():
    assert capacity_of(Builder(MEDIUM).finish()[0]) == MEDIUM


@pytest.mark.parametrize(("a", "b", "meet"), [(0, 0, False), (0, 1, False), (0, 2, True), (1, 1, True), (1, 2, True), (2, 2, True)])
@pytest.mark.parametrize("swap", [False, True])
def test_collision_modes(a, b, meet, swap):
    builder, box, disc = pair(a={"collision": b if swap else a}, b={"collision": a if swap else b})
    found, k = prepared(builder), slot(*pair())
    assert bool(found.admitted[k]) == bool(found.touchable[k]) == meet
    assert found.wall_admitted[:, builder.index(box)].all()  # walls meet everything
    assert found.wall_admitted[:, builder.index(disc)].all()


def test_immovable_bodies_touch_but_do_not_push():
    builder, box, disc = pair(a={"fixed": True}, b={"fixed": True})
    found, k = prepared(builder), slot(builder, box, disc)
    assert not found.admitted[k]
    assert found.touchable[k]
    assert not found.wall_admitted.any()
    done = run(builder, 10)
    assert done.touching.pairs[0, k]
    np.testing.assert_array_equal(done.pos[-1], done.pos[0])
    assert not done.vel.any()


def test_one_immovable_body_is_enough_to_push():
    builder, box, disc = pair(a={"fixed": True})
    assert prepared(builder).admitted[slot(builder, box, disc)]


def test_chain_of_joints_does_not_collide_but_touches():
    builder, box, disc = pair()
    other, outside = builder.box((2, 2), (0.2, 0.2)), builder.circle((2, 2.1), 0.2)
    builder.joint(box, other, at=(2, 2))
    builder.joint(disc, other, at=(2, 2))
    found = prepared(builder)
    for a, b in ((box, other), (disc, other), (box, disc)):
        assert not found.admitted[slot(builder, a, b)]
        assert found.touchable[slot(builder, a, b)]
    assert found.admitted[slot(builder, box, outside)]
    assert run(builder, 10).touching.pairs[0, slot(builder, box, disc)]


def test_chain_is_found_in_any_order_of_joints():
    builder, box, disc = pair()
    other = builder.circle((2, 2.1), 0.2)
    builder.joint(other, disc, at=(2, 2))
    builder.joint(box, other, at=(2, 2))
    assert not prepared(builder).admitted[slot(builder, box, disc)]


def test_joint_to_a_wall_links_to_that_wall_and_through_it():
    builder, box, disc = pair()
    builder.joint(FLOOR, box, at=(2, 2))
    builder.joint(disc, FLOOR, at=(2, 2))
    found = prepared(builder)
    assert not found.admitted[slot(builder, box, disc)]
    for ref in (box, disc):
        assert not found.wall_admitted[FLOOR_WALL, builder.index(ref)]
        assert found.wall_admitted[LEFT_WALL, builder.index(ref)]
        assert found.wall_touchable[FLOOR_WALL, builder.index(ref)]


def test_joint_of_immovables_is_off_and_links_nothing():
    builder, box, disc = pair(a={"fixed": True}, b={"fixed": True})
    builder.joint(box, disc, at=(2, 2))
    builder.joint(box, FLOOR, at=(2, 2))
    found = prepared(builder)
    assert not found.joint_active.any()
    assert (found.body_a == -1).all()
    assert (found.body_b == -1).all()


def test_absent_bodies_neither_push_nor_touch():
    builder, box, disc = pair()
    found = prepared(builder)
    present = {builder.index(box), builder.index(disc)}
    plan = schedule.make(MEDIUM.even_bodies)
    for k in range(MEDIUM.pairs):
        both = {plan.first[k], plan.second[k]} == present
        assert bool(found.admitted[k]) == bool(found.touchable[k]) == both
    assert not found.wall_touchable[:, 1].any()


def test_materials_combine():
    builder, box, disc = pair(a={"friction": 0.3, "restitution": 0.9}, b={"friction": 0.4, "restitution": 0.2})
    builder.wall_friction[LEFT_WALL], builder.wall_restitution[LEFT_WALL] = 0.4, 0.5
    found, k, row = prepared(builder), slot(builder, box, disc), builder.index(box)
    assert float(found.friction[k]) == pytest.approx(0.4 * 0.5)
    assert float(found.restitution[k]) == pytest.approx(0.2)
    assert float(found.wall_friction[LEFT_WALL, row]) == pytest.approx(0.4 * 0.5)
    assert float(found.wall_restitution[LEFT_WALL, row]) == pytest.approx(0.5)


def test_normals_of_a_triangle():
    builder = Builder(MEDIUM)
    builder.polygon([(0, 0), (0.6, 0), (0, 0.6)])
    normals = np.asarray(prepared(builder).normals[:, :, 0]).T
    np.testing.assert_allclose(normals, [(0, -1), (0.5**0.5, 0.5**0.5), (-1, 0), (0, 0)], atol=1e-6)
