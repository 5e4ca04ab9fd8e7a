"""Parameters as one row, and back."""

import jax
import jax.numpy as jnp
import numpy as np

from learners import row

TREE = {
    "one": jnp.arange(6.0).reshape(2, 3),
    "same": jnp.arange(10.0, 16.0).reshape(2, 3),
    "scalar": jnp.array(7.0),
    "last": jnp.array([jnp.inf, -1.0]),
}


def test_leaves_lie_behind_one_another() -> None:
    """In the order of the tree, nothing left out and nothing added."""
    np.testing.assert_array_equal(row.join({"b": jnp.array([3.0]), "a": jnp.array([[1.0], [2.0]])}), [1.0, 2.0, 3.0])


def test_a_row_becomes_the_tree_again() -> None:
    """With every leaf in its shape, also under `jit`, and where the row holds numbers that are not finite."""
    for split in (row.split, jax.jit(row.split)):
        found = split(row.join(TREE), TREE)
        jax.tree.map(np.testing.assert_array_equal, found, TREE)
        assert jax.tree.map(jnp.shape, found) == jax.tree.map(jnp.shape, TREE)


def test_a_row_whose_first_number_is_none_is_split_at_the_same_places() -> None:
    """Where leaves begin is counted from a zero made of the row."""
    spoiled = row.join(TREE).at[0].set(jnp.nan)
    np.testing.assert_array_equal(row.split(spoiled, TREE)["same"], TREE["same"])
