"""How far the critic was from what happened, counted again in numpy, step by step. Holds no tests."""

import numpy as np

from envs.outcome import Outcome
from learners.base import Rollout

DISCOUNT, TRACE = 0.995, 0.9  # the defaults of `ppo`


def count(played: Rollout, counts: np.ndarray, discount: float = DISCOUNT, trace: float = TRACE) -> dict[str, np.ndarray]:
    """Steps, sum of values and sum of positive advantages of the steps `[L, W]` that count."""
    value, final, reward = (np.asarray(leaf, float) for leaf in (played.value, played.final_value, played.reward))
    following, later = np.asarray(played.last_value, float), 0.0
    gain = np.zeros(value.shape)
    for t in reversed(range(len(value))):
        reached = np.where(played.terminated[t], 0.0, np.where(played.truncated[t], final[t], following))
        goes_on = ~np.asarray(played.terminated[t] | played.truncated[t])
        later = reward[t] + discount * reached - value[t] + discount * trace * goes_on * later
        gain[t], following = later, value[t]
    return {
        "steps": counts.sum(0),
        "value_sum": (value * counts).sum(0),
        "positive_advantage": (gain.clip(0) * counts).sum(0),
    }


def agree(outcome: Outcome, expected: dict[str, np.ndarray]) -> None:
    """Fail where an outcome is not what was counted."""
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(outcome, name), value, rtol=1e-4, atol=1e-4, err_msg=name)
