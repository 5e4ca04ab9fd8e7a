"""What playing a level gave: all that a curriculum ever learns of a policy."""

import dataclasses
import functools

import jax
import jax.numpy as jnp

from envs.base import Array, Step
from physics.pytree import array, struct, zeros


@struct
class Outcome:
    """Per level `[W]`: finished episodes and what they gave. Counts, so outcomes of the same level add up.

    The last three say how far the critic was from what happened: see `curriculum.scores`.
    """

    episodes: Array = array("", "int32")
    successes: Array = array("", "int32")
    total_return: Array = array("")  # summed over finished episodes
    running_return: Array = array("")  # of the episode in progress
    steps: Array = array("", "int32")  # played, those of the episode in progress too
    best_return: Array = array("")  # the greatest of a finished episode; 0 if that is greater
    value_sum: Array = array("")  # of what the critic thought, summed over steps
    positive_advantage: Array = array("")  # max(advantage, 0), summed over steps

    def after(self, step: Step, counts: Array | bool = True) -> "Outcome":
        """With one more environment step taken into account, in the worlds where it counts."""
        ended = (step.terminated | step.truncated) & counts
        running = self.running_return + jnp.where(counts, step.reward, 0.0)
        return dataclasses.replace(
            self,
            episodes=self.episodes + ended,
            successes=self.successes + (ended & step.solved),
            total_return=self.total_return + jnp.where(ended, running, 0.0),
            running_return=jnp.where(ended, 0.0, running),
            steps=self.steps + counts,
            best_return=jnp.where(ended, jnp.maximum(self.best_return, running), self.best_return),
        )

    def judged(self, value: Array, advantage: Array, counts: Array) -> "Outcome":
        """With what a critic made of steps `[L, W]` taken into account, those that count."""
        gain = jnp.maximum(advantage, 0.0)
        return dataclasses.replace(
            self,
            value_sum=self.value_sum + jnp.sum(jnp.where(counts, value, 0.0), axis=0),
            positive_advantage=self.positive_advantage + jnp.sum(jnp.where(counts, gain, 0.0), axis=0),
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
    apart = jax.tree.map(lambda leaf: leaf.reshape(levels, -1), outcome)
    return dataclasses.replace(jax.tree.map(lambda leaf: leaf.sum(-1), apart), best_return=apart.best_return.max(-1))
