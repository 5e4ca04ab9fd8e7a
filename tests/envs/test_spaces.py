"""Spaces hold what they draw, and nothing that has another shape, dtype or bound."""

import dataclasses
import math

import jax
import numpy as np
import pytest

from envs.spaces import Box, Discrete, MultiDiscrete, Struct

SPACES = {
    "box": Box((2, 3), -1.0, 2.0),
    "unbounded": Box((500,)),
    "above": Box((500,), low=3.0),
    "below": Box((500,), high=-3.0),
    "whole": Box((500,), 0, 3, np.int32),
    "flags": Box((500,), 0, 1, bool),
    "discrete": Discrete(4),
    "several": MultiDiscrete((3, 3, 2)),
    "struct": Struct({"a": Box((2,), 0, 1), "b": Struct({"c": Discrete(2)})}),
}


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("worlds", [None, 1, 7])
def test_a_space_contains_what_it_draws_and_no_other_batch(name: str, worlds: int | None):
    space = SPACES[name]
    drawn = space.sample(jax.random.key(0), worlds)
    assert space.contains(drawn, worlds)
    assert not space.contains(drawn, 8)
    assert all(leaf.shape[:1] == (worlds,) for leaf in jax.tree.leaves(drawn) if worlds)


def test_draws_reach_both_ends_and_depend_on_the_key():
    assert set(np.asarray(SPACES["whole"].sample(jax.random.key(0))).tolist()) == {0, 1, 2, 3}
    assert set(np.asarray(SPACES["discrete"].sample(jax.random.key(0), 200)).tolist()) == {0, 1, 2, 3}
    found = np.asarray(SPACES["several"].sample(jax.random.key(0), 200))
    assert found.max(0).tolist() == [2, 2, 1]
    assert found.min() == 0
    a, b = (np.asarray(SPACES["box"].sample(jax.random.key(seed))) for seed in range(2))
    assert not np.array_equal(a, b)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("box", np.zeros((3, 2), np.float32)),
        ("box", np.zeros((2, 3), np.float64)),
        ("box", np.full((2, 3), 2.1, np.float32)),
        ("unbounded", np.full(500, np.nan, np.float32)),
        ("whole", np.full(500, 4, np.int32)),
        ("whole", np.full(500, 1.0, np.float32)),
        ("discrete", np.int32(4)),
        ("discrete", np.int32(-1)),
        ("discrete", np.float32(1)),
        ("several", np.array([0, 0, 2])),
        ("several", np.array([0, 0])),
        ("struct", {"a": np.zeros(2, np.float32)}),
        ("struct", {"a": np.zeros(2, np.float32), "b": {"c": np.int32(2)}}),
        ("struct", {"a": np.zeros(2, np.float32), "b": {"c": np.int32(0)}, "d": 0}),
        ("struct", 3),
    ],
)
def test_what_does_not_fit_is_not_contained(name: str, value: object):
    assert not SPACES[name].contains(value)


def test_a_struct_holds_dataclasses_too():
    @dataclasses.dataclass
    class Pair:
        a: np.ndarray
        b: dict

    assert SPACES["struct"].contains(Pair(a=np.ones(2, np.float32), b={"c": np.int32(1)}))


def test_equal_spaces_are_equal_and_can_be_keys():
    assert Box([2], 0, 1, "float32") == Box((2,), 0, 1)
    assert len({Struct({"a": Discrete(2), "b": Discrete(3)}), Struct({"b": Discrete(3), "a": Discrete(2)})}) == 1
    assert hash(MultiDiscrete([2, 3])) == hash(MultiDiscrete((2, 3)))


def test_boxes_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match="empty"):
        Box((1,), 1, 0)
    with pytest.raises(ValueError, match="empty"):
        Box((1,), math.nan, 0)
    with pytest.raises(ValueError, match="both bounds"):
        Box((1,), dtype=np.int32)
