"""What playing a level gave: all that a curriculum ever learns of a policy."""

import dataclasses
import functools

import jax
import jax.numpy as jnp

from envs.base import Array, Step
from physics.pytree import array, struct, zeros


@struct
class Outcome:
    """Per level `[W]`: finished episodes and what they gave. Counts, so outcomes of the same level add up."""

    episodes: Array = array("", "int32")
    successes: Array = array("", "int32")
    total_return: Array = array("")  # summed over finished episodes
    running_return: Array = array("")  # of the episode in progress

    def after(self, step: Step) -> "Outcome":
        """With one more environment step taken into account."""
        ended = step.terminated | step.truncated
        running = self.running_return + step.reward
        return Outcome(
            episodes=self.episodes + ended,
            successes=self.successes + (ended & step.solved),
            total_return=self.total_return + jnp.where(ended, running, 0.0),
            running_return=jnp.where(ended, 0.0, running),
        )

    def cleared(self) -> "Outcome":
        """Counts back to zero; the episodes in progress go on."""
        return dataclasses.replace(jax.tree.map(jnp.zeros_like, self), running_return=self.running_return)

    def success_rate(self) -> Array:
        """Successes per finished episode; 0 where none has finished."""
        return self.successes / jnp.maximum(self.episodes, 1)


def none(worlds: int) -> Outcome:
    """Nothing played yet."""
    return zeros(Outcome, worlds=worlds)


@functools.partial(jax.jit, static_argnums=1)
def merge_repeats(outcome: Outcome, levels: int) -> Outcome:
    """Add up an outcome of `levels x repeats` worlds (repeat varies fastest) to one a level."""
    summed = {field.name: getattr(outcome, field.name).reshape(levels, -1).sum(-1) for field in dataclasses.fields(outcome)}
    return Outcome(**summed)
