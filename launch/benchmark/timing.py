"""Compile a function once and time its runs."""

import dataclasses
import time
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
    jax.block_until_ready(compiled(*arguments))
    best_s = min(_seconds(compiled, arguments) for _ in range(rounds))
    return Timing(compiled, compile_s, best_s)


def _seconds(compiled: Any, arguments: tuple) -> float:
    begun = time.perf_counter()
    jax.block_until_ready(compiled(*arguments))
    return time.perf_counter() - begun
