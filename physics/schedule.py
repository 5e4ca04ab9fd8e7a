"""Which pairs of bodies are solved at the same time.

Bodies meet as in a round-robin tournament (circle method): with `E` bodies there are `E - 1`
colours of `E / 2` pairs, no body twice in a colour and every pair exactly once. A colour can be
solved at once and the sweep is still exactly Gauss-Seidel. Bodies stand in two rows of `E / 2`;
pair `k` of a colour is column `k`; `rotate` moves everybody one seat on to the next colour, by
slices and concatenations alone, so that the hot path has no gather and no scatter.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Pairs in the order of the sweep: slot `colour * half + column`."""

    colours: int
    half: int
    first: np.ndarray  # [K] body in the upper row
    second: np.ndarray  # [K] body in the lower row


def rotate(seats: jax.Array) -> jax.Array:
    """Seats `[2, E/2, ...]` of the next colour."""
    half = seats.shape[1]
    if half == 1:
        return seats
    everybody = seats.reshape(2 * half, *seats.shape[2:])  # the upper row, then the lower
    upper = (0, 1), (half, half + 1), (1, half - 1)
    lower = (half + 1, 2 * half), (half - 1, half)
    return jnp.concatenate([lax.slice_in_dim(everybody, *part) for part in upper + lower]).reshape(seats.shape)


@functools.cache
def make(even_bodies: int) -> Schedule:
    """The tournament of `even_bodies` (2, 4, ...)."""
    half = even_bodies // 2
    upper, lower = list(range(half)), list(range(half, even_bodies))
    first, second = [], []
    for _ in range(even_bodies - 1):
        first += upper
        second += lower
        if half > 1:
            upper, lower = [upper[0], lower[0], *upper[1:-1]], [*lower[1:], upper[-1]]
    return Schedule(even_bodies - 1, half, np.array(first), np.array(second))
