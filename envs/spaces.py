"""Which values an observation or an action may take: plain descriptions that need no other library.

Every space says of one world; with `worlds` a batch of that many, which comes first. `sample` draws a
value as JAX does, `contains` says whether a value has the shape, the dtype and the bounds.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from envs.base import Array


@dataclasses.dataclass(frozen=True)
class Box:
    """An array whose elements all lie in `[low, high]`; never one that is not a number."""

    shape: tuple[int, ...]
    low: float = -math.inf
    high: float = math.inf
    dtype: Any = np.float32

    def __post_init__(self) -> None:
        """Bounds in the wrong order hold nothing; whole numbers need both."""
        object.__setattr__(self, "shape", tuple(self.shape))
        object.__setattr__(self, "dtype", np.dtype(self.dtype))
        if not self.low <= self.high:
            raise ValueError(f"a box from {self.low} to {self.high} is empty")
        if self.dtype.kind != "f" and not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError(f"a box of {self.dtype} needs both bounds")

    def sample(self, key: Array, worlds: int | None = None) -> Array:
        """Uniform between two bounds; without any normal, with one exponential beyond it."""
        shape = _batched(self.shape, worlds)
        if self.dtype.kind != "f":
            return jax.random.randint(key, shape, int(self.low), int(self.high) + 1).astype(self.dtype)
        if math.isfinite(self.low) and math.isfinite(self.high):
            return jax.random.uniform(key, shape, self.dtype, self.low, self.high)
        if math.isfinite(self.low):
            return self.low + jax.random.exponential(key, shape, self.dtype)
        if math.isfinite(self.high):
            return self.high - jax.random.exponential(key, shape, self.dtype)
        return jax.random.normal(key, shape, self.dtype)

    def contains(self, value: Any, worlds: int | None = None) -> bool:
        """Whether shape, dtype and every element fit."""
        found = np.asarray(value)
        fits = found.shape == _batched(self.shape, worlds) and found.dtype == self.dtype
        return fits and bool(np.all((found >= self.low) & (found <= self.high)))


@dataclasses.dataclass(frozen=True)
class Discrete:
    """One of `n` choices, 0 to n - 1."""

    n: int

    def sample(self, key: Array, worlds: int | None = None) -> Array:
        """Every choice equally likely."""
        return jax.random.randint(key, _batched((), worlds), 0, self.n)

    def contains(self, value: Any, worlds: int | None = None) -> bool:
        """Whether it is a whole number that names a choice."""
        found = np.asarray(value)
        fits = found.shape == _batched((), worlds) and found.dtype.kind in "iu"
        return fits and bool(np.all((found >= 0) & (found < self.n)))


@dataclasses.dataclass(frozen=True)
class MultiDiscrete:
    """Several choices at once: element `i` is one of `choices[i]`."""

    choices: tuple[int, ...]

    def __post_init__(self) -> None:
        """Any sequence will do."""
        object.__setattr__(self, "choices", tuple(self.choices))

    def sample(self, key: Array, worlds: int | None = None) -> Array:
        """Every choice equally likely."""
        return jax.random.randint(key, _batched((len(self.choices),), worlds), 0, jnp.array(self.choices))

    def contains(self, value: Any, worlds: int | None = None) -> bool:
        """Whether all elements are whole numbers that name a choice."""
        found = np.asarray(value)
        fits = found.shape == _batched((len(self.choices),), worlds) and found.dtype.kind in "iu"
        return fits and bool(np.all((found >= 0) & (found < np.array(self.choices))))


@dataclasses.dataclass(frozen=True)
class Struct:
    """Named parts, each with its space; a value is a mapping or a dataclass of these very names."""

    fields: Mapping[str, "Space"]

    def __hash__(self) -> int:
        """Equal structs have equal fields, in whatever order."""
        return hash(frozenset(self.fields.items()))

    def sample(self, key: Array, worlds: int | None = None) -> dict[str, Any]:
        """Every part by itself, as a dict."""
        keys = jax.random.split(key, max(1, len(self.fields)))
        return {name: space.sample(own, worlds) for own, (name, space) in zip(keys, self.fields.items(), strict=False)}

    def contains(self, value: Any, worlds: int | None = None) -> bool:
        """Whether it has these parts, no others, and every part fits."""
        parts = value if isinstance(value, Mapping) else getattr(value, "__dict__", {})
        return set(parts) == set(self.fields) and all(space.contains(parts[name], worlds) for name, space in self.fields.items())


Space = Box | Discrete | MultiDiscrete | Struct


def _batched(shape: tuple[int, ...], worlds: int | None) -> tuple[int, ...]:
    return shape if worlds is None else (worlds, *shape)
