"""Level files of Kinetix: what is in them is read as it is meant, and whatever is wrong is named with its place."""

import json
import math
import re

import jax
import numpy as np
import pytest

from envs import holdout, kinetix_file, kinetix_writer, level_file
from envs.base import Level, Role
from envs.build import LevelBuilder
from envs.sizes import SIZES, capacity
from physics.base import Capacity
from physics.build import CEILING, RIGHT
from physics.errors import InputError
from tests.envs.kinetix_documents import FLOOR, LEFT, TRIANGLE, body, changed, document, joint, keyed, wall

FUZZED = 2500


def read(found: object, slots: Capacity | None = None) -> kinetix_file.Found:
    return kinetix_file.parse(json.dumps(found), "x.json", slots)


def assert_same(found: Level, wanted: Level) -> None:
    for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(found), jax.tree.leaves(wanted), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6, err_msg=jax.tree_util.keystr(path))


def test_everything_is_where_it_belongs():
    found = read(document())
    level, scene = found.level, found.level.scene
    assert found.slots == capacity("s")
    assert found.notes == []
    np.testing.assert_allclose(scene.bodies.vertices[:, :, 0].T, [(-0.4, 0.1), (-0.4, -0.1), (0.4, -0.1), (0.4, 0.1)])
    np.testing.assert_allclose(scene.bodies.radius, [0.25, 0.5])
    np.testing.assert_allclose(level.start.pos.T, [(2, 1), (1.9, 0.9), (4, 1)])
    np.testing.assert_allclose(level.start.vel.T, [(0.25, -0.5), (0, 0), (0, 0)])
    assert level.start.angle.tolist() == [0.5, 0, 0]
    assert level.start.omega.tolist() == [0, 2, 0]
    assert scene.bodies.inverse_mass.tolist() == [4, 4, 0]
    assert scene.bodies.inverse_inertia.tolist() == [50, 50, 0]
    assert scene.bodies.collision.tolist() == [1, 1, 2]
    assert scene.bodies.friction.tolist() == [0.75, 1, 1]
    assert level.role.tolist() == [Role.NORMAL, Role.GREEN, Role.BLUE]
    assert level.wall_role.tolist() == [Role.RED, 0, 0, 0]
    assert scene.walls.friction.tolist() == [0.5, 1, 1, 1]
    np.testing.assert_allclose(scene.gravity, [0, -9.81])
    joints = scene.joints
    assert (joints.body_a[0], joints.body_b[0], joints.rest_angle[0]) == (0, 1, 0.125)
    assert (joints.lower[0], joints.upper[0], joints.motor_speed[0], joints.motor_power[0]) == (-0.5, 0.25, 0.5, 2)
    assert [bool(flag[0]) for flag in (joints.active, joints.limited, joints.motor, joints.fixed)] == [True, True, True, False]
    np.testing.assert_allclose(joints.anchor_a[:, 0], [0.1, -0.1])
    assert (level.motor_channel[0], level.motor_auto[0], level.thruster_channel[0]) == (3, False, 1)
    assert (scene.thrusters.body[0], scene.thrusters.angle[0], scene.thrusters.power[0]) == (2, 1.5, 0.5)


def test_a_weld_has_neither_motor_nor_limits_and_a_joint_may_hold_a_wall():
    held = joint(a_index=2, b_index=5, a_relative_pos=keyed((5, 2)), is_fixed_joint=True)
    joints = read(document(joint=[held])).level.scene.joints
    assert [bool(flag[0]) for flag in (joints.fixed, joints.motor, joints.limited)] == [True, False, False]
    assert joints.body_a[0] == capacity("s").bodies + RIGHT.slot
    np.testing.assert_allclose(joints.anchor_a[:, 0], (5, 2))
    on_ceiling = read(document(joint=[joint(a_index=3, b_index=5, a_relative_pos=keyed((0, -5.2)))])).level.scene.joints
    assert on_ceiling.body_a[0] == capacity("s").bodies + CEILING.slot
    np.testing.assert_allclose(on_ceiling.anchor_a[:, 0], (2.5, 5), atol=1e-6)


def test_triangles_keep_three_corners_and_either_direction_will_do():
    walls = document()["env_state"]["polygon"][:4]
    clockwise = body((2, 1), n_vertices=3, vertices=keyed(TRIANGLE))
    other = body((2, 1), n_vertices=3, vertices=keyed([*TRIANGLE[2::-1], TRIANGLE[3]]))
    one, two = (read(document(polygon=[*walls, shape])).level.scene.bodies for shape in (clockwise, other))
    assert one.vertex_count[0] == 3
    np.testing.assert_allclose(one.vertices[:, :, 0].T, np.array(TRIANGLE)[[2, 1, 0, 2]])
    np.testing.assert_allclose(one.vertices, two.vertices)


def test_slots_that_are_off_hold_nothing_whatever_stands_there():
    polygons = document()["env_state"]["polygon"]
    found = read(document(polygon=[*polygons[:4], None, polygons[4]], joint=[None], thruster=[None]))
    assert found.level.scene.bodies.active.tolist() == [False, True, True, True]
    assert not found.level.scene.joints.active.any()
    assert found.level.start.pos[:, 0].tolist() == [0, 0]
    assert "anything" in found.notes[0]


def test_a_larger_capacity_has_the_same_level_and_a_smaller_one_closes_up():
    large = read(document(), capacity("l")).level
    assert np.flatnonzero(large.scene.bodies.active).tolist() == [0, 8, 9]
    assert (large.scene.joints.body_a[0], large.scene.joints.body_b[0], large.scene.thrusters.body[0]) == (0, 8, 9)
    polygons = document()["env_state"]["polygon"]
    wide = document(polygon=[*polygons[:4], None, None, polygons[4]], joint=[joint(a_index=6, b_index=7)], thruster=[None])
    small = read(wide, capacity("s")).level
    assert_same(small, read(document(thruster=[None]), capacity("s")).level)
    with pytest.raises(InputError, match=r"x.json: env_state.circle: found '2 active circles', wanted at most 1 for this capacity"):
        read(document(), Capacity(polygons=1, circles=1, joints=1, thrusters=1))


def ours() -> dict[str, Level]:
    """The shipped levels, and made up ones that use whatever there is."""
    levels = {id: level_file.read(holdout.path(id)) for id in holdout.names()}
    dice = np.random.default_rng(0)
    for size, slots in SIZES.items():
        for number in range(12):
            levels[f"{size} {number}"] = made_up(slots, dice)
    return levels


def made_up(slots: Capacity, dice: np.random.Generator) -> Level:
    builder = LevelBuilder(slots, gravity=(0.0, float(-dice.random())))
    bodies = [
        builder.box(at=dice.uniform(1, 4, 2), half=dice.uniform(0.1, 0.5, 2), angle=dice.uniform(-3, 3), density=dice.uniform(0.5, 2))
        for _ in range(slots.polygons)
    ]
    roles = [Role.GREEN, Role.BLUE, Role.RED, Role.NORMAL]
    for number in range(slots.circles):
        radius, friction = dice.uniform(0.1, 0.4), dice.uniform(0, 1)
        bodies.append(
            builder.circle(at=dice.uniform(1, 4, 2), radius=radius, role=roles[number], fixed=dice.random() < 0.3, friction=friction)
        )
    builder.wall("left", Role(int(dice.integers(4))), friction=0.25, restitution=0.5)
    for number in range(slots.joints):
        a, b = bodies[number % len(bodies)], [*bodies, RIGHT][(number + 1) % (len(bodies) + 1)]
        limits = sorted(dice.uniform(-1, 1, 2)) if dice.random() < 0.5 else None
        channel, fixed, motor = int(dice.integers(4)), bool(dice.random() < 0.3), bool(dice.random() < 0.5)
        builder.joint(a, b, at=dice.uniform(1, 4, 2), channel=channel, fixed=fixed, motor=motor, limits=limits, speed=dice.normal())
    for number in range(slots.thrusters):
        builder.thruster(bodies[-1 - number], at=dice.uniform(1, 4, 2), angle=dice.uniform(-3, 3), power=dice.random(), channel=number % 2)
    return builder.finish()


def test_what_is_written_is_read_back(tmp_path):
    for name, level in ours().items():
        lost = kinetix_writer.write(level, tmp_path / "x.json")
        found = kinetix_file.read(tmp_path / "x.json")
        wanted = jax.tree.map(lambda leaf: leaf, level)
        if lost and "by themselves" in lost[0]:
            wanted = Level(**{**vars(level), "motor_auto": np.zeros_like(level.motor_auto)})
        assert_same(without_immovable_joints(found.level), without_immovable_joints(wanted))
        gravity = [note for note in found.notes if not note.startswith("Gravity")]
        assert all("never move" in note for note in gravity), name


def without_immovable_joints(level: Level) -> Level:
    """A joint of two things that never move does nothing and is not read."""
    masses = np.concatenate([level.scene.bodies.inverse_mass, np.zeros(4)])
    joints = level.scene.joints
    idle = (masses[joints.body_a] == 0) & (masses[joints.body_b] == 0)
    kept = {name: np.where(idle, np.zeros_like(leaf), leaf) for name, leaf in vars(joints).items()}
    channel = np.where(idle, 0, level.motor_channel).astype(np.int32)
    scene = type(level.scene)(**{**vars(level.scene), "joints": type(joints)(**kept)})
    return Level(**{**vars(level), "scene": scene, "motor_channel": channel})


def test_the_written_document_is_complete():
    level = level_file.read(holdout.path("s/past_the_mill"))
    found = kinetix_writer.to_document(level)
    state = found["env_state"]
    assert {name: len(state[name]) for name in state if isinstance(state[name], list)} == {
        "polygon": 5, "circle": 2, "joint": 1, "thruster": 1, "acc_rr_manifolds": 8, "acc_cr_manifolds": 10, "acc_cc_manifolds": 1,
    }  # fmt: skip
    collide = state["collision_matrix"]
    linked = {state["joint"][0]["a_index"], state["joint"][0]["b_index"]}
    for i in range(7):
        for j in range(7):
            assert collide[str(i)][str(j)] == (i != j and {i, j} != linked)
    mill = state["polygon"][4]
    corners = np.array([[mill["vertices"][str(i)][axis] for axis in "01"] for i in range(4)])
    (x, y), (following_x, following_y) = corners.T, np.roll(corners, -1, 0).T
    assert (x * following_y - y * following_x < 0).all(), "vertices go clockwise there"
    assert found["static_env_params"]["num_polygons"] == 5
    assert found["env_params"]["dt"] == 1 / 60


def test_what_the_format_cannot_hold_is_said(tmp_path):
    builder = LevelBuilder(capacity("s"), gravity=(0, -1))
    a, b = builder.circle((1, 1), 0.2, role=Role.GREEN), builder.circle((2, 1), 0.2, role=Role.BLUE)
    builder.joint(a, b, (1, 1), motor=True, auto=True)
    lost = kinetix_writer.write(builder.finish(), tmp_path / "x.json")
    assert len(lost) == 2
    assert "by themselves" in lost[0]
    assert "Gravity (0, -1)" in lost[1]
    five = Capacity(polygons=1, circles=1, joints=1, thrusters=1, vertices=5)
    builder = LevelBuilder(five)
    corners = [(math.cos(angle), math.sin(angle)) for angle in np.arange(5) * 2 * math.pi / 5]
    builder.polygon(corners, at=(2, 2), role=Role.GREEN)
    builder.circle((4, 4), 0.2, role=Role.BLUE)
    with pytest.raises(InputError, match="polygon 0: found '5 vertices', wanted at most 4"):
        kinetix_writer.write(builder.finish(), tmp_path / "five.json")
    assert not (tmp_path / "five.json").exists()


def with_wall(slot: int, **fields: object) -> dict:
    walls = document()["env_state"]["polygon"]
    walls[slot] = walls[slot] | fields
    return document(polygon=walls)


DIFFERENCES = [
    (with_wall(1, vertices=keyed([(x - 0.05, y) for x, y in LEFT])), "The left wall is at -0.05 m in the file; here it is at 0 m."),
    (with_wall(0, active=False), "The floor is switched off in the file; here every wall is there."),
    (with_wall(3, collision_mode=1), "The ceiling does not meet every body in the file; here it does."),
    (with_wall(2, inverse_mass=1.0), "The right wall can move in the file; here it cannot."),
    (with_wall(2, velocity=keyed((1, 0))), "The right wall moves in the file; here it does not."),
    (changed("env_state.gravity", keyed((0, -2.2))), r"Gravity is \(0, -2.2\) m/s2 as in the file; Kinetix plays .*"),
    (changed("env_params.dt", 0.01), "env_params.dt is 0.01 in the file; here the setting env.solver.dt decides, by default 0.01666.*"),
    (changed("env_params.max_timesteps", 99), ".*env.max_steps decides.*"),
    (changed("static_env_params.frame_skip", 1), ".*env.frame_skip decides.*"),
    (changed("env_state.thruster.0.object_index", 1), r"env_state.thruster\[0\] pushes a wall and is left out."),
    (changed("env_state.joint.0", joint(a_index=0, b_index=6)), r"env_state.joint\[0\] joins two things that never move .*"),
    (changed("env_state.circle.0.position", keyed((-0.1, 1))), r"env_state.circle\[0\] starts outside the room.*"),
    (changed("env_state.motor_auto", keyed([True])), "The file has fields that are not read: env_state.motor_auto."),
    (changed("env_state.acc_cc_manifolds", [{"active": True}]), "The file stores impulses of contacts.*"),
]


@pytest.mark.parametrize(("found", "sentence"), DIFFERENCES, ids=[sentence[:40] for _, sentence in DIFFERENCES])
def test_what_is_otherwise_here_is_said(found, sentence):
    notes = read(found).notes
    assert len(notes) == 1
    assert re.fullmatch(sentence, notes[0]), notes[0]


MISTAKES = [
    ("env_state", KeyError, r"x.json: env_state: found nothing, wanted this field"),
    ("env_state.circle", 3, r"env_state.circle: found 3, wanted a list"),
    ("env_state.circle.0", [], r"env_state.circle\[0\]: found \[\], wanted an object"),
    ("env_state.circle.0.radius", KeyError, r"env_state.circle\[0\].radius: found nothing, wanted this field"),
    ("env_state.circle.0.radius", "big", r'env_state.circle\[0\].radius: found "big", wanted a number'),
    ("env_state.circle.0.radius", True, r"radius: found true, wanted a number"),
    ("env_state.circle.0.radius", -1, r"radius: found -1, wanted at least 0.01 and at most 100"),
    ("env_state.circle.0.radius", 10**400, r"radius: found 1000.*, wanted a finite number"),
    ("env_state.circle.0.radius", float("nan"), r"x.json: found 'NaN', wanted finite numbers"),
    ("env_state.circle.0.inverse_mass", -0.5, r"inverse_mass: found -0.5, wanted at least 0"),
    ("env_state.circle.0.role", 4, r"role: found 4, wanted a whole number from 0 to 3"),
    ("env_state.circle.0.role", 1.5, r"role: found 1.5, wanted a whole number"),
    ("env_state.circle.0.active", 1, r"active: found 1, wanted true or false"),
    ("env_state.circle.0.position", keyed((1, 2, 3)), r"position: found .*, wanted an object with the fields 0, 1"),
    ("env_state.circle.0.position", [1, 2], r"position: found \[1, 2\], wanted an object"),
    ("env_state.circle.0.position.1", 1e9, r"position.1: found 1000000000.0, wanted at least -1000 and at most 1000"),
    ("env_state.polygon.4.n_vertices", 5, r"env_state.polygon\[4\].n_vertices: found 5, wanted a whole number from 3 to 4"),
    ("env_state.polygon.4.vertices.1", keyed((0.0, 0.0)), r"x.json: env_state.polygon\[4\].vertices: .*convex"),
    ("env_state.joint.0.b_index", 7, r"env_state.joint\[0\].b_index: found 7, wanted a whole number from 0 to 6"),
    ("env_state.joint.0.b_index", 4, r"b_index: found 4, wanted another body than a_index names"),
    ("env_state.joint.0.min_rotation", 0.5, r"min_rotation: found 0.5, wanted at most 0.25, which is max_rotation"),
    ("env_state.joint.0.motor_binding", 4, r"motor_binding: found 4, wanted a whole number from 0 to 3"),
    ("env_state.thruster.0.thruster_binding", 2, r"thruster_binding: found 2, wanted a whole number from 0 to 1"),
    ("env_state.circle.0.role", 0, r"env_state: found nothing green, wanted at least one active green and one active blue body"),
    ("static_env_params.num_circles", 3, r"env_state.circle: found 2 entries, wanted 3, as static_env_params.num_circles says"),
    ("static_env_params.num_static_fixated_polys", 0, r"num_static_fixated_polys: found 0, wanted a whole number from 4 to 4"),
    ("env_params", [], r"env_params: found \[\], wanted an object"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "message"), MISTAKES)
def test_mistakes_are_named(place, value, message):
    with pytest.raises(InputError, match=message) as caught:
        read(changed(place, value))
    assert str(caught.value).startswith("x.json")


def test_a_room_without_walls_and_endless_lists_are_refused():
    with pytest.raises(InputError, match=r"env_state.polygon: found 3 entries, wanted at least 4: the floor"):
        read(document(polygon=[wall((2.5, -4.8), FLOOR)] * 3))
    with pytest.raises(InputError, match=r"env_state.joint: found 100 entries, wanted at most 64"):
        read(document(joint=[None] * 100))


def test_broken_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"gone.json: found 'no such file"):
        kinetix_file.read(tmp_path / "gone.json")
    large = tmp_path / "large.json"
    large.write_text(json.dumps(document()) + " " * kinetix_file.MAX_BYTES)
    with pytest.raises(InputError, match=r"large.json: found 'more than 1024 KiB'"):
        kinetix_file.read(large)
    large.write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"large\.json"):
        kinetix_file.read(large)
    large.write_text('{"env_state": {"polygon": ' + "[" * 900 + "]" * 900 + "}}")
    with pytest.raises(InputError, match=r"large\.json"):
        kinetix_file.read(large)
