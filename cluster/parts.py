"""The programs of a run, made from its settings, for a process that has some of its devices."""

import functools

from flax import linen as nn
from jax.sharding import Mesh

import curriculum
from cluster import mesh as meshes
from cluster.base import RunConfig
from cluster.roles.curriculum import CurriculumService
from cluster.roles.evaluator import Evaluator
from cluster.roles.learner import Learner
from cluster.roles.worker import RolloutWorker
from envs import holdout, sizes
from envs.env import Env
from envs.generate import Generator
from learners import networks, optimizer
from physics.errors import InputError


def block_size(config: RunConfig, devices: int, platform: str = "") -> int:
    """Worlds that each of all the devices that play simulates at a time."""
    run = config.run
    return meshes.block_size(run.worlds, devices, sizes.capacity(config.env.size), run.block_worlds, platform)


def check(config: RunConfig, devices: int, platform: str = "") -> None:
    """Refuse, before anything starts, settings that do not fit each other or the devices that play."""
    run = config.run
    config.ppo.minibatches(run.worlds, run.rollout_length, run.worlds // block_size(config, devices, platform))
    networks.make(config.network, config.env.observation, config.env.action)
    holdout.choose(config.evaluate.holdout, config.env.size)
    if config.curriculum.levels:
        holdout.choose(config.curriculum.levels, config.env.size)
    held, wanted = run.rollouts_per_assignment * run.rollout_length, 2 * config.env.max_steps
    if run.stagger and held < wanted:
        raise InputError(
            f"run.stagger with levels that are held for {held} steps",
            wanted=f"at least {wanted} = 2 x env.max_steps: a first episode that does not count, and a whole one after it",
            fix=f"Set run.rollouts_per_assignment={-(-wanted // run.rollout_length)}.",
        )  # fmt: skip


class Parts:
    """What roles are made of; each is made when it is first asked for."""

    def __init__(self, config: RunConfig, mesh: Mesh) -> None:
        """`mesh` holds the devices of this process."""
        self._config = config
        self._mesh = mesh

    @functools.cached_property
    def env(self) -> Env:
        """The task universe."""
        return Env(self._config.env)

    @functools.cached_property
    def _generate(self) -> Generator:
        return Generator(self.env, self._config.generate)

    @functools.cached_property
    def _network(self) -> nn.Module:
        config = self._config
        return networks.make(config.network, config.env.observation, config.env.action)

    def worker(self, worlds: int, block: int) -> RolloutWorker:
        """Plays so many worlds, `block` at a time on a device."""
        run = self._config.run
        return RolloutWorker(self.env, self._network.apply, self._mesh, worlds, run.rollout_length, block, run.stagger)

    def learner(self) -> Learner:
        """Learns from all worlds."""
        run, ppo = self._config.run, self._config.ppo
        steps = run.iterations * ppo.epochs * (run.steps_per_iteration // ppo.minibatch_size)
        return Learner(self.env, self._network, optimizer.make(self._config.optimizer, steps), ppo, self._mesh)

    def service(self) -> CurriculumService:
        """Hands out levels for all worlds."""
        config = self._config
        chosen = curriculum.make(config.curriculum, self._generate, self.env.capacity)
        return CurriculumService(chosen, config.curriculum.refresh_every, config.run, self.env.capacity)

    def evaluator(self, worker: RolloutWorker) -> Evaluator:
        """Measures with a worker."""
        return Evaluator(worker, self._generate, self._config.evaluate)
