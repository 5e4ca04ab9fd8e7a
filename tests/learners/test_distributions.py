"""The policy's distributions against numpy: every possible action is written out and added up."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs import actions
from envs.actions import CHANNELS, CHOICES
from learners import distributions
from learners.distributions import MAX_CHOICES, Discrete, Gaussian, MultiDiscrete
from physics.errors import InputError

BATCH = 8
EVERY_ACTION = np.array(list(itertools.product(range(MAX_CHOICES), repeat=CHANNELS)), np.int32)
POSSIBLE = np.less(EVERY_ACTION, CHOICES).all(1)

log_prob = jax.jit(lambda logits, action: MultiDiscrete(logits).log_prob(action))
entropy = jax.jit(lambda logits: MultiDiscrete(logits).entropy())
sample = jax.jit(lambda logits, keys: MultiDiscrete(logits).sample(keys))


def masked(raw: Any, driven: Any) -> jax.Array:
    return MultiDiscrete.of(jnp.asarray(raw).reshape(-1, CHANNELS * MAX_CHOICES), None, jnp.asarray(driven)).logits


def greedy(logits: jax.Array) -> jax.Array:
    return MultiDiscrete(logits).greedy()


def raw_logits(scale: float = 2.0) -> np.ndarray:
    return np.random.RandomState(0).normal(0, scale, (BATCH, CHANNELS, MAX_CHOICES)).astype(np.float32)


def some_driven() -> np.ndarray:
    driven = np.random.RandomState(1).rand(BATCH, CHANNELS) < 0.6
    driven[0], driven[1] = True, False
    return driven


def logits(scale: float = 2.0) -> jax.Array:
    return masked(raw_logits(scale), some_driven())


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
    found = jax.jit(jax.vmap(log_prob, (None, 0)))(logits(), jnp.repeat(EVERY_ACTION[:, None], BATCH, 1)).T
    np.testing.assert_allclose(np.exp(found), joint(), atol=1e-6)
    np.testing.assert_allclose(np.exp(found).sum(1), 1, atol=1e-5)
    assert np.exp(found)[:, ~POSSIBLE].max() == 0


def test_entropy_is_that_of_the_whole_action():
    p = joint()
    expected = -np.where(p > 0, p * np.log(np.maximum(p, 1e-300)), 0).sum(1)
    np.testing.assert_allclose(entropy(logits()), expected, atol=1e-5)


def test_entropy_is_largest_where_all_choices_are_equal():
    flat = masked(jnp.zeros((1, CHANNELS, MAX_CHOICES)), jnp.ones((1, CHANNELS), bool))
    np.testing.assert_allclose(entropy(flat), 4 * np.log(3) + 2 * np.log(2), rtol=1e-6)


def test_a_channel_that_drives_nothing_chooses_nothing_for_certain():
    idle = masked(raw_logits(), jnp.zeros((BATCH, CHANNELS), bool))
    assert np.all(log_prob(idle, jnp.zeros((BATCH, CHANNELS), jnp.int32)) == 0)
    assert np.all(entropy(idle) == 0)
    keys = jax.random.split(jax.random.key(0), BATCH)
    assert not np.any(sample(idle, keys))
    assert not np.any(greedy(idle))


def test_a_channel_that_drives_nothing_has_no_gradient_and_the_others_have():
    driven = some_driven()
    action = np.minimum(1, driven.astype(np.int32))

    def both(raw: jax.Array) -> tuple[jax.Array, jax.Array]:
        found = masked(raw, driven)
        return log_prob(found, action).sum(), entropy(found).sum()

    for gradient in jax.jit(jax.jacrev(both))(raw_logits()):
        assert np.all(np.isfinite(gradient))
        assert not np.any(gradient[~driven])
        assert np.all(np.any(gradient[driven] != 0, axis=-1))
        assert not np.any(gradient[:, 4:, 2]), "a choice that does not exist"


def test_gradients_are_those_of_the_formula():
    """Of the log probability: 1 for the choice taken, less the probability; `some_driven` masks the rest."""
    action = some_driven().astype(np.int32)
    gradient = jax.grad(lambda raw: log_prob(masked(raw, some_driven()), action).sum())(raw_logits())
    expected = np.where(some_driven()[..., None], np.eye(MAX_CHOICES)[action] - probabilities(), 0)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


@pytest.mark.parametrize("scale", [0.0, 1e3, 1e6])
def test_nothing_breaks_with_extreme_logits(scale: float):
    driven = some_driven()
    action = greedy(logits(scale))

    def total(raw: jax.Array) -> jax.Array:
        found = masked(raw, driven)
        return log_prob(found, action).sum() + entropy(found).sum()

    value, gradient = jax.value_and_grad(total)(raw_logits(scale))
    assert np.isfinite(value)
    assert np.all(np.isfinite(gradient))


def test_samples_come_as_often_as_they_are_likely():
    draws = 4000
    keys = jax.random.split(jax.random.key(3), draws * BATCH).reshape(draws, BATCH)
    found = np.asarray(jax.jit(jax.vmap(sample, (None, 0)))(logits(), keys))
    assert found.dtype == np.int32
    often = np.stack([(found == choice).mean(0) for choice in range(MAX_CHOICES)], axis=-1)
    p = probabilities()
    np.testing.assert_array_less(np.abs(often - p), 5 * np.sqrt(p * (1 - p) / draws) + 1e-9)


def test_channels_are_sampled_independently():
    draws = 4000
    even = jnp.zeros((draws, CHANNELS, MAX_CHOICES))
    found = np.asarray(sample(masked(even, jnp.ones((draws, CHANNELS), bool)), jax.random.split(jax.random.key(4), draws)))
    correlation = np.corrcoef(found.T) - np.eye(CHANNELS)
    assert np.abs(correlation).max() < 5 / np.sqrt(draws)


def test_a_world_draws_from_its_own_key_wherever_it_stands():
    keys, back = jax.random.split(jax.random.key(5), BATCH), np.arange(BATCH)[::-1]
    np.testing.assert_array_equal(sample(logits()[back], keys[back]), np.asarray(sample(logits(), keys))[back])


def test_greedy_takes_the_likeliest():
    np.testing.assert_array_equal(greedy(logits()), probabilities().argmax(-1))


NOTHING = 8  # of the eleven choices of the discrete kind


def of_channel(choice: int) -> int | None:
    """Which channel a discrete choice drives."""
    return None if choice == NOTHING else choice // 2 if choice < NOTHING else 4 + choice - NOTHING - 1


def discrete() -> tuple[Discrete, np.ndarray]:
    """A distribution, and its probabilities `[B, choices]` by numpy."""
    raw = np.random.RandomState(2).normal(0, 2, (BATCH, Discrete.OUTPUTS))
    driven, weights = some_driven(), np.exp(raw)
    for b, choice in np.ndindex(raw.shape):
        channel = of_channel(choice)
        if channel is not None and not driven[b, channel]:
            weights[b, choice] = 0
    return Discrete.of(jnp.asarray(raw, jnp.float32), None, jnp.asarray(driven)), weights / weights.sum(1, keepdims=True)


def test_a_discrete_choice_is_among_those_that_drive_something_and_doing_nothing():
    found, p = discrete()
    assert p[1].tolist() == [0.0] * NOTHING + [1.0, 0.0, 0.0], "a level in which nothing can be driven"
    logs = np.stack([found.log_prob(jnp.full(BATCH, choice)) for choice in range(Discrete.OUTPUTS)], -1)
    np.testing.assert_allclose(np.exp(logs), p, atol=1e-6)
    np.testing.assert_allclose(found.entropy(), -np.where(p > 0, p * np.log(np.maximum(p, 1e-300)), 0).sum(1), atol=1e-5)
    np.testing.assert_array_equal(found.greedy(), p.argmax(1))
    np.testing.assert_array_equal(found.nothing(), NOTHING)
    draws = 4000
    keys = jax.random.split(jax.random.key(3), draws * BATCH).reshape(draws, BATCH)
    drawn = np.asarray(jax.jit(jax.vmap(found.sample))(keys))
    often = np.stack([(drawn == choice).mean(0) for choice in range(Discrete.OUTPUTS)], axis=-1)
    np.testing.assert_array_less(np.abs(often - p), 5 * np.sqrt(p * (1 - p) / draws) + 1e-9)


MEANS = np.random.RandomState(4).normal(size=(BATCH, CHANNELS)).astype(np.float32)
LOG_STD = np.linspace(-1.0, 0.5, CHANNELS).astype(np.float32)


def test_numbers_are_normal_where_something_is_driven_and_nothing_elsewhere():
    driven, draws = some_driven(), 4000
    found = Gaussian.of(jnp.asarray(MEANS), jnp.asarray(LOG_STD), jnp.asarray(driven))
    keys = jax.random.split(jax.random.key(3), draws * BATCH).reshape(draws, BATCH)
    drawn = np.asarray(jax.jit(jax.vmap(found.sample))(keys))
    assert drawn.dtype == np.float32
    assert not drawn[:, ~driven].any()
    std = np.exp(LOG_STD)
    away = np.where(driven, (drawn.mean(0) - MEANS) / std, 0)
    spread = np.where(driven, drawn.std(0) / std - 1, 0)
    assert np.abs(away).max() < 5 / np.sqrt(draws)
    assert np.abs(spread).max() < 5 / np.sqrt(2 * draws)
    density = -((drawn - MEANS) ** 2) / (2 * std**2) - np.log(std * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(jax.vmap(found.log_prob)(drawn), np.where(driven, density, 0).sum(-1), atol=1e-4)
    np.testing.assert_allclose(found.entropy(), np.where(driven, 0.5 * np.log(2 * np.pi * np.e * std**2), 0).sum(-1), atol=1e-5)
    np.testing.assert_array_equal(found.greedy(), np.where(driven, MEANS, 0))
    assert not found.nothing().any()


def test_numbers_that_drive_nothing_have_no_gradient():
    driven = some_driven()

    def both(means: jax.Array, free: jax.Array) -> jax.Array:
        found = Gaussian.of(means, free, driven)
        return found.log_prob(jnp.ones((BATCH, CHANNELS))).sum() + found.entropy().sum()

    of_means, of_std = jax.grad(both, (0, 1))(jnp.asarray(MEANS), jnp.asarray(LOG_STD))
    assert not of_means[~driven].any()
    assert np.all(of_means[driven] != 0)
    assert np.all(np.isfinite(of_std))
    assert np.all(of_std != 0)
    idle = np.zeros_like(driven)
    assert not jax.grad(lambda free: Gaussian.of(MEANS, free, idle).log_prob(jnp.ones((BATCH, CHANNELS))).sum())(jnp.asarray(LOG_STD)).any()


def test_the_spread_of_numbers_stays_where_it_makes_sense():
    for free in (-1e6, 1e6):
        found = Gaussian.of(jnp.asarray(MEANS), jnp.full(CHANNELS, free), jnp.ones((BATCH, CHANNELS), bool))
        assert np.all(np.isfinite(found.log_prob(jnp.zeros((BATCH, CHANNELS)))))
        assert np.all(np.isfinite(found.entropy()))


def test_every_kind_of_action_has_a_distribution():
    assert {name: distributions.kind(name) for name in actions.KINDS} == distributions.KINDS
    with pytest.raises(InputError, match=r"env\.action: found 'words', wanted one of multi_discrete"):
        distributions.kind("words")
