"""The learner: turns rollouts into better parameters on its device mesh."""

import functools
from collections.abc import Sequence

import jax
import numpy as np
import optax
from flax import linen as nn
from jax.sharding import Mesh

from cluster import mesh as meshes
from cluster.mesh import COPIED, SHARED
from envs.env import Env
from learners import ppo
from learners.base import Array, Params, Rollout, TrainState
from learners.ppo import PPOConfig
from physics.errors import InputError

FITS = (
    "They fit the same network, observation and action alone. Another env.size is read by deepset, transformer and pixels; "
    "flat and rows are made for one."
)


class Learner:
    """PPO on one mesh."""

    def __init__(self, env: Env, network: nn.Module, optimizer: optax.GradientTransformation, config: PPOConfig, mesh: Mesh) -> None:
        """Compile nothing yet; the first update does."""
        self._env = env
        self._network = network
        self._optimizer = optimizer
        self._config = config
        self._mesh = mesh
        step = functools.partial(ppo.update, network.apply, optimizer, env, config)
        self._update = meshes.over_devices(step, mesh, (COPIED, SHARED, COPIED), COPIED, donate=(0,))

    def init(self, key: Array) -> TrainState:
        """Parameters and optimiser of a run that has not begun."""
        return meshes.put(jax.jit(self.begin)(key), self._mesh, COPIED)

    def take_over(self, params: Params) -> TrainState:
        """Parameters of another run and a fresh optimiser."""
        self.check(params)
        return meshes.put(jax.jit(functools.partial(ppo.begin, optimizer=self._optimizer, config=self._config))(params), self._mesh, COPIED)

    def check(self, params: Params) -> None:
        """`InputError` if parameters of another run are not shaped as those of this network."""
        own = jax.eval_shape(self._network.init, jax.random.key(0), self._env.blank())
        wanted, found = _shapes(own), _shapes(params)
        for name in sorted(wanted.keys() | found.keys()):
            if wanted.get(name) != found.get(name):
                raise InputError(
                    f"parameters of another run: {name}", found=found.get(name, "none"), wanted=str(wanted.get(name, "none")), fix=FITS
                )

    def begin(self, key: Array) -> TrainState:
        """The same as `init`, placed nowhere: to be compiled, or to know its shapes."""
        return ppo.begin(self._network.init(key, self._env.blank()), self._optimizer, self._config)

    def place(self, train: TrainState) -> TrainState:
        """A state from anywhere, on this learner's devices."""
        return meshes.put(train, self._mesh, COPIED)

    def receive(self, rollouts: Sequence[Rollout]) -> Rollout:
        """The rollouts of all players as one on this learner's devices; what lies there already is taken as it is."""
        if isinstance(jax.tree.leaves(rollouts)[0], jax.Array):
            return rollouts[0]
        # Joining copies, on purpose: on a CPU JAX would go on to use the memory that it is given, which may be that of a store.
        return meshes.put(jax.tree.map(lambda *parts: np.concatenate(parts), *rollouts), self._mesh, SHARED)

    def update(self, state: TrainState, rollout: Rollout, key: Array) -> tuple[TrainState, dict[str, Array]]:
        """Learn from one rollout: (new state, metrics). `state` is consumed."""
        return self._update(state, rollout, meshes.put(key, self._mesh, COPIED))


def _shapes(params: Params) -> dict[str, list[int]]:
    """Shape of every parameter by the names of its layers."""
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {jax.tree_util.keystr(path, simple=True, separator="/").removeprefix("params/"): list(leaf.shape) for path, leaf in leaves}
