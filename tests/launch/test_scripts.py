"""The scripts for clusters: what can be said without one, and a job from a clean clone on one that is started for it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cluster.tracker import read_lines
from tests.tiny import WORDS

SCRIPTS = ("local_cluster.sh", "ray_job.sh", "single_gpu.sh")


def _run(command: list[str], cwd: Path, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=1500, check=False)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clean clone whose environment is this one, so that nothing is installed."""
    place = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", os.getcwd(), str(place)], check=True)
    programs = place / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "ray"):
        target = sys.executable if name == "python" else str(Path(sys.executable).with_name("ray"))
        (programs / name).write_text(f'#!/bin/sh\nexec "{target}" "$@"\n')
        (programs / name).chmod(0o755)
    stamp = subprocess.run("cksum < pyproject.toml", shell=True, cwd=place, capture_output=True, text=True, check=True).stdout.strip()
    (place / ".venv" / "installed-cluster").write_text(stamp + "\n")
    return place


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_can_be_parsed_and_run(name):
    path = Path("launch") / name
    assert os.access(path, os.X_OK)
    assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0
    assert "ray stop" not in path.read_text(), "it would end every cluster of the machine"


@pytest.mark.parametrize("script", ["local_cluster.sh", "ray_job.sh"])
def test_a_script_without_words_says_what_it_takes(script):
    done = _run([f"launch/{script}"], Path.cwd())
    assert done.returncode == 2
    assert f"./launch/{script} " in done.stdout


def test_a_cluster_that_does_not_run_is_said(clone, tmp_path):
    nowhere = {"FULCRUM_CLUSTER": str(tmp_path / "nowhere"), "RAY_ADDRESS": ""}
    assert _run(["launch/local_cluster.sh", "status"], clone, **nowhere).returncode == 1
    stopped = _run(["launch/local_cluster.sh", "stop"], clone, **nowhere)
    assert (stopped.returncode, stopped.stdout) == (0, f"no cluster runs in {tmp_path / 'nowhere'}\n")
    job = _run(["launch/ray_job.sh", "configs/cluster/laptop.yaml"], clone, **nowhere)
    assert job.returncode == 1
    assert "FAILED: no cluster: set RAY_ADDRESS" in job.stderr


def test_settings_of_a_job_are_checked_before_anything_is_uploaded(clone):
    """Nothing listens at the address: it is not asked."""
    job = _run(["launch/ray_job.sh", "configs/cluster/laptop.yaml", "run.wrlds=1"], clone, RAY_ADDRESS="http://127.0.0.1:1")
    assert job.returncode == 2
    assert job.stderr.strip() == "error: there is no setting 'run.wrlds' ('run.wrlds=1'). Did you mean run.worlds?"


def test_what_a_job_uploads_is_small(clone):
    left_out = [line.strip("/") for line in (clone / ".rayignore").read_text().split() if line.endswith("/")]
    files = subprocess.run(["git", "ls-files"], cwd=clone, capture_output=True, text=True, check=True).stdout.split()
    suffixes = (".png", ".gif")
    sent = [clone / name for name in files if name.split("/")[0] not in left_out and not name.endswith(suffixes)]
    assert sum(path.stat().st_size for path in sent) < 5 * 2**20
    assert clone / "configs" / "cluster" / "laptop.yaml" in sent


@pytest.mark.ray
@pytest.mark.parametrize("backend", ["local", "ray"])
def test_a_job_from_a_clean_clone_ends_well_with_its_events_and_checkpoint_in_place(clone, backend):
    pytest.importorskip("ray")
    folder = tempfile.mkdtemp(prefix="fc")  # short: Ray puts sockets below it
    place = {"FULCRUM_CLUSTER": folder, "RAY_ADDRESS": ""}
    try:
        started = _run(["launch/local_cluster.sh", "start", "--num-cpus", "4", "--object-store-memory", "100000000"], clone, **place)
        assert started.returncode == 0, started.stdout + started.stderr
        _without_token(folder, clone)
        words = [word for word in WORDS if not word.startswith("run.devices")]
        more = ["run.name=job", "run.total_steps=256", f"cluster.backend={backend}"]
        job = _run(["launch/ray_job.sh", "configs/cluster/laptop.yaml", *words, *more], clone, **place)
        assert job.returncode == 0, job.stdout[-4000:] + job.stderr[-2000:]
        assert "succeeded" in job.stdout + job.stderr
        run = clone / "runs" / "job"
        assert list((run / "tensorboard").glob("events*"))
        assert (run / "checkpoints" / "4").is_dir()
        assert [row["iteration"] for row in read_lines(run / "metrics.jsonl") if "kl" in row] == [1, 2, 3, 4]
        failing = _run(["launch/ray_job.sh", "configs/cluster/laptop.yaml", "run.worlds=63", "cluster.backend=local"], clone, **place)
        assert failing.returncode == 1, "the job's failure is the script's"
    finally:
        _run(["launch/local_cluster.sh", "stop"], clone, **place)
        shutil.rmtree(folder, ignore_errors=True)


def _without_token(folder: str, clone: Path) -> None:
    """Who does not have the token of a cluster is told so, in one line, before anything is written."""
    address = re.search(r"cluster\.address=(\S+)", (Path(folder) / "env.sh").read_text())
    assert address
    words = ["configs/cluster/laptop.yaml", f"cluster.address={address[1]}", "run.name=stranger"]
    done = _run([sys.executable, "-m", "launch.train", *words], clone, RAY_AUTH_MODE="", RAY_AUTH_TOKEN_PATH="")
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"error: Ray cluster at {address[1]}: found 'something that does not let this process in")
    assert "Set RAY_AUTH_MODE=token" in last
    assert not (clone / "runs" / "stranger").exists()
