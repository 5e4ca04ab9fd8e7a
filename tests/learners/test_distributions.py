"""The policy's distribution against numpy: every possible action is written out and added up."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.actions import CHANNELS, CHOICES
from learners import distributions
from learners.distributions import MAX_CHOICES

BATCH = 8
EVERY_ACTION = np.array(list(itertools.product(range(MAX_CHOICES), repeat=CHANNELS)), np.int32)
POSSIBLE = np.less(EVERY_ACTION, CHOICES).all(1)

log_prob = jax.jit(distributions.log_prob)
entropy = jax.jit(distributions.entropy)
sample = jax.jit(distributions.sample)


def raw_logits(scale: float = 2.0) -> np.ndarray:
    return np.random.RandomState(0).normal(0, scale, (BATCH, CHANNELS, MAX_CHOICES)).astype(np.float32)


def some_driven() -> np.ndarray:
    driven = np.random.RandomState(1).rand(BATCH, CHANNELS) < 0.6
    driven[0], driven[1] = True, False
    return driven


def logits(scale: float = 2.0) -> jax.Array:
    return distributions.masked(jnp.asarray(raw_logits(scale)), jnp.asarray(some_driven()))


def probabilities(scale: float = 2.0) -> np.ndarray:
    """`[B, channels, choices]`: softmax over the choices that exist; all on 'nothing' where not driven."""
    raw, driven, found = raw_logits(scale).astype(np.float64), some_driven(), np.zeros((BATCH, CHANNELS, MAX_CHOICES))
    for b, channel in np.ndindex(BATCH, CHANNELS):
        count = CHOICES[channel] if driven[b, channel] else 1
        weights = np.exp(raw[b, channel, :count] - raw[b, channel, :count].max())
        found[b, channel, :count] = weights / weights.sum()
    return found


def joint() -> np.ndarray:
    """`[B, actions]`: probability of every action as a whole."""
    return np.prod([probabilities()[:, channel, EVERY_ACTION[:, channel]] for channel in range(CHANNELS)], axis=0)


def test_choices_are_those_of_motors_and_thrusters():
    assert CHOICES == (3, 3, 3, 3, 2, 2)
    assert POSSIBLE.sum() == 324


def test_log_prob_is_that_of_independent_choices():
    found = jax.jit(jax.vmap(distributions.log_prob, (None, 0)))(logits(), jnp.repeat(EVERY_ACTION[:, None], BATCH, 1)).T
    np.testing.assert_allclose(np.exp(found), joint(), atol=1e-6)
    np.testing.assert_allclose(np.exp(found).sum(1), 1, atol=1e-5)
    assert np.exp(found)[:, ~POSSIBLE].max() == 0


def test_entropy_is_that_of_the_whole_action():
    p = joint()
    expected = -np.where(p > 0, p * np.log(np.maximum(p, 1e-300)), 0).sum(1)
    np.testing.assert_allclose(entropy(logits()), expected, atol=1e-5)


def test_entropy_is_largest_where_all_choices_are_equal():
    flat = distributions.masked(jnp.zeros((1, CHANNELS, MAX_CHOICES)), jnp.ones((1, CHANNELS), bool))
    np.testing.assert_allclose(entropy(flat), 4 * np.log(3) + 2 * np.log(2), rtol=1e-6)


def test_a_channel_that_drives_nothing_chooses_nothing_for_certain():
    idle = distributions.masked(jnp.asarray(raw_logits()), jnp.zeros((BATCH, CHANNELS), bool))
    assert np.all(log_prob(idle, jnp.zeros((BATCH, CHANNELS), jnp.int32)) == 0)
    assert np.all(entropy(idle) == 0)
    keys = jax.random.split(jax.random.key(0), BATCH)
    assert not np.any(sample(idle, keys))
    assert not np.any(distributions.greedy(idle))


def test_a_channel_that_drives_nothing_has_no_gradient_and_the_others_have():
    driven = some_driven()
    action = np.minimum(1, driven.astype(np.int32))

    def both(raw: jax.Array) -> tuple[jax.Array, jax.Array]:
        found = distributions.masked(raw, driven)
        return distributions.log_prob(found, action).sum(), distributions.entropy(found).sum()

    for gradient in jax.jit(jax.jacrev(both))(raw_logits()):
        assert np.all(np.isfinite(gradient))
        assert not np.any(gradient[~driven])
        assert np.all(np.any(gradient[driven] != 0, axis=-1))
        assert not np.any(gradient[:, 4:, 2]), "a choice that does not exist"


def test_gradients_are_those_of_the_formula():
    """Of the log probability: 1 for the choice taken, less the probability; `some_driven` masks the rest."""
    action = some_driven().astype(np.int32)
    gradient = jax.grad(lambda raw: distributions.log_prob(distributions.masked(raw, some_driven()), action).sum())(raw_logits())
    expected = np.where(some_driven()[..., None], np.eye(MAX_CHOICES)[action] - probabilities(), 0)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


@pytest.mark.parametrize("scale", [0.0, 1e3, 1e6])
def test_nothing_breaks_with_extreme_logits(scale: float):
    driven = some_driven()
    action = distributions.greedy(logits(scale))

    def total(raw: jax.Array) -> jax.Array:
        found = distributions.masked(raw, driven)
        return distributions.log_prob(found, action).sum() + distributions.entropy(found).sum()

    value, gradient = jax.value_and_grad(total)(raw_logits(scale))
    assert np.isfinite(value)
    assert np.all(np.isfinite(gradient))


def test_samples_come_as_often_as_they_are_likely():
    draws = 4000
    keys = jax.random.split(jax.random.key(3), draws * BATCH).reshape(draws, BATCH)
    found = np.asarray(jax.jit(jax.vmap(distributions.sample, (None, 0)))(logits(), keys))
    assert found.dtype == np.int32
    often = np.stack([(found == choice).mean(0) for choice in range(MAX_CHOICES)], axis=-1)
    p = probabilities()
    np.testing.assert_array_less(np.abs(often - p), 5 * np.sqrt(p * (1 - p) / draws) + 1e-9)


def test_channels_are_sampled_independently():
    draws = 4000
    even = jnp.zeros((draws, CHANNELS, MAX_CHOICES))
    found = np.asarray(sample(distributions.masked(even, jnp.ones((draws, CHANNELS), bool)), jax.random.split(jax.random.key(4), draws)))
    correlation = np.corrcoef(found.T) - np.eye(CHANNELS)
    assert np.abs(correlation).max() < 5 / np.sqrt(draws)


def test_a_world_draws_from_its_own_key_wherever_it_stands():
    keys, back = jax.random.split(jax.random.key(5), BATCH), np.arange(BATCH)[::-1]
    np.testing.assert_array_equal(sample(logits()[back], keys[back]), np.asarray(sample(logits(), keys))[back])


def test_greedy_takes_the_likeliest():
    np.testing.assert_array_equal(distributions.greedy(logits()), probabilities().argmax(-1))
