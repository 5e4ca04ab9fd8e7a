"""Several machines, imitated by several Ray nodes on this one: machines that go and come, and a gang that spreads over them."""

import os
import signal

import pytest

from tests.cluster.on_ray import RAY, Run, comparable, place

pytestmark = pytest.mark.ray

GANG = ["cluster.backend=ray", "cluster.topology=colocated", "cluster.processes=2", "cluster.learner_devices=1"]


@pytest.fixture(scope="module")
def env():
    with place() as found:
        yield found


@pytest.fixture
def machines(env, monkeypatch):
    """A cluster of a machine with four cores; the test adds others."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RAY_worker_niceness", "0")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 4, "object_store_memory": 200 * 2**20})
    yield cluster
    cluster.shutdown()


def add(machines, cores: int):
    """A machine joins. A busy machine starts it later than Ray waits."""
    for left in reversed(range(3)):
        try:
            return machines.add_node(num_cpus=cores)
        except Exception as error:
            if not left or "timed out" not in str(error):
                raise
    return None


def test_a_gang_on_two_machines_trains_the_numbers_of_one_process_and_survives_the_loss_of_one(machines, env, tmp_path):
    add(machines, 4)
    words = [f"run.folder={tmp_path}", "run.total_steps=512", "checkpoint.keep=9"]
    alone = Run(tmp_path / "alone", env, *words).start()
    assert alone.finish() == 0, alone.said()
    both = Run(tmp_path / "gang", env, *words, *RAY, *GANG, "run.devices=0", f"cluster.address={machines.address}").start()
    both.until("third iteration", lambda: both.iteration() >= 3)
    (started,) = [line for line in both.said().splitlines() if line.startswith("gang: started")]
    os.kill(int(started.split(", ")[-1].split()[0]), signal.SIGKILL)
    assert both.finish() == 0, both.said()
    assert "process 0" in both.said()
    (event,) = both.rows("events.jsonl")
    assert (event["what"], event["role"], event["cause"]) == ("lost", "process 1", "signal 9")
    assert comparable(both.rows()) == comparable(alone.rows())


def test_a_run_goes_on_with_fewer_workers_when_a_machine_goes_and_with_more_when_one_comes(machines, env, tmp_path):
    other = add(machines, 1)
    words = ["run.total_steps=6400000", "checkpoint.every=5", "evaluate.every=1000", "cluster.actor_cpus=1", "cluster.workers=2"]
    words += ["cluster.regroup_seconds=5", "cluster.heartbeat_seconds=5", f"cluster.address={machines.address}"]
    run = Run(tmp_path / "elastic", env, *RAY, *words).start()
    regrouped = lambda: [row["cause"] for row in run.rows("events.jsonl") if row["what"] == "regrouped"]  # noqa: E731
    try:
        run.until("a checkpoint", lambda: run.iteration() >= 6)
        machines.remove_node(other, allow_graceful=False)
        run.until("goes on with one worker", lambda: len(regrouped()) == 1)
        reached = run.iteration()
        run.until("iterations of one worker", lambda: run.iteration() > reached)
        add(machines, 1)
        run.until("goes on with two", lambda: len(regrouped()) == 2)
        reached = run.iteration()
        run.until("iterations of two", lambda: run.iteration() > reached)
        assert run.process
        run.process.send_signal(signal.SIGTERM)
        assert run.finish() == 0, run.said()
    finally:
        run.end()
    assert "going on with 1 workers" in regrouped()[0]
    assert "there is room for 2 workers" in regrouped()[1]
    rows = [row["iteration"] for row in run.rows() if "kl" in row]
    assert rows == list(range(1, len(rows) + 1))
