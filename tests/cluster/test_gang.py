"""A gang lives and dies together, and trains the numbers of one process with the same devices."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cluster import gang
from cluster import mesh as meshes
from cluster.base import CheckpointConfig, Progress
from cluster.checkpoint import Checkpoints
from cluster.gang import Gang, Here
from cluster.mesh import COPIED, SHARED
from cluster.tracker import read_lines
from launch import config, train
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
    status = Gang(lambda number, _: [_python(program) for program in starts[number]], Here(), restarts, said.append, tell).run()
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
from cluster.gang import Gang, Here
child = "import os, signal, time; signal.signal(signal.SIGTERM, lambda *_: os._exit(0)); os.write(1, b'up\\\\n'); time.sleep(600)"
raise SystemExit(Gang(lambda *_: [[{sys.executable!r}, "-c", child]] * 2, Here(), 5, lambda _: None, print).run())
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
        (["cluster.coordinator=host:many"], "cluster.coordinator: found 'host:many', wanted host:port"),
        (["cluster.coordinator=127.0.0.1:99999"], "cluster.coordinator: found '127.0.0.1:99999, where this machine cannot listen"),
        (["run.name="], "run.name: found '', wanted a name"),
        (["run.devices=1"], "run.devices: found 1, wanted 0"),
        (["cluster.backend=ray", "cluster.topology=colocated"], "cluster.backend: found 'ray', wanted local"),
    ],
)
def test_a_gang_that_cannot_be_is_refused_before_it_is_joined(words, message):
    given = ["cluster.processes=2", "cluster.coordinator=127.0.0.1:1", "run.name=a", *words]
    with pytest.raises(InputError, match=message):
        gang.join(config.load(given))


def test_a_port_that_is_taken_is_said_and_nothing_is_written(tmp_path):
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        given = ["cluster.processes=2", f"cluster.coordinator={place}", "run.name=a", f"run.folder={tmp_path}"]
        with pytest.raises(InputError, match=f"found '{place}, where this machine cannot listen .*wanted a port that is free"):
            train.start(config.load(given))
    assert not list(tmp_path.iterdir())


MEMBER = """
import sys
import jax, jax.numpy as jnp, numpy as np
from pathlib import Path
from cluster import gang, mesh as meshes
from cluster.base import CheckpointConfig, Progress
from cluster.checkpoint import Checkpoints
from cluster.mesh import COPIED, SHARED
from launch import config

number, coordinator, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
words = [f"cluster.process={number}", "cluster.processes=2", f"cluster.coordinator={coordinator}", "run.name=a", "cluster.wait_minutes=2"]
gang.join(config.load(words))
mesh = meshes.make()
assert mesh.size == 2 and jax.local_device_count() == 1
shared = meshes.put(np.arange(6.0, dtype=np.float32).reshape(2, 3), mesh, SHARED)
key = meshes.put(jax.random.key(7), mesh, COPIED)
step = meshes.over_devices(lambda x, k: x + jax.lax.psum(x, "devices") + jax.random.uniform(k), mesh, (SHARED, COPIED), SHARED)
copied, own = meshes.put(jnp.ones(3), mesh, COPIED), jnp.arange(4)
state = {"shared": step(shared, key), "copied": copied, "own": own, "numpy": np.arange(2), "key": key}
whole = meshes.fetch(state["shared"])
assert whole.shape == (2, 3)
assert meshes.fetch(meshes.put(state["shared"], mesh, COPIED)).tolist() == whole.tolist()
assert meshes.agreed(10.0 + number) == 10.0
assert meshes.any_of(number == 1) and not meshes.any_of(False)
checkpoints = Checkpoints(folder, CheckpointConfig())
checkpoints.save(state, Progress(iteration=3, seconds=1.5))
checkpoints.wait()
found, progress = Checkpoints(folder, CheckpointConfig()).restore(state)
assert progress.iteration == 3
assert found["shared"].sharding == state["shared"].sharding
assert meshes.fetch(found["shared"]).tolist() == whole.tolist()
assert found["own"].tolist() == [0, 1, 2, 3]
checkpoints.close()
"""


@pytest.mark.slow
def test_a_checkpoint_that_two_processes_wrote_together_is_read_by_one(tmp_path):
    """A shared, a copied and an own array, numpy and a key; in each process what it holds of them is checked as well."""
    coordinator = Here().coordinator()
    members = [
        subprocess.Popen(
            [sys.executable, "-c", MEMBER, str(number), coordinator, str(tmp_path)], env={**_environment(1), "PYTHONPATH": os.getcwd()}
        )
        for number in range(2)
    ]
    assert [member.wait(timeout=600) for member in members] == [0, 0]
    mesh, key = meshes.make(2), jax.random.key(7)
    like = {
        "shared": meshes.put(np.zeros((2, 3), np.float32), mesh, SHARED), "copied": meshes.put(np.zeros(3, np.float32), mesh, COPIED),
        "own": jnp.zeros(4, jnp.int32), "numpy": np.zeros(2, int), "key": jax.random.key(0),
    }  # fmt: skip
    found, progress = Checkpoints(tmp_path, CheckpointConfig()).restore(like)
    assert progress == Progress(iteration=3, seconds=1.5)
    begin = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(found["shared"], begin + begin.sum(0) + float(jax.random.uniform(key)), rtol=1e-6)
    assert jax.random.key_data(found["key"]).tolist() == jax.random.key_data(key).tolist()
    assert found["own"].tolist() == [0, 1, 2, 3]


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
    alone = _command(["launch.train", *WORDS, *place, "run.name=alone"], 2)
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
