"""The proximal policy of PPO-EWMA: an exponentially weighted moving average of the parameters.

PPO takes the policy that acted for two things: to weigh what it did, and to stay near. Here the second
is an average over the last gradient steps instead, so that how old a rollout is, and how it is cut into
batches, does not change how far the policy may go. Hilton, Cobbe and Schulman, "Batch size-invariance
for policy optimization" (2022), algorithm 1, with their correction for the first steps.
"""

import dataclasses

import jax
import jax.numpy as jnp

from learners.base import Array, Params, Proximal


def begin(params: Params) -> Proximal:
    """The average of one set of parameters."""
    return Proximal(params=jax.tree.map(jnp.copy, params), weight=jnp.ones(()))


def after(average: Proximal, params: Params, decay: float | Array) -> Proximal:
    """With one more set of parameters, of weight 1; those before it weigh `decay` times what they did."""
    weight = decay * average.weight + 1
    mixed = jax.tree.map(lambda old, new: old + (new - old) / weight, average.params, params)
    return dataclasses.replace(average, params=mixed, weight=weight)
