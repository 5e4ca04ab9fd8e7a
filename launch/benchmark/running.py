"""A run of launch.train in a process of its own, watched from outside, which can be frozen and go on."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from cluster.tracker import read_lines
from physics.errors import InputError

POLL_SECONDS = 0.1


class Running:
    """The processes of a run, that of Ray included if it has started one, and what it notes."""

    def __init__(self, name: str, process: subprocess.Popen, said: Path, metrics: Path) -> None:
        """`process` leads a session of its own."""
        self._name = name
        self._process = process
        self._said = said
        self._metrics = metrics

    def rows(self) -> list[dict]:
        """What is noted by now."""
        return read_lines(self._metrics) if self._metrics.exists() else []

    def wait_for(self, enough: Callable[[list[dict]], bool]) -> list[dict]:
        """What is noted, as soon as it is enough; an error if the run ends before."""
        while self._process.poll() is None:
            rows = self.rows()
            if enough(rows):
                return rows
            time.sleep(POLL_SECONDS)
        raise self.why()

    def why(self) -> Exception:
        """What it said as it ended."""
        text = self._said.read_text()
        if self._process.returncode == 2:
            return InputError(f"case {self._name}: {text.strip().splitlines()[-1].removeprefix('error: ')}")
        return RuntimeError(f"case {self._name} ended with status {self._process.returncode}:\n{text[-4000:]}")

    def freeze(self) -> None:
        """Stop all processes where they are."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def cpu_seconds(self) -> float:
        """Of all processes that live now."""
        return cpu_seconds(self._process.pid)

    def end(self) -> int:
        """Let the run leave by itself; it ends the cluster that it started. Its exit status."""
        self.thaw()
        self._process.terminate()
        return self._process.wait()

    def _signal(self, what: signal.Signals) -> None:
        for process in members(self._process.pid):
            with contextlib.suppress(ProcessLookupError):  # it has ended
                os.kill(process, what)


@contextlib.contextmanager
def started(name: str, words: Sequence[str], env: Mapping[str, str], folder: Path) -> Iterator[Running]:
    """`launch.train` with these words and environment, in `folder / name`.

    It is ended with the block; an error if it does not leave in peace.
    """
    command = [sys.executable, "-m", "launch.train", *words, f"run.folder={folder}", f"run.name={name}"]
    said = folder / f"{name}.out"
    with said.open("w") as out:  # a session of its own: it hears of Ctrl-C from here alone
        process = subprocess.Popen(command, stdout=out, stderr=out, env=dict(env), start_new_session=True)
    running = Running(name, process, said, folder / name / "metrics.jsonl")
    try:
        yield running
    finally:
        status = running.end()
    if status:
        raise running.why()


def cpu_seconds(session: int) -> float:
    """Of all processes of a session that live now: a run, and the Ray that it started."""
    ticks = sum(int(fields[11]) + int(fields[12]) for fields in members(session).values())
    return ticks / os.sysconf("SC_CLK_TCK")


def members(session: int) -> dict[int, list[str]]:
    """The processes of a session that live now, and what proc(5) says of each in `stat`, from the third field on."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                found[int(stat.parent.name)] = fields
    return found
