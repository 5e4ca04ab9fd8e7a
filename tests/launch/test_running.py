"""A run that is watched from outside: frozen, going on, ended, or gone by itself."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from launch.benchmark import running
from launch.benchmark.running import Running
from physics.errors import InputError

NOTES = """
import sys, time
for i in range(100_000):
    print('{"iteration": %d}' % i, file=open(sys.argv[1], "a"), flush=True)
    time.sleep(0.01)
"""


def started(tmp_path: Path, script: str) -> Running:
    """A process that leads a session, as `running.started` starts it."""
    said, metrics = tmp_path / "said", tmp_path / "metrics.jsonl"
    with said.open("w") as out:
        process = subprocess.Popen([sys.executable, "-c", script, str(metrics)], stdout=out, stderr=out, start_new_session=True)
    return Running("a", process, said, metrics)


def test_a_frozen_run_notes_nothing_until_it_goes_on(tmp_path):
    run = started(tmp_path, NOTES)
    try:
        run.wait_for(lambda rows: len(rows) > 2)
        run.freeze()
        time.sleep(0.1)  # what was being written is
        before = len(run.rows())
        time.sleep(0.5)
        assert len(run.rows()) == before
        run.thaw()
        run.wait_for(lambda rows: len(rows) > before)
        assert run.cpu_seconds() > 0
        run.freeze()
    finally:
        run.end()
    assert run.cpu_seconds() == 0, "also a frozen run can be ended"


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        ("import sys; print('error: worlds: found 3', file=sys.stderr); sys.exit(2)", InputError, "case a: worlds: found 3"),
        ("raise SystemExit('no room')", RuntimeError, r"(?s)case a ended with status 1:.*no room"),
    ],
)
def test_a_run_that_ends_by_itself_says_why(tmp_path, script, error, message):
    with pytest.raises(error, match=message):
        started(tmp_path, script).wait_for(lambda _: False)


def test_a_run_that_does_not_leave_in_peace_is_an_error(tmp_path):
    """One that is refused, and would not have been waited for."""
    with pytest.raises(InputError, match=r"case a: .*nonsense"), running.started("a", ["nonsense=1"], os.environ, tmp_path) as run:
        run._process.wait()


def test_cpu_seconds_are_those_of_all_processes_of_a_session():
    own = os.getsid(0)
    begun, before = time.process_time(), running.cpu_seconds(own)
    while time.process_time() < begun + 0.3:
        pass
    assert running.cpu_seconds(own) >= before + 0.28
    assert running.cpu_seconds(2**30) == 0
