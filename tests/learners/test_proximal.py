"""PPO-EWMA: the average against its sums, and the update with a proximal policy of its own against the formulas."""

import dataclasses

import jax
import numpy as np
import pytest
from linear_policy import PARTS, SAMPLES, WHOLE, after, begun, gradient, loss, moved, rollout, weights

from learners import proximal
from learners.ppo import PPOConfig
from physics.errors import InputError

DECAY = 0.8
AVERAGED = dataclasses.replace(WHOLE, ewma_decay=DECAY)


def test_the_average_is_the_sum_of_decaying_weights():
    seen = np.random.RandomState(0).normal(size=(6, 3))
    average = proximal.begin({"a": np.float32(seen[0])})
    for t in range(1, 6):
        average = proximal.after(average, {"a": np.float32(seen[t])}, DECAY)
        weight = DECAY ** np.arange(t, -1, -1)
        np.testing.assert_allclose(average.params["a"], weight @ seen[: t + 1] / weight.sum(), rtol=1e-5)
        assert float(average.weight) == pytest.approx(weight.sum())


@pytest.mark.parametrize("by", [0.0, 0.3])
def test_loss_and_step_are_those_of_the_decoupled_objective(by: float):
    """What was done is weighed by the policy that acted, `weights(0)`; near is measured from another, `moved(0.1)`."""
    near, made = moved(0.1), rollout()
    expected = loss(moved(by), made, AVERAGED, near)
    assert abs(expected["loss"] - loss(moved(by), made, AVERAGED)["loss"]) > 1e-3, "the proximal policy matters here"
    state, found = after(begun(moved(by), 1.0, near), AVERAGED)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=2e-5, rel=1e-4), name
    for name, slope in gradient(moved(by), made, AVERAGED, near).items():
        np.testing.assert_allclose(moved(by)[name] - state.params[name], slope, atol=3e-5, err_msg=name)


def test_every_gradient_step_is_averaged_in():
    state, _ = after(begun(weights(0), 0.5, moved(0.1), weight=3.0), AVERAGED)
    total = 3 * DECAY + 1
    assert float(state.proximal.weight) == pytest.approx(total)
    for name, leaf in state.proximal.params.items():
        np.testing.assert_allclose(leaf, (3 * DECAY * moved(0.1)[name] + state.params[name]) / total, atol=1e-6)
    many, _ = after(begun(weights(0), 0.0, weights(0)), dataclasses.replace(PARTS, ewma_decay=DECAY))
    assert float(many.proximal.weight) == pytest.approx((DECAY ** np.arange(9)).sum())  # eight steps and what it began with


def test_near_the_policy_that_acted_it_is_plain_ppo():
    plain, averaged = (after(begun(moved(0.2), 1.0, near), config)[0] for near, config in ((None, WHOLE), (weights(0), AVERAGED)))
    for name in plain.params:
        np.testing.assert_allclose(averaged.params[name], plain.params[name], atol=1e-5)


def test_without_a_decay_there_is_no_average_to_keep():
    assert begun(weights(0), 0.0).proximal is None
    assert jax.tree.structure(after(begun(weights(0), 0.0))[0]) == jax.tree.structure(begun(weights(0), 0.0))
    with pytest.raises(InputError, match="ewma_decay"):
        PPOConfig(minibatch_size=SAMPLES, ewma_decay=1.5)
