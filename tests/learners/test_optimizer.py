"""The optimiser against Adam, clipping and the schedule written out in numpy."""

import jax
import numpy as np
import pytest

from learners import optimizer
from learners.optimizer import OptimizerConfig
from physics.errors import InputError

STEPS = 8
GRADIENTS = np.random.RandomState(0).normal(size=(STEPS, 5)).astype(np.float32)
GRADIENTS *= np.array([0.01, 3, 0.1, 20, 0.2, 0.001, 1, 0.3], np.float32)[:, None]  # some above the largest norm, some below


def walk(config: OptimizerConfig, steps: int = STEPS) -> np.ndarray:
    """The parameters after every gradient, begun at zero. They come in two leaves: the norm is that of both."""
    made = optimizer.make(config, steps)

    @jax.jit
    def step(state: object, gradient: dict) -> tuple:
        changes, state = made.update(gradient, state)
        return state, changes

    parts = [{"a": gradient[:2], "b": gradient[2:]} for gradient in GRADIENTS]
    state, found = made.init(jax.tree.map(np.zeros_like, parts[0])), []
    for part in parts:
        state, changes = step(state, part)
        found.append(np.concatenate([changes["a"], changes["b"]]))
    return np.cumsum(found, axis=0)


def expected(rates: np.ndarray, largest_norm: float, epsilon: float) -> np.ndarray:
    """Kingma and Ba (2015) with bias correction, in double precision."""
    first, second, place, found = np.zeros(5), np.zeros(5), np.zeros(5), []
    for t, gradient in enumerate(GRADIENTS.astype(np.float64)):
        clipped = gradient * min(1.0, largest_norm / np.linalg.norm(gradient))
        first, second = 0.9 * first + 0.1 * clipped, 0.999 * second + 0.001 * clipped**2
        step = (first / (1 - 0.9 ** (t + 1))) / (np.sqrt(second / (1 - 0.999 ** (t + 1))) + epsilon)
        place = place - rates[t] * step
        found.append(place)
    return np.array(found)


def test_gradients_are_scaled_down_to_the_largest_norm_and_adam_takes_the_step():
    norms = np.linalg.norm(GRADIENTS, axis=1)
    assert (norms > 0.5).any()
    assert (norms < 0.5).any()
    config = OptimizerConfig(learning_rate=0.1, max_grad_norm=0.5, epsilon=1e-5)
    np.testing.assert_allclose(walk(config), expected(np.full(STEPS, 0.1), 0.5, 1e-5), rtol=1e-4)


def test_the_largest_norm_and_epsilon_are_those_of_the_settings():
    config = OptimizerConfig(learning_rate=0.1, max_grad_norm=2.0, epsilon=0.3)
    found = walk(config)
    np.testing.assert_allclose(found, expected(np.full(STEPS, 0.1), 2.0, 0.3), rtol=1e-4)
    assert not np.allclose(found, expected(np.full(STEPS, 0.1), 0.5, 0.3), rtol=1e-2)


def test_an_annealed_rate_falls_linearly_to_zero_over_the_run_and_stays_there():
    config = OptimizerConfig(learning_rate=0.1, anneal=True)
    rates = 0.1 * np.maximum(0, 1 - np.arange(STEPS) / 4)
    found = walk(config, steps=4)
    np.testing.assert_allclose(found, expected(rates, 0.5, 1e-5), rtol=1e-4)
    np.testing.assert_array_equal(found[4:], found[3:-1])


@pytest.mark.parametrize("setting", [{"learning_rate": 0.0}, {"max_grad_norm": -1.0}, {"epsilon": 0.0}])
def test_impossible_settings_are_refused_by_name(setting: dict):
    with pytest.raises(InputError, match=next(iter(setting))):
        OptimizerConfig(**setting)
