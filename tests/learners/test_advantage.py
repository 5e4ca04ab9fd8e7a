"""Advantages against the definition written out as sums, and against cases worked out by hand."""

import jax
import numpy as np
import pytest

from learners import advantage
from learners.base import Rollout

LENGTH, WORLDS = 24, 64


def rollout(**fields: object) -> Rollout:
    """A rollout of what is given, `[L, W]`; nothing ends and all else is zero. Levels do not matter."""
    shape = next(np.shape(value) for value in fields.values() if np.ndim(value) == 2)
    zero = np.zeros(shape, np.float32)
    names = ("log_prob", "value", "reward", "final_value")
    values = dict.fromkeys(names, zero) | dict.fromkeys(("terminated", "truncated"), zero > 0)
    values |= {"level": None, "motion": None, "action": None, "last_value": zero[0]}
    return Rollout(**values | {name: np.asarray(value) for name, value in fields.items()})


def by_hand(values: list, rewards: list, **fields: object) -> Rollout:
    """One world."""
    columns = {name: np.array(value)[:, None] for name, value in fields.items() if name != "last"}
    last = np.array([fields.get("last", 0.0)], np.float32)
    return rollout(value=np.float32(values)[:, None], reward=np.float32(rewards)[:, None], last_value=last, **columns)


def estimate(made: Rollout, discount: float, trace: float) -> np.ndarray:
    return np.asarray(advantage.estimate(made, discount, trace))


@pytest.fixture(scope="module")
def played() -> Rollout:
    """Random numbers, with episodes that end by themselves or by time now and then."""
    random = np.random.RandomState(0)
    numbers = {name: random.normal(size=(LENGTH, WORLDS)).astype(np.float32) for name in ("value", "reward", "final_value")}
    kind = random.rand(LENGTH, WORLDS)
    truncated = (kind > 0.1) & (kind < 0.2)
    numbers["final_value"] *= truncated
    last = random.normal(size=WORLDS).astype(np.float32)
    return rollout(**numbers, terminated=kind < 0.1, truncated=truncated, last_value=last)


def by_definition(made: Rollout, discount: float, trace: float) -> np.ndarray:
    """The sum of (discount trace)^k delta(t + k) over the rest of the episode, for every step by itself."""
    found = np.zeros((LENGTH, WORLDS))
    for t, w in np.ndindex(LENGTH, WORLDS):
        weight = 1.0
        for s in range(t, LENGTH):
            following = made.value[s + 1, w] if s + 1 < LENGTH else made.last_value[w]
            if made.terminated[s, w]:
                following = 0.0
            elif made.truncated[s, w]:
                following = made.final_value[s, w]
            found[t, w] += weight * (made.reward[s, w] + discount * following - made.value[s, w])
            if made.terminated[s, w] or made.truncated[s, w]:
                break
            weight *= discount * trace
    return found


@pytest.mark.parametrize(("discount", "trace"), [(0.97, 0.9), (0.9, 0.0), (1.0, 1.0)])
def test_advantages_are_the_sums_of_the_definition(played: Rollout, discount: float, trace: float):
    assert 0 < played.terminated.sum() < LENGTH * WORLDS / 5
    np.testing.assert_allclose(estimate(played, discount, trace), by_definition(played, discount, trace), atol=2e-5)


def test_compiled_over_blocks_it_is_the_same(played: Rollout):
    blocks = jax.tree.map(lambda leaf: np.stack([leaf, leaf[..., ::-1]]), played)
    found = jax.jit(jax.vmap(lambda block: advantage.estimate(block, 0.97, 0.9)))(blocks)
    expected = by_definition(played, 0.97, 0.9)
    np.testing.assert_allclose(found, [expected, expected[:, ::-1]], atol=2e-5)


def test_without_ends_the_last_value_is_what_comes_after():
    found = estimate(by_hand([1.0, 2.0], [0.0, 0.5], last=4.0), discount=0.5, trace=1.0)
    second = 0.5 + 0.5 * 4 - 2
    np.testing.assert_allclose(found[:, 0], [0 + 0.5 * 2 - 1 + 0.5 * second, second])


def test_after_a_termination_nothing_comes():
    """Neither the value of the next episode, nor its advantages, nor any final value."""
    made = by_hand([1.0, 100.0], [3.0, -50.0], terminated=[True, False], final_value=[70.0, 0.0], last=9.0)
    assert estimate(made, discount=0.9, trace=0.9)[0, 0] == pytest.approx(3 - 1)


def test_after_a_truncation_comes_the_value_of_the_state_that_was_cut_off():
    """Not that of the next episode's first state, and none of its advantages."""
    made = by_hand([1.0, 100.0], [3.0, -50.0], truncated=[True, False], final_value=[2.0, 0.0], last=9.0)
    assert estimate(made, discount=0.9, trace=0.9)[0, 0] == pytest.approx(3 + 0.9 * 2 - 1)


def test_an_end_at_the_last_step_makes_the_last_value_meaningless():
    """After an automatic reset it is the value of another episode."""
    for end, reached in (("terminated", 0.0), ("truncated", 2.0)):
        made = by_hand([1.0], [3.0], final_value=[2.0], last=1e6, **{end: [True]})
        assert estimate(made, discount=0.9, trace=0.9)[0, 0] == pytest.approx(3 + 0.9 * reached - 1), end


def test_with_full_trace_it_is_the_discounted_return_less_the_value():
    rewards, values = [1.0, -2.0, 0.5, 4.0], [0.3, 0.1, -0.2, 5.0]
    returns = [sum(0.9**k * reward for k, reward in enumerate(rewards[t:])) for t in range(4)]
    made = by_hand(values, rewards, terminated=[False, False, False, True])
    np.testing.assert_allclose(estimate(made, 0.9, 1.0)[:, 0], np.array(returns) - values, rtol=1e-5)


def test_without_trace_it_looks_one_step_ahead():
    made = by_hand([1.0, 2.0, 3.0], [0.1, 0.2, 0.3], last=4.0)
    np.testing.assert_allclose(estimate(made, 0.5, 0.0)[:, 0], [0.1 + 1 - 1, 0.2 + 1.5 - 2, 0.3 + 2 - 3], atol=1e-6)


def test_a_perfect_critic_has_no_advantage():
    values = [0.9**3, 0.9**2, 0.9, 1.0]
    made = by_hand(values, [0.0, 0.0, 0.0, 1.0], terminated=[False, False, False, True])
    np.testing.assert_allclose(estimate(made, 0.9, 0.7), 0, atol=1e-6)
