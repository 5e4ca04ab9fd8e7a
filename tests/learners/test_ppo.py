"""PPO's update against its loss and gradient in numpy, and what must not change it."""

import jax
import linear_policy as linear
import numpy as np
import pytest
from linear_policy import BLOCKS, LENGTH, PARTS, SAMPLES, WHOLE, WORLDS, Weights, moved, update, weights

from learners.ppo import PPOConfig
from physics.errors import InputError

COUNTERS = {"gradient_norm", "update_norm", "learning_rate", "skipped_updates", "skipped_in_a_row", "poisoned_worlds"}


def assert_close(found: Weights, wanted: Weights, tolerance: float) -> None:
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], atol=tolerance, err_msg=name)


@pytest.mark.parametrize("by", [0.0, 0.1, 0.3])
def test_the_loss_and_its_parts_are_those_of_the_formulas(by: float):
    """At the weights that acted and away from them, where ratios and values are clipped."""
    expected = linear.loss(moved(by), linear.rollout(), WHOLE)
    if by > 0:
        assert 0.05 < expected["clip_fraction"] < 0.95
    _, found = update(moved(by), rate=0.0)
    assert set(found) == {*expected, *COUNTERS}
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=2e-5, rel=1e-4), name


@pytest.mark.parametrize("by", [0.0, 0.3])
def test_the_step_is_down_the_gradient_of_the_loss(by: float):
    expected = linear.gradient(moved(by), linear.rollout(), WHOLE)
    after, metrics = update(moved(by), rate=1.0)
    assert_close({name: moved(by)[name] - leaf for name, leaf in after.items()}, expected, 2e-5)
    norm = np.sqrt(sum((leaf**2).sum() for leaf in expected.values()))
    assert metrics["gradient_norm"] == pytest.approx(norm, rel=1e-3)
    assert metrics["update_norm"] == pytest.approx(norm, rel=1e-3)
    assert metrics["learning_rate"] == 1
    assert metrics["skipped_updates"] == metrics["poisoned_worlds"] == 0
    undriven = expected["actor"].reshape(linear.FEATURES, *linear.ALLOWED.shape)[:, ~linear.DRIVEN]
    assert not undriven.any()


def test_steps_down_the_gradient_lower_the_loss():
    before = linear.loss(weights(0), linear.rollout(), WHOLE)["loss"]
    after, _ = update(weights(0), rate=0.05, config=PARTS)
    assert linear.loss(after, linear.rollout(), WHOLE)["loss"] < before - 0.01


def test_a_rate_of_zero_changes_nothing_and_the_policy_stays_the_one_that_acted():
    after, metrics = update(weights(0), rate=0.0, config=PARTS)
    jax.tree.map(np.testing.assert_array_equal, after, weights(0))
    assert metrics["kl"] == pytest.approx(0, abs=1e-6)
    assert metrics["clip_fraction"] == 0
    assert metrics["gradient_norm"] > 0.01, "it was the rate that kept them"


def test_the_policy_moves_away_within_an_update():
    metrics = update(weights(0), rate=0.5, config=PARTS)[1]
    assert metrics["kl"] > 1e-3
    assert metrics["clip_fraction"] > 0


def test_minibatches_hold_every_sample_as_often_as_any_other():
    """With a rate of zero the means of all minibatches are those of the whole rollout."""
    _, parts = update(moved(0.3), rate=0.0, config=PARTS)
    _, whole = update(moved(0.3), rate=0.0)
    for name in ("critic_loss", "entropy", "kl", "clip_fraction", "explained_variance"):
        assert parts[name] == pytest.approx(whole[name], rel=1e-4), name


def test_one_device_and_two_learn_the_same():
    """Sums are added up in another order, and rates are moderate, so equal to rounding."""
    one, two = (update(weights(0), rate=0.1, config=PARTS, devices=devices) for devices in (1, 2))
    assert_close(one[0], two[0], 1e-6)
    assert one[1] == pytest.approx(two[1], abs=1e-5)
    assert np.abs(one[0]["actor"] - weights(0)["actor"]).max() > 1e-3


def test_the_key_decides_which_worlds_learn_together_and_nothing_else():
    first, again, other = (update(weights(0), rate=0.1, config=PARTS, key=key)[0] for key in (0, 0, 1))
    jax.tree.map(np.testing.assert_array_equal, first, again)
    assert np.abs(first["actor"] - other["actor"]).max() > 1e-5
    whole = [update(weights(0), rate=0.1, key=key)[0] for key in (0, 1)]
    assert_close(*whole, 1e-6)


@pytest.mark.parametrize(
    ("worlds", "length", "blocks", "size", "count"),
    [(256, 64, 2, 2048, 8), (256, 64, 2, 16384, 1), (WORLDS, LENGTH, BLOCKS, SAMPLES // 4, 4), (6, 10, 3, 30, 2), (8, 1, 1, 1, 8)],
)
def test_a_minibatch_is_as_large_as_set_and_holds_as_many_worlds_of_every_block(worlds, length, blocks, size, count):
    found = PPOConfig(minibatch_size=size).minibatches(worlds, length, blocks)
    assert found == count
    assert count * size == worlds * length
    assert worlds // count % blocks == 0


@pytest.mark.parametrize(
    ("size", "why"),
    [
        (100, "does not divide the samples"),
        (64, "less than a world of every block"),
        (32, "less than a trajectory"),
        (2048, "more than there is"),
    ],
)
def test_a_minibatch_that_cannot_be_dealt_out_is_refused_with_those_that_can(size: int, why: str):
    with pytest.raises(InputError, match=r"ppo.minibatch_size: found \d+.*8 worlds x 64 steps in 2 blocks.*\[512, 256, 128\]") as error:
        PPOConfig(minibatch_size=size).minibatches(8, 64, 2)
    assert str(size) in str(error.value), why
    for possible in (512, 256, 128):
        assert PPOConfig(minibatch_size=possible).minibatches(8, 64, 2) == 512 // possible


@pytest.mark.parametrize("setting", [{"clip": 0.0}, {"discount": 1.1}, {"trace": -0.1}, {"epochs": 0}, {"minibatch_size": 0}])
def test_impossible_settings_are_refused_by_name(setting: dict):
    with pytest.raises(InputError, match=next(iter(setting))):
        PPOConfig(**setting)
