"""Curves of runs: read from `metrics.jsonl`, drawn side by side with matplotlib, which is optional."""

import dataclasses
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
    figure, (axes,) = _figure(1, title)
    for name, curve in named.items():
        axes.plot(curve.env_steps, curve.rate, marker="o", markersize=3, label=name)
    axes.set(ylabel=meaning, ylim=(-0.02, 1.02))
    _save(path, figure, len(named))


def draw_groups(path: Path, panels: Mapping[str, Mapping[str, Sequence[Curve]]], title: str) -> None:
    """Write a PNG with a panel a measure; in each, of every group of curves the mean and the band from the lowest to the highest.

    The curves of a group must be measured at the same steps; where they are not, the shortest says how far it goes.
    """
    figure, axes = _figure(len(panels), title)
    for panel, (meaning, groups) in zip(axes, panels.items(), strict=True):
        for name, curves in groups.items():
            steps = min((curve.env_steps for curve in curves), key=len)
            rates = [curve.rate[: len(steps)] for curve in curves]
            (line,) = panel.plot(steps, [sum(now) / len(now) for now in zip(*rates, strict=True)], marker="o", markersize=3, label=name)
            low, high = ([pick(now) for now in zip(*rates, strict=True)] for pick in (min, max))
            panel.fill_between(steps, low, high, color=line.get_color(), alpha=0.12, linewidth=0)
        panel.set(title=meaning, ylabel="success rate", ylim=(0, None))
    _save(path, figure, len(next(iter(panels.values()))))


def _figure(panels: int, title: str) -> tuple[Any, Sequence[Any]]:
    """(figure, axes of every panel), with environment steps along the bottom."""
    check_available()
    width, height = INCHES
    figure = importlib.import_module("matplotlib.figure").Figure(figsize=(width * (1 + 0.5 * (panels - 1)), height), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for panel in axes:
        panel.set(xlabel="environment steps")
        panel.xaxis.set_major_formatter(importlib.import_module("matplotlib.ticker").EngFormatter())  # 200 k, 1.4 M
        panel.grid(alpha=0.3)
    return figure, axes


def _save(path: Path, figure: Any, names: int) -> None:
    """With one legend for all panels."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=names)
    with files.whole(path) as target:
        figure.savefig(target, format="png", dpi=DOTS_PER_INCH)
