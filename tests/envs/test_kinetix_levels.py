"""The published levels are taken out of the package, all or none; and found by name with ours, files and folders."""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from envs import holdout, kinetix_file, kinetix_levels
from envs.sizes import capacity
from physics.errors import InputError
from tests.envs.kinetix_documents import document

LEVEL = json.dumps(document())
COUNTS = {"s": 10, "m": 24, "l": 40}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FULCRUM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make_wheel(folder: Path, without: Sequence[str] = (), text: str = LEVEL) -> tuple[Path, str]:
    """A package with every level and some more files, and its checksum."""
    wheel = folder / "kinetix_env-3.0.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for id in kinetix_levels.ids():
            if id not in without:
                archive.writestr(id.replace("kinetix/", "kinetix/levels/") + ".json", text)
        archive.writestr("kinetix/__init__.py", "raise SystemExit")
        archive.writestr("kinetix/levels/s/another.json", text)
        archive.writestr("../outside.json", text)
    return wheel, hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_names_are_those_of_the_published_evaluation():
    assert {size: len(kinetix_levels.ids(size)) for size in COUNTS} == COUNTS
    assert len(set(kinetix_levels.ids())) == 74
    assert {"kinetix/s/h0_weak_thrust", "kinetix/m/arm_hard", "kinetix/l/rail"} <= set(kinetix_levels.ids())


def test_exactly_the_levels_are_unpacked(tmp_path, cache):
    wheel, checksum = make_wheel(tmp_path)
    assert not kinetix_levels.present()
    folder = kinetix_levels.unpack(wheel, checksum)
    assert kinetix_levels.present()
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.json")) == sorted(
        id.removeprefix("kinetix/") + ".json" for id in kinetix_levels.ids()
    )
    assert not (tmp_path / "outside.json").exists()
    assert [path.name for path in cache.iterdir()] == [folder.name]


def test_unpacking_again_mends_what_was_there(tmp_path, cache):
    wheel, checksum = make_wheel(tmp_path)
    folder = kinetix_levels.unpack(wheel, checksum)
    (folder / "s" / "h0_weak_thrust.json").write_text("broken")
    (folder / "strange").write_text("")
    kinetix_levels.unpack(wheel, checksum)
    assert kinetix_levels.path("kinetix/s/h0_weak_thrust").read_text() == LEVEL
    assert not (folder / "strange").exists()
    assert [path.name for path in cache.iterdir()] == [folder.name]


@pytest.mark.parametrize(
    ("wheel", "message"),
    [
        (lambda folder: (folder / "gone.whl", ""), "gone.whl: found 'no such file"),
        (lambda folder: (make_wheel(folder)[0], "0" * 64), "found 'SHA-256 .*, wanted 000.*Only the published wheel"),
        (lambda folder: make_wheel(folder, ["kinetix/l/gears"]), "kinetix/levels/l/gears.json: found 'no such file in it'"),
        (lambda folder: make_wheel(folder, text=" " * (2 << 20)), "h0_weak_thrust.json: found '2097152 bytes', wanted at most"),
    ],
)
def test_a_wrong_package_leaves_nothing(wheel, message, tmp_path, cache):
    path, checksum = wheel(tmp_path)
    with pytest.raises(InputError, match=message):
        kinetix_levels.unpack(path, checksum)
    assert not cache.exists() or list(cache.iterdir()) == []


def test_the_checksum_is_wanted_unless_told_otherwise(tmp_path):
    with pytest.raises(InputError, match=f"wanted {kinetix_levels.WHEEL_SHA256}"):
        kinetix_levels.unpack(make_wheel(tmp_path)[0])


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    wheel = tmp_path / "x.whl"
    wheel.write_text("no archive")
    with pytest.raises(InputError, match="no wheel"):
        kinetix_levels.unpack(wheel, hashlib.sha256(wheel.read_bytes()).hexdigest())


def test_levels_that_are_not_here_say_how_to_get_them():
    assert holdout.names("kinetix/s") == kinetix_levels.ids("s")
    for wanted in ("kinetix/s/h0_weak_thrust", "kinetix", "kinetix/m"):
        with pytest.raises(InputError, match=r"Fetch them once: python -m launch\.levels import-kinetix"):
            holdout.load([wanted], capacity("l"))
    with pytest.raises(InputError, match="Did you mean kinetix/s/h0_weak_thrust"):
        holdout.path("kinetix/s/h0_weak_thrus")


def test_groups_and_ids_are_loaded_beside_ours(tmp_path):
    kinetix_levels.unpack(*make_wheel(tmp_path))
    ids, levels = holdout.load(["kinetix/s", "s/lift_off", "kinetix/m/arm_up"], capacity("m"))
    assert ids == [*kinetix_levels.ids("s"), "s/lift_off", "kinetix/m/arm_up"]
    assert levels.role.shape == (5, 12)
    assert (holdout.size_of("kinetix/m/arm_up"), holdout.size_of("s/lift_off"), holdout.size_of("my/s.json")) == ("m", "s", "")


def test_files_and_folders_are_levels_too(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "b.json").write_text(holdout.path("s/lift_off").read_text())
    (folder / "a.json").write_text(LEVEL)
    (folder / "notes.txt").write_text("no level")
    ids, levels = holdout.load([str(folder), str(folder / "b.json")], capacity("s"))
    assert ids == [str(folder / name) for name in ("a.json", "b.json", "b.json")]
    assert levels.role.T.tolist()[0] == kinetix_file.read(folder / "a.json").level.role.tolist()
    assert holdout.find(str(folder / "b.json")).model is not None
    assert holdout.find(str(folder / "a.json")).model is None
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no file that ends in"):
        holdout.load([str(tmp_path / "empty")], capacity("s"))
    with pytest.raises(InputError, match=r"gone\.json: found 'no such file"):
        holdout.load([str(tmp_path / "gone.json")], capacity("s"))
    (folder / "c.json").write_text("{}")
    with pytest.raises(InputError, match=r"c\.json: format"):
        holdout.load([str(folder)], capacity("s"))


def test_an_agent_gets_the_levels_that_fit_it(tmp_path):
    kinetix_levels.unpack(*make_wheel(tmp_path))
    assert holdout.choose("shipped", "s") == holdout.names("s")
    assert holdout.choose("kinetix", "s") == kinetix_levels.ids("s")
    assert holdout.choose("kinetix", "l") == kinetix_levels.ids()
    assert holdout.choose("s/lift_off, kinetix/s", "m") == ["s/lift_off", *kinetix_levels.ids("s")]
    for wanted in ("kinetix/m", "kinetix/m/arm_up"):
        with pytest.raises(InputError, match=r"found 'kinetix/m/.*wanted one that fits an agent of size s"):
            holdout.choose(wanted, "s")
    with pytest.raises(InputError, match="at least one"):
        holdout.choose(" , ", "s")
    with pytest.raises(InputError, match=r"found 'lift_off'.*Did you mean s/lift_off"):
        holdout.choose("lift_off", "s")


def test_the_smallest_size_that_has_room_is_found(tmp_path):
    (tmp_path / "x.json").write_text(LEVEL)
    assert holdout.size_for(holdout.find(str(tmp_path / "x.json")).level) == "s"
    assert holdout.size_for(holdout.find(str(tmp_path / "x.json"), capacity("m")).level) == "m"
