"""How well an update went: numbers for people, which the update itself does not use."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from learners.base import DEVICES, Array, Params
from learners.networks.sums import total

SATURATED = 0.99  # a tanh from there on hardly passes a gradient on


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
    counted = [_exceptions(lax.stop_gradient(leaf)) for leaf in layers]
    return said, (lax.psum(jnp.concatenate(counted, axis=1), DEVICES) == 0).any(0).astype(jnp.float32).mean()


def _exceptions(hidden: Array) -> Array:
    """For units `[..., F]`: how many samples are not zero, not saturated above, not saturated below, `[3, F]`."""
    # A rectifier may well stay above 1 and be alive, so only what stays within counts as saturated.
    least, most = jnp.array([[0, SATURATED, -1], [0, 1, -SATURATED]])[..., None]
    asked = hidden[..., None, :]
    others = ~((asked >= least) & (asked <= most))  # also what is not a number
    return total(others.reshape(*hidden.shape[:-1], -1).astype(jnp.float32)).reshape(3, -1)
