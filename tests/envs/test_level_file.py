"""Level files: what is written is read back, and every mistake is named with its place."""

import copy
import dataclasses
import json

import jax
import numpy as np
import pytest

from envs import level_file
from envs.base import Level, Role
from envs.build import LevelBuilder
from envs.sizes import capacity
from physics.build import CEILING, FLOOR, RIGHT
from physics.errors import InputError

GOOD = {
    "format": "fulcrum-level",
    "version": 1,
    "name": "sample",
    "description": "A sample.",
    "size": "s",
    "walls": {"floor": {"role": "red"}},
    "bodies": [
        {"name": "bar", "shape": "box", "half": [0.4, 0.1], "at": [2.0, 1.0]},
        {"name": "wheel", "shape": "circle", "radius": 0.2, "at": [2.0, 0.9], "role": "green"},
        {"name": "goal", "shape": "circle", "radius": 0.3, "at": [4.0, 1.0], "role": "blue", "fixed": True},
    ],
    "joints": [{"a": "bar", "b": "wheel", "at": [2.0, 0.9], "motor": {"channel": 1}}],
    "thrusters": [{"body": "bar", "at": [1.6, 1.0], "angle": 0.0, "channel": 1}],
    "solution": [[[0, 1, 0, 0, 0, 1], 12], [[0, 2, 0, 0, 0, 0], 3]],
}


def rich_level() -> Level:
    """An m level that uses everything the format can say."""
    builder = LevelBuilder(capacity("m"), gravity=(0.5, -3.0))
    wedge = builder.polygon([(0, 0), (0.7, 0.1), (0.2, 0.6)], at=(1, 1), angle=0.7, density=2.5, friction=0.3, vel=(0.3, -0.2), omega=1.5)
    box = builder.box(at=(3, 2), half=(0.4, 0.15), angle=-0.4, role=Role.GREEN, restitution=0.5, collision=2)
    wheel = builder.circle(at=(3.1, 2.1), radius=0.1234567, angle=0.9, role=Role.RED, collision=0)
    goal = builder.circle(at=(4, 4), radius=0.3, role=Role.BLUE, fixed=True)
    builder.circle(at=(1.5, 3.5), radius=0.2)
    builder.wall("floor", Role.RED, friction=0.5)
    builder.wall("ceiling", Role.GREEN, restitution=0.75)
    builder.joint(box, wheel, at=(3.2, 2.15), motor=True, speed=-0.5, power=0.7, limits=(-0.6, 0.3), rest_angle=0.2, channel=3, auto=True)
    builder.joint(CEILING, wedge, at=(1.1, 1.3), fixed=True)
    builder.thruster(box, at=(2.8, 1.9), angle=2.2, power=1.7, channel=1)
    builder.thruster(goal, at=(4, 4.1), angle=-1.0)
    return builder.finish()


def broken(place: str, value: object) -> dict:
    """GOOD with one thing changed; `place` like bodies.2.radius."""
    data = copy.deepcopy(GOOD)
    *path, last = place.split(".")
    target = data
    for part in path:
        target = target[int(part) if part.isdigit() else part]
    if value is KeyError:
        del target[last]
    else:
        target[int(last) if last.isdigit() else last] = value
    return data


def assert_same(found: Level, wanted: Level) -> None:
    for path, a in jax.tree_util.tree_leaves_with_path(found):
        b = dict(jax.tree_util.tree_leaves_with_path(wanted))[path]
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5, err_msg=jax.tree_util.keystr(path))


def test_round_trip_keeps_everything(tmp_path):
    level, path = rich_level(), tmp_path / "rich.json"
    level_file.write(level, path, "rich", "All there is.", "m")
    assert_same(level_file.read(path), level)
    text = path.read_text()
    assert len(text) < 4096
    assert [entry.name for entry in tmp_path.iterdir()] == ["rich.json"]
    again = level_file.to_model(level_file.read(path), name="rich", description="All there is.", size="m")
    assert again == level_file.read_model(path)


def test_round_trip_keeps_foreign_masses_and_loose_anchors(tmp_path):
    level = rich_level()
    bodies = dataclasses.replace(level.scene.bodies, inverse_inertia=level.scene.bodies.inverse_inertia * 2)
    joints = dataclasses.replace(level.scene.joints, anchor_b=level.scene.joints.anchor_b + 0.05)
    level = dataclasses.replace(level, scene=dataclasses.replace(level.scene, bodies=bodies, joints=joints))
    level_file.write(level, tmp_path / "x.json", "x", "", "m")
    assert_same(level_file.read(tmp_path / "x.json"), level)


def test_defaults_are_left_out_and_names_kept():
    model = level_file.parse(GOOD, "good")
    text = level_file.to_text(model)
    assert json.loads(text) == GOOD
    assert '"density"' not in text
    named = level_file.to_model(level_file.to_level(model), name="sample", description="", size="s", names=["bar", "wheel", "goal"])
    assert named.joints[0].a == "bar"
    unnamed = level_file.to_model(level_file.to_level(model), name="sample", description="", size="s")
    assert [body.name for body in unnamed.bodies] == ["box", "green_circle", "blue_circle"]
    assert unnamed.joints == [named.joints[0].model_copy(update={"a": "box", "b": "green_circle"})]


def test_a_larger_capacity_fits_and_a_smaller_does_not():
    model = level_file.parse(GOOD, "good")
    large = level_file.to_level(model, capacity("l"))
    assert large.role.shape == (12,)
    assert np.flatnonzero(large.scene.bodies.active).tolist() == [0, 8, 9]
    assert large.scene.joints.body_b[0] == 8
    rich = level_file.to_model(rich_level(), name="rich", description="", size="m")
    with pytest.raises(InputError, match=r"2 polygons.*at most 1 for this capacity"):
        level_file.to_level(rich, capacity("s"), where="rich.json")


def test_joints_may_name_walls():
    data = broken("joints.0", {"a": "right", "b": "bar", "at": [2.4, 1.0]})
    level = level_file.to_level(level_file.parse(data, "x"))
    assert level.scene.joints.body_a[0] == capacity("s").bodies + RIGHT.slot
    assert FLOOR.slot == 0


def test_solution_expands_and_compresses():
    actions = level_file.expand(level_file.parse(GOOD, "x").solution or [])
    assert actions.shape == (15, 6)
    assert level_file.compress(actions) == GOOD["solution"]


CASES = [
    ("bodies.2.radius", -1, r"x.json: bodies\[2\].radius: found -1, wanted at least 0.01"),
    ("bodies.2.radius", "big", r'bodies\[2\].radius: found "big", wanted a number'),
    ("bodies.2.radius", float("nan"), r"bodies\[2\].radius: found NaN, wanted .*"),
    ("bodies.2.radius", KeyError, r"bodies\[2\].radius: found nothing, wanted this field"),
    ("bodies.2.raduis", 1, r"bodies\[2\].raduis: found an unknown field.*Did you mean 'radius'\?"),
    ("bodies.2.half", [1, 1], r"bodies\[2\].half: found an unknown field"),
    ("bodies.2.shape", "disc", r"""bodies\[2\].shape: found "disc", wanted .*circle"""),
    ("bodies.2.shape", KeyError, r"bodies\[2\]: .*shape"),
    ("bodies.2", 7, r"bodies\[2\]: found 7, wanted an object"),
    ("bodies.1.role", "yellow", r"bodies\[1\].role: found \"yellow\", wanted .*'green'"),
    ("bodies.1.fixed", 1, r"bodies\[1\].fixed: found 1, wanted true or false"),
    ("bodies.1.at", [1], r"bodies\[1\].at: found \[1\], wanted a length of at least 2"),
    ("bodies.1.density", 0, r"bodies\[1\].density: found 0, wanted at least 0.0001"),
    ("bodies.1.at.0", 1e300, r"bodies\[1\].at\[0\]: found 1e\+300, wanted at most 1e\+06"),
    ("bodies.1.name", "goal", r"bodies\[2\].name: found 'goal', wanted .*bodies\[1\]"),
    ("bodies.1.name", "floor", r"bodies\[1\].name: found 'floor', wanted .*wall"),
    ("bodies.1.name", "My wheel", r"bodies\[1\].name: .*lower case"),
    (
        "bodies.0",
        {"name": "bar", "shape": "polygon", "at": [2, 2], "vertices": [[0, 0], [1, 0], [0.2, 0.2], [0, 1]]},
        r"bodies\[0\].vertices: .*convex",
    ),
    (
        "bodies.0",
        {"name": "bar", "shape": "polygon", "at": [2, 2], "vertices": [[0, 0], [1, 0], [2, 0]]},
        r"bodies\[0\].vertices: .*convex",
    ),
    (
        "bodies.0",
        {"name": "bar", "shape": "polygon", "at": [2, 2], "vertices": [[1, 0], [0.3, 1], [-0.8, 0.6], [-0.8, -0.6], [0.3, -1]]},
        r"bodies\[0\].vertices: found '5 points', wanted at most 4",
    ),
    (
        "bodies.0",
        {"name": "bar", "shape": "circle", "at": [2, 2], "radius": 0.1},
        r"bodies: found '3 circles', wanted at most 2 for size s",
    ),
    ("bodies.1.role", "normal", r"x.json: level: found 'nothing green'"),
    ("joints.0.b", "weel", r"joints\[0\].b: found 'weel', wanted one of .*Did you mean 'wheel'\?"),
    ("joints.0.b", "bar", r"joints\[0\]: found 'a = bar, b = bar', wanted two different bodies"),
    ("joints.0.limits", [1.0, -1.0], r"joints\[0\].limits: .*lower"),
    ("joints.0.motor.chanel", 1, r"joints\[0\].motor.chanel: .*Did you mean 'channel'\?"),
    ("joints.0.motor.channel", 4, r"joints\[0\].motor.channel: found 4, wanted less than 4"),
    ("thrusters.0.body", "floor", r"thrusters\[0\].body: found 'floor', wanted one of bar"),
    ("thrusters.0.angle", float("inf"), r"thrusters\[0\].angle: found Infinity, wanted a finite number"),
    ("walls.flor", {}, r"walls.flor: .*Did you mean 'floor'\?"),
    ("walls.floor.rol", "red", r"walls.floor.rol: .*Did you mean 'role'\?"),
    ("size", "xl", r"size: found \"xl\", wanted 's', 'm' or 'l'"),
    ("gravty", [0, 0], r"gravty: .*Did you mean 'gravity'\?"),
    ("version", 2, r"x.json: version: found 2, wanted 1"),
    ("format", "kinetic", r"x.json: format: found \"kinetic\""),
    ("solution.0.0.4", 2, r"solution\[0\]\[0\]\[4\]: found 2, wanted a choice from 0 to 1"),
    ("solution.0.1", 0, r"solution\[0\]\[1\]: found 0, wanted at least 1"),
]


@pytest.mark.parametrize(("place", "value", "message"), CASES)
def test_mistakes_are_named(place, value, message):
    with pytest.raises(InputError, match=message) as caught:
        level_file.to_level(level_file.parse(broken(place, value), "x.json"), where="x.json")
    assert str(caught.value).startswith("x.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": "fulcrum-level",\n "version": }', r"x.json: line 2, column 13: found .*, wanted JSON"),
        ("", r"x.json: line 1, column 1"),
        ("[1]", r"x.json: format: found list"),
        ("[" * 20000, "x.json"),
        (json.dumps(GOOD).replace("0.4, 0.1", "NaN, 0.1"), "x.json: found 'NaN', wanted finite numbers"),
        (json.dumps(GOOD).replace("0.4, 0.1", "1e999, 0.1"), r"x.json: bodies\[0\].half\[0\]: found Infinity, wanted"),
        (json.dumps(GOOD).replace('"size": "s"', '"size": "s", "size": "m"'), "x.json: .*'size' twice"),
        (json.dumps(GOOD).replace("0.4, 0.1", "9" * 5000 + ", 0.1"), "x.json"),
    ],
)
def test_broken_texts_are_named(text, message):
    with pytest.raises(InputError, match=message):
        level_file.parse(text, "x.json")


def test_broken_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"gone.json: found 'no such file"):
        level_file.read(tmp_path / "gone.json")
    with pytest.raises(InputError, match="found 'is a directory'"):
        level_file.read(tmp_path)
    large = tmp_path / "large.json"
    large.write_text(json.dumps(GOOD) + " " * 70000)
    with pytest.raises(InputError, match=r"large.json: found 'more than 64 KiB'"):
        level_file.read(large)
    large.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        level_file.read(large)


def test_a_refused_level_leaves_no_file(tmp_path):
    with pytest.raises(InputError, match=r"2 polygons.*size s"):
        level_file.write(rich_level(), tmp_path / "rich.json", "rich", "", "s")
    with pytest.raises(InputError, match="Level"):
        level_file.write(jax.tree.map(lambda leaf: leaf[..., None], rich_level()), tmp_path / "rich.json", "rich", "", "m")
    assert list(tmp_path.iterdir()) == []
