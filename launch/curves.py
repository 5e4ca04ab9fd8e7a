"""Curves of runs: read from `metrics.jsonl`, drawn side by side with matplotlib, which is optional."""

import dataclasses
import importlib
from collections.abc import Mapping
from pathlib import Path

from cluster.tracker import read_lines
from envs import files
from physics.errors import InputError

INCHES, DOTS_PER_INCH = (7.2, 4.0), 110


@dataclasses.dataclass(frozen=True)
class Curve:
    """A rate over the environment steps of a run."""

    run: str  # folder
    env_steps: list[int]
    rate: list[float]

    def reached(self, goal: float) -> int | None:
        """Steps after which the rate was `goal` or more for the first time; None if it never was."""
        return next((steps for steps, rate in zip(self.env_steps, self.rate, strict=True) if rate >= goal), None)

    def as_dict(self) -> dict:
        """Everything, for JSON."""
        return dataclasses.asdict(self)


def read(folder: Path, metric: str) -> Curve:
    """A metric of a run, where it was measured."""
    rows = [row for row in read_lines(folder / "metrics.jsonl") if metric in row]
    return Curve(str(folder), [row["env_steps"] for row in rows], [row[metric] for row in rows])


def check_available() -> None:
    """`InputError` if there is nothing to draw with."""
    try:
        importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise InputError("drawing curves", found="no matplotlib", fix='Install it: pip install "matplotlib>=3.9".') from error


def draw(path: Path, named: Mapping[str, Curve], title: str, meaning: str) -> None:
    """Write the curves as a PNG; rates are between 0 and 1."""
    check_available()
    figure = importlib.import_module("matplotlib.figure").Figure(figsize=INCHES, layout="constrained")
    axes = figure.subplots()
    for name, curve in named.items():
        axes.plot(curve.env_steps, curve.rate, marker="o", markersize=3, label=name)
    axes.set(title=title, xlabel="environment steps", ylabel=meaning, ylim=(-0.02, 1.02))
    axes.xaxis.set_major_formatter(lambda steps, _: f"{steps:,.0f}")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=len(named))
    with files.whole(path) as target:
        figure.savefig(target, format="png", dpi=DOTS_PER_INCH)
