"""The tournament of pairs: complete, without clashes, and the same by table and by rotation."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from physics import schedule


@pytest.mark.parametrize("bodies", [2, 4, 6, 12])
def test_every_pair_meets_once(bodies):
    plan = schedule.make(bodies)
    met = sorted(tuple(sorted(pair)) for pair in zip(plan.first.tolist(), plan.second.tolist(), strict=True))
    assert met == list(itertools.combinations(range(bodies), 2))


@pytest.mark.parametrize("bodies", [2, 4, 6, 12])
def test_no_body_twice_in_a_colour(bodies):
    plan = schedule.make(bodies)
    for colour in range(plan.colours):
        slots = slice(colour * plan.half, (colour + 1) * plan.half)
        assert sorted([*plan.first[slots], *plan.second[slots]]) == list(range(bodies))


@pytest.mark.parametrize("bodies", [2, 4, 6])
def test_rotation_follows_the_table_and_comes_home(bodies):
    plan = schedule.make(bodies)
    start = seats = jnp.arange(bodies).reshape(2, -1)
    for colour in range(plan.colours):
        slots = slice(colour * plan.half, (colour + 1) * plan.half)
        np.testing.assert_array_equal(seats, [plan.first[slots], plan.second[slots]])
        seats = schedule.rotate(seats)
    np.testing.assert_array_equal(seats, start)
