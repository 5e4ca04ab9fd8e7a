"""The table of quality: one row a measure, one column an engine.

    python -m launch.benchmark quality                                     # this engine
    python -m launch.benchmark quality scenes=scenes.json                  # for the runners of other engines
    python -m launch.benchmark quality trajectories=one.npz,other.npz      # with what they have written

A second configuration of this engine is one more column: run it first, with `save=` and a `name=` of its own.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from launch.benchmark.quality import fulcrum, measures, scene, scenes, trajectory
from launch.benchmark.quality.scene import Row, Scene
from launch.benchmark.quality.trajectory import Column
from physics.base import SolverConfig
from physics.errors import InputError
from physics.settings import section, setting, validate

NOTHING = "-"  # where an engine cannot do a scene
LEADING = ("scene", "measure", "ideal")


@dataclasses.dataclass(frozen=True)
class QualityBenchmark:
    """Settings of the measurement."""

    name: str = setting("Fulcrum", "heading of this engine's column")
    trajectories: str = setting("", "files that other engines' runners have written, with commas between")
    scenes: str = setting("", "file to write the scenes to, as JSON, instead of measuring")
    save: str = setting("", "file to write this engine's trajectories to, as well")
    solver: SolverConfig = section(SolverConfig, "constants of the physics solver")

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)


def run(config: QualityBenchmark, profile: bool) -> Iterator[dict]:
    """A row a measure: what is measured, the ideal, and every engine's value."""
    if profile:
        raise InputError("--profile", found="quality", wanted="a benchmark of speed")
    todo = scenes.everything()
    if config.scenes:
        scene.save(todo, Path(config.scenes))
        return
    others = [trajectory.load(Path(name)) for name in config.trajectories.split(",") if name]
    ours = fulcrum.run(todo, config.solver, config.name)
    if config.save:
        trajectory.save(ours, Path(config.save))
    yield from compare(todo, [ours, *others])


def compare(todo: Sequence[Scene], columns: Sequence[Column]) -> Iterator[dict]:
    """The rows of all scenes; an engine that lacks a scene lacks the value."""
    for one in todo:
        for row in one.rows:
            values = {
                column.engine: measures.value(one, column.trajectories[one.name], row)
                for column in columns
                if one.name in column.trajectories
            }
            yield {"scene": one.words, "measure": _measure(row), "ideal": _ideal(row), **values}


def show(rows: Iterable[dict]) -> Iterator[str]:
    """Lines of the table, in Markdown."""
    rows = list(rows)
    engines = list(dict.fromkeys(key for row in rows for key in row if key not in LEADING))
    if rows:
        yield _line([*LEADING, *engines])
        yield _line(["---", "---"] + ["---:"] * (1 + len(engines)))
    last = None
    for row in rows:
        name = row["scene"] if row["scene"] != last else ""
        last = row["scene"]
        yield _line([name, row["measure"], row["ideal"], *(_number(row[engine]) if engine in row else NOTHING for engine in engines)])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _measure(row: Row) -> str:
    return f"{row.words}, {row.unit}" if row.unit else row.words


def _ideal(row: Row) -> str:
    return ("at most " if row.at_most else "") + _number(row.ideal)


def _number(value: float) -> str:
    """Three significant digits; less than 0.0001 (m, rad, share) is called 0."""
    return f"{value:.3g}" if abs(value) >= 1e-4 else "0"
