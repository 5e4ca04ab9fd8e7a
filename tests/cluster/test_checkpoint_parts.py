"""What is only there when it is asked for, the average of PPO-EWMA, and the place in a schedule travel with a checkpoint."""

import jax
import numpy as np

from cluster.base import CheckpointConfig, Progress
from cluster.checkpoint import Checkpoints
from learners import optimizer, ppo, proximal
from learners.base import TrainState
from learners.optimizer import OptimizerConfig
from learners.ppo import PPOConfig

MADE = optimizer.make(OptimizerConfig(schedule="cosine", warmup=0.25), steps=8)
CONFIG = PPOConfig(ewma_decay=0.9)
PARAMS = {"a": np.arange(4, dtype=np.float32)}


def _stepped(state: TrainState, times: int) -> TrainState:
    """As many steps down the same slope, taken as an update takes them."""
    for _ in range(times):
        state, _ = ppo._step(MADE, CONFIG, state, jax.numpy.ones(4), {"loss": np.float32(0)})
    return state


def test_five_steps_are_three_a_checkpoint_and_two_bit_for_bit(tmp_path):
    begin = ppo.begin(jax.tree.map(jax.numpy.asarray, PARAMS), MADE, CONFIG)
    checkpoints = Checkpoints(tmp_path, CheckpointConfig())
    checkpoints.save(_stepped(begin, 3), Progress(iteration=3))
    checkpoints.wait()
    restored, _ = checkpoints.restore(begin)
    checkpoints.close()
    found, expected = _stepped(restored, 2), _stepped(begin, 5)
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, found, expected)
    assert found.proximal is not None
    assert float(found.proximal.weight) > 1
    assert np.abs(found.proximal.params["a"] - found.params["a"]).max() > 0
    assert proximal.begin(PARAMS).weight == 1
