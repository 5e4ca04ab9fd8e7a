"""A gang lives and dies together, and trains the numbers of one process with the same devices."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cluster import gang
from cluster.gang import Gang
from cluster.tracker import read_lines
from launch import config
from physics.errors import InputError
from tests.tiny import WORDS

GANG = [word for word in WORDS if not word.startswith("run.devices")]
FOREVER = "import time; time.sleep(600)"


def _python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def _gang(*starts: list[str], restarts: int = 5) -> tuple[int, list[str]]:
    """Exit status and what was said, of a gang whose processes run these programs, start by start."""
    said: list[str] = []
    tell = lambda what, role, cause: said.append(f"{what} {role} {cause}")  # noqa: E731
    status = Gang(lambda number, _: [_python(program) for program in starts[number]], restarts, said.append, tell).run()
    return status, said


def _gone(said: str) -> bool:
    return not any(Path(f"/proc/{number}").exists() for number in said.removeprefix("started as processes ").split(", "))


def test_all_that_end_well_are_done():
    status, said = _gang(["pass", "pass"])
    assert status == 0
    assert len(said) == 1


def test_where_one_is_lost_all_are_ended_and_begin_anew():
    killed = "import os; os.kill(os.getpid(), 9)"
    status, said = _gang([FOREVER, killed], ["import sys; sys.exit(3)", FOREVER], ["pass", "pass"])
    assert status == 0
    assert [line for line in said if "lost" in line] == [
        "lost process 1 signal 9",
        "process 1 was lost (signal 9); all are ended, and begin anew from the last checkpoint",
        "lost process 0 status 3",
        "process 0 was lost (status 3); all are ended, and begin anew from the last checkpoint",
    ]
    assert all(_gone(line) for line in said if line.startswith("started"))


def test_it_gives_up_in_the_end_and_at_once_where_something_given_is_wrong():
    failing = ["import sys; sys.exit(3)", FOREVER]
    assert _gang(failing, failing, restarts=1)[0] == 3
    status, said = _gang(["import sys; sys.exit(2)", FOREVER])
    assert status == 2
    assert not [line for line in said if "anew" in line]


def test_a_wish_to_stop_is_passed_on():
    program = f"""
from cluster.gang import Gang
child = "import os, signal, time; signal.signal(signal.SIGTERM, lambda *_: os._exit(0)); os.write(1, b'up\\\\n'); time.sleep(600)"
raise SystemExit(Gang(lambda *_: [[{sys.executable!r}, "-c", child]] * 2, 5, lambda _: None, print).run())
"""
    process = subprocess.Popen(_python(program), stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.getcwd()})
    assert process.stdout
    assert [process.stdout.readline() for _ in range(2)] == ["up\n"] * 2
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cluster.process=2"], "cluster.process: found 2, wanted less than cluster.processes = 2"),
        (["cluster.coordinator="], "cluster.coordinator: found '', wanted host:port"),
        (["run.name="], "run.name: found '', wanted a name"),
        (["run.devices=1"], "run.devices: found 1, wanted 0"),
        (["cluster.backend=ray"], "cluster.backend: found 'ray', wanted local"),
    ],
)
def test_a_gang_that_cannot_be_is_refused_before_it_is_joined(words, message):
    given = ["cluster.processes=2", "cluster.coordinator=127.0.0.1:1", "run.name=a", *words]
    with pytest.raises(InputError, match=message):
        gang.join(config.load(given))


def _environment(devices: int) -> dict[str, str]:
    return {**os.environ, "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}", "JAX_PLATFORMS": "cpu"}


def _command(what: list[str], devices: int) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", *what], env=_environment(devices), stdout=subprocess.PIPE, text=True)


def _numbers(folder: Path) -> list[dict]:
    rows = read_lines(folder / "metrics.jsonl")
    return [{name: value for name, value in row.items() if name not in ("seconds", "steps_per_second")} for row in rows]


@pytest.mark.slow
def test_two_processes_train_the_numbers_of_one_and_survive_the_loss_of_one(tmp_path):
    """Two processes with a device each, one of which is killed, beside one process with two devices."""
    place = [f"run.folder={tmp_path}", "run.total_steps=512", "checkpoint.keep=9"]
    alone = _command(["launch.train", *GANG, *place, "run.name=alone"], 2)
    assert alone.wait(timeout=900) == 0
    both = _command(["launch.gang", "2", *GANG, *place, "run.name=gang"], 1)
    assert both.stdout
    first = both.stdout.readline()
    assert first.startswith("gang: started as processes ")
    last = int(first.split(", ")[-1])
    deadline, metrics = time.monotonic() + 600, tmp_path / "gang" / "metrics.jsonl"
    while not (metrics.exists() and any(row["iteration"] >= 3 for row in read_lines(metrics))):
        assert both.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(last, signal.SIGKILL)
    out, _ = both.communicate(timeout=900)
    assert both.returncode == 0
    assert out.count("was lost (") == 1
    (event,) = read_lines(tmp_path / "gang" / "events.jsonl")
    assert (event["what"], event["role"], event["cause"]) == ("lost", "process 1", "signal 9")
    assert _numbers(tmp_path / "gang") == _numbers(tmp_path / "alone")
