"""Many small draws from one key.

A level needs some forty random numbers. Asking JAX for each by its own key costs a compiled hash a
draw; here one call makes a row of uniform numbers and the draws consume them in order.
"""

import jax
import jax.numpy as jnp

from envs.base import Array


class Dice:
    """Consumes uniform numbers drawn at once; raises `StopIteration` when more are asked for than were drawn."""

    def __init__(self, key: Array, count: int) -> None:
        """Draw `count` numbers."""
        self._numbers = iter(jax.random.uniform(key, (count,)))

    def uniform(self, low: Array | float = 0.0, high: Array | float = 1.0) -> Array:
        """A number in [low, high)."""
        return low + next(self._numbers) * (high - low)

    def chance(self, probability: Array | float) -> Array:
        """True with the given probability."""
        return next(self._numbers) < probability

    def whole(self, count: int) -> Array:
        """A whole number from 0 to count - 1."""
        return jnp.minimum((next(self._numbers) * count).astype(jnp.int32), count - 1)

    def angle(self) -> Array:
        """An angle in [0, 2 pi)."""
        return self.uniform(0.0, 2 * jnp.pi)

    def point(self) -> Array:
        """A point `[2]` of the square [-1, 1)."""
        return jnp.stack([self.uniform(-1.0), self.uniform(-1.0)])

    def choose(self, weights: Array) -> tuple[Array, Array]:
        """(index drawn in proportion to `weights`, whether any weight was positive)."""
        total = jnp.cumsum(weights)
        index = jnp.sum(total <= next(self._numbers) * total[-1])
        last = weights.shape[0] - 1 - jnp.argmax(weights[::-1] > 0)  # rounding must not pass the last possible one
        return jnp.minimum(index, last), total[-1] > 0
