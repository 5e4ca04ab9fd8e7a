"""Real Ray on this machine: the same numbers as in one process, other numbers of workers and devices, and what is refused."""

import shutil

import pytest

from tests.cluster.on_ray import RAY, SPLIT, Run, comparable, place

pytestmark = pytest.mark.ray

ITERATIONS = 10
WORDS = [f"run.total_steps={64 * ITERATIONS}", "evaluate.every=10", "checkpoint.every=5"]


@pytest.fixture(scope="module")
def env():
    with place() as found:
        yield found


@pytest.fixture(scope="module")
def local(env, tmp_path_factory) -> Run:
    """In one process with two devices."""
    run = Run(tmp_path_factory.mktemp("runs") / "local", env, *WORDS).start()
    assert run.finish() == 0, run.said()
    return run


@pytest.fixture(scope="module")
def split(env, tmp_path_factory) -> Run:
    """Two workers of one device each, and a learner of two."""
    run = Run(tmp_path_factory.mktemp("runs") / "split", env, *WORDS, *SPLIT).start()
    assert run.finish() == 0, run.said()
    return run


def test_two_workers_give_bit_for_bit_the_numbers_of_one_process_with_two_devices(local, split):
    """Every number of every iteration; they are written with six digits."""
    expected = comparable(local.rows())
    assert [row["iteration"] for row in expected if "kl" in row] == list(range(1, ITERATIONS + 1))
    assert comparable(split.rows()) == expected


def test_worker_and_learner_on_the_same_devices_give_the_numbers_of_one_process(local, env, tmp_path):
    run = Run(tmp_path / "colocated", env, *WORDS, *RAY, "cluster.topology=colocated", "cluster.learner_devices=2").start()
    assert run.finish() == 0, run.said()
    assert comparable(run.rows()) == comparable(local.rows())


def test_the_plan_says_who_runs_where_and_what_travels(split):
    said = split.said()
    for words in ("learner", "worker 0", "worker 1", "curriculum", "evaluator", "4 worlds", "what travels every iteration", "started"):
        assert words in said


def test_a_run_goes_on_under_another_backend_with_the_same_numbers(local, env, tmp_path):
    """Half of it in one process, then on two workers, against all of it in one process."""
    run = Run(tmp_path / "moved", env)
    shutil.copytree(local.folder, run.folder)
    shutil.rmtree(run.folder / "checkpoints" / "10")
    assert run.start(*SPLIT).finish() == 0, run.said()
    assert "worker 1" in run.said()
    assert comparable(run.rows()) == comparable(local.rows())


def test_a_run_goes_on_with_another_number_of_workers(split, tmp_path, env):
    """Twelve worlds on two workers, then on three."""
    words = ["run.worlds=12", "run.block_worlds=2", "ppo.minibatch_size=48", "run.total_steps=384", "cluster.learner_devices=1"]
    run = Run(tmp_path / "more", env, *words, *RAY, "cluster.workers=2").start()
    assert run.finish() == 0, run.said()
    assert run.start("cluster.workers=3", "run.total_steps=768").finish() == 0, run.said()
    assert [row["iteration"] for row in run.rows() if "kl" in row] == list(range(1, 9))
    assert "worker 2" in run.said()


def test_with_a_lag_it_learns_from_what_older_parameters_played(env, tmp_path):
    run = Run(tmp_path / "lag", env, *WORDS, *SPLIT, "cluster.max_lag=1").start()
    assert run.finish() == 0, run.said()
    rows = [row for row in run.rows() if "kl" in row]
    assert [row["lag"] for row in rows] == [0, 1, 1, 1, 1] * 2, "none at the first iteration after a checkpoint"
    assert all(row["skipped_updates"] == 0 for row in rows)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cluster.address=127.0.0.1:1"], "where nothing answers"),
        (["cluster.address=auto"], "none that can be joined"),
        (["cluster.platform=gpu"], "GPUs of the cluster: found '0 on 1 machines', wanted 4 for 5 actors"),
        (["cluster.workers=3"], "run.worlds: found 8, wanted a multiple of the 3 devices that play"),
        (["run.block_worlds=4", "cluster.workers=1", "cluster.learner_devices=3"], "cluster.learner_devices: found 3"),
    ],
)
def test_what_cannot_run_is_refused_in_one_line_before_anything_is_written(words, message, env, tmp_path):
    run = Run(tmp_path / "refused", env, *WORDS, *SPLIT, *words).start()
    assert run.finish(120) == 2, run.said()
    assert message in run.said().strip().splitlines()[-1]
    assert not run.folder.exists()
