"""The in-process backend: all roles in this process, on its devices. Imports no Ray."""

import dataclasses
from pathlib import Path
from typing import Any

import jax

import curriculum
from cluster import backend as backends
from cluster import mesh as meshes
from cluster.backend import Backend, LostError, Tell
from cluster.base import RunConfig, RunSettings
from cluster.checkpoint import Checkpoints
from cluster.crew import Crew
from cluster.roles.curriculum import CurriculumService
from cluster.roles.evaluator import Evaluator
from cluster.roles.learner import Learner
from cluster.roles.player import Player
from cluster.roles.trainer import Trainer
from cluster.roles.worker import RolloutWorker
from cluster.supervisor import Supervisor
from cluster.tracker import Tracker
from curriculum.base import Evaluate
from envs import holdout, sizes
from envs.base import EnvConfig
from envs.env import Env
from envs.generate import Generator, GeneratorConfig
from envs.generate.edit import EditConfig, Editor
from learners import networks, optimizer
from learners.base import Params
from learners.evaluate import EvaluateConfig
from learners.networks import NetworkConfig
from physics.errors import InputError

EVALUATED_WORLDS, EVALUATED_WORLDS_GPU = 128, 2048  # that a device plays at the same time where no run says how many


@dataclasses.dataclass(frozen=True)
class Roles:
    """Who does the work, all on the same devices."""

    worker: RolloutWorker
    learner: Learner
    curriculum: CurriculumService
    evaluator: Evaluator


class LocalBackend:
    """Calls that are done when they are begun."""

    def __init__(self, roles: Roles, settings: RunSettings) -> None:
        """`roles` may be shared by runs that follow one another."""
        self._player = Player(roles.worker, settings)
        self._roles = {
            backends.worker(0): self._player,
            backends.LEARNER: Trainer(roles.learner, settings),
            backends.CURRICULUM: roles.curriculum,
            backends.EVALUATOR: roles.evaluator,
        }
        self.workers = [backends.worker(0)]

    def call(self, role: str, method: str, *args: Any, returns: int = 1) -> Any:
        """Do it: what it returned."""
        return getattr(self._roles[role], method)(*args)

    def put(self, value: Any) -> Any:
        """The value."""
        return value

    def result(self, future: Any) -> Any:
        """The value."""
        return future

    def ready(self, future: Any) -> bool:
        """Always."""
        return True

    def scout(self, params: Params) -> Evaluate:
        """The worker, asked directly."""
        return lambda key, levels: self._player.scout(params, levels, jax.random.key_data(key))

    def replace(self, lost: LostError) -> None:
        """Nobody can be lost alone."""
        raise lost


def check(config: RunConfig) -> None:
    """Refuse, before anything starts, settings that do not fit each other or this machine's devices."""
    run = config.run
    mesh = meshes.make(run.devices)
    block = meshes.block_size(run.worlds, mesh.size, sizes.capacity(config.env.size), run.block_worlds)
    config.ppo.minibatches(run.worlds, run.rollout_length, run.worlds // block)
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


def build_roles(config: RunConfig) -> Roles:
    """The roles of a run, wired together."""
    check(config)
    run = config.run
    mesh = meshes.make(run.devices)
    env = Env(config.env)
    generate = Generator(env, config.generate)
    editor = Editor(EditConfig(), config.generate)
    chooser = curriculum.make(config.curriculum, generate, lambda key, levels: editor(key, levels)[0], env.capacity)
    network = networks.make(config.network, config.env.observation, config.env.action)
    blocks = run.worlds // meshes.block_size(run.worlds, mesh.size, env.capacity, run.block_worlds)
    minibatches = config.ppo.minibatches(run.worlds, run.rollout_length, blocks)
    steps = run.iterations * config.ppo.epochs * minibatches
    worker = RolloutWorker(env, network.apply, mesh, run.worlds, run.rollout_length, run.block_worlds, run.stagger)
    return Roles(
        worker=worker,
        learner=Learner(env, network, optimizer.make(config.optimizer, steps), config.ppo, mesh),
        curriculum=CurriculumService(chooser, run, env.capacity),
        evaluator=Evaluator(worker, generate, config.evaluate),
    )


def build_evaluator(env: EnvConfig, network: NetworkConfig, generate: GeneratorConfig, evaluate: EvaluateConfig) -> Evaluator:
    """An evaluator without a run, for parameters that come from a file."""
    holdout.choose(evaluate.holdout, env.size)
    mesh, rules = meshes.make(), Env(env)
    worlds = mesh.size * (EVALUATED_WORLDS if jax.default_backend() == "cpu" else EVALUATED_WORLDS_GPU)
    worker = RolloutWorker(rules, networks.make(network, env.observation, env.action).apply, mesh, worlds, length=1)
    return Evaluator(worker, Generator(rules, generate), evaluate)


def _nobody(*_: Any, **__: Any) -> None:
    pass


def build(config: RunConfig, backend: Backend, folder: Path, tracker: Tracker, tell: Tell = _nobody) -> Supervisor:
    """A supervisor for the run in `folder`."""
    return Supervisor(
        settings=config.run,
        crew=Crew(backend, config.run, config.cluster, tell),
        tracker=tracker,
        checkpoints=Checkpoints(folder / "checkpoints", config.checkpoint),
        evaluate_every=config.evaluate.every,
    )
