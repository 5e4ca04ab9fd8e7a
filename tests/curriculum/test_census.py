"""A pool as people read it: every entry beside the arrays, lineages, and what there is of each sort."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numbered_levels import SLOTS, numbered, outcome

from curriculum import census, mix
from curriculum import pool as pools
from curriculum.base import Look
from curriculum.pool import LevelPool

SIZE, NOW, WINDOW = 8, 20, 100.0
SUCCESSES, EPISODES = [0, 5, 10, 0, 3, 2], [10, 10, 10, 0, 4, 8]  # the fourth was never played
KEY = (0x0000ABCD, 0x12345678)

newcomers = jax.jit(pools.newcomers, static_argnums=4)
insert = jax.jit(pools.insert)
describe = jax.jit(mix.describe)
look = jax.jit(mix.look)
empty = jax.jit(pools.empty, static_argnums=(0, 1))


def look_at(pool: LevelPool) -> Look:
    return look(pool, np.int32(NOW), jnp.zeros(0), jnp.zeros(0))


@pytest.fixture(scope="module")
def pool() -> LevelPool:
    """Six levels in slots 0 to 5: four drawn ones, an edit of slot 1, and an edit of that edit."""
    count = len(EPISODES)
    levels, score = numbered(np.zeros(count), np.arange(count)), np.array([0.1, 0.2, 0.3, -np.inf, 0.5, 0.6], np.float32)
    news = newcomers(levels, outcome(SUCCESSES, EPISODES), score, np.int32(7), WINDOW)
    news = pools.drawn(news, np.array(KEY, np.uint32), np.arange(count, dtype=np.int32) + 30)
    hashes = np.asarray(news.hash)
    news = dataclasses.replace(
        news, depth=np.array([0, 0, 0, 0, 1, 2], np.int32), draw=np.array([30, 31, 32, 33, -1, -1], np.int32),
        parent=np.stack([*np.zeros((4, 2), np.uint32), hashes[:, 1], hashes[:, 4]], axis=1), sampled=np.full(count, 18, np.int32),
    )  # fmt: skip
    return jax.device_get(insert(empty(SLOTS, SIZE), news)[0])


@pytest.fixture(scope="module")
def found(pool) -> list[census.Entry]:
    return census.entries(pool, look_at(pool), NOW)


def test_every_level_is_told_by_its_arrays(pool, found):
    assert [entry.slot for entry in found] == np.flatnonzero(pool.filled).tolist()
    assert sorted(entry.number for entry in found if entry.number) == [30, 31, 32, 33]
    for entry in found:
        slot = entry.slot
        high, low = (int(word) for word in pool.hash[:, slot])
        assert int(entry.hash, 16) == (high << 32) + low
        assert len(entry.hash) == 16
        assert (entry.age, entry.last_played, entry.edits) == (13, 2, pool.depth[slot])
        assert entry.episodes == pytest.approx(WINDOW * (1 - (1 - 1 / WINDOW) ** pool.total_episodes[slot]), rel=1e-4)
        if entry.success is not None:
            rate = pool.total_successes[slot] / pool.total_episodes[slot]
            assert entry.success == pytest.approx(rate, rel=1e-4)
            known = entry.episodes / (entry.episodes + 1)
            assert entry.learnability == pytest.approx(rate * (1 - rate) * known + rate / 1000, rel=1e-3)
        if entry.edits:
            assert (entry.key, entry.number) == (None, None)
        else:
            assert (entry.key, entry.number, entry.parent) == ("0000abcd12345678", pool.draw[slot], None)
    unplayed = [entry for entry in found if entry.success is None]
    assert [(entry.learnability, entry.score, entry.episodes) for entry in unplayed] == [(None, None, 0.0)]


def test_a_lineage_goes_back_for_as_long_as_the_pool_knows_it(pool, found):
    youngest, middle, oldest = sorted((entry for entry in found if entry.edits or entry.number == 31), key=lambda entry: -entry.edits)
    assert (youngest.parent, middle.parent) == (middle.hash, oldest.hash)
    assert youngest.parent_in_pool
    assert census.ancestry(found, youngest) == [youngest, middle, oldest]
    assert census.ancestry(found, oldest) == [oldest]
    left = dataclasses.replace(pool, filled=pool.filled & (np.arange(SIZE) != oldest.slot))
    rest = census.entries(left, look_at(left), NOW)
    orphan = next(entry for entry in rest if entry.hash == middle.hash)
    assert (orphan.parent, orphan.parent_in_pool) == (oldest.hash, False)
    last = next(entry for entry in rest if entry.edits == 2)
    assert census.ancestry(rest, last) == [last, orphan]


def test_a_level_that_came_back_as_its_own_descendant_ends_its_lineage(found):
    middle = next(entry for entry in found if entry.edits == 1)
    back = dataclasses.replace(next(entry for entry in found if entry.hash == middle.parent), edits=2, parent=middle.hash)
    rest = [entry for entry in found if entry.hash not in (back.hash, middle.hash)]
    assert census.ancestry([*rest, middle, back], back) == [back, middle]


def test_a_summary_says_what_the_curves_of_a_run_say(pool, found):
    whole, curves = census.summary(found, SIZE), describe(pool, np.int32(NOW))
    assert (whole.slots, whole.filled, whole.deepest) == (8, 6, 2)
    assert (whole.too_hard, whole.too_easy, whole.not_played) == pytest.approx((1 / 6, 1 / 6, 1 / 6))
    assert whole.learnable == pytest.approx(3 / 6)
    for name, curve in (("too_hard", "pool_too_hard"), ("too_easy", "pool_too_easy"), ("age", "pool_age")):
        assert getattr(whole, name) == pytest.approx(float(curves[curve]))
    assert whole.filled / whole.slots == pytest.approx(float(curves["pool_filled"]))
