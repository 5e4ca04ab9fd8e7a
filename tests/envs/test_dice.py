"""Draws from one row of numbers: every kind of draw has the distribution it promises, and no number is used twice."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.generate.dice import Dice

COUNT = 4000
NEAR = 0.03  # four standard deviations of a share of `COUNT`


def draw(what: Callable[[Dice], object], numbers: int) -> object:
    """`COUNT` dice of so many numbers, each used for `what`."""
    keys = jax.random.split(jax.random.key(0), COUNT)
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(lambda key: what(Dice(key, numbers))))(keys))


def shares(values: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(values, minlength=count) / len(values)


def test_uniform_numbers_fill_their_interval():
    found = draw(lambda dice: dice.uniform(-2.0, 3.0), 1)
    assert -2 <= found.min() < -1.9
    assert 2.9 < found.max() < 3
    np.testing.assert_allclose(np.quantile(found, [0.25, 0.5, 0.75]), [-0.75, 0.5, 1.75], atol=5 * NEAR)


@pytest.mark.parametrize("probability", [0.0, 0.2, 1.0])
def test_chances(probability: float):
    found = draw(lambda dice: dice.chance(probability), 1).mean()
    assert found == (probability if probability in (0, 1) else pytest.approx(probability, abs=NEAR))


def test_whole_numbers_are_equally_likely():
    found = draw(lambda dice: dice.whole(3), 1)
    np.testing.assert_allclose(shares(found, 3), 1 / 3, atol=NEAR)
    assert len(shares(found, 3)) == 3


def test_angles_go_once_around_and_points_fill_a_square():
    angle, point = draw(lambda dice: (dice.angle(), dice.point()), 3)
    np.testing.assert_allclose(np.quantile(angle, [0, 0.5, 1]), [0, np.pi, 2 * np.pi], atol=0.2)
    assert point.shape == (COUNT, 2)
    for values in point.T:
        np.testing.assert_allclose(np.quantile(values, [0, 0.5, 1]), [-1, 0, 1], atol=2 * NEAR)
    assert abs(np.corrcoef(point.T)[0, 1]) < 2 * NEAR


@pytest.mark.parametrize(
    ("weights", "wanted"), [([1, 2, 1], [0.25, 0.5, 0.25]), ([0, 3, 0, 1], [0, 0.75, 0, 0.25]), ([0, 0, 7], [0, 0, 1])]
)
def test_choices_are_in_proportion_to_their_weights(weights: list, wanted: list):
    index, possible = draw(lambda dice: dice.choose(jnp.array(weights, jnp.float32)), 1)
    assert possible.all()
    np.testing.assert_allclose(shares(index, len(weights)), wanted, atol=NEAR)
    assert set(index) == set(np.flatnonzero(weights)), "what weighs nothing is never chosen"


def test_without_any_weight_a_choice_says_that_it_means_nothing():
    index, possible = Dice(jax.random.key(0), 1).choose(jnp.zeros(3))
    assert not possible
    assert 0 <= index < 3


class Loaded(Dice):
    """Dice whose numbers are given."""

    def __init__(self, *numbers: float) -> None:
        self._numbers = iter([jnp.float32(number) for number in numbers])


@pytest.mark.parametrize(("number", "wanted"), [(0.0, 1), (np.nextafter(np.float32(1), np.float32(0)), 2)])
def test_the_ends_of_the_interval_choose_the_first_and_last_that_may_be(number: float, wanted: int):
    """However the sum of the weights rounds."""
    assert Loaded(number).choose(jnp.array([0, 0.1, 0.7, 0, 0]))[0] == wanted
    assert Loaded(number).whole(3) == (0 if number == 0 else 2)


def test_draws_use_one_number_after_the_other():
    dice = Dice(jax.random.key(0), 3)
    first, second, third = dice.uniform(), dice.uniform(), dice.uniform()
    assert len({float(first), float(second), float(third)}) == 3
    np.testing.assert_array_equal([first, second, third], jax.random.uniform(jax.random.key(0), (3,)))
    with pytest.raises(StopIteration):
        dice.uniform()
