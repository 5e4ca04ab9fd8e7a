"""The in-process backend: all roles in this process, on its devices. Imports no Ray."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from cluster import backend as backends
from cluster import mesh as meshes
from cluster import parts
from cluster.backend import Backend, LostError, Tell
from cluster.base import RunConfig, RunSettings
from cluster.checkpoint import Checkpoints
from cluster.crew import Crew
from cluster.profiler import Profiler
from cluster.roles.curriculum import CurriculumService
from cluster.roles.evaluator import Evaluator
from cluster.roles.learner import Learner
from cluster.roles.player import Player
from cluster.roles.trainer import Trainer
from cluster.roles.worker import RolloutWorker
from cluster.supervisor import Supervisor
from cluster.tracker import Tracker
from curriculum.base import Evaluate
from envs import holdout
from envs.base import EnvConfig
from envs.env import Env
from envs.generate import Generator, GeneratorConfig
from learners import networks
from learners.base import Params
from learners.evaluate import EvaluateConfig
from learners.networks import NetworkConfig

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
        self._devices = roles.worker.devices
        self._roles = {
            backends.worker(0): self._player,
            backends.LEARNER: Trainer(roles.learner, settings),
            backends.CURRICULUM: roles.curriculum,
            backends.EVALUATOR: roles.evaluator,
        }
        self.workers: Sequence[str] = [backends.worker(0)]
        self.tell: Tell = backends.nobody

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

    def restart(self, lost: LostError) -> None:
        """Whoever is lost takes this process along."""
        raise lost

    def room(self) -> str:
        """There is one worker."""
        return ""

    def trackers(self, run: str) -> Sequence[Tracker]:
        """Nobody."""
        return []

    def scalars(self) -> Mapping[str, float]:
        """None."""
        return {}

    def where(self) -> str:
        """The devices that play and learn."""
        return f"{len(self._devices)} x {self._devices[0].device_kind}"

    def close(self) -> None:
        """Nothing to end."""


def check(config: RunConfig) -> None:
    """Refuse, before anything starts, settings that do not fit each other or this machine's devices."""
    parts.check(config, meshes.suited(config.run.worlds, config.run.devices).size)


def build_roles(config: RunConfig) -> Roles:
    """The roles of a run, wired together."""
    check(config)
    mesh = meshes.suited(config.run.worlds, config.run.devices)
    made = parts.Parts(config, mesh)
    worker = made.worker(config.run.worlds, parts.block_size(config, mesh.size))
    return Roles(worker=worker, learner=made.learner(), curriculum=made.service(), evaluator=made.evaluator(worker))


def build_evaluator(env: EnvConfig, network: NetworkConfig, generate: GeneratorConfig, evaluate: EvaluateConfig) -> Evaluator:
    """An evaluator without a run, for parameters that come from a file."""
    holdout.choose(evaluate.holdout, env.size)
    mesh, rules = meshes.make(), Env(env)
    worlds = mesh.size * (EVALUATED_WORLDS if jax.default_backend() == "cpu" else EVALUATED_WORLDS_GPU)
    made = networks.make(network, env.observation, env.action)
    worker = RolloutWorker(rules, made.apply, mesh, worlds, length=1, memory=network.memory)
    return Evaluator(worker, Generator(rules, generate), evaluate)


def build(config: RunConfig, backend: Backend, folder: Path, tracker: Tracker, tell: Tell = backends.nobody) -> Supervisor:
    """A supervisor for the run in `folder`."""
    backend.tell = tell
    return Supervisor(
        settings=config.run,
        crew=Crew(backend, config.run, config.cluster),
        tracker=tracker,
        checkpoints=Checkpoints(folder / "checkpoints", config.checkpoint),
        profiler=Profiler(folder / "profile", config.run.profile, after=config.run.rollouts_per_assignment),
        evaluate_every=config.evaluate.every,
    )
