"""Runs that a command starts for its own purpose: begun, gone on with where they were stopped, and read when they are done."""

from pathlib import Path

from cluster.base import RunConfig
from cluster.tracker import read_lines
from launch import config, train


def place(settings: RunConfig) -> Path:
    """The folder of a run that has a name."""
    return Path(settings.run.folder) / settings.run.name


def go(settings: RunConfig) -> int:
    """Start a run, or go on with it where the same settings were stopped; exit status as of `launch.train`."""
    begun = place(settings) / "config.yaml"
    if begun.is_file() and config.load([], base=begun) == settings:
        return train.resume(begun.parent, [])
    return train.start(settings)


def finished(settings: RunConfig) -> bool:
    """Whether the run went on to its end, and was not stopped on the way."""
    metrics = place(settings) / "metrics.jsonl"
    rows = read_lines(metrics) if metrics.is_file() else []
    limit = settings.run.max_minutes * 60
    return bool(rows) and (rows[-1]["iteration"] >= settings.run.iterations or 0 < limit <= rows[-1]["seconds"])
