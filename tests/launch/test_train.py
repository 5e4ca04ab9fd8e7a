"""The commands as a person types them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from cluster.tracker import read_lines
from envs import holdout
from launch import evaluate, export, play, train
from launch.levels import __main__ as levels
from learners import weights
from physics.errors import InputError
from tests.tiny import WORDS


def _command(*words: str, cwd=None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, timeout=300, cwd=cwd, env={**os.environ, "PYTHONPATH": os.getcwd()}
    )


def test_train_evaluate_play_from_start_to_end(tmp_path, monkeypatch):
    place = [f"run.folder={tmp_path}", "run.name=a"]
    assert train.main([*WORDS, *place, "run.total_steps=128"]) == 0
    run = tmp_path / "a"
    assert yaml.safe_load((run / "config.yaml").read_text())["run"]["worlds"] == 8
    rows = read_lines(run / "metrics.jsonl")
    assert [row["iteration"] for row in rows] == [0, 1, 2, 2]
    assert rows[-1].keys() >= {f"physics/{name}" for name in ("energy", "penetration", "joint_error", "broken_worlds")}
    assert rows[-1]["physics/broken_worlds"] == 0 < rows[-1]["physics/energy"]
    assert list((run / "tensorboard").glob("events*"))
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["0", "1", "2"]

    few = ["evaluate.attempts=2", "evaluate.random_levels=8", "evaluate.random_attempts=1"]
    assert evaluate.main([str(run), *few]) == 0
    _check_evaluation(run / "evaluation.json")
    events = EventAccumulator(str(run / "tensorboard" / "evaluate"))
    events.Reload()
    assert [event.step for event in events.Scalars("evaluate/shipped/greedy/random/s/success")] == [128]

    folder = tmp_path / "pool"
    assert levels.main(["pool", str(run), "--export", str(folder)]) == 0
    file = tmp_path / "agent.npz"
    assert export.main([str(run), "--out", str(file)]) == 0
    assert weights.load(file).params["params"]["critic_out"]["bias"] != 0, "it is 0 before training"
    assert evaluate.main([str(file), *few, f"holdout=s/lift_off,{folder}"]) == 0
    (measured,) = tmp_path.glob("agent-evaluation-*.json")
    of_file = json.loads(measured.read_text())
    assert of_file["trained"]["handmade"]["all"]["levels"] == 1 + len(list(folder.iterdir())) > 1
    assert of_file["env_steps"] == 128
    assert export.main([f"{run}@1", "--out", str(tmp_path / "older.npz")]) == 0
    assert weights.load(tmp_path / "older.npz").env_steps == 64

    clip = tmp_path / "clip.gif"
    assert play.main([str(run), "s/lift_off", "random:3", "--out", str(clip), "--width", "64"]) == 0
    assert clip.read_bytes()[:6] == b"GIF89a"
    clip.unlink()
    assert play.main([str(file), "s/lift_off", "--out", str(clip), "--width", "64"]) == 0
    assert clip.read_bytes()[:6] == b"GIF89a"

    with pytest.raises(InputError, match="a name that is free"):
        train.main([*WORDS, *place])
    with pytest.raises(InputError, match="keeps its settings"):
        train.main(["--resume", str(run), "ppo.clip=0.1"])
    assert train.main(["--resume", str(run)]) == 0  # finished: says so and changes nothing
    assert train.main(["--resume", str(run), "run.total_steps=192"]) == 0
    assert [row["iteration"] for row in read_lines(run / "metrics.jsonl")] == [0, 1, 2, 2, 3, 3]
    with pytest.raises(InputError, match="lift_off"):
        play.main([str(run), "s/lift_of", "--out", str(clip)])
    with pytest.raises(InputError, match="suffix"):
        play.main([str(run), "--out", "clip.avi"])
    with pytest.raises(InputError, match="only settings of the section evaluate"):
        evaluate.main([str(run), "env.size=m"])
    with pytest.raises(InputError, match=r"ends in \.npz"):
        export.main([str(run), "--out", "agent.bin"])
    with pytest.raises(InputError, match="no such file"):
        play.main(["none.npz", "--out", str(clip)])


def _check_evaluation(path: Path) -> None:
    found = json.loads(path.read_text())
    assert found["env_steps"] == 128
    columns = {name: found[name] for name in ("doing_nothing", "untrained", "greedy", "trained")}
    assert [column["handmade"]["attempts"] for column in columns.values()] == [1, 2, 1, 2]
    assert columns["doing_nothing"]["handmade"]["all"]["success"] == 0
    assert found["evaluate"]["random_sizes"] == "all"
    assert columns["trained"]["random"]["sizes"].keys() == {"s"}
    for column in columns.values():
        levels = column["handmade"]["levels"]
        assert [level["name"] for level in levels] == holdout.names("s")
        assert column["handmade"]["all"]["mean_length"] == pytest.approx(np.mean([level["mean_length"] for level in levels]))
        assert all(1 <= level["mean_length"] <= 12 for level in levels)


@pytest.mark.slow
def test_learning_that_breaks_down_ends_with_status_1_a_message_and_a_checkpoint(tmp_path, capsys):
    """Steps so long that their length overflows; there are four in an iteration."""
    words = ["optimizer.learning_rate=1e30", "run.max_skipped_updates=5", "run.total_steps=640", "evaluate.random_levels=0"]
    assert train.main([*WORDS, *words, f"run.folder={tmp_path}", "run.name=a"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "stopped at iteration 2: 8 gradient steps in a row were not finite, more than run.max_skipped_updates=5." in said
    assert "lower optimizer.learning_rate" in said
    rows = read_lines(tmp_path / "a" / "metrics.jsonl")
    assert [row["skipped_updates"] for row in rows if "kl" in row] == [4, 4]
    assert "evaluate/handmade" in rows[0].keys() - {"evaluate/random"}
    assert "evaluate/random" not in rows[0], "none were asked for"
    assert max(int(path.name) for path in (tmp_path / "a" / "checkpoints").iterdir()) == 2
    alone = ["evaluate.attempts=1", "evaluate.random_levels=0", "holdout=s/lift_off"]
    assert evaluate.main([str(tmp_path / "a"), *alone]) == 0
    assert "random" not in capsys.readouterr().out
    found = json.loads((tmp_path / "a" / "evaluation-s-lift_off.json").read_text())["trained"]
    assert found.keys() == {"handmade"}, "what was measured and nothing else"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ppo.minibatch_size=1000"], "ppo.minibatch_size: found 1000"),
        (["run.devices=99"], "run.devices: found 99"),
        (["run.worlds=255", "run.devices=2"], "run.worlds: found 255, wanted a multiple of the 2 devices"),
        (["run.block_worlds=100"], "run.block_worlds: found 100"),
        (["network.kind=flat"], "network.kind.*env.observation=flat"),
        (["--resume", "no_such_run"], "no run 'no_such_run'"),
        (["--unknown"], "unrecognized arguments"),
    ],
)
def test_impossible_runs_are_refused_before_anything_is_written(words, message, tmp_path):
    place = [] if "--resume" in words else [f"run.folder={tmp_path / 'runs'}"]
    with pytest.raises(InputError, match=message):
        train.main([*words, *place])
    assert not (tmp_path / "runs").exists()


def test_bad_input_ends_with_status_2_and_one_line():
    found = _command("launch.train", "ppo.minibatch_sze=1")
    assert found.returncode == 2
    assert found.stderr.strip().splitlines() == [
        "error: there is no setting 'ppo.minibatch_sze' ('ppo.minibatch_sze=1'). Did you mean ppo.minibatch_size?"
    ]


def test_help_lists_every_setting(capsys):
    assert train.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert "ppo.minibatch_size" in out
    assert "env.solver.sequential.iterations" in out
    assert "--resume" in out


def test_the_in_process_path_imports_no_ray():
    program = (
        "import sys, launch.train, launch.evaluate, launch.export, launch.play; print([m for m in sys.modules if m.split('.')[0] == 'ray'])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [0, 3])
def test_a_killed_run_goes_on_from_its_last_checkpoint(wanted, tmp_path):
    """SIGKILL once iteration `wanted` is on file, then resume: no iteration is missing and none is there twice."""
    run = tmp_path / "a"
    words = ["-m", "launch.train", *WORDS, f"run.folder={tmp_path}", "run.name=a", "run.total_steps=640000"]
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    metrics = run / "metrics.jsonl"
    deadline = time.monotonic() + 300
    while not (metrics.exists() and any(row["iteration"] >= wanted for row in read_lines(metrics))):
        assert process.poll() is None, "the run ended by itself"
        assert time.monotonic() < deadline, "the run never got there"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = read_lines(metrics)
    resumed = _command("launch.train", "--resume", str(run), "run.total_steps=640")
    assert resumed.returncode == 0, resumed.stderr
    rows = read_lines(metrics)
    trained = [row["iteration"] for row in rows if "kl" in row]
    assert trained == list(range(1, max(10, len(trained)) + 1))
    assert [row["env_steps"] for row in rows if "kl" in row] == [64 * i for i in trained]
    assert rows[0] == before[0] or wanted == 0
    seconds = [row["seconds"] for row in rows]
    assert seconds == sorted(seconds)


@pytest.mark.slow
def test_sigterm_stops_at_a_checkpoint_with_status_0(tmp_path):
    run = tmp_path / "a"
    words = ["-m", "launch.train", *WORDS, f"run.folder={tmp_path}", "run.name=a", "run.total_steps=640000", "checkpoint.every=1000"]
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
    metrics = run / "metrics.jsonl"
    while not (metrics.exists() and any(row["iteration"] >= 2 for row in read_lines(metrics))):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "--resume" in out
    last = max(int(path.name) for path in (run / "checkpoints").iterdir())
    assert last == read_lines(metrics)[-1]["iteration"] >= 2
