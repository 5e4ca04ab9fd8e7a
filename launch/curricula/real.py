"""Curricula side by side in real runs: the same steps, network and seeds, and nothing but `curriculum.kind` differs.

Every run is an ordinary one in a folder of its own; the command, typed again, goes on where it was stopped.
What is compared is zero-shot success on the fixed random levels and on the hand-made ones.
"""

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cluster.base import RunConfig
from curriculum.base import KINDS
from envs import files
from launch import config as configuration
from launch import curves, runs
from launch.benchmark.physics import check_words
from launch.curves import Curve
from physics.settings import setting, validate

MEASURES = {"evaluate/random": "random levels", "evaluate/handmade": "hand-made levels"}
T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}  # by number of seeds


@dataclasses.dataclass(frozen=True)
class Real:
    """Settings of the comparison."""

    kinds: str = setting("uniform,sfl,plr,accel,sgs,balance", "curricula, with commas; the first is what the others are compared with")
    seeds: int = setting(3, "runs of every curriculum", least=1)
    settings: str = setting("configs/curricula.yaml", "file with the settings of all runs")
    folder: str = setting("runs/curricula", "folder of the runs")

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)
        check_words("kinds", self.kinds, KINDS)


@dataclasses.dataclass(frozen=True)
class Compared:
    """What one curriculum reached by one measure, over seeds."""

    final: list[float]  # last measured rate of every seed
    gain: float  # mean over seeds of the difference to the baseline's run of the same seed
    spread: float  # half of the 95 % interval of that mean, by Student's t; infinite for one seed

    @property
    def significant(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        return abs(self.gain) > self.spread


def run(config: Real, out: Path | None) -> Iterator[str]:
    """Train what is missing, seed by seed, and compare; the table in lines. The plot goes to `out`, or into the folder of the runs."""
    curves.check_available()
    plan = [settings(config, kind, seed) for seed in range(config.seeds) for kind in config.kinds.split(",")]
    for number, each in enumerate(plan, 1):
        if not runs.finished(each):
            yield f"-- run {number} of {len(plan)}: {each.run.name}"
            runs.go(each)
            if not runs.finished(each):
                yield "stopped; the same command goes on"
                return
    found = {kind: [each for each in plan if each.curriculum.kind == kind] for kind in config.kinds.split(",")}
    yield from report(found, out or Path(config.folder) / "curricula.png")


def settings(config: Real, kind: str, seed: int) -> RunConfig:
    """One of the runs."""
    own = [f"curriculum.kind={kind}", f"run.seed={seed}", f"run.folder={config.folder}", f"run.name={kind}-{seed}"]
    return configuration.load([config.settings, *own], base=configuration.DEFAULTS)


def report(found: dict[str, list[RunConfig]], picture: Path) -> list[str]:
    """The table in lines; the plot is written to `picture`, and its numbers beside it as JSON."""
    read = {
        meaning: {kind: [curves.read(runs.place(each), metric) for each in group] for kind, group in found.items()}
        for metric, meaning in MEASURES.items()
    }
    curves.draw_groups(picture, read, "Zero-shot success of curricula: mean of the seeds, from the lowest to the highest")
    with files.whole(picture.with_suffix(".json")) as target:
        target.write_text(json.dumps(read, default=dataclasses.asdict, indent=2) + "\n")
    compared = {meaning: compare(groups) for meaning, groups in read.items()}
    return [*table(compared), f"written to {picture} and {picture.with_suffix('.json')}"]


def compare(groups: dict[str, list[Curve]]) -> dict[str, Compared]:
    """Every curriculum beside the first, in pairs of runs with the same seed."""
    final = {kind: np.array([curve.rate[-1] for curve in group]) for kind, group in groups.items()}
    baseline = next(iter(final.values()))
    return {kind: _compared(rates, rates - baseline) for kind, rates in final.items()}


def _compared(rates: np.ndarray, gain: np.ndarray) -> Compared:
    seeds = len(gain)
    spread = T_95.get(seeds, 1.96) * gain.std(ddof=1) / math.sqrt(seeds) if seeds > 1 else math.inf
    return Compared(final=rates.tolist(), gain=float(gain.mean()), spread=float(spread))


def table(compared: dict[str, dict[str, Compared]]) -> list[str]:
    """As Markdown: rates of every seed, their mean, and the difference to the baseline with its 95 % interval."""
    baseline = next(iter(next(iter(compared.values()))))
    heads = [f"{meaning} | more than {baseline}" for meaning in compared]
    lines = ["| curriculum | " + " | ".join(heads) + " |", "|---" * (1 + 2 * len(compared)) + "|"]
    for kind in next(iter(compared.values())):
        cells = [_cells(found[kind], kind == baseline) for found in compared.values()]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return lines


def _cells(found: Compared, baseline: bool) -> str:
    seeds = ", ".join(f"{rate:.1%}" for rate in found.final)
    mean = f"**{np.mean(found.final):.1%}** ({seeds})"
    if baseline:
        return f"{mean} |"
    spread = f" ± {100 * found.spread:.1f}" if math.isfinite(found.spread) else ""
    return f"{mean} | {100 * found.gain:+.1f}{spread} points" + (", significant" if found.significant else "")
