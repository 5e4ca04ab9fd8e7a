"""Levels that are told apart by two numbers, how often they are solved and which draw they are, and fakes around them.

Holds no tests. The numbers stand where the level has its gravity; nothing is ever simulated.
"""

from collections.abc import Sequence

import jax
import numpy as np

from envs.base import Level, Role
from envs.build import LevelBuilder
from envs.outcome import Outcome
from envs.sizes import capacity
from physics.pytree import stack

SLOTS = capacity("s")


def _template() -> Level:
    builder = LevelBuilder(SLOTS)
    builder.circle((1.5, 1.0), 0.2, role=Role.GREEN)
    builder.circle((4.0, 1.0), 0.2, role=Role.BLUE)
    return builder.finish()


def numbered(rate: Sequence[float], number: Sequence[float]) -> Level:
    """One level an entry."""
    levels = stack([_template()] * len(rate))
    levels.scene.gravity[:] = np.array([rate, number], np.float32)
    return levels


def rates(levels: Level) -> np.ndarray:
    """How often each is solved."""
    return np.asarray(levels.scene.gravity[0])


def numbers(levels: Level) -> np.ndarray:
    """Which draw each is: no two draws are alike, and the same key and count draw the same."""
    return np.asarray(levels.scene.gravity[1])


class Generate:
    """Draws levels with some rates in equal parts, in an order of the key's; notes every call."""

    def __init__(self, *rates: float) -> None:
        """See `draw_from`."""
        self.draw_from(*rates)

    def draw_from(self, *rates: float) -> None:
        """Levels with `rates` from now on, and no calls noted. Parts are equal in multiples of their number."""
        self._rates, self._number = rates, None
        self.calls: list[tuple[jax.Array, int]] = []

    def flood_with(self, rate: float, number: float) -> None:
        """The same level again and again from now on."""
        self.draw_from(rate)
        self._number = number

    def __call__(self, key: jax.Array, count: int) -> Level:
        """`count` levels."""
        self.calls.append((key, count))
        if self._number is not None:
            return numbered(np.resize(self._rates, count), np.full(count, self._number))
        random = np.random.RandomState(np.asarray(jax.random.key_data(key)).astype(np.uint32))
        shares = np.resize(self._rates, count)
        return numbered(random.permutation(shares), random.rand(count))


class Evaluate:
    """Solves each level as often as its rate says, exactly; `skill` is added to all rates. Notes what it was given."""

    def __init__(self, attempts: int, skill: float = 0.0) -> None:
        """`attempts` at every level, which must come next to each other."""
        self._attempts, self._skill = attempts, skill
        self.calls: list[tuple[jax.Array, Level]] = []

    def __call__(self, key: jax.Array, levels: Level) -> Outcome:
        """One whole episode of each."""
        self.calls.append((key, levels))
        attempt = np.arange(rates(levels).size) % self._attempts
        return outcome(attempt < np.round(self._attempts * (rates(levels) + self._skill)))


def outcome(successes: Sequence[int], episodes: Sequence[int] | None = None) -> Outcome:
    """One entry a world; one episode each if nothing is said."""
    solved = np.asarray(successes, np.int32)
    played = np.ones_like(solved) if episodes is None else np.asarray(episodes, np.int32)
    zero = np.zeros(solved.size, np.float32)
    return Outcome(
        episodes=played, successes=solved, total_return=solved.astype(np.float32), running_return=zero,
        steps=10 * played, best_return=np.minimum(solved, 1).astype(np.float32), value_sum=zero, positive_advantage=zero,
    )  # fmt: skip


def edit(key: jax.Array, levels: Level) -> Level:
    """Levels as often solved as these, give or take a tenth, that no generator draws."""
    random = np.random.RandomState(np.asarray(jax.random.key_data(key)).astype(np.uint32))
    near = rates(levels) + random.uniform(-0.1, 0.1, rates(levels).size)
    return numbered(np.clip(near, 0, 1), 1 + random.rand(rates(levels).size))
