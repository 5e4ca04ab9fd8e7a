"""Runs of the tiny size on a Ray cluster of their own, as a person starts them."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.tracker import read_lines
from tests.tiny import WORDS

TIMED = ("seconds", "steps_per_second")
RAY = ["cluster.backend=ray", "cluster.platform=cpu", "cluster.actor_cpus=0.1", "cluster.store_megabytes=200"]
SPLIT = [*RAY, "cluster.workers=2", "cluster.learner_devices=2"]


@contextmanager
def place() -> Iterator[dict[str, str]]:
    """Environment with a short folder for Ray, as the paths of its sockets may not be long; two CPU devices for a local run."""
    folder = tempfile.mkdtemp(prefix="fr", dir="/tmp")
    flags = "--xla_force_host_platform_device_count=2"
    own = {
        "RAY_TMPDIR": folder,
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": flags,
        "PYTHONPATH": os.getcwd(),
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    }
    try:
        yield {**os.environ, **own}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Run:
    """A run in a process of its own."""

    def __init__(self, folder: Path, env: dict[str, str], *words: str) -> None:
        self.folder = folder
        self._env = env
        self._words = [*WORDS, f"run.folder={folder.parent}", f"run.name={folder.name}", *words]
        self.process: subprocess.Popen | None = None

    def start(self, *words: str) -> "Run":
        """As if typed anew; with `--resume` if it had been started."""
        begun = (self.folder / "config.yaml").exists()
        typed = ["--resume", str(self.folder), *words] if begun else [*self._words, *words]
        self._out = (self.folder.parent / f"{self.folder.name}.out").open("a")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "launch.train", *typed],
            stdout=self._out,
            stderr=subprocess.STDOUT,
            env=self._env,
            start_new_session=True,
        )
        return self

    def finish(self, seconds: float = 900) -> int:
        """Its exit status."""
        assert self.process
        return self.process.wait(seconds)

    def end(self) -> None:
        """Whatever it does."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def said(self) -> str:
        """What it printed, all starts together."""
        return (self.folder.parent / f"{self.folder.name}.out").read_text()

    def rows(self, name: str = "metrics.jsonl") -> list[dict]:
        """Metrics, or events."""
        path = self.folder / name
        return read_lines(path) if path.exists() else []

    def iteration(self) -> int:
        """The newest that is noted."""
        return max((row["iteration"] for row in self.rows() if "kl" in row), default=0)

    def until(self, what: str, holds: Callable[[], bool], seconds: float = 600) -> float:
        """Wait, and how long it took."""
        begun = time.monotonic()
        assert self.process
        while not holds():
            assert self.process.poll() is None, f"the run ended before {what}: {self.said()[-3000:]}"
            assert time.monotonic() - begun < seconds, f"not {what} in {seconds} s: {self.said()[-3000:]}"
            time.sleep(0.05)
        return time.monotonic() - begun

    def processes(self) -> dict[str, int]:
        """Process of every role, by what the run said when it started it last."""
        found = {}
        for row in self.rows("events.jsonl"):
            if row["what"] == "started":
                found |= dict.fromkeys(row["role"].split(" + "), row["process"])
        return found


def comparable(rows: list[dict]) -> list[dict]:
    """Rows in the order of iterations, without what takes its time from a clock."""
    kept = [{name: value for name, value in row.items() if name not in TIMED and not name.startswith("cluster/")} for row in rows]
    return sorted(kept, key=lambda row: (row["iteration"], "kl" not in row))
