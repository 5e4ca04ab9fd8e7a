"""Layers that every network is made of, against those of Flax whose parameters they have."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from learners.networks.dense import Dense
from learners.networks.norm import Norm
from learners.networks.settled import settled
from learners.networks.sums import mean, total

FEATURES = 3.0 + jax.random.normal(jax.random.key(0), (5, 4, 7))  # away from 0, as a spread is lost to rounding there
PAIRS: dict[str, tuple[Callable, Callable]] = {
    "dense": (lambda dtype: Dense(6, dtype=dtype), lambda dtype: nn.Dense(6, dtype=dtype)),
    "dense without bias": (lambda dtype: Dense(6, use_bias=False, dtype=dtype), lambda dtype: nn.Dense(6, use_bias=False, dtype=dtype)),
    "orthogonal dense": (
        lambda dtype: Dense(6, scale=0.5, dtype=dtype),
        lambda dtype: nn.Dense(6, kernel_init=nn.initializers.orthogonal(0.5), dtype=dtype),
    ),
    "norm": (lambda dtype: Norm(dtype), lambda dtype: nn.LayerNorm(dtype=dtype)),
}
TOLERANCES = {"float32": 1e-5, "bfloat16": 3e-2}


def _shifted(params: Any) -> Any:
    """Parameters none of which is 0 or 1."""
    return jax.tree.map(lambda leaf: leaf + 0.1 * jnp.arange(1.0, 1 + leaf.size).reshape(leaf.shape), params)


def _gradients(layer: nn.Module, params: Any) -> Any:
    """By parameters and by features, of a sum in which every output has a weight of its own."""

    def weighed(params: Any, features: jax.Array) -> jax.Array:
        said = layer.apply(params, features).astype(jnp.float32)
        return (said * jnp.sin(jnp.arange(said.size)).reshape(said.shape)).sum()

    return jax.grad(weighed, argnums=(0, 1))(params, FEATURES)


@pytest.mark.parametrize("name", PAIRS)
def test_layers_begin_as_those_of_flax(name: str) -> None:
    """With the same parameters of the same names, to the bit."""
    ours, theirs = (make(jnp.float32).init(jax.random.key(1), FEATURES) for make in PAIRS[name])
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize("name", PAIRS)
def test_layers_say_and_learn_what_those_of_flax_do(name: str, precision: str) -> None:
    """Outputs of the layer's type, and gradients of parameters and of features."""
    ours, theirs = (make(jnp.dtype(precision)) for make in PAIRS[name])
    params = _shifted(theirs.init(jax.random.key(1), FEATURES))
    said = ours.apply(params, FEATURES)
    assert said.dtype == precision
    found, wanted = (said, *_gradients(ours, params)), (theirs.apply(params, FEATURES), *_gradients(theirs, params))
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        one, other = np.asarray(one, np.float32), np.asarray(other, np.float32)
        np.testing.assert_allclose(one, other, atol=TOLERANCES[precision] * np.abs(other).max())


def test_sums_are_the_same_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they are no products."""
    products = total(FEATURES), mean(FEATURES)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    for one, other in zip((total(FEATURES), mean(FEATURES)), products, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    np.testing.assert_allclose(products[0], np.asarray(FEATURES).sum((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(products[1], np.asarray(FEATURES).mean(-1, keepdims=True), rtol=1e-5)


def test_a_total_of_many_halves_is_taken_in_float32() -> None:
    """In bfloat16 a sum of ones stands still at 256."""
    assert total(jnp.ones((4096, 2), jnp.bfloat16)).tolist() == [4096, 4096]


def test_what_settles_is_left_as_it_is() -> None:
    """And so is its gradient."""
    np.testing.assert_array_equal(jax.jit(settled)(FEATURES), FEATURES)
    np.testing.assert_array_equal(jax.jit(jax.grad(lambda x: (settled(x) ** 2).sum()))(FEATURES), 2 * FEATURES)
