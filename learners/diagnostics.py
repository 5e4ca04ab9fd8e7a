"""How well an update went: numbers for people, which the update itself does not use."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from learners.base import DEVICES, Array, Params

SATURATED = 0.99  # a tanh beyond it hardly passes a gradient on


def mean(value: Array) -> Array:
    """Over all samples of all devices."""
    return lax.pmean(value.mean(), DEVICES)


def spread(value: Array) -> Array:
    """Standard deviation over all samples of all devices."""
    return jnp.sqrt(mean((value - mean(value)) ** 2))


def explained_variance(value: Array, advantages: Array) -> Array:
    """Share of the variance of the targets that the critic foresaw; 1 is perfect, 0 no better than the mean."""
    target = value + advantages
    return 1 - mean(advantages**2) / (mean((target - mean(target)) ** 2) + 1e-8)


def watched(apply: Callable, params: Params, *seen: Any) -> tuple[Any, Array]:
    """What the network says of samples `[B, ...]`, and the share of its hidden units that are dead.

    Dead is what says the same of every sample, of all devices: always zero, or saturated at one end.
    Looks at what the network sows as `hidden`, units last; the share is 0 if it sows nothing.
    """
    said, sown = apply(params, *seen, mutable=["intermediates"])
    layers = [leaf for path, leaf in jax.tree_util.tree_leaves_with_path(sown) if "'hidden'" in jax.tree_util.keystr(path)]
    if not layers:
        return said, jnp.zeros(())
    rows = [lax.stop_gradient(leaf).reshape(-1, leaf.shape[-1]) for leaf in layers]
    lowest = lax.pmin(jnp.concatenate([row.min(0) for row in rows]), DEVICES)
    highest = lax.pmax(jnp.concatenate([row.max(0) for row in rows]), DEVICES)
    zero = (lowest == 0) & (highest == 0)
    # A rectifier may well stay above 1 and be alive, so only what stays within counts as saturated.
    saturated = ((lowest > SATURATED) & (highest <= 1)) | ((highest < -SATURATED) & (lowest >= -1))
    return said, (zero | saturated).astype(jnp.float32).mean()
