"""What actors cost: the same small run in one process, and shared out over the actors of Ray.

Every case is a run of `launch.train` in a process of its own, read from the metrics that every run notes. All cases play
the same worlds in the same blocks, so that without a lag they do the same work to the last bit. An iteration counts with
all that a run does in it: levels, playing, what travels, learning, noting. Times are medians over leases, so that the
iterations which ask for levels and those which do not have their share; best and worst lease tell of the neighbours.
Cases run one by one, or, on a machine whose speed changes within minutes, in turns of seconds: then the median is taken
of what a turn took beside `local` in the same turn, before and after it.
CPU seconds are those of all processes of a run, Ray's own included, and say what it costs where cores are shared with
others. Where the cores are few and all of them compute, that is most of what actors cost; with as many `threads` as leave
some cores alone, as a GPU does, the rest is measured. Without turns, a case is compared with the last `local` before it.
"""

import contextlib
import dataclasses
import itertools
import os
import re
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import jax
import numpy as np

from cluster.base import RunConfig
from envs import sizes
from launch import config as configuration
from launch.benchmark import running
from launch.benchmark.running import Running
from launch.benchmark.train import FOLDER, NETWORKS
from physics.devices import flags_with
from physics.errors import InputError
from physics.settings import setting, validate

CASE = re.compile(r"local|colocated|split-([1-9]\d*)(?:-lag-([1-9]\d*))?")
CASES = "local,colocated,split-1,split-2,split-4,split-1-lag-1,local"
LONGEST = 1_000_000  # iterations of a run, which is stopped when enough of them are done
LITTLE = {  # what is not to be measured is done as seldom as can be
    "curriculum.kind": "uniform", "evaluate.holdout": "s/lift_off", "evaluate.attempts": 1, "evaluate.random_levels": 0,
    "evaluate.every": LONGEST, "checkpoint.every": LONGEST,
}  # fmt: skip
MB = 1e6


@dataclasses.dataclass(frozen=True)
class ClusterBenchmark:
    """Settings of the measurement."""

    cases: str = setting(CASES, "what to run, in this order, with commas between: local, colocated, split-WORKERS, split-WORKERS-lag-LAG")
    size: str = setting("s", "size of level", choices=tuple(sizes.SIZES))
    network: str = setting("deepset", "file of configs/network, without .yaml", choices=NETWORKS)
    worlds: int = setting(256, "worlds of all workers together", least=1)
    steps: int = setting(32, "environment steps of a rollout", least=1)
    epochs: int = setting(2, "passes over every rollout", least=1)
    minibatches: int = setting(4, "gradient steps a pass", least=1)
    lease: int = setting(4, "iterations for which a world keeps its level", least=1)
    warmup: int = setting(8, "iterations before those that count, whole leases", least=1)
    iterations: int = setting(24, "iterations that count, whole leases", least=1)
    turns: int = setting(0, "leases that each case runs in turn while the others are frozen, instead of iterations; 0: one by one", least=0)
    threads: int = setting(0, "threads on which each process computes; 0: as many as there are cores", least=0)
    platform: str = setting("cpu", "what workers, learner and the one process run on; cpu devices are simulated", choices=("cpu", "gpu"))
    devices: int = setting(1, "devices of a worker, of the learner, and of the one process", least=1)
    block_worlds: int = setting(0, "worlds a device plays at a time; 0 takes what a device has with the most workers", least=0)
    address: str = setting("", "Ray cluster, host:port; empty starts one here for every case")
    actor_cpus: float = setting(1.0, "CPU cores that Ray keeps free for every actor", least=0)
    store_megabytes: int = setting(0, "object store of a cluster that is started here; 0 leaves it to Ray", least=0)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)
        for word in self.cases.split(","):
            if not CASE.fullmatch(word):
                raise InputError("cases", found=word, wanted="with commas between: local, colocated, split-WORKERS, split-WORKERS-lag-LAG")
        for name in ("warmup", "iterations"):
            if getattr(self, name) % self.lease:
                raise InputError(name, found=getattr(self, name), wanted=f"a multiple of lease={self.lease}")
        for name, value in {"turns": self.turns, "threads": self.threads}.items():
            if value and self.address:
                raise InputError(name, found=value, wanted="0 where a cluster is named: its actors cannot be frozen, nor told, from here")
        if self.worlds * self.steps % self.minibatches:
            raise InputError("minibatches", found=self.minibatches, wanted=f"a divisor of {self.worlds} worlds x {self.steps} steps")


@dataclasses.dataclass(frozen=True)
class Case:
    """One way to run it."""

    name: str
    workers: int
    max_lag: int

    @property
    def split(self) -> bool:
        """Whether rollouts and parameters travel."""
        return self.name.startswith("split")


def case(word: str) -> Case:
    """What a word of `cases` stands for."""
    found = CASE.fullmatch(word)
    workers, lag = found.groups() if found else (None, None)
    return Case(word, int(workers or 1), int(lag or 0))


def run(config: ClusterBenchmark, profile: bool) -> Iterator[dict]:
    """A row a case."""
    if profile:
        raise InputError("--profile", found="cluster", wanted="physics: stages are those of the engine")
    cases = [case(word) for word in config.cases.split(",")]
    travels = _check(config, cases)
    measure = _in_turns if config.turns else _one_by_one
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # or the runs that are being done would outlive this
    with tempfile.TemporaryDirectory(prefix="fc") as folder:  # short, as Ray puts sockets below it
        yield from measure(config, cases, travels, Path(folder))


def settings(config: ClusterBenchmark, one: Case) -> RunConfig:
    """The run of a case."""
    return configuration.load(words(config, one))


def words(config: ClusterBenchmark, one: Case) -> list[str]:
    """The run of a case, as a person would type it."""
    most = max(case(word).workers for word in config.cases.split(","))
    values = {
        "env.size": config.size, "run.worlds": config.worlds, "run.rollout_length": config.steps,
        "run.rollouts_per_assignment": config.lease, "run.total_steps": LONGEST * config.worlds * config.steps,
        "run.block_worlds": config.block_worlds or max(1, config.worlds // (most * config.devices)), "run.devices": config.devices,
        "ppo.epochs": config.epochs, "ppo.minibatch_size": config.worlds * config.steps // config.minibatches,
        **LITTLE,
    }  # fmt: skip
    if one.name != "local":
        values |= {
            "cluster.backend": "ray", "cluster.topology": "split" if one.split else "colocated", "cluster.platform": config.platform,
            "cluster.workers": one.workers, "cluster.max_lag": one.max_lag, "cluster.worker_devices": config.devices,
            "cluster.learner_devices": config.devices, "cluster.address": config.address, "cluster.actor_cpus": config.actor_cpus,
            "cluster.store_megabytes": config.store_megabytes,
        }  # fmt: skip
    return [str(FOLDER / f"{config.network}.yaml"), *(f"{key}={value}" for key, value in values.items())]


def _check(config: ClusterBenchmark, cases: Sequence[Case]) -> tuple[int, int]:
    """Refuse what cannot run before anything does: bytes of all rollouts of an iteration, and of the parameters."""
    from cluster.ray import plan  # Ray is not imported where it is not used

    jax.config.update("jax_platforms", "cpu")  # this process only counts; devices are for the runs
    for one in cases:
        if one.name != "local":
            plan.make(settings(config, one))
    return plan.traffic(settings(config, cases[0]))


def _started(config: ClusterBenchmark, one: Case, folder: Path, number: int) -> contextlib.AbstractContextManager[Running]:
    env = os.environ | {"RAY_TMPDIR": str(folder), "XLA_FLAGS": flags_with(config.devices)}
    if config.platform == "cpu":
        env["JAX_PLATFORMS"] = "cpu"
    if config.threads:
        env["PJRT_NPROC"] = str(config.threads)
    return running.started(f"{number}-{one.name}", words(config, one), env, folder)


def _one_by_one(config: ClusterBenchmark, cases: Sequence[Case], travels: tuple[int, int], folder: Path) -> Iterator[dict]:
    """Every case for itself, to its end."""
    local = None
    for number, one in enumerate(cases):
        with _started(config, one, folder, number) as case_run:
            rows, cpu_s = _watch(config, case_run)
        row = measured(config, one, rows, travels, local) | {"cpu_s": _known(config, one, cpu_s)}
        local = row["iteration_s"] if one.name == "local" else local
        yield row


def _watch(config: ClusterBenchmark, case_run: Running) -> tuple[list[dict], float]:
    """Wait until all that counts is noted: what is, and the CPU seconds of an iteration."""
    warm = case_run.wait_for(lambda rows: _warm(config, rows))
    begun, before, last = len(_iterations(warm)), case_run.cpu_seconds(), _first(config, warm) + config.iterations
    rows = case_run.wait_for(lambda rows: len(_iterations(rows)) >= max(last, begun + 1))
    return rows, (case_run.cpu_seconds() - before) / (len(_iterations(rows)) - begun)


def _in_turns(config: ClusterBenchmark, cases: Sequence[Case], travels: tuple[int, int], folder: Path) -> Iterator[dict]:
    """All cases are made ready and frozen; then one at a time goes on for a lease, again and again."""
    with contextlib.ExitStack() as all_of_them:
        runs = []
        for number, one in enumerate(cases):
            case_run = all_of_them.enter_context(_started(config, one, folder, number))
            case_run.wait_for(lambda rows: _warm(config, rows))
            case_run.freeze()
            runs.append(case_run)
        turns = [[_turn(config, one, case_run) for one, case_run in zip(cases, runs, strict=True)] for _ in range(config.turns)]
        notes = [case_run.rows() for case_run in runs]
    seconds = [[taken[place][0] for taken in turns] for place in range(len(cases))]
    for place, (one, rows) in enumerate(zip(cases, notes, strict=True)):
        local, counts = _local(cases, seconds, place), slice(_first(config, rows), None)
        row = _row(config, one, seconds[place], _iterations(rows), counts, travels, local)
        yield row | {"cpu_s": _known(config, one, statistics.median(taken[place][1] for taken in turns))}


def _local(cases: Sequence[Case], seconds: Sequence[Sequence[float]], place: int) -> list[float] | None:
    """What `local` took beside a case in every turn: the mean of the last before it and the first after it; for a `local`, that before."""
    found = [other for other, one in enumerate(cases) if one.name == "local"]
    beside = [other for other in found if other < place][-1:]
    if cases[place].name != "local":
        beside += [other for other in found if other > place][:1]
    return [statistics.mean(turn) for turn in zip(*(seconds[other] for other in beside), strict=True)] or None


def _turn(config: ClusterBenchmark, one: Case, case_run: Running) -> tuple[float, float]:
    """Seconds and CPU seconds of an iteration, over a lease that nothing interrupts; what was frozen in mid work does not count."""
    begin = len(_iterations(case_run.rows())) + one.max_lag  # iterations that are being played
    end = begin + config.lease
    case_run.thaw()
    begun, before = len(_iterations(case_run.wait_for(lambda rows: len(_iterations(rows)) > begin))), case_run.cpu_seconds()
    played = _iterations(case_run.wait_for(lambda rows: len(_iterations(rows)) > max(end, begun)))
    spent = (case_run.cpu_seconds() - before) / (len(played) - begun)
    case_run.freeze()
    return (played[end]["seconds"] - played[begin]["seconds"]) / config.lease, spent


def _known(config: ClusterBenchmark, one: Case, cpu_s: float) -> float | None:
    """CPU seconds, where all processes of the case run here."""
    return round(cpu_s, 4) if one.name == "local" or not config.address else None


def measured(config: ClusterBenchmark, one: Case, rows: Sequence[dict], travels: tuple[int, int], local: float | None) -> dict:
    """The row of a case, from its metrics, bytes that travel if any do, and the seconds of an iteration in one process."""
    first, played = _first(config, rows), _iterations(rows)
    ends = [row["seconds"] for row in played[first - 1 : first + config.iterations : config.lease]]
    each = [(after - before) / config.lease for before, after in itertools.pairwise(ends)]
    return _row(config, one, each, played, slice(first, first + config.iterations), travels, [local] * len(each) if local else None)


def _row(
    config: ClusterBenchmark, one: Case, each: Sequence[float], played: Sequence[dict], counts: slice, travels: tuple[int, int],
    local: Sequence[float] | None,
) -> dict:  # fmt: skip
    """The row of a case: seconds of an iteration, `each` to be compared with one of `local`, and what iterations noted that count."""
    counted = played[counts]
    seconds = statistics.median(each)
    ratios = [mine / other for mine, other in zip(each, local, strict=True)] if local else None
    store = [row["cluster/store_bytes"] for row in counted if "cluster/store_bytes" in row]
    spilled = [row["cluster/spilled_bytes"] for row in played if "cluster/spilled_bytes" in row]
    rollouts, parameters = travels if one.split else (0, 0)
    return {
        "what": f"fulcrum cluster {one.name}", "size": config.size, "network": config.network, "worlds": config.worlds,
        "steps": config.steps, "workers": one.workers, "max_lag": one.max_lag, "devices_each": config.devices, "platform": config.platform,
        "threads": config.threads, "iterations": len(each) * config.lease, "iteration_s": round(seconds, 4), "best_s": round(min(each), 4),
        "worst_s": round(max(each), 4), "steps_per_s": round(config.worlds * config.steps / seconds),
        "of_local": ratios and round(1 / statistics.median(ratios), 3),
        "overhead_s": local and round(statistics.median(mine - other for mine, other in zip(each, local, strict=True)), 4),
        "overhead_percent": ratios and _percent(statistics.median(ratios)),
        "overhead_quartiles_percent": ratios and [_percent(ratio) for ratio in (np.quantile(ratios, 0.25), np.quantile(ratios, 0.75))],
        "rollout_bytes": rollouts, "parameter_bytes": parameters, "lag": statistics.mean(row.get("lag", 0.0) for row in counted),
        "store_first_bytes": store[0] if store else None, "store_last_bytes": store[-1] if store else None,
        "store_highest_bytes": max(store, default=None), "spilled_bytes": spilled[-1] - spilled[0] if spilled else None,
    }  # fmt: skip


def _percent(ratio: float) -> float:
    return round(100 * (float(ratio) - 1), 1)


def _iterations(rows: Sequence[dict]) -> list[dict]:
    """Those rows that end an iteration; an evaluation has its own."""
    return [row for row in rows if "steps_per_second" in row]


def _warm(config: ClusterBenchmark, rows: Sequence[dict]) -> bool:
    return len(_iterations(rows)) >= _first(config, rows)


def _first(config: ClusterBenchmark, rows: Sequence[dict]) -> int:
    """The iteration of a run that counts as the first: warm, and past the evaluation that every run begins with."""
    examined = next((i for i, row in enumerate(rows) if "steps_per_second" not in row), LONGEST)
    return max(config.warmup, -(-examined // config.lease) * config.lease)


def show(rows: Iterable[dict]) -> Iterator[str]:
    """Lines of the table, in Markdown; each comes when its case is done."""
    columns = (
        "case", "s an iteration", "best to worst", "CPU s", "env steps/s", "of local", "overhead", "travels MB", "lag",
        "store MB first, last, highest", "spilled MB",
    )  # fmt: skip
    yield _line(columns)
    yield _line(["---", *["---:"] * (len(columns) - 1)])
    for row in rows:
        store = [row[f"store_{which}_bytes"] for which in ("first", "last", "highest")]
        yield _line([
            row["what"].split()[-1], f"{row['iteration_s']:.2f}", f"{row['best_s']:.2f} to {row['worst_s']:.2f}",
            _form("{:.2f}", row["cpu_s"]), f"{row['steps_per_s']:,}", _form("{:.2f}", row["of_local"]),
            _overhead(row),
            f"{(row['rollout_bytes'] + row['parameter_bytes']) / MB:.1f}", f"{row['lag']:.2f}",
            "-" if None in store else ", ".join(f"{value / MB:.1f}" for value in store),
            "-" if row["spilled_bytes"] is None else f"{row['spilled_bytes'] / MB:.1f}",
        ])  # fmt: skip


def _overhead(row: dict) -> str:
    if row["overhead_percent"] is None:
        return "-"
    low, high = row["overhead_quartiles_percent"]
    return f"{row['overhead_percent']:+.0f} % ({low:+.0f} to {high:+.0f})"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _form(form: str, value: float | None) -> str:
    return "-" if value is None else form.format(value)
