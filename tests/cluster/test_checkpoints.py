"""Checkpoints as an operator relies on them: what is kept, what a damaged one does, what a disk that refuses does."""

import functools
import logging
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from cluster import local, stored
from cluster.base import CheckpointConfig, Progress
from cluster.checkpoint import Checkpoints
from cluster.tracker import read_lines
from physics.errors import InputError
from tests.tiny import WORDS, settings, supervisor


def _state(value: float) -> dict:
    return {"numbers": jnp.full((64,), value, jnp.float32), "key": jax.random.key(int(value))}


def _made(folder: Path, config: CheckpointConfig, iterations: list[int]) -> Checkpoints:
    checkpoints = Checkpoints(folder, config)
    for iteration in iterations:
        checkpoints.save(_state(iteration), Progress(iteration=iteration))
        checkpoints.wait()
    return checkpoints


def _kept(folder: Path) -> list[int]:
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def _break(folder: Path, iteration: int) -> None:
    for file in [path for path in (folder / str(iteration)).rglob("*") if path.is_file()]:
        file.write_bytes(b"broken")


def test_the_newest_the_best_and_every_fourth_are_kept(tmp_path):
    config = CheckpointConfig(every=1, keep=2, keep_every=4, best="evaluate/handmade")
    checkpoints = Checkpoints(tmp_path, config)
    scores = {1: 0.1, 2: 0.6, 3: 0.3, 6: 0.6, 7: 0.2}  # the first of two that are equally good stays
    for iteration in range(11):
        progress = Progress(iteration=iteration)
        if iteration in scores:
            checkpoints.note(progress, {"evaluate/handmade": scores[iteration], "evaluate/random": 1.0})
        checkpoints.save(_state(iteration), progress)
        checkpoints.wait()
    assert _kept(tmp_path) == [0, 2, 4, 8, 9, 10]
    checkpoints.close()
    later = Checkpoints(tmp_path, config)  # scores are known to a run that goes on
    later.note(Progress(iteration=9), {"evaluate/handmade": 0.5})
    later.save(_state(11), Progress(iteration=11))
    later.wait()
    assert _kept(tmp_path) == [0, 2, 4, 8, 10, 11]
    later.close()


def test_the_best_and_any_other_can_be_read(tmp_path):
    checkpoints = _made(tmp_path, CheckpointConfig(keep=3, best="evaluate/random"), [])
    for iteration, score in ((1, 0.2), (2, 0.9), (3, 0.4)):
        checkpoints.note(Progress(iteration=iteration), {"evaluate/random": score})
        checkpoints.save(_state(iteration), Progress(iteration=iteration))
    checkpoints.close()
    for which, iteration in (("newest", 3), ("best", 2), ("1", 1)):
        state, progress = checkpoints.restore(_state(0), which)
        assert progress.iteration == iteration
        assert state["numbers"].tolist() == [iteration] * 64


@pytest.mark.parametrize("which", ["best", "7", "-1", "last"])
def test_a_checkpoint_that_is_not_there_is_a_clear_error(which, tmp_path):
    checkpoints = _made(tmp_path, CheckpointConfig(), [1, 2])
    checkpoints.close()
    with pytest.raises(InputError, match=rf"found '{which}', wanted one of 2, 1"):
        checkpoints.restore(_state(0), which)


def test_an_evaluation_that_comes_after_its_checkpoint_still_counts(tmp_path):
    checkpoints = _made(tmp_path, CheckpointConfig(keep=1, best="evaluate/random"), [1])
    checkpoints.note(Progress(iteration=1), {"evaluate/random": 0.9})
    for iteration in (2, 3):
        checkpoints.save(_state(iteration), Progress(iteration=iteration))
    checkpoints.close()
    assert _kept(tmp_path) == [1, 3]


def test_a_checkpoint_is_due_by_iterations_by_minutes_and_when_nothing_was_as_good(tmp_path):
    checkpoints = Checkpoints(tmp_path, CheckpointConfig(every=10, minutes=2, best="evaluate/random"))
    due = lambda iteration, seconds: checkpoints.due(Progress(iteration=iteration, seconds=seconds))  # noqa: E731
    assert [due(iteration, 0) for iteration in (9, 10, 11, 20)] == [False, True, False, True]
    assert [checkpoints.following(Progress(iteration=iteration)) for iteration in (9, 10)] == [10, 20]
    assert [due(11, seconds) for seconds in (119, 120)] == [False, True]
    checkpoints.save(_state(11), Progress(iteration=11, seconds=120))
    assert [due(12, seconds) for seconds in (130, 239, 240)] == [False, False, True]
    checkpoints.note(Progress(iteration=13), {"evaluate/random": 0.5})
    checkpoints.note(Progress(iteration=14), {"evaluate/random": 0.4})
    assert [due(iteration, 130) for iteration in (13, 14)] == [True, False]
    checkpoints.close()


def test_what_is_donated_after_save_is_saved_as_it_was(tmp_path):
    add = functools.partial(jax.jit, donate_argnums=0)(lambda x: x + 1)
    checkpoints, value = Checkpoints(tmp_path, CheckpointConfig(keep=9)), jnp.zeros((512, 1024))
    begin = value
    for iteration in range(4):
        checkpoints.save({"value": value}, Progress(iteration=iteration))
        value = add(value)  # while it is written
    assert begin.is_deleted()
    checkpoints.close()
    found, _ = Checkpoints(tmp_path, CheckpointConfig()).restore({"value": value})
    assert set(np.unique(found["value"])) == {3.0}
    assert float(value[0, 0]) == 4.0


def test_a_damaged_newest_checkpoint_falls_back_with_a_warning_and_is_set_aside(tmp_path, caplog):
    _made(tmp_path, CheckpointConfig(), [1, 2, 3]).close()
    _break(tmp_path, 3)
    checkpoints = Checkpoints(tmp_path, CheckpointConfig())
    with caplog.at_level(logging.WARNING, "fulcrum"):
        state, progress = checkpoints.restore(_state(0))
    assert progress.iteration == 2
    assert checkpoints.damaged == [3]
    np.testing.assert_array_equal(state["numbers"], np.full(64, 2.0, np.float32))
    assert bool(jax.random.key_data(state["key"]).tolist() == jax.random.key_data(jax.random.key(2)).tolist())
    (warning,) = [record.getMessage() for record in caplog.records if record.name == "fulcrum"]
    assert f"{tmp_path / '3'} is damaged" in warning
    assert "going on from checkpoint 2" in warning
    assert _kept(tmp_path) == [1, 2, 3], "who reads changes nothing"
    checkpoints.save(_state(30), Progress(iteration=3))
    checkpoints.close()
    assert (tmp_path / "3.damaged" / "state").is_dir()
    state, progress = Checkpoints(tmp_path, CheckpointConfig()).restore(_state(0))
    assert (progress.iteration, float(state["numbers"][0])) == (3, 30.0)


def test_only_damaged_checkpoints_are_a_clear_error(tmp_path):
    _made(tmp_path, CheckpointConfig(), [1, 2]).close()
    for iteration in (1, 2):
        _break(tmp_path, iteration)
    with pytest.raises(InputError, match=r"2 cannot be read \(.*\), nor can 1. If the code has changed.*start the run anew"):
        Checkpoints(tmp_path, CheckpointConfig()).restore(_state(0))
    assert _kept(tmp_path) == [1, 2]


def test_half_written_checkpoints_are_left_to_whoever_writes(tmp_path):
    """An evaluation that reads beside a training must not take away what is being written."""
    _made(tmp_path, CheckpointConfig(), [1]).close()
    half = tmp_path / "2.orbax-checkpoint-tmp"
    half.mkdir()
    _, progress = Checkpoints(tmp_path, CheckpointConfig()).restore(_state(0))
    assert progress.iteration == 1
    assert half.is_dir()
    _made(tmp_path, CheckpointConfig(), [3]).close()
    assert not half.exists()


def test_too_little_room_is_said_before_anything_is_written(tmp_path, monkeypatch):
    checkpoints = _made(tmp_path, CheckpointConfig(), [1])
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**30, 2**30, 2**20))
    with pytest.raises(
        InputError, match=r"cannot be written \(the disk has 1.0 MiB free, a checkpoint takes 4.0 MiB\). .*checkpoint 1 is whole"
    ):
        checkpoints.save({"large": np.zeros((1024, 1024), np.float32)}, Progress(iteration=2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1"]


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path):
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    with pytest.raises(InputError, match=r"checkpoints cannot be written \(.*Error.*\). Make room.*choose another run.folder"):
        Checkpoints(tmp_path / "checkpoints", CheckpointConfig()).save(_state(1), Progress(iteration=1))


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("only root can mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_fills_up_while_it_is_written_leaves_the_last_checkpoint(small_disk, monkeypatch):
    checkpoints = _made(small_disk / "c", CheckpointConfig(), [1])
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**40, 0, 2**40))  # somebody else fills it after the check
    noise = np.random.default_rng(0).random((1024, 1024), np.float32)
    checkpoints.save({"large": noise}, Progress(iteration=2))
    with pytest.raises(InputError, match=r"cannot be written \(.*No space left on device.*checkpoint 1 is whole"):
        checkpoints.wait()
    _, progress = Checkpoints(small_disk / "c", CheckpointConfig()).restore(_state(0))
    assert progress.iteration == 1


def test_a_state_of_two_devices_goes_on_with_one(tmp_path):
    """Two blocks of four worlds on two devices become one block of eight on one; every number is the same."""
    two, one = (settings(2, f"run.devices={devices}", f"run.block_worlds={8 // devices}") for devices in (2, 1))
    first = supervisor(tmp_path, local.build_roles(two), 2)
    first.begin()
    first._save()
    second = supervisor(tmp_path, local.build_roles(one), 2)
    second.restore()
    jax.tree.map(np.testing.assert_array_equal, *(jax.device_get(stored.plain(run.state())) for run in (first, second)))


def _train(devices: int, *words: str) -> str:
    flags = f"--xla_force_host_platform_device_count={devices}"
    env = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-m", "launch.train", *words], capture_output=True, text=True, timeout=600, env=env, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_run_of_four_devices_goes_on_with_two_and_then_with_one(tmp_path):
    words = [word for word in WORDS if not word.startswith(("run.devices", "run.block_worlds"))]
    assert "on 4 x cpu" in _train(4, *words, f"run.folder={tmp_path}", "run.name=a", "run.total_steps=128", "run.devices=4")
    assert "on 2 x cpu" in _train(2, "--resume", str(tmp_path / "a"), "run.total_steps=256", "run.devices=2")
    assert "on 1 x cpu" in _train(1, "--resume", str(tmp_path / "a"), "run.total_steps=384", "run.devices=0")
    rows = read_lines(tmp_path / "a" / "metrics.jsonl")
    assert [row["iteration"] for row in rows if "kl" in row] == [1, 2, 3, 4, 5, 6]
    assert yaml.safe_load((tmp_path / "a" / "config.yaml").read_text())["run"]["devices"] == 4, "as it began"
