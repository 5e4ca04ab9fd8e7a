"""Observations are not kept but computed again: to the bit what the policy saw."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_learning import BLOCK, ENV, LENGTH, NETWORK, mixed, random_params

from envs import outcome as outcomes
from learners import ppo, rollout
from learners.base import Worlds, split_blocks


@pytest.mark.parametrize("together", [1, 2, LENGTH])
def test_what_the_update_sees_is_to_the_bit_what_the_policy_saw(together: int) -> None:
    """However many steps it looks at at once."""
    assert LENGTH % together == 0
    levels = jax.tree.map(lambda leaf: leaf[0], split_blocks(mixed(), 2))
    worlds = Worlds(env=ENV.reset(levels), outcome=outcomes.none(BLOCK))
    keys = jax.random.split(jax.random.key(0), BLOCK)

    def watch(seen: Any, keys: Any) -> Any:
        action, *_ = rollout.policy(NETWORK.apply, random_params())(seen, keys)
        return action, seen, seen  # the second is kept where the log probability would be

    def keep(state: Any, decision: Any, _: Any) -> Any:
        return state.physics.motion, decision[1]

    _, (motion, seen) = jax.jit(lambda *given: rollout.play(watch, ENV, *given, LENGTH, keep))(worlds, keys)
    motion = jax.tree.map(lambda leaf: leaf[None], motion)
    repeated = jax.tree.map(lambda leaf: jnp.tile(leaf, together)[None], levels)
    again = jax.jit(lambda level, motion: ppo._observe(ENV, level, motion))(repeated, motion)
    flat = jax.tree.map(lambda leaf: np.asarray(leaf).reshape(-1, *leaf.shape[2:]), seen)
    jax.tree.map(np.testing.assert_array_equal, again, flat)
    assert np.asarray(flat.bodies).std() > 0.1
