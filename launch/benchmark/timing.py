"""Compile a function once and time its runs."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax


@dataclasses.dataclass(frozen=True)
class Timing:
    """What was measured, and the compiled function, to go on with."""

    compiled: Any
    compile_s: float
    best_s: float  # of all rounds: on a shared machine the others tell of the neighbours


def measure(function: Any, *arguments: Any, rounds: int) -> Timing:
    """Time a jitted function: tracing and compiling together, then the best of `rounds` runs.

    The cache of compiled programs is left alone, so that the compile time is one.
    """
    begun = time.perf_counter()
    compiled = function.lower(*arguments).compile()
    compile_s = time.perf_counter() - begun
    (best_s,) = in_turns([lambda: compiled(*arguments)], rounds)
    return Timing(compiled, compile_s, best_s)


def in_turns(runs: Sequence[Callable[[], Any]], rounds: int) -> list[float]:
    """Best seconds of each of `runs`. Every round does one after the other, so none has the quiet minutes alone; a first is not timed."""
    jax.block_until_ready([run() for run in runs])
    return [min(column) for column in zip(*([_seconds(run) for run in runs] for _ in range(rounds)), strict=True)]


def _seconds(run: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - begun
