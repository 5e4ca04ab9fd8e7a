"""The learner: turns rollouts into better parameters on its device mesh."""

import functools

import jax
import optax
from flax import linen as nn
from jax.sharding import Mesh

from cluster import mesh as meshes
from cluster.mesh import COPIED, SHARED
from envs.env import Env
from learners import ppo
from learners.base import Array, Rollout, TrainState
from learners.ppo import PPOConfig


class Learner:
    """PPO on one mesh."""

    def __init__(self, env: Env, network: nn.Module, optimizer: optax.GradientTransformation, config: PPOConfig, mesh: Mesh) -> None:
        """Compile nothing yet; the first update does."""
        self._network = network
        self._optimizer = optimizer
        self._config = config
        self._mesh = mesh
        step = functools.partial(ppo.update, network.apply, optimizer, env, config)
        self._update = meshes.over_devices(step, mesh, (COPIED, SHARED, COPIED), COPIED, donate=(0,))

    def init(self, key: Array, observation: object) -> TrainState:
        """Parameters and optimiser of a run that has not begun."""
        return meshes.put(jax.jit(self.begin)(key, observation), self._mesh, COPIED)

    def begin(self, key: Array, observation: object) -> TrainState:
        """The same, placed nowhere: to be compiled, or to know its shapes."""
        return ppo.begin(self._network.init(key, observation), self._optimizer, self._config)

    def update(self, state: TrainState, rollout: Rollout, key: Array) -> tuple[TrainState, dict[str, Array]]:
        """Learn from one rollout: (new state, metrics). `state` is consumed."""
        return self._update(state, rollout, meshes.put(key, self._mesh, COPIED))
