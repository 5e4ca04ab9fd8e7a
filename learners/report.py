"""What an evaluation found: attempts level by level, summed up by group, by size and over all.

Plain numpy and Python, in host memory. A rate of one level has Wilson's interval, a mean over levels a
bootstrap over levels (`intervals`). Greedy attempts are all alike, as starts and physics are: one is
made, and it has no interval.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from learners import intervals
from learners.evaluate import Attempts

RANDOM = "random"  # ids of random levels begin so


@dataclasses.dataclass(frozen=True)
class Summary:
    """Means over levels."""

    levels: int
    success: float
    interval: tuple[float, float]  # of success, 95 %
    mean_return: float
    mean_length: float  # environment steps of an episode
    solved_once: float  # share of levels that at least one attempt solved


@dataclasses.dataclass(frozen=True)
class Measured:
    """Attempts at levels; every array is `[L]`."""

    names: list[str]
    sizes: list[str]
    attempts: int  # at every level
    successes: np.ndarray
    mean_return: np.ndarray
    mean_length: np.ndarray

    @property
    def rates(self) -> np.ndarray:
        """Share of attempts that solved each level."""
        return self.successes / self.attempts

    def interval(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(lower, upper) of each level's rate, 95 %; None for a single attempt, which is a fact about a level and no sample."""
        return intervals.wilson(self.successes, self.attempts) if self.attempts > 1 else None

    def summary(self) -> Summary:
        """Means over all levels."""
        return Summary(
            levels=len(self.names),
            success=float(self.rates.mean()),
            interval=intervals.bootstrap(self.rates),
            mean_return=float(self.mean_return.mean()),
            mean_length=float(self.mean_length.mean()),
            solved_once=float((self.successes > 0).mean()),
        )

    def by_group(self) -> dict[str, Summary]:
        """Means over the levels of every group, which is what stands before the last slash of a name."""
        return self._by([name.rpartition("/")[0] for name in self.names])

    def by_size(self) -> dict[str, Summary]:
        """Means over the levels of every size."""
        return self._by(self.sizes)

    def _by(self, keys: Sequence[str]) -> dict[str, Summary]:
        places = {key: [i for i, each in enumerate(keys) if each == key] for key in dict.fromkeys(keys)}
        return {key: self.only(where).summary() for key, where in places.items()}

    def only(self, where: Sequence[int]) -> "Measured":
        """Some of the levels."""
        rows = {"successes": self.successes[where], "mean_return": self.mean_return[where], "mean_length": self.mean_length[where]}
        names, sizes = ([column[i] for i in where] for column in (self.names, self.sizes))
        return dataclasses.replace(self, names=names, sizes=sizes, **rows)

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON: sums, and columns with an entry a level."""
        interval = self.interval()
        columns: dict[str, Any] = {"name": self.names, "size": self.sizes, "successes": self.successes.tolist()}
        if interval:
            columns |= {"lower": _short(interval[0]), "upper": _short(interval[1])}
        columns |= {"mean_return": _short(self.mean_return), "mean_length": _short(self.mean_length)}
        return {
            "attempts": self.attempts,
            "all": dataclasses.asdict(self.summary()),
            "groups": {group: dataclasses.asdict(found) for group, found in self.by_group().items()},
            "sizes": {size: dataclasses.asdict(found) for size, found in self.by_size().items()},
            "levels": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)],
        }


@dataclasses.dataclass(frozen=True)
class Report:
    """One agent acting in one way."""

    handmade: Measured
    random: Measured | None  # the group of a level is random/SIZE; None where none were asked for

    @property
    def parts(self) -> dict[str, Measured]:
        """What was measured, by name."""
        return {"handmade": self.handmade} | ({RANDOM: self.random} if self.random else {})

    def scalars(self) -> dict[str, float]:
        """Flat names and values, for curves."""
        sums = {f"evaluate/{name}": part.summary().success for name, part in self.parts.items()}
        return sums | {f"levels/{name}": float(rate) for name, rate in zip(self.handmade.names, self.handmade.rates, strict=True)}

    def curves(self, place: str) -> dict[str, float]:
        """All sums under names that begin with `place`, for TensorBoard."""
        found = {name: part.summary() for name, part in self.parts.items()}
        found |= {f"handmade/{group or 'others'}": summary for group, summary in self.handmade.by_group().items()}
        found |= self.random.by_group() if self.random else {}
        shown: dict[str, Callable[[Summary], float]] = {
            "success": lambda each: each.success, "return": lambda each: each.mean_return,
            "length": lambda each: each.mean_length, "solved_once": lambda each: each.solved_once,
        }  # fmt: skip
        return {f"{place}/{group}/{name}": value(each) for group, each in found.items() for name, value in shown.items()}

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {name: part.as_dict() for name, part in self.parts.items()}


def measured(names: list[str], sizes: list[str], attempts: int, found: Attempts) -> Measured:
    """From so many attempts at every level, those of a level next to each other."""
    columns = found.outcome.successes, found.outcome.total_return, found.length
    per_level = [np.asarray(column).reshape(len(names), attempts) for column in columns]
    return Measured(names, sizes, attempts, per_level[0].sum(1), per_level[1].mean(1), per_level[2].mean(1))


def _short(values: np.ndarray) -> list[float]:
    return [float(f"{value:.6g}") for value in values.tolist()]
