"""How much there is to learn from a level, judged by what playing it gave."""

import jax.numpy as jnp

from curriculum.base import Array
from envs.outcome import Outcome

TIE_BREAK = 1e-3  # between equally learnable levels the easier one is the safer choice
NEVER_FINISHED = -1.0  # ranks below everything that was finished


def learnability(outcome: Outcome) -> Array:
    """P (1 - p) per level, with p the success rate over n episodes.

    Scaled by n / (n + 1), so that few episodes count for less. Source: Rutherford et al., "No regrets"
    (2024), sampling for learnability. A level that was never finished scores below all others.
    """
    rate, count = outcome.success_rate(), outcome.episodes
    score = rate * (1 - rate) * count / (count + 1) + TIE_BREAK * rate
    return jnp.where(count > 0, score, NEVER_FINISHED)
