"""One run in which everything is killed in turn, and reaches its end all the same."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.cluster.on_ray import SPLIT, Run, place

pytestmark = pytest.mark.ray

ENDLESS, EVERY, REFRESH = 64 * 100_000, 5, 2
WORDS = [f"run.total_steps={ENDLESS}", f"checkpoint.every={EVERY}", "evaluate.every=20", "cluster.heartbeat_seconds=20"]
VICTIMS = ("worker 1", "evaluator", "curriculum", "learner", "worker 0")


@pytest.fixture
def run(tmp_path):
    with place() as env:
        made = Run(tmp_path / "chaos", env, *WORDS, *SPLIT)
        yield made
        made.end()


def newest(folder: Path) -> int:
    return max((int(path.name) for path in folder.glob("checkpoints/*") if path.name.isdigit()), default=-1)


def kill(run: Run, role: str, number: int = signal.SIGKILL) -> dict[str, float]:
    """Kill a role, and how long it took until it, and the steps, went on."""
    before, saved, noted = run.iteration(), newest(run.folder), len(run.rows("events.jsonl"))
    os.kill(run.processes()[role], number)
    since = lambda what: [row for row in run.rows("events.jsonl")[noted:] if row["what"] == what]  # noqa: E731
    seconds = run.until(f"{role} was missed", lambda: any(row["role"] == role for row in since("lost")))
    recovered = run.until(f"{role} was replaced", lambda: bool(since("recovered")))
    reached = run.iteration()
    run.until("steps went on", lambda: run.iteration() > max(reached, before))
    assert newest(run.folder) >= saved, "a checkpoint is lost"
    [lost] = since("lost")
    assert lost["cause"]
    return {"until missed": seconds, "until replaced": recovered, "said": since("recovered")[0]["seconds"]}


def test_every_role_and_the_driver_are_killed_in_turn_and_the_run_reaches_its_end(run):
    run.start()
    run.until("the first checkpoint", lambda: newest(run.folder) >= EVERY)
    took = {role: kill(run, role) for role in VICTIMS}
    took["worker 1, stopped"] = kill(run, "worker 1", signal.SIGSTOP)
    saved, reached = newest(run.folder), run.iteration()
    run.end()
    goal = max(reached, newest(run.folder)) + 20
    assert run.start(f"run.total_steps={64 * goal}").finish() == 0, run.said()
    assert newest(run.folder) == goal >= saved
    trained = [row for row in run.rows() if "kl" in row]
    assert [row["iteration"] for row in trained] == list(range(1, goal + 1)), "each once, none missing"
    assert [row["env_steps"] for row in trained] == [64 * i for i in range(1, goal + 1)]
    leases = [row for row in trained if "refreshes" in row]
    assert [row["iteration"] for row in leases] == list(range(2, goal + 1, 2)), "every lease is recorded once"
    assert [row["refreshes"] for row in leases] == [(row["iteration"] // 2 - 1) // REFRESH + 1 for row in leases]
    assert not any("records_dropped" in row or "leases_never_recorded" in row for row in trained)
    (run.folder / "chaos.json").write_text(json.dumps(took, indent=2))


def test_sigterm_ends_at_a_checkpoint_with_status_0(run):
    run.start()
    run.until("some iterations", lambda: run.iteration() >= 2)
    assert run.process
    run.process.send_signal(signal.SIGTERM)
    assert run.finish(300) == 0, run.said()
    assert newest(run.folder) == run.rows()[-1]["iteration"] >= 2
    assert "--resume" in run.said()
