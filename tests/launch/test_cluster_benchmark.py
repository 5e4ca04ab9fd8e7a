"""What actors cost: the runs that are compared, and what is made of their metrics."""

import contextlib
import dataclasses
import itertools
import json
import sys
from collections.abc import Callable

import pytest

from cluster.base import ClusterConfig
from launch.benchmark import __main__ as benchmark
from launch.benchmark import cluster, running
from launch.benchmark.cluster import ClusterBenchmark
from physics.errors import InputError

CONFIG = ClusterBenchmark(cases="local,split-2-lag-1", worlds=8, steps=4, minibatches=2, lease=2, warmup=2, iterations=6)
LOCAL, SPLIT = (cluster.case(word) for word in CONFIG.cases.split(","))
EXAM = {"iteration": 0, "seconds": 0.0, "evaluate/handmade": 0.5}


def metrics(*seconds: float, **columns: list) -> list[dict]:
    """Iterations that end at these seconds, with more numbers by name."""
    found = [{"iteration": i + 1, "seconds": end, "steps_per_second": 1.0} for i, end in enumerate(seconds)]
    return [row | {name.replace("__", "/"): values[i] for name, values in columns.items()} for i, row in enumerate(found)]


def test_cases_differ_in_nothing_but_who_does_the_work():
    cases = [cluster.case(word) for word in cluster.CASES.split(",")]
    found = [cluster.settings(ClusterBenchmark(), one) for one in cases]
    alike = [dataclasses.replace(one, cluster=ClusterConfig()) for one in found]
    assert all(one == alike[0] for one in alike)
    assert alike[0].run.block_worlds == 256 // 4
    kinds = [(one.cluster.backend, one.cluster.topology, one.cluster.workers, one.cluster.max_lag) for one in found]
    assert kinds == [
        ("local", "split", 1, 0), ("ray", "colocated", 1, 0), ("ray", "split", 1, 0), ("ray", "split", 2, 0), ("ray", "split", 4, 0),
        ("ray", "split", 1, 1), ("local", "split", 1, 0),
    ]  # fmt: skip


def test_an_iteration_takes_the_median_over_leases_of_those_that_count():
    rows = [EXAM, *metrics(5, 10, 11, 14, 15, 16, 19, 26)]  # leases end after 10, 14, 16 and 26 s
    row = cluster.measured(CONFIG, LOCAL, rows, (1, 1), None)
    assert (row["iterations"], row["iteration_s"], row["steps_per_s"]) == (6, 2.0, 16)
    assert (row["best_s"], row["worst_s"]) == (1.0, 5.0)
    assert (row["of_local"], row["overhead_percent"], row["rollout_bytes"], row["store_last_bytes"]) == (None, None, 0, None)


def test_a_case_is_compared_with_one_process_and_says_what_travels_and_what_is_kept():
    store, spilled = [90, 80, 10, 12, 30, 12, 11, 12], [5, 5, 5, 5, 12, 12, 12, 12]
    rows = [EXAM, *metrics(1, 2, 4, 6, 8, 10, 12, 14, cluster__store_bytes=store, cluster__spilled_bytes=spilled, lag=[0, 0, 0, *[1] * 5])]
    row = cluster.measured(CONFIG, SPLIT, rows, (1000, 10), 1.6)
    assert (row["iteration_s"], row["of_local"], row["overhead_s"], row["overhead_percent"]) == (2.0, 0.8, 0.4, 25.0)
    assert (row["workers"], row["rollout_bytes"], row["parameter_bytes"], row["lag"]) == (2, 1000, 10, pytest.approx(5 / 6))
    assert [row[f"store_{which}_bytes"] for which in ("first", "last", "highest")] == [10, 12, 30]
    assert row["spilled_bytes"] == 7, "the cluster is older than the run"


def test_iterations_beside_the_first_evaluation_do_not_count():
    rows = [*metrics(1, 2, 9), EXAM, *metrics(1, 2, 9, 16, 17, 18, 19, 20, 21, 22, 99)[3:]]
    row = cluster.measured(CONFIG, SPLIT, rows, (0, 0), None)
    assert (row["iterations"], row["iteration_s"]) == (6, 1.0), "from 16 to 22 s"


@pytest.mark.parametrize(("threads", "known"), [(0, None), (3, "3")])
def test_a_case_computes_on_as_many_threads_as_are_asked_for(monkeypatch, tmp_path, threads, known):
    monkeypatch.delenv("PJRT_NPROC", raising=False)
    monkeypatch.setattr(running, "started", lambda name, words, env, folder: env)
    assert cluster._started(dataclasses.replace(CONFIG, threads=threads), LOCAL, tmp_path, 0).get("PJRT_NPROC") == known


class FakeRun:
    """Iterations of so many seconds, the one in which it was frozen a hundred longer; a CPU second goes by in each."""

    def __init__(self, *seconds: float) -> None:
        self.seconds, self.now, self.notes, self.frozen, self.thawed = itertools.cycle(seconds), 0.0, [], False, False

    def rows(self) -> list[dict]:
        return list(self.notes)

    def wait_for(self, enough: Callable[[list[dict]], bool]) -> list[dict]:
        assert not self.frozen
        while not enough(self.notes):
            self.now += next(self.seconds) + 100 * self.thawed
            self.thawed = False
            self.notes.append({"iteration": len(self.notes) + 1, "seconds": self.now, "steps_per_second": 1.0})
            if len(self.notes) == 1:
                self.notes.append(EXAM)
        return self.rows()

    def freeze(self) -> None:
        self.frozen = True

    def thaw(self) -> None:
        self.frozen, self.thawed = False, True

    def cpu_seconds(self) -> float:
        return float(len(self.notes))


def test_a_run_is_watched_until_all_iterations_that_count_are_noted():
    rows, cpu_s = cluster._watch(CONFIG, FakeRun(1.0))
    assert (len(rows), cpu_s) == (1 + 2 + 6, 1.0)


def measured_in_turns(monkeypatch, **runs: list[float]) -> list[dict]:
    """Rows of cases `local` and `split`, whose iterations take so many seconds, over and over."""
    waiting = iter([FakeRun(*seconds) for seconds in runs.values()])
    monkeypatch.setattr(cluster, "_check", lambda *_: (1000, 10))
    monkeypatch.setattr(cluster, "_started", lambda *_: contextlib.nullcontext(next(waiting)))
    return list(cluster.run(dataclasses.replace(CONFIG, turns=4), profile=False))


def test_in_turns_a_lease_counts_that_nothing_interrupts_and_is_compared_with_that_of_the_same_turn(monkeypatch):
    """In every second turn the machine is four times as slow. A turn is the iteration that was interrupted, and a lease."""
    local = [1.0] * 2 + ([1.0] * 3 + [4.0] * 3) * 2  # the first two are the warm-up
    split = [1.25] * 2 + ([1.25] * 4 + [5.0] * 4) * 2  # with a lag of one, two iterations are being played
    local, split = measured_in_turns(monkeypatch, local=local, split=split)
    assert local["iterations"] == split["iterations"] == 4 * 2
    assert (local["best_s"], local["worst_s"], split["best_s"], split["worst_s"]) == (1.0, 4.0, 1.25, 5.0), "nothing frozen"
    assert (local["overhead_percent"], local["cpu_s"], split["cpu_s"]) == (None, 1.0, 1.0)
    assert (split["overhead_percent"], split["overhead_quartiles_percent"]) == (25.0, [25.0, 25.0])


def test_in_turns_a_case_that_costs_the_same_share_every_time_is_found_to_do_so(monkeypatch):
    local, split = measured_in_turns(monkeypatch, local=[2.0], split=[2.5])
    assert (local["iteration_s"], split["iteration_s"], split["overhead_s"]) == (2.0, 2.5, 0.5)
    assert (split["of_local"], split["overhead_percent"], split["overhead_quartiles_percent"]) == (0.8, 25.0, [25.0, 25.0])


def test_in_turns_a_case_is_compared_with_the_local_ones_on_both_sides():
    cases = [cluster.case(word) for word in ("local", "colocated", "split-1", "local", "split-1")]
    seconds = [[1.0, 2.0], [9.0, 9.0], [9.0, 9.0], [3.0, 4.0], [9.0, 9.0]]
    found = [cluster._local(cases, seconds, place) for place in range(len(cases))]
    assert found == [None, [2.0, 3.0], [2.0, 3.0], [1.0, 2.0], [3.0, 4.0]]


def test_the_table_has_a_line_a_case():
    ends = range(1, 9)
    local = cluster.measured(CONFIG, LOCAL, [EXAM, *metrics(*ends)], (0, 0), None) | {"cpu_s": 0.98}
    rows = [EXAM, *metrics(*ends, cluster__store_bytes=[2e6] * 8)]
    split = cluster.measured(CONFIG, SPLIT, rows, (3_000_000, 500_000), 0.5) | {"cpu_s": None}
    heading, line, first, second = cluster.show([local, split])
    assert {text.count("|") for text in (heading, line, first, second)} == {12}, "eleven columns"
    assert first == "| local | 1.00 | 1.00 to 1.00 | 0.98 | 32 | - | - | 0.0 | 0.00 | - | - |"
    assert second == "| split-2-lag-1 | 1.00 | 1.00 to 1.00 | - | 32 | 0.50 | +100 % (+100 to +100) | 3.5 | 0.00 | 2.0, 2.0, 2.0 | - |"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cases=local,split-0"], "cases: found 'split-0'"),
        (["cases=remote"], "cases: found 'remote'"),
        (["warmup=3"], "warmup: found 3, wanted a multiple of lease=4"),
        (["iterations=0"], "iterations: found 0"),
        (["minibatches=7"], "minibatches: found 7"),
        (["turns=3", "address=10.0.0.1:6379"], "turns: found 3, wanted 0 where a cluster is named"),
        (["threads=1", "address=10.0.0.1:6379"], "threads: found 1, wanted 0 where a cluster is named"),
        (["network=huge"], "network: found 'huge'"),
        (["--profile"], "--profile: found 'cluster'"),
    ],
)
def test_bad_words_are_named(words, message):
    with pytest.raises(InputError, match=message):
        benchmark.main(["cluster", *words])


def test_what_cannot_run_is_refused_before_anything_does(monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setattr(cluster, "_started", lambda *_: pytest.fail("a run was started"))
    with pytest.raises(InputError, match=r"run.worlds: found 256, wanted a multiple of the 3 devices"):
        benchmark.main(["cluster", "cases=local,split-3"])


def test_without_ray_one_line_says_so(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("cluster.ray")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"cluster.backend=ray: found 'no Ray in this Python'.*launch/setup.sh cluster"):
        benchmark.main(["cluster"])


def ran(monkeypatch, capsys, *words: str) -> list[dict]:
    """Rows of the benchmark with tiny runs."""
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    tiny = ["worlds=8", "steps=8", "minibatches=2", "lease=2", "warmup=2", "store_megabytes=100", "--json"]
    assert benchmark.main(["cluster", *words, *tiny]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.ray
def test_a_run_in_one_process_and_one_of_two_workers_are_measured(monkeypatch, capsys):
    local, split = ran(monkeypatch, capsys, "cases=local,split-2", "iterations=8")
    assert [row["what"] for row in (local, split)] == ["fulcrum cluster local", "fulcrum cluster split-2"]
    assert local["iterations"] == 8
    assert local["store_highest_bytes"] is None
    assert split["steps_per_s"] == pytest.approx(64 / split["iteration_s"], rel=0.01)
    assert split["of_local"] == pytest.approx(local["iteration_s"] / split["iteration_s"], abs=0.01)
    assert split["rollout_bytes"] > 0
    assert split["store_highest_bytes"] >= split["parameter_bytes"] > 0, "at least the newest parameters are held"
    assert split["spilled_bytes"] == 0
    assert split["lag"] == 0


@pytest.mark.ray
def test_runs_take_turns(monkeypatch, capsys):
    local, colocated = ran(monkeypatch, capsys, "cases=local,colocated", "turns=3")
    assert local["iterations"] == colocated["iterations"] == 3 * 2
    assert local["overhead_percent"] is None
    assert colocated["overhead_quartiles_percent"][0] <= colocated["overhead_percent"] <= colocated["overhead_quartiles_percent"][1]
    assert min(local["cpu_s"], colocated["cpu_s"]) > 0
