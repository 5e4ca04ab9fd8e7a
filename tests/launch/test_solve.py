"""`launch.solve` as a person types it."""

import pytest

from envs import holdout, level_file, search
from envs.sizes import capacity
from launch import cli, solve
from physics.errors import InputError

FEW = ["--players", "64"]  # as the other tests of the search, whose program serves again


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    monkeypatch.setattr(cli, "cache_compilations", lambda: None)


def test_a_level_without_solution_gets_one_that_can_be_replayed_and_seen(capsys, tmp_path):
    drawn = tmp_path / "mine.json"
    model = level_file.read_model(holdout.path("s/lift_off")).model_copy(update={"solution": None, "name": "mine"})
    level_file.write_model(model, drawn)
    clip = tmp_path / "clip.gif"
    assert solve.main([str(drawn), *FEW, "--out", str(drawn), "--clip", str(clip)]) == 0
    assert f"{drawn}: solved in " in capsys.readouterr().out
    assert clip.read_bytes()[:6] == b"GIF89a"
    solved = level_file.read_model(drawn)
    assert solved.model_copy(update={"solution": None}) == model
    actions = level_file.expand(solved.solution or [])
    assert search.steadiness(level_file.to_level(solved, capacity("s")), actions, "s", players=64) >= search.STEADY


def test_none_found_is_said_with_the_budget_and_status_1(capsys, tmp_path):
    out = tmp_path / "out.json"
    far = tmp_path / "far.json"
    model = level_file.read_model(holdout.path("s/unicycle_left"))
    still = [body.model_copy(update={"fixed": True}) for body in model.bodies]
    level_file.write_model(model.model_copy(update={"bodies": still, "solution": None}), far)
    assert solve.main([str(far), *FEW, "--rounds", "2", "--out", str(out)]) == 1
    assert "no solution in 128 attempts" in capsys.readouterr().out
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "LEVEL"),
        (["s/lift_of"], "Did you mean s/lift_off"),
        (["s", "--out", "x.json"], "--out and --clip: found '16 levels', wanted one level"),
        (["s/lift_off", "--clip", "x.avi"], "suffix"),
        (["s/lift_off", "--players", "3"], "players: found 3"),
    ],
)
def test_what_makes_no_sense_is_one_error(words, message):
    with pytest.raises(InputError, match=message):
        solve.main(words)
