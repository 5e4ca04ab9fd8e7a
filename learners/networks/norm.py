"""Layer norm, as `flax.linen.LayerNorm`, whose parameters it has, with sums as `sums` takes them and a gradient by hand.

Ba et al., "Layer normalization" (2016).
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax

from learners.networks.dense import add
from learners.networks.sums import mean, total

Array = jax.Array
EPSILON = 1e-6


class Norm(nn.Module):
    """`[..., F]` -> `[..., F]`, of mean 0 and spread 1 before they are scaled."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, features: Array) -> Array:
        """Means are taken in float32."""
        width = features.shape[-1]
        scale = self.param("scale", nn.initializers.ones, (width,), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (width,), jnp.float32)
        return add(_scaled(_normed(features.astype(jnp.float32)), scale), bias).astype(self.dtype)


@jax.custom_vjp
def _normed(features: Array) -> Array:
    """Of mean 0 and spread 1."""
    return _normed_forward(features)[0]


def _normed_forward(features: Array) -> tuple[Array, tuple[Array, Array]]:
    centred = features - mean(features)
    scale = lax.rsqrt(mean(centred**2) + EPSILON)
    return centred * scale, (centred * scale, scale)


def _normed_backward(kept: tuple[Array, Array], gradient: Array) -> tuple[Array]:
    normed, scale = kept
    return (scale * (gradient - mean(gradient) - normed * mean(gradient * normed)),)


_normed.defvjp(_normed_forward, _normed_backward)


@jax.custom_vjp
def _scaled(features: Array, scale: Array) -> Array:
    """Their product."""
    return features * scale


def _scaled_forward(features: Array, scale: Array) -> tuple[Array, tuple[Array, Array]]:
    return features * scale, (features, scale)


def _scaled_backward(kept: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    features, scale = kept
    return gradient * scale, total(gradient * features)


_scaled.defvjp(_scaled_forward, _scaled_backward)
