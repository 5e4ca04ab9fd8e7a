"""The layer that every network is made of: a product and a bias, as `flax.linen.Dense`, whose parameters it has.

Three things differ. The gradient of the parameters is one product of features and gradient as they lie, where JAX would
turn the gradient over first; that of the bias is taken by `sums.total`; and how parameters begin is traced once a shape,
as Flax asks for it again whenever a network is applied, to compare shapes. docs/networks.md has what
this and `norm`, `settled` and `learners.chance` brought together.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax

from learners.networks.sums import rows, total

Array = jax.Array


class Dense(nn.Module):
    """`[..., F]` -> `[..., outputs]`."""

    outputs: int
    use_bias: bool = True
    scale: float = 0.0  # of orthogonal parameters to begin with; 0 draws them after LeCun
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, features: Array) -> Array:
        """Compute in `dtype`."""
        kernel = self.param("kernel", _begin(self.scale), (features.shape[-1], self.outputs), jnp.float32)
        product = _product(features.astype(self.dtype), kernel.astype(self.dtype))
        if not self.use_bias:
            return product
        return add(product, self.param("bias", nn.initializers.zeros, (self.outputs,), jnp.float32).astype(self.dtype))


@functools.cache
def _begin(scale: float) -> Callable:
    drawn = nn.initializers.orthogonal(scale) if scale else nn.initializers.lecun_normal()
    return jax.jit(drawn, static_argnums=(1, 2))


@jax.custom_vjp
def _product(features: Array, kernel: Array) -> Array:
    """`[..., F]` times `[F, G]`."""
    return features @ kernel


def _product_forward(features: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    return features @ kernel, (features, kernel)


def _product_backward(kept: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    features, kernel = kept
    return gradient @ kernel.T, lax.dot_general(rows(features), rows(gradient), (((0,), (0,)), ((), ())))


_product.defvjp(_product_forward, _product_backward)


@jax.custom_vjp
def add(features: Array, bias: Array) -> Array:
    """Features `[..., F]` and a bias `[F]`."""
    return features + bias


def _add_forward(features: Array, bias: Array) -> tuple[Array, None]:
    return features + bias, None


def _add_backward(_: None, gradient: Array) -> tuple[Array, Array]:
    return gradient, total(gradient)


add.defvjp(_add_forward, _add_backward)
