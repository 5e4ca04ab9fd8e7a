"""Levels in larger slots: the same task, only with more of them empty."""

import jax
import numpy as np
import pytest

from envs import holdout, sizes
from envs.base import Level
from envs.sizes import capacity
from physics import pytree
from physics.errors import InputError
from physics.pytree import stack

IDS = holdout.names("s")


def _same(found: Level, wanted: Level) -> None:
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    jax.tree.map(np.testing.assert_array_equal, found, wanted)


@pytest.mark.parametrize("size", ["m", "l"])
def test_a_level_moved_is_the_level_read_into_the_larger_slots(size):
    """Two ways to the same arrays: joints and thrusters name circles and walls by numbers that differ from size to size."""
    moved = sizes.fit(stack([holdout.find(id).level for id in IDS]), capacity(size))
    _same(moved, stack([holdout.find(id, capacity(size)).level for id in IDS]))
    pytree.check(moved, worlds=len(IDS), **capacity(size).dims)


def test_one_level_without_worlds_is_moved_as_well():
    id = holdout.names("m")[0]
    _same(sizes.fit(holdout.find(id).level, capacity("l")), holdout.find(id, capacity("l")).level)
    _same(sizes.fit(holdout.find(id).level, capacity("m")), holdout.find(id).level)


def test_walls_and_circles_that_are_jointed_are_named_anew():
    """The slots really are named anew in the levels above: some joint is to the room, and some to a circle."""
    small = capacity("s")
    ends = np.concatenate([np.stack([found.body_a, found.body_b])[:, found.active].reshape(-1) for found in _joints()])
    assert (ends >= small.bodies).any()
    assert ((ends >= small.polygons) & (ends < small.bodies)).any()


def _joints() -> list:
    return [holdout.find(id).level.scene.joints for id in holdout.names("s")]


def test_a_level_does_not_fit_into_fewer_slots():
    level = holdout.find(holdout.names("m")[0]).level
    with pytest.raises(InputError, match=r"level: found .Capacity.*wanted at most"):
        sizes.fit(level, capacity("s"))


def test_sizes_are_in_order():
    assert sizes.up_to("s") == ["s"]
    assert sizes.up_to("l") == ["s", "m", "l"]
    with pytest.raises(InputError, match="size"):
        sizes.up_to("xl")
