"""A level's hash: equal for equal levels, another one for any change, and its bits are spread."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numbered_levels import SLOTS, numbered

from curriculum.hashing import hash_levels, same
from envs.base import Level
from physics.pytree import zeros


def hashes(levels: Level) -> np.ndarray:
    return np.asarray(hash_levels(levels))


def test_it_depends_on_the_level_alone_and_not_on_its_place_in_the_batch():
    levels = numbered([0.1, 0.2, 0.1, 0.2], [1, 2, 1, 3])
    found = hashes(levels)
    assert found.shape == (2, 4)
    assert found.dtype == np.uint32
    assert same(found[:, 0], found[:, 2])
    assert not any(same(found[:, 1], found[:, other]) for other in (0, 2, 3))
    np.testing.assert_array_equal(hashes(jax.tree.map(lambda leaf: leaf[..., ::-1], levels)), found[:, ::-1])


def changed_everywhere() -> tuple[Level, int]:
    """A blank level in world 0 and, in every other world, that level with another one of its numbers changed, by as little as can be."""
    blank = zeros(Level, worlds=1, **SLOTS.dims)
    leaves, tree = jax.tree.flatten(jax.tree.map(np.asarray, blank))
    worlds, at, made = 1 + sum(leaf.size for leaf in leaves), 1, []
    for leaf in leaves:
        batch = np.repeat(leaf, worlds, axis=-1).reshape(-1, worlds)
        for row in batch:
            row[at] = np.nextafter(np.float32(0), np.float32(1)) if leaf.dtype == np.float32 else 1
            at += 1
        made.append(batch.reshape(*leaf.shape[:-1], worlds))
    return jax.tree.unflatten(tree, made), worlds


def test_any_changed_number_changes_both_halves():
    levels, worlds = changed_everywhere()
    for half in hashes(levels):
        assert len(set(half.tolist())) == worlds


def test_zero_has_no_sign():
    levels = numbered([0.0, -0.0], [1, 1])
    found = hashes(levels)
    assert same(found[:, 0], found[:, 1])


def test_exchanged_numbers_change_it():
    found = hashes(numbered([0.25, 0.5], [0.5, 0.25]))
    assert not same(found[:, 0], found[:, 1])


@pytest.mark.parametrize("half", [0, 1])
def test_half_of_all_bits_differ_between_levels_that_hardly_do(half: int):
    found = hashes(numbered(np.full(512, 0.5), np.arange(512)))[half]
    bits = (found[:, None] >> np.arange(32, dtype=np.uint32)) & 1
    np.testing.assert_allclose(bits.mean(0), 0.5, atol=5 * 0.5 / np.sqrt(512))
    differing = (bits[1:] != bits[:-1]).mean()
    assert differing == pytest.approx(0.5, abs=0.03)


def test_numpy_and_jax_arrays_give_the_same():
    levels = numbered([0.3], [7])
    np.testing.assert_array_equal(hashes(levels), hashes(jax.tree.map(jnp.asarray, levels)))
