"""Generalised advantage estimation that tells an episode that ended from one that was cut off.

    δₜ = rₜ + γ vₜ₊₁ - vₜ          vₜ₊₁ is 0 after a termination, and after a truncation the value
    Aₜ = δₜ + γλ Aₜ₊₁              of the state that was cut off; Aₜ₊₁ is 0 after either.

Schulman et al., "High-dimensional continuous control using GAE" (2016); on time limits, Pardo et al. (2018).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from learners.base import Array, Rollout

DISCOUNT, TRACE = 0.995, 0.9  # where nothing else is said
Estimate = Callable[[Rollout], Array]  # of one block: advantages [L, W]


@jax.named_scope("advantage")
def estimate(rollout: Rollout, discount: float = DISCOUNT, trace: float = TRACE) -> Array:
    """Advantages `[L, W]`; add the values to get the critic's targets."""

    def back(carry: tuple[Array, Array], step: tuple[Array, ...]) -> tuple[tuple[Array, Array], Array]:
        advantage, following_value = carry
        value, reward, terminated, truncated, final_value = step
        ended = terminated | truncated
        reached = jnp.where(terminated, 0.0, jnp.where(truncated, final_value, following_value))
        delta = reward + discount * reached - value
        advantage = delta + discount * trace * jnp.where(ended, 0.0, advantage)
        return (advantage, value), advantage

    steps = (rollout.value, rollout.reward, rollout.terminated, rollout.truncated, rollout.final_value)
    begin = (jnp.zeros_like(rollout.last_value), rollout.last_value)
    return lax.scan(back, begin, steps, reverse=True)[1]
