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
    parent: str = setting("", "run (or RUN@best, RUN@ITERATION: a checkpoint) whose parameters this one begins with, and nothing else")
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
    devices: int = setting(0, "local devices to use; 0 takes all, of a CPU no more than suit so many worlds", least=0)
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
    minutes: float = setting(0.0, "a checkpoint also after so many minutes of training without one; 0 for never", least=0)
    keep: int = setting(3, "newest checkpoints that are kept", least=1)
    keep_every: int = setting(
        0, "a checkpoint every so many iterations is kept for ever, a multiple of checkpoint.every; 0 for none", least=0
    )
    best: str = setting(
        "", "measure of evaluation, as evaluate/handmade, of which the checkpoint with the highest value is kept too; empty for none"
    )

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)
        if self.keep_every % self.every:
            raise InputError("keep_every", found=self.keep_every, wanted=f"a multiple of checkpoint.every = {self.every}, or 0")


@dataclasses.dataclass(frozen=True)
class ClusterConfig:
    """Settings of what runs where."""

    backend: str = setting("local", "local: all in this process; ray: actors of a Ray cluster", choices=("local", "ray"))
    topology: str = setting(
        "split", "with ray: split, workers play and a learner learns; colocated, the same devices do both", choices=("split", "colocated")
    )
    address: str = setting("", "Ray cluster: host:port, auto for the one this machine belongs to; empty starts one here for the run")
    platform: str = setting("gpu", "what workers and learner run on; cpu devices are simulated", choices=("gpu", "cpu"))
    workers: int = setting(1, "rollout workers; they share out run.worlds", least=1)
    least_workers: int = setting(1, "workers that are enough to go on; with fewer the run waits until lost ones can be replaced", least=1)
    worker_devices: int = setting(1, "devices of a worker", least=1)
    learner_devices: int = setting(1, "devices of the learner; with topology=colocated it plays with them too", least=1)
    evaluator_devices: int = setting(0, "devices of the evaluator; 0 has it on a CPU", least=0)
    max_lag: int = setting(0, "updates that the parameters which play may be behind; 0 plays and learns in turn", least=0)
    actor_cpus: float = setting(1.0, "CPU cores that Ray keeps free for every actor", least=0)
    store_megabytes: int = setting(0, "object store of a cluster that is started here; 0 leaves it to Ray", least=0)
    heartbeat_seconds: float = setting(60.0, "an actor that does not answer for so long is taken for dead", above=0)
    call_minutes: float = setting(30.0, "an actor that is busy with one thing for so long is taken for dead", above=0)
    regroup_seconds: float = setting(
        60.0, "after so long without room for a lost worker the run goes on with fewer, from its last checkpoint", above=0
    )
    wait_minutes: float = setting(60.0, "how long to wait for lost resources to come back before the run stops", above=0)
    processes: int = setting(
        1,
        "processes of the gang that trains together, each with its own devices: with ray and colocated, learner_devices on one machine;"
        " with local, see launch.gang",
        least=1,
    )
    process: int = setting(0, "number of this one of them, from 0 on", least=0)
    coordinator: str = setting("", "host:port at which the processes of a gang find each other; the first one listens there")
    replacements: int = setting(5, "times in a row that a lost worker is replaced before the run stops", least=1)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)
        if self.least_workers > self.workers:
            raise InputError("least_workers", found=self.least_workers, wanted=f"at most cluster.workers = {self.workers}")
        if self.processes > 1 and (self.backend, self.topology) == ("ray", "split"):
            raise InputError(
                "processes", found=self.processes, wanted="1, or cluster.topology=colocated", fix="A gang plays and learns in one."
            )
        if self.max_lag and (self.backend, self.topology) != ("ray", "split"):
            raise InputError(
                "max_lag", found=self.max_lag, wanted="0 where the same devices play and learn",
                fix="Set cluster.backend=ray and cluster.topology=split to do both at the same time.",
            )  # fmt: skip


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
    cluster: ClusterConfig = section(ClusterConfig, "what runs where")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class RunState:
    """Everything that a resumed run needs; arrays only, whatever the backend, the devices and the workers."""

    train: TrainState
    worlds: Worlds  # along the last axis
    curriculum: Any
    assignment: Assignment  # what is being played
    lease: jax.Array  # int, number of the lease that it belongs to; -1 if that is recorded
    key: jax.Array


@dataclasses.dataclass(frozen=True)
class Progress:
    """Counters of a run; plain Python numbers, so that they cannot overflow."""

    iteration: int = 0
    env_steps: int = 0
    seconds: float = 0.0  # of training, over all resumes
