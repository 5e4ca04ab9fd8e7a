"""Measures say what they mean, on motion made by hand."""

import dataclasses
import json

import numpy as np
import pytest

from launch.benchmark import __main__ as benchmark
from launch.benchmark.quality import measures, scenes, table, trajectory
from launch.benchmark.quality.scene import HERTZ, Row, Scene
from launch.benchmark.quality.trajectory import Column, Trajectory
from physics.errors import InputError

SCENES = {one.name: one for one in scenes.everything()}


def still(one: Scene) -> Trajectory:
    """Nothing moves."""
    shape = (one.steps, len(one.bodies))
    pos = np.broadcast_to([body.at for body in one.bodies], (*shape, 2)).copy()
    angle = np.broadcast_to([body.angle for body in one.bodies], shape).copy()
    return Trajectory(pos, angle, np.zeros((*shape, 2)), np.zeros(shape))


def measured(name: str, done: Trajectory) -> dict[tuple[str, int], float]:
    one = SCENES[name]
    return {(row.measure, row.of): measures.value(one, done, row) for row in one.rows}


def test_scenes_have_names_of_their_own_and_stand_in_the_room():
    assert len(SCENES) == len(scenes.everything())
    for one in SCENES.values():
        assert all(-0.01 < body.at[0] < 5.01 and 0.4 < body.at[1] < 5 for body in one.bodies), one.name
        assert {joint.b for joint in one.joints} | {joint.a for joint in one.joints} <= set(range(-4, len(one.bodies)))


@pytest.mark.parametrize("name", ["stack_10", "pyramid", "slope_28", "chain", "double_pendulum", "limit"])
def test_what_does_not_move_is_not_wrong(name):
    found = measured(name, still(SCENES[name]))
    assert found == pytest.approx(dict.fromkeys(found, 0), abs=1e-9)


def test_bridge_sags_as_its_arc_does():
    found = measured("bridge", still(SCENES["bridge"]))
    assert found["sag", 0] == pytest.approx(2.5 / np.sin(0.7) * (1 - np.cos(0.7)))
    assert found["gap", 0] == pytest.approx(0, abs=1e-9)


def test_pile_is_measured_at_its_worst_moment():
    done = still(SCENES["stack_5"])
    done.pos[100, 2, 0] -= 0.3
    done.pos[200, 4, 1] -= 0.2
    done.angle[300, 0] += 0.1
    done.vel[-2, 1] = (3, 4)
    found = measured("stack_5", done)
    assert [found[key, 0] for key in ("drift", "sink", "tilt", "sway")] == pytest.approx([0.3, 0.2, 0.1, 5.0])


def test_pile_that_fell_does_not_count_as_standing_still():
    done = still(SCENES["stack_5"])
    done.angle[300:, 4] += 1.5
    assert measured("stack_5", done)["sway", 0] == float("inf")


def test_true_flight_has_no_error_and_keeps_its_energy():
    one = SCENES["flight"]
    time = np.arange(1, one.steps + 1)[:, None] / HERTZ
    done, start = still(one), np.array([body.vel for body in one.bodies])
    done.pos[:] += start * time[..., None] + np.array([0, -9.81]) * time[..., None] ** 2 / 2
    done.vel[:] = start + np.array([0, -9.81]) * time[..., None]
    done.omega[:] = [body.omega for body in one.bodies]
    done.angle[:] += done.omega * time
    assert measured("flight", done) == pytest.approx({("parabola", 0): 0, ("spin", 0): 0}, abs=1e-9)
    watched = dataclasses.replace(one, drop=(1.0, 1.0))
    assert measures.value(watched, done, Row("gained", "", "")) == pytest.approx(0, abs=1e-9)
    done.angle[30, 1] += 0.2 + 4 * np.pi
    done.pos[30, 0] += (0.3, 0.4)
    assert measured("flight", done) == pytest.approx({("parabola", 0): 0.5, ("spin", 0): 0.2})


def test_pendulum_that_turns_about_its_pin_has_no_gap():
    one, done = SCENES["pendulum"], still(SCENES["pendulum"])
    done.angle[:, 0] = -np.linspace(0, 1.5, one.steps)
    done.pos[:, 0] = np.array([2.5, 3.5]) + np.stack([np.cos(done.angle[:, 0]), np.sin(done.angle[:, 0])], 1)
    assert measured("pendulum", done)["gap", 0] == pytest.approx(0, abs=1e-9)
    done.pos[50, 0, 1] += 0.25
    assert measured("pendulum", done)["gap", 0] == pytest.approx(0.25)


def test_energy_is_a_share_of_what_falling_sets_free():
    done = still(SCENES["pendulum"])
    done.pos[-120:, 0, 1] -= 0.5  # half the way down, at rest
    done.vel[10, 0] = (0, np.sqrt(9.81 * 2 * 0.3))
    found = measured("pendulum", done)
    assert (found["lost", 0], found["gained", 0]) == pytest.approx((0.5, 0.3))


def test_rebound_is_the_top_of_the_first_rise():
    done = still(SCENES["bounce_0.5"])
    rest = 0.6
    done.vel[:, :, 1] = -1.0
    done.pos[50:60, 0, 1], done.vel[50:60, 0, 1] = np.linspace(rest, rest + 0.7, 10), 1.0
    done.pos[80:90, 0, 1], done.vel[80:90, 0, 1] = np.linspace(rest, rest + 0.9, 10), 1.0
    found = measured("bounce_0.5", done)
    assert (found["rebound", 0], found["rebound", 1]) == pytest.approx((0.7, 0.0))


def test_motor_settles_when_it_stays_near():
    done = still(SCENES["motor"])
    done.omega[:] = 6.3
    done.omega[:4, 0] = (0, 8, 5, 6.1)
    done.omega[20, 1] = 5.0
    found = measured("motor", done)
    assert (found["settling", 0], found["settling", 1]) == pytest.approx((4 / HERTZ, 22 / HERTZ))
    assert found["speed", 1] == pytest.approx(6.3)


def test_limit_is_measured_from_the_start_angle():
    done = still(SCENES["limit"])
    done.angle[:, 0] -= 0.4
    done.angle[5, 0], done.angle[-1, 0] = -0.7, 0.6
    found = measured("limit", done)
    assert (found["violation", 0], found["rest_violation", 0]) == pytest.approx((0.2, 0.1))


def test_walls_count_who_gets_through():
    done = still(SCENES["thin_wall_20"])
    assert measured("thin_wall_20", done)["through", 0] == 0
    done.pos[7, 1, 0] = 2.6
    assert measured("thin_wall_20", done)["through", 0] == pytest.approx(1 / 3)
    done = still(SCENES["room_wall_20"])
    done.pos[7, 1, 0], done.pos[-1, 2, 0] = 5.2, 5.1
    found = measured("room_wall_20", done)
    assert (found["outside", 0], found["depth", 0]) == pytest.approx((1 / 3, 0.25))


def test_momentum_of_even_motion_does_not_change():
    one = SCENES["collisions"]
    time = np.arange(1, one.steps + 1)[:, None, None] / HERTZ
    done = still(one)
    done.vel[:], done.omega[:] = [body.vel for body in one.bodies], [body.omega for body in one.bodies]
    done.pos[:] += done.vel * time
    assert measured("collisions", done) == pytest.approx({("momentum", 0): 0, ("angular_momentum", 0): 0}, abs=1e-9)
    done.omega[9, 0] += 1.0
    assert measured("collisions", done)["momentum", 0] == pytest.approx(0, abs=1e-9)
    assert measured("collisions", done)["angular_momentum", 0] > 1e-4


def test_motion_that_breaks_is_infinitely_wrong():
    done = still(SCENES["limit"])
    done.omega[3, 0] = np.nan
    assert measured("limit", done)["violation", 0] == float("inf")


def test_trajectories_survive_a_file(tmp_path):
    column = Column("made up", {"limit": still(SCENES["limit"])})
    trajectory.save(column, tmp_path / "x.npz")
    again = trajectory.load(tmp_path / "x.npz")
    assert (again.engine, list(again.trajectories)) == ("made up", ["limit"])
    np.testing.assert_array_equal(again.trajectories["limit"].pos, column.trajectories["limit"].pos)
    with pytest.raises(InputError, match="trajectories: found"):
        trajectory.load(tmp_path / "none.npz")


def test_table_leaves_out_what_an_engine_cannot_do():
    one, other = SCENES["limit"], SCENES["pendulum"]
    columns = [Column("A", {"limit": still(one), "pendulum": still(other)}), Column("B", {"limit": still(one)})]
    lines = list(table.show(table.compare([one, other], columns)))
    assert lines[0] == "| scene | measure | ideal | A | B |"
    assert lines[2] == "| joint limit | furthest past the limit, rad | 0 | 0 | 0 |"
    assert lines[-1].endswith("| 0 | - |")


def test_scenes_are_written_for_others(tmp_path, capsys):
    assert benchmark.main(["quality", f"scenes={tmp_path / 'scenes.json'}"]) == 0
    written = json.loads((tmp_path / "scenes.json").read_text())
    assert [one["name"] for one in written] == list(SCENES)
    assert written[0]["bodies"][0]["at"] == list(SCENES["stack_5"].bodies[0].at)
    assert not capsys.readouterr().out


def test_command_puts_engines_side_by_side(tmp_path, capsys, monkeypatch):
    motionless = {name: still(one) for name, one in SCENES.items()}
    monkeypatch.setattr(table.fulcrum, "run", lambda scenes, config, engine: Column(engine, motionless))
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    assert benchmark.main(["quality", "name=first", f"save={first}"]) == 0
    assert benchmark.main(["quality", "name=second", f"save={second}"]) == 0
    capsys.readouterr()
    assert benchmark.main(["quality", "name=third", f"trajectories={first},{second}", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == sum(len(one.rows) for one in SCENES.values())
    assert all(list(row)[3:] == ["third", "first", "second"] for row in rows)
    with pytest.raises(InputError, match="--profile"):
        benchmark.main(["quality", "--profile"])
