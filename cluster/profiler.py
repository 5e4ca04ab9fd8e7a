"""Where the time of a run goes: traces of a few iterations, made with JAX's profiler."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import jax


class Profiler:
    """Traces so many iterations, each into a folder of its own, once those that compile are over."""

    def __init__(self, folder: Path, iterations: int, after: int) -> None:
        """Of this process, iterations `after + 1` to `after + iterations` are traced."""
        self._folder = folder
        self._iterations = iterations
        self._after = after
        self._seen = 0

    @contextlib.contextmanager
    def iteration(self, number: int) -> Iterator[None]:
        """What happens within is iteration `number` of the run."""
        self._seen += 1
        traced = self._after < self._seen <= self._after + self._iterations
        with jax.profiler.trace(str(self._folder / f"iteration_{number}")) if traced else contextlib.nullcontext():
            yield
