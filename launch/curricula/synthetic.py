"""Every curriculum in the universe of known difficulty: how long it takes to a skill, and what it trains on.

Each plays the same number of assignments with the same worlds, and scouts with as many candidates as any other that scouts.
Time is told in assignments and in episodes; episodes of scouting count as much as those of training.
"""

import dataclasses
import functools
import importlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

import curriculum
from curriculum import Curriculum, CurriculumConfig
from curriculum.base import FRESH
from envs import files
from launch import curves
from launch.curricula import universe
from physics.errors import InputError
from physics.settings import setting, validate

SETTINGS: dict[str, Any] = {"pool_size": 256, "candidates": 512, "scout_attempts": 4, "refresh_every": 4}
KEEN = {  # what serves best here, where edits are near in difficulty; real runs want it milder: docs/curriculum.md
    "balance_sharpness": 4.0, "balance_new": 0.25, "balance_edits": 0.75, "balance_fade": 0.8, "balance_mastered": 0.02,
}  # fmt: skip
CASES: dict[str, dict[str, Any]] = {
    "uniform": {"kind": "uniform"},
    "sfl, pool replaced": {"kind": "sfl", "keep_pool": False},
    "sfl": {"kind": "sfl"},
    "plr": {"kind": "plr"},
    "robust_plr": {"kind": "robust_plr"},
    "accel": {"kind": "accel"},
    "sgs": {"kind": "sgs"},
    "balance": {"kind": "balance"},
    "balance, keen": {"kind": "balance", **KEEN},
}
ABLATIONS: dict[str, dict[str, Any]] = {
    "balance, keen": {},
    "no edits": {"balance_edits": 0.0},
    "no inflow, scouting": {"balance_inflow": False, "balance_scouted": 1.0},
    "and no second look": {"balance_inflow": False, "balance_scouted": 1.0, "balance_second_look": False},
    "scouting besides": {"balance_scouted": 0.25},
    "no fading": {"balance_fade": 0.0},
    "no mastered": {"balance_mastered": 0.0},
    "drawn uniformly": {"balance_sharpness": 1e-6},
}
HEAD = f"{'curriculum':<20}{'assignments':>14}{'episodes':>18}{'skill':>14}{'impossible':>12}{'trivial':>9}{'learnable':>11}"


@dataclasses.dataclass(frozen=True)
class Synthetic:
    """Settings of the comparison."""

    kinds: str = setting("", "curricula to compare, with commas; all if nothing is said")
    ablate: bool = setting(False, "compare balance with itself, one mechanism off at a time, instead")
    seeds: int = setting(3, "learners that each curriculum trains", least=1)
    assignments: int = setting(50, "assignments that each learner plays", least=1)
    worlds: int = setting(128, "worlds of an assignment", least=1)
    episodes: int = setting(4, "episodes in each world", least=1)
    target: float = setting(3.0, "mean skill that is aimed at", above=0)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)


@dataclasses.dataclass(frozen=True)
class Trace:
    """A learner's way, one entry an assignment."""

    skill: np.ndarray  # mean over domains, after it
    episodes: np.ndarray  # played until then, scouting included
    impossible: np.ndarray  # share of the worlds that play the pool
    trivial: np.ndarray
    learnable: np.ndarray  # mean of 4 p (1 - p) over all worlds

    def reached(self, target: float) -> int | None:
        """The assignment after which the skill was `target` for the first time."""
        above = np.flatnonzero(self.skill >= target)
        return int(above[0]) if above.size else None


def cases(config: Synthetic) -> dict[str, CurriculumConfig]:
    """What is compared: name -> settings."""
    kinds = [kind.strip() for kind in config.kinds.split(",") if kind.strip()]
    chosen = {name: {"kind": "balance", **KEEN, **words} for name, words in ABLATIONS.items()} if config.ablate else CASES
    there = next(field for field in dataclasses.fields(CurriculumConfig) if field.name == "kind").metadata["meaning"].choices
    if unknown := [kind for kind in kinds if kind not in chosen]:
        raise InputError("kinds", found=", ".join(unknown), wanted=", ".join(chosen))
    return {
        name: CurriculumConfig(**(SETTINGS | words))
        for name, words in chosen.items()
        if words["kind"] in there and (name in kinds or not kinds)
    }


def follow(made: Curriculum, config: Synthetic, seed: int) -> Trace:
    """A learner that a curriculum trains."""
    learner, run, rows = universe.Learner(), jax.random.key(seed), []
    state = made.init(run)
    for number in range(config.assignments):
        refresh, assign, train = jax.random.split(jax.random.fold_in(run, number), 3)
        if number % made.refresh_every == 0:
            state = made.refresh(state, refresh, learner.evaluate)
        state, assignment = made.assign(state, assign, config.worlds)
        chance, hard = learner.chance(assignment.levels), universe.difficulty(assignment.levels)
        outcome = learner.train(train, assignment.levels, config.episodes)
        state = made.record(state, assignment, outcome)
        known = hard[np.asarray(assignment.slot) != FRESH]
        shares = [np.mean(known == value) if known.size else np.nan for value in (universe.IMPOSSIBLE, universe.TRIVIAL)]
        played = (number + 1) * config.worlds * config.episodes + learner.scouted
        rows.append((learner.skill.mean(), played, *shares, np.mean(4 * chance * (1 - chance))))
    return Trace(*np.array(rows).T)


def measure(settings: CurriculumConfig, config: Synthetic) -> list[Trace]:
    """One trace a seed."""
    made = _make(settings)
    return [follow(made, config, seed) for seed in range(config.seeds)]


@functools.cache
def _make(settings: CurriculumConfig) -> Curriculum:
    return curriculum.make(settings, universe.generate, universe.edit, universe.CAPACITY)


def run(config: Synthetic, out: Path | None) -> Iterator[str]:
    """Lines of the table; the curves go to `out`."""
    if out:
        curves.check_available()
    played = f"{config.seeds} seeds, {config.worlds} worlds, {config.episodes} episodes each; median (range)"
    yield f"time to a skill of {config.target:g}: {played}"
    yield "impossible, trivial: shares of what the pool gives to train on; learnable: mean of 4 p (1 - p) of all that is played"
    yield HEAD
    found = {}
    for name, settings in cases(config).items():
        found[name] = measure(settings, config)
        yield row(name, found[name], config.target)
    if out:
        draw(out, found, config.target)
        yield f"wrote {out}"


def row(name: str, traces: list[Trace], target: float) -> str:
    """A line of the table."""
    skill = np.array([trace.skill[-1] for trace in traces])
    hits = [trace.reached(target) for trace in traces]
    played = [None if hit is None else trace.episodes[hit] for hit, trace in zip(hits, traces, strict=True)]
    shares = [np.concatenate([getattr(trace, part) for trace in traces]) for part in ("impossible", "trivial")]
    told = ["-" if np.isnan(share).all() else f"{np.nanmean(share):.1%}" for share in shares]
    learnable = np.mean([trace.learnable for trace in traces])
    return (
        f"{name:<20}{_spread([None if hit is None else hit + 1 for hit in hits]):>14}{_spread(played, 1000):>18}"
        f"{f'{skill.mean():.2f} +- {skill.std():.2f}':>14}{told[0]:>12}{told[1]:>9}{learnable:>11.2f}"
    )


def _spread(values: list, unit: int = 1) -> str:
    """Median and range; `never` where more than half never got there."""
    there = sorted(np.inf if value is None else value / unit for value in values)
    middle, suffix = there[len(there) // 2], "k" if unit == 1000 else ""
    if not np.isfinite(middle):
        return "never"
    last = f"{there[-1]:.0f}" if np.isfinite(there[-1]) else "never"
    return f"{middle:.0f}{suffix} ({there[0]:.0f}-{last})"


def draw(path: Path, found: Mapping[str, list[Trace]], target: float) -> None:
    """Skill over episodes, and how learnable what is trained on is: mean and range over seeds, as a PNG."""
    figure = importlib.import_module("matplotlib.figure").Figure(figsize=(10.5, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    parts: list[tuple[object, Callable[[Trace], np.ndarray]]] = [(left, lambda t: t.skill), (right, lambda t: _smooth(t.learnable))]
    for axes, part in parts:
        for name, traces in found.items():
            values, steps = np.array([part(trace) for trace in traces]), traces[0].episodes / 1000
            [line] = axes.plot(steps, values.mean(0), label=name if axes is left else None)  # type: ignore[attr-defined]
            axes.fill_between(steps, values.min(0), values.max(0), color=line.get_color(), alpha=0.15)  # type: ignore[attr-defined]
        axes.grid(alpha=0.3)  # type: ignore[attr-defined]
    left.axhline(target, color="black", linewidth=0.8, linestyle=":")
    left.set(title="Skill of the learner", xlabel="thousand episodes, scouting included", ylabel="mean skill")
    right.set(title="Learnability of what is trained on", xlabel="thousand episodes, scouting included", ylabel="mean of 4 p (1 - p)")
    figure.legend(loc="outside lower center", ncols=min(len(found), 8))
    with files.whole(path) as target_file:
        figure.savefig(target_file, format="png", dpi=curves.DOTS_PER_INCH)


def _smooth(values: np.ndarray, over: int = 5) -> np.ndarray:
    padded = np.pad(values, (over // 2, over - 1 - over // 2), mode="edge")
    return np.convolve(padded, np.ones(over) / over, mode="valid")
