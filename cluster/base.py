"""The types of a run: its settings and everything that is needed to go on with it."""

import dataclasses
from typing import Any

import jax

from curriculum.base import Assignment, CurriculumConfig
from envs.base import EnvConfig
from envs.generate import GeneratorConfig
from learners.base import TrainState, Worlds
from learners.evaluate import EvaluateConfig
from learners.networks import NetworkConfig
from learners.optimizer import OptimizerConfig
from learners.ppo import PPOConfig
from physics.errors import InputError
from physics.settings import section, setting, validate


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """How big a run is and where it lives."""

    name: str = setting("", "name of the run; empty makes one from the date")
    folder: str = setting("runs", "folder that holds runs")
    parent: str = setting("", "run whose newest parameters this one begins with; nothing else of it is taken over")
    seed: int = setting(0, "seed of everything random", least=0)
    worlds: int = setting(256, "worlds that are played at the same time", least=1)
    rollout_length: int = setting(64, "steps played between updates", least=1)
    rollouts_per_assignment: int = setting(4, "rollouts for which a world keeps its level", least=1)
    stagger: bool = setting(
        False, "let worlds begin new levels at different steps of their episodes, so that they are not all cut off at once"
    )
    max_skipped_updates: int = setting(100, "gradient steps in a row that may be skipped, as not finite, before the run stops", least=0)
    total_steps: int = setting(10_000_000, "environment steps of the run", least=1)
    max_minutes: float = setting(0.0, "stop after so many minutes of training, at a checkpoint; 0 for no limit", least=0)
    profile: int = setting(
        0, "iterations to trace with JAX's profiler into profile/ of the run's folder, once all is compiled; 0 for none", least=0
    )
    devices: int = setting(0, "local devices to use; 0 takes all", least=0)
    block_worlds: int = setting(0, "worlds a device simulates at a time; 0 takes what fits a CPU core's cache, or all on a GPU", least=0)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)
        if any(symbol in self.name for symbol in "/\\") or self.name in (".", ".."):
            raise InputError("name", found=self.name, wanted="a name without slashes")

    @property
    def steps_per_iteration(self) -> int:
        """Environment steps of one iteration."""
        return self.worlds * self.rollout_length

    @property
    def iterations(self) -> int:
        """Iterations that reach `total_steps`."""
        return -(-self.total_steps // self.steps_per_iteration)


@dataclasses.dataclass(frozen=True)
class CheckpointConfig:
    """Settings of checkpoints."""

    every: int = setting(10, "iterations between checkpoints", least=1)
    keep: int = setting(3, "newest checkpoints that are kept", least=1)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """Every setting of a run. Each section stands beside the code that reads it."""

    run: RunSettings = section(RunSettings, "size, place and length of the run")
    env: EnvConfig = section(EnvConfig, "the task universe")
    generate: GeneratorConfig = section(GeneratorConfig, "random levels")
    curriculum: CurriculumConfig = section(CurriculumConfig, "which levels are trained on")
    network: NetworkConfig = section(NetworkConfig, "the agent's network")
    ppo: PPOConfig = section(PPOConfig, "the update")
    optimizer: OptimizerConfig = section(OptimizerConfig, "the optimiser")
    evaluate: EvaluateConfig = section(EvaluateConfig, "zero-shot evaluation")
    checkpoint: CheckpointConfig = section(CheckpointConfig, "checkpoints")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class RunState:
    """Everything that a resumed run needs; arrays only."""

    train: TrainState
    worlds: Worlds
    curriculum: Any
    assignment: Assignment
    key: jax.Array


@dataclasses.dataclass(frozen=True)
class Progress:
    """Counters of a run; plain Python numbers, so that they cannot overflow."""

    iteration: int = 0
    env_steps: int = 0
    seconds: float = 0.0  # of training, over all resumes
