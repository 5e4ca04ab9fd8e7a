"""The optimiser against Adam, clipping and the schedule written out in numpy."""

import jax
import numpy as np
import optax
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


SCHEDULES = {  # of 8 steps, the first two of them warm-up: written out
    "constant": [1 / 2, 1, 1, 1, 1, 1, 1, 1],
    "linear": [1 / 2, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6],
    "cosine": [1 / 2, 1, *(0.5 + 0.5 * np.cos(np.pi * np.arange(6) / 6))],
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_rises_then_falls_as_its_schedule_says(schedule: str):
    config = OptimizerConfig(learning_rate=0.1, schedule=schedule, warmup=0.25)
    found = np.array([float(config.rate(np.int32(t), STEPS)) for t in range(STEPS)])
    np.testing.assert_allclose(found, 0.1 * np.array(SCHEDULES[schedule]), rtol=1e-6)
    np.testing.assert_allclose(walk(config), expected(found, 0.5, 1e-5), rtol=1e-4, atol=1e-6)


def test_a_rate_that_fell_to_zero_stays_there():
    config = OptimizerConfig(learning_rate=0.1, schedule="linear")
    rates = 0.1 * np.maximum(0, 1 - np.arange(STEPS) / 4)
    found = walk(config, steps=4)
    np.testing.assert_allclose(found, expected(rates, 0.5, 1e-5), rtol=1e-4)
    np.testing.assert_array_equal(found[4:], found[3:-1])


def test_the_state_says_the_rate_of_the_last_step():
    config = OptimizerConfig(learning_rate=0.1, schedule="linear")
    made, gradient = optimizer.make(config, STEPS), np.ones(3, np.float32)
    state = made.init(gradient)
    for t in range(3):
        _, state = made.update(gradient, state)
        assert float(optax.tree.get(state, "learning_rate")) == pytest.approx(0.1 * (1 - t / STEPS))


@pytest.mark.parametrize(
    "setting", [{"learning_rate": 0.0}, {"max_grad_norm": -1.0}, {"epsilon": 0.0}, {"schedule": "step"}, {"warmup": 1.5}]
)
def test_impossible_settings_are_refused_by_name(setting: dict):
    with pytest.raises(InputError, match=next(iter(setting))):
        OptimizerConfig(**setting)
