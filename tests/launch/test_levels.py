"""`launch.levels` as a person types it."""

import json
import subprocess
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from envs import holdout, kinetix_file, kinetix_levels, kinetix_writer, level_file, pictures
from envs.base import Role
from envs.build import LevelBuilder
from envs.sizes import capacity
from launch import cli, evaluate, train
from launch.levels import __main__ as levels
from launch.levels import fetch, measure
from physics.errors import InputError
from tests.envs.kinetix_documents import document, joint

OURS = "s/past_the_mill"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FULCRUM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cli, "cache_compilations", lambda: None)  # compiled programs stay where all tests have them
    return tmp_path / "cache"


@pytest.fixture
def theirs(tmp_path) -> str:
    """A level file of Kinetix."""
    path = tmp_path / "Their-level 7.json"
    path.write_text(json.dumps(document()))
    return str(path)


def test_list_prints_a_level_a_line_with_its_id_first(capsys, theirs):
    assert levels.main(["list", "s", "kinetix/s", theirs]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [*holdout.names("s"), *kinetix_levels.ids("s"), theirs]
    assert "2 circles, 1 joint (1 motor), 1 thruster" in lines[-1]
    assert lines[-2].endswith("not fetched")
    assert levels.main(["list"]) == 0
    found = capsys.readouterr()
    assert len(found.out.splitlines()) == len(holdout.names())
    assert "import-kinetix" in found.err


def test_show_says_what_is_in_a_level(capsys, tmp_path):
    assert levels.main(["show", OURS]) == 0
    out = capsys.readouterr().out
    model = level_file.read_model(holdout.path(OURS))
    steps = sum(repeat for _, repeat in model.solution or [])
    for wanted in (
        OURS,
        model.description,
        "motor, runs by itself",
        "channel 0",
        f"{steps} steps",
        "immovable",
        "green",
        "gravity   (0, -9.81)",
    ):
        assert wanted in out, wanted
    file = tmp_path / "x.json"
    file.write_text(json.dumps(document(joint=[joint(is_fixed_joint=True)], gravity={"0": 0.0, "1": -1.0})))
    assert levels.main(["show", str(file)]) == 0
    out = capsys.readouterr().out
    for wanted in ("welded", "floor red, friction 0.5", "none recorded", "otherwise Gravity is (0, -1) m/s2", "turned 29 degrees"):
        assert wanted in out, wanted


def test_render_draws_a_sheet_with_a_legend(capsys, tmp_path, theirs):
    out = tmp_path / "sheet.png"
    assert levels.main(["render", OURS, theirs, "--out", str(out), "--width", "120"]) == 0
    assert "2 levels" in capsys.readouterr().out
    page = np.asarray(Image.open(out))
    assert page.shape[1] == 3 * 5 + 2 * 120  # two pictures and the gaps around them
    legend = pictures.legend(page.shape[1])
    np.testing.assert_array_equal(page[-len(legend) :], legend)
    colours = {tuple(colour) for colour in legend.reshape(-1, 3)}
    assert {colour for _, colour, _ in pictures.ENTRIES} <= colours
    for words, message in ((["--out", "x.gif"], "png"), (["--width", "8"], "--width"), (["--width", "5000"], "--width")):
        with pytest.raises(InputError, match=message):
            levels.main(["render", OURS, "--out", str(out), *words])


def test_validate_names_every_bad_file_and_fails(capsys, tmp_path, theirs):
    bad = tmp_path / "bad.json"
    bad.write_text('{"format": "fulcrum-level", "version": 3}')
    good = str(holdout.path(OURS))
    assert levels.main(["validate", good, theirs]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert levels.main(["validate", good, str(bad), theirs, "gone.json"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{good}: valid, 1 polygon")
    assert lines[1].startswith(f"{bad}: version: found 3")
    assert lines[2].startswith(f"{theirs}: valid")
    assert lines[3].startswith("gone.json: found 'no such file")
    assert levels.main(["validate", str(tmp_path)]) == 1


def test_export_writes_either_format(capsys, tmp_path, theirs):
    out = tmp_path / "out.json"
    assert levels.main(["export", OURS, "--format", "kinetix", "--out", str(out)]) == 0
    assert "by themselves" in capsys.readouterr().out
    level = level_file.read(holdout.path(OURS))
    np.testing.assert_allclose(kinetix_file.read(out).level.start.pos, level.start.pos)
    assert levels.main(["export", theirs, "--format", "fulcrum", "--out", str(out)]) == 0
    model = level_file.read_model(out)
    assert (model.name, model.size) == ("their_level_7", "s")
    back, wanted = level_file.to_level(model), kinetix_file.read(theirs).level
    for name in ("inverse_mass", "inverse_inertia", "friction", "collision"):
        np.testing.assert_allclose(getattr(back.scene.bodies, name), getattr(wanted.scene.bodies, name), rtol=1e-5)
    np.testing.assert_allclose(back.scene.joints.rest_angle, wanted.scene.joints.rest_angle, atol=1e-5)
    assert levels.main(["export", OURS, "--format", "fulcrum", "--out", str(out)]) == 0
    assert out.read_text() == holdout.path(OURS).read_text()
    with pytest.raises(InputError, match="--format"):
        levels.main(["export", OURS, "--format", "xml", "--out", str(out)])


def test_the_package_is_downloaded_once_and_nothing_is_installed(capsys, monkeypatch, cache):
    commands = []

    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess:
        commands.append(command)
        (Path(command[command.index("--dest") + 1]) / "kinetix_env-3.0.2-py3-none-any.whl").write_text("a wheel")
        return subprocess.CompletedProcess(command, 0, "", "")

    def unpack(wheel: Path) -> Path:
        assert wheel.read_text() == "a wheel"
        for id in kinetix_levels.ids():
            file = kinetix_levels.folder() / (id.removeprefix("kinetix/") + ".json")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(document()))
        return kinetix_levels.folder()

    monkeypatch.setattr(fetch.subprocess, "run", pip)
    monkeypatch.setattr(kinetix_levels, "unpack", unpack)
    assert levels.main(["import-kinetix"]) == 0
    assert levels.main(["import-kinetix"]) == 0
    assert len(commands) == 1
    assert commands[0][1:4] == ["-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "kinetix-env==3.0.2"} <= set(commands[0])
    assert "already in" in capsys.readouterr().out
    assert levels.main(["list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(holdout.names()) + 74


def test_a_download_that_fails_says_what_else_can_be_done(monkeypatch, tmp_path):
    refused = subprocess.CompletedProcess([], 1, "", "WARNING: retrying\nERROR: no network\n")
    monkeypatch.setattr(fetch.subprocess, "run", lambda *_, **__: refused)
    with pytest.raises(InputError, match=r"kinetix-env==3\.0\.2: found 'ERROR: no network'\. Download that wheel elsewhere.*--wheel FILE"):
        levels.main(["import-kinetix"])
    wrong = tmp_path / "x.whl"
    wrong.write_text("no wheel")
    with pytest.raises(InputError, match="SHA-256"):
        levels.main(["import-kinetix", "--wheel", str(wrong)])
    assert not kinetix_levels.present()


def test_check_counts_what_nothing_and_chance_solve(capsys, tmp_path, monkeypatch):
    """A ball that falls onto blue is solved whatever one does, one that falls beside it never."""
    for name, x in (("falls", 2.0), ("lies", 4.0)):
        builder = LevelBuilder(capacity("s"))
        builder.circle((x, 1.2), 0.2, role=Role.GREEN)
        builder.circle((2.0, 0.6), 0.2, role=Role.BLUE, fixed=True)
        kinetix_writer.write(builder.finish(), tmp_path / f"{name}.json")
    monkeypatch.setattr(measure, "WORLDS", 32)
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        words = ["check", str(tmp_path / "falls.json"), str(tmp_path / "lies.json"), OURS, "--attempts", "8"]
        assert levels.main(words) == 0
        plain = capsys.readouterr().out
        assert levels.main([*words, "--markdown"]) == 0
    finally:
        jax.config.update("jax_disable_most_optimizations", before)
    page = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()[2:]]
    assert page[-1][:2] == ["rockets", f"`{OURS}`"]
    assert page[-1][2] == "1 polygon, 2 circles, 1 joint (1 motor), 1 thruster"
    assert int(page[-1][3]) > 10
    assert sorted(row[4] for row in page[:2]) == ["0%", "100%"]
    rows = [line.split() for line in plain.splitlines()]
    assert rows[1][1:] == ["solves", "100.0%"]
    assert rows[2][1:] == ["-", "0.0%"]
    assert rows[3][:2] == [OURS, "-"]
    assert rows[4][:5] == ["size", "s", "1", "of", "3"]
    assert rows[5][:4] == ["all", "1", "of", "3"]
    with pytest.raises(InputError, match="--attempts"):
        levels.main(["check", "--attempts", "0"])


def test_rates_are_kept_apart_by_holdout():
    assert evaluate._file_name("shipped") == "evaluation.json"
    assert evaluate._file_name("kinetix/s,my levels/a.json") == "evaluation-kinetix-s-my-levels-a-json.json"
    assert evaluate._file_name("handmade") == "evaluation.json"


def test_training_refuses_levels_that_it_could_not_measure_on(tmp_path):
    for words, message in ((["evaluate.holdout=kinetix"], "import-kinetix"), (["evaluate.holdout=s/lift_of"], "Did you mean s/lift_off")):
        with pytest.raises(InputError, match=message):
            train.main([f"run.folder={tmp_path / 'runs'}", *words])
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("words", [[], ["sketch"], ["show"], ["show", "s/lift_of"], ["validate"], ["list", "kinetix/xl"]])
def test_what_makes_no_sense_is_one_error(words):
    with pytest.raises(InputError):
        levels.main(words)


def test_drawn_levels_are_files_that_say_how_to_draw_them_again(capsys, tmp_path):
    words = ["draw", "--near", OURS, "--count", "3", "--seed", "4"]
    assert levels.main([*words, "--folder", str(tmp_path / "near"), "--out", str(tmp_path / "near.png")]) == 0
    assert Image.open(tmp_path / "near.png").size[0] > 400
    assert levels.main([*words, "--folder", str(tmp_path / "again")]) == 0
    files = sorted((tmp_path / "near").glob("*.json"))
    assert [file.name for file in files] == ["near_4_0.json", "near_4_1.json", "near_4_2.json"]
    assert [file.read_text() for file in files] == [(tmp_path / "again" / file.name).read_text() for file in files]
    origins = [level_file.read_model(file).origin for file in files]
    assert all(origin and origin.parent == OURS and origin.seed == 4 for origin in origins)
    assert any(origin and origin.edits for origin in origins)
    capsys.readouterr()
    assert levels.main(["show", str(files[1])]) == 0
    assert f"origin    number 1 of seed 4; from {OURS} by " in capsys.readouterr().out
    with pytest.raises(InputError, match=r"--folder: found '.*near_4_0\.json, which is there already"):
        levels.main([*words, "--folder", str(tmp_path / "near")])
    for wrong, message in ((["--count", "0"], "--count"), (["--out", "x.gif"], "png"), (["generate.floor_rod=1"], "floor_red")):
        with pytest.raises(InputError, match=message):
            levels.main(["draw", *wrong])
