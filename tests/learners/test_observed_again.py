"""Observations are not kept but computed again: to the bit what the policy saw."""

from typing import Any

import jax
import numpy as np
from tiny_learning import BLOCK, ENV, LENGTH, NETWORK, mixed, random_params

from envs import outcome as outcomes
from learners import ppo, rollout
from learners.base import Worlds, split_blocks


def test_what_the_update_sees_is_to_the_bit_what_the_policy_saw():
    levels = jax.tree.map(lambda leaf: leaf[0], split_blocks(mixed(), 2))
    worlds = Worlds(env=ENV.reset(levels), outcome=outcomes.none(BLOCK))
    keys = jax.random.split(jax.random.key(0), BLOCK)

    def watch(seen: Any, keys: Any) -> Any:
        action, *_ = rollout.policy(NETWORK.apply, random_params())(seen, keys)
        return action, seen, seen  # the second is kept where the log probability would be

    def keep(state: Any, decision: Any, _: Any) -> Any:
        return state.physics.motion, decision[1]

    _, (motion, seen) = jax.jit(lambda *given: rollout.play(watch, ENV, *given, LENGTH, keep))(worlds, keys)
    kept = jax.tree.map(lambda leaf: leaf[None], (levels, motion))
    made = rollout.Rollout(
        level=kept[0],
        motion=kept[1],
        **dict.fromkeys(("action", "log_prob", "value", "reward", "terminated", "truncated", "final_value", "last_value")),
    )
    again = jax.jit(lambda made: ppo._observe(ENV, made))(made)
    flat = jax.tree.map(lambda leaf: np.asarray(leaf).reshape(-1, *leaf.shape[2:]), seen)
    jax.tree.map(np.testing.assert_array_equal, again, flat)
    assert np.asarray(flat.bodies).std() > 0.1
