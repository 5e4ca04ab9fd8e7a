"""Numbers that are not finite: they neither reach the parameters nor spread to what is sound."""

import dataclasses

import jax
import jax.numpy as jnp
import linear_policy as linear
import numpy as np
import pytest
from linear_policy import BLOCK_WORLDS, BLOCKS, PARTS, WORLDS, after, begun, loss, moved, weights

from learners.base import Rollout, TrainState

POISONED = ((0, 0), (0, 1), (2, 5))  # (block, world), the first of a block among them


def assert_same(found: object, wanted: object) -> None:
    jax.tree.map(np.testing.assert_array_equal, found, wanted)


def changed(made: Rollout, **leaves: np.ndarray) -> Rollout:
    return dataclasses.replace(made, **leaves)


def poisoned(name: str, value: float) -> Rollout:
    """The rollout with one number of `POISONED` worlds gone bad."""
    made = linear.rollout()
    leaf = np.array(getattr(made, name))
    for block, world in POISONED:
        leaf[(block, *([3] * (leaf.ndim - 2)), world)] = value
    return changed(made, **{name: leaf})


def replaced() -> Rollout:
    """The rollout with every poisoned world as its neighbour is."""
    made = jax.tree.map(np.array, linear.rollout())
    for block, world in POISONED:
        stand_in = 2 if block == 0 else world - 1
        for leaf in jax.tree.leaves(made):
            leaf[block, ..., world] = leaf[block, ..., stand_in]
    return made


@pytest.mark.parametrize(("name", "value"), [("reward", np.nan), ("reward", np.inf), ("value", np.nan), ("log_prob", -np.inf)])
def test_a_poisoned_world_is_left_out_and_a_neighbour_counts_twice(name: str, value: float):
    found, metrics = after(begun(weights(0), 0.1), PARTS, made=poisoned(name, value))
    expected, sound = after(begun(weights(0), 0.1), PARTS, made=replaced())
    assert_same(found.params, expected.params)
    assert metrics["poisoned_worlds"] == pytest.approx(len(POISONED) / WORLDS)
    assert metrics["skipped_updates"] == 0
    assert {**metrics, "poisoned_worlds": 0.0} == sound
    assert np.isfinite(list(metrics.values())).all()


def test_what_a_poisoned_world_saw_does_not_reach_the_gradient():
    """Level and motion as well: a masked number would still be multiplied into the gradient, and 0 x NaN is NaN."""
    made = poisoned("value", np.nan)
    motion = np.array(made.motion)
    for block, world in POISONED:
        motion[block, ..., world] = np.nan
    found, _ = after(begun(weights(0), 0.1), PARTS, made=changed(made, motion=motion))
    assert_same(found.params, after(begun(weights(0), 0.1), PARTS, made=replaced())[0].params)


def spoilt(state: TrainState, places: int) -> Rollout:
    """A rollout whose worlds are finite by themselves, but `places` of them overflow in the network."""
    made = linear.rollout()
    motion = np.array(made.motion)
    motion[0, ..., :places] = 3e38
    return changed(made, motion=motion)


def test_steps_that_are_not_finite_change_nothing_and_are_counted():
    begin = begun(moved(0.1), 0.1, weights(0), weight=2.0)
    config = dataclasses.replace(PARTS, ewma_decay=0.9)
    found, metrics = after(begin, config, made=spoilt(begin, BLOCK_WORLDS))  # some of them in every minibatch
    for name in ("params", "optimizer", "proximal"):
        assert_same(getattr(found, name), getattr(begin, name))
    assert metrics["skipped_updates"] == metrics["skipped_in_a_row"] == int(found.skipped) == 8
    again, metrics = after(dataclasses.replace(found, updates=np.int32(5)), config, made=spoilt(begin, BLOCK_WORLDS))
    assert int(again.skipped) == metrics["skipped_in_a_row"] == 16


def test_sound_steps_beside_a_skipped_one_are_taken_and_end_the_count():
    begin = begun(weights(0), 0.1)
    found, metrics = after(begin, PARTS, made=spoilt(begin, 1))  # in one minibatch of each pass over the rollout
    assert metrics["skipped_updates"] == 2
    assert 1 <= metrics["skipped_in_a_row"] <= 2
    assert np.isfinite(found.params["actor"]).all()
    assert np.abs(found.params["actor"] - weights(0)["actor"]).max() > 1e-3
    assert np.isfinite([metrics[name] for name in ("loss", "kl", "gradient_norm", "update_norm")]).all()


def test_a_block_without_a_sound_world_is_skipped_not_learnt_from():
    made = linear.rollout()
    reward = np.array(made.reward)
    reward[1] = np.nan
    begin = begun(weights(0), 0.1)
    found, metrics = after(begin, PARTS, made=changed(made, reward=reward))
    assert_same(found.params, begin.params)
    assert metrics["poisoned_worlds"] == pytest.approx(1 / BLOCKS)
    assert metrics["skipped_updates"] == 8


def test_a_sound_rollout_is_learnt_from_as_it_is():
    assert loss(weights(0), linear.rollout(), PARTS)["loss"] == pytest.approx(after(begun(weights(0), 0.0))[1]["loss"], rel=1e-4)
    assert jnp.isfinite(linear.rollout().reward).all()
