"""Drawing levels of a pool: every way of weighing against its formula, and that draws follow the weights."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numbered_levels import SLOTS, numbered, numbers

from curriculum import pool as pools
from curriculum import sampling
from curriculum.pool import LevelPool

SCORE = np.array([0.2, 0.0, 0.5, np.nan, -1.0, 0.1], np.float32)
FILLED = np.array([True, True, True, True, True, False])

weights = jax.jit(sampling.weights, static_argnums=(2, 3, 4))
draw = jax.jit(sampling.draw, static_argnums=3)


@pytest.fixture(scope="module")
def pool() -> LevelPool:
    blank = jax.jit(pools.empty, static_argnums=(0, 1))(SLOTS, 6)
    return replace(blank, levels=numbered(np.zeros(6), np.arange(6)), filled=FILLED, sampled=np.array([3, 5, 0, 5, 4, 0], np.int32))


def shares(value: np.ndarray) -> np.ndarray:
    return np.asarray(value) / np.sum(value)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_every_way_is_its_formula(temperature: float):
    power = 1 / temperature
    expected = {
        "uniform": [1, 1, 1, 1, 1, 0],
        "proportional": [0.2**power, 0, 0.5**power, 0, 0, 0],
        "rank": [(1 / rank) ** power if rank else 0 for rank in (2, 3, 1, 5, 4, 0)],
        "top": [np.exp(0.2 / temperature), 0, np.exp(0.5 / temperature), 0, 0, 0],
    }
    for way in sampling.WAYS:
        np.testing.assert_allclose(weights(SCORE, FILLED, way, temperature, 2), shares(expected[way]), rtol=1e-5, atol=1e-8, err_msg=way)


@pytest.mark.parametrize("way", sampling.WAYS)
def test_where_nothing_has_a_score_all_filled_slots_weigh_the_same_or_by_rank(way: str):
    for score in (np.zeros(6), np.full(6, np.nan), np.full(6, -1.0)):
        found = np.asarray(weights(score.astype(np.float32), FILLED, way, 1.0, 6))
        assert found[5] == 0
        assert found.sum() == pytest.approx(1)
        assert np.isfinite(found).all()


def test_a_part_of_the_weight_goes_by_how_long_a_level_waited(pool: LevelPool):
    share = weights(SCORE, FILLED, "rank", 1.0, 1)
    found = sampling.with_staleness(share, pool, np.int32(6), 0.3)
    np.testing.assert_allclose(found, 0.7 * np.asarray(share) + 0.3 * shares(np.array([3, 1, 6, 1, 2, 0])), rtol=1e-5)
    np.testing.assert_allclose(sampling.with_staleness(share, pool, np.int32(6), 0.0), share, rtol=1e-6)


def test_draws_follow_the_weights():
    share, draws = shares(np.array([1.0, 0, 5, 2, 4, 0])), 20_000
    slots = draw(share, FILLED, jax.random.key(0), draws)
    assert slots.dtype == np.int32
    found = np.bincount(slots, minlength=6) / draws
    np.testing.assert_allclose(found, share, atol=5 * np.sqrt(0.25 / draws))
    assert found[1] == found[5] == 0


def test_no_slot_of_weight_0_is_drawn_and_any_other_can_be_in_a_pool_of_a_million():
    slots = 1_000_000
    share = np.zeros(slots, np.float32)
    share[::2] = np.random.RandomState(0).rand(slots // 2) ** 4
    found = np.asarray(draw(share, np.ones(slots, bool), jax.random.key(1), 100_000))
    assert np.all(found % 2 == 0)
    assert np.all(share[found] > 0)
    expected = (share / share.sum()) @ np.arange(slots)
    assert found.mean() == pytest.approx(expected, rel=0.01)
    tiny = jnp.array([1.0, 1e-12])
    counts = np.bincount(draw(tiny, np.ones(2, bool), jax.random.key(2), 100_000), minlength=2)
    assert counts[0] == 100_000, "one in 2^30"


def test_sampling_gives_the_levels_of_the_slots_and_stamps_them(pool: LevelPool):
    after, levels, slots = sampling.sample(pool, FILLED, jax.random.key(3), 4, np.int32(8))
    np.testing.assert_array_equal(numbers(levels), slots)
    stamped = np.zeros(6, bool)
    stamped[np.asarray(slots)] = True
    np.testing.assert_array_equal(after.sampled, np.where(stamped, 8, pool.sampled))
    assert FILLED[slots].all()
