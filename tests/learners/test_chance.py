"""Keys of worlds: what they depend on, and what not."""

import jax
import jax.numpy as jnp
import numpy as np

from learners import chance

KEY = jax.random.key(7)
NUMBERS = jnp.array([3, 0, 8])


def _data(keys: jax.Array) -> np.ndarray:
    return np.asarray(jax.random.key_data(keys))


def test_the_key_of_a_world_depends_on_its_number_alone() -> None:
    """As `fold_in` makes it, wherever the world stands among others."""
    found = jax.jit(chance.of_worlds)(KEY, NUMBERS)
    for number, key in zip(NUMBERS, found, strict=True):
        np.testing.assert_array_equal(_data(key), _data(jax.random.fold_in(KEY, number)))


def test_a_world_has_another_key_at_every_step() -> None:
    """As `fold_in` makes it of its own key."""
    keys = chance.of_worlds(KEY, NUMBERS)
    steps = [_data(jax.jit(chance.at)(keys, step)) for step in range(3)]
    np.testing.assert_array_equal(steps[2][1], _data(jax.random.fold_in(keys[1], 2)))
    assert len(np.unique(np.concatenate(steps), axis=0)) == 9
