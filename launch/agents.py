"""An agent by name, to be measured, shown or exported: a checkpoint of a run, or a weights file."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

import jax

from cluster import local, streams
from cluster.base import Progress, RunConfig
from cluster.checkpoint import NEWEST
from cluster.local import LocalBackend
from cluster.roles.evaluator import Evaluator
from cluster.tracker import Several
from envs.base import EnvConfig
from launch import cli, config
from learners import weights
from learners.base import Params
from learners.evaluate import PROTOCOL
from learners.networks import NetworkConfig
from physics.errors import InputError

HELP = (
    "a run (its folder or its name under runs/; RUN@best or RUN@ITERATION for a checkpoint that is not the newest), "
    "or a weights file that launch.export wrote"
)


@dataclasses.dataclass(frozen=True)
class Agent:
    """Parameters, and what can play with them."""

    name: str
    run: Path | None  # the folder of its run; None for a weights file
    settings: RunConfig
    params: Params
    progress: Progress
    evaluator: Evaluator

    @property
    def env(self) -> EnvConfig:
        """The rules that it plays by."""
        return self.settings.env

    @property
    def network(self) -> NetworkConfig:
        """What its network is made of."""
        return self.settings.network

    @property
    def key(self) -> jax.Array:
        """That of evaluation."""
        return streams.key(self._run_key, streams.EVALUATE)

    @functools.cached_property
    def untrained(self) -> Params:
        """A network of the same kind that has not learnt."""
        begin = jax.jit(lambda key: weights.begin(self.network, self.env, key))
        return self.evaluator.worker.place(begin(streams.key(self._run_key, streams.INIT)))

    @property
    def _run_key(self) -> jax.Array:
        return jax.random.key(self.settings.run.seed)


def open_agent(name: str, words: Sequence[str] = ()) -> Agent:
    """The agent that `name` stands for, with settings `evaluate.KEY=VALUE` on top of the published protocol."""
    strange = [word for word in words if not word.startswith("evaluate.") or "=" not in word]
    if strange:
        raise InputError(", ".join(strange), wanted="only settings of the section evaluate, as evaluate.KEY=VALUE")
    words = [*(f"evaluate.{key}={value}" for key, value in PROTOCOL.items()), *words]
    return _from_file(name, words) if name.endswith(weights.SUFFIX) else _from_run(name, words)


def open_checkpoint(name: str) -> tuple[Path, str]:
    """The folder of the run that `RUN` or `RUN@CHECKPOINT` names, and which checkpoint is meant."""
    run, at, which = name.rpartition("@")
    return (cli.open_run(run), which) if at and not Path(name).exists() else (cli.open_run(name), NEWEST)


def _from_run(name: str, words: Sequence[str]) -> Agent:
    folder, which = open_checkpoint(name)
    settings = config.load(words, base=folder / "config.yaml")
    roles = local.build_roles(settings)
    supervisor = local.build(settings, LocalBackend(roles, settings.run), folder, Several([]))
    supervisor.restore(which)
    params = supervisor.state().train.params
    return Agent(str(folder), folder, settings, params, supervisor.progress, roles.evaluator)


def _from_file(name: str, words: Sequence[str]) -> Agent:
    """What a weights file does not hold, how random levels are drawn for one, is as in a run where nothing is said."""
    found = weights.load(name)
    defaults = config.load(words, base=config.DEFAULTS)
    settings = dataclasses.replace(defaults, env=found.env, network=found.network)
    evaluator = local.build_evaluator(settings.env, settings.network, settings.generate, settings.evaluate)
    return Agent(name, None, settings, evaluator.worker.place(found.params), Progress(env_steps=found.env_steps), evaluator)
