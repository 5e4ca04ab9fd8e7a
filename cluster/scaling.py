"""How fast a run would be on other machines: a model in plain numbers, from speeds measured on one device.

An iteration keeps resources busy, each for so many seconds:

    players             environment steps, shared out over the GPUs that play
    learner             gradient steps, shared out over the GPUs that learn
    network             gradients between GPUs that learn; with `split` rollouts, parameters and levels as well
    object store        with `split`: a rollout is written on the learner's node once and copied to its devices once
    curriculum service  levels drawn, chosen and counted in one place, however many GPUs there are

One after the other, they take their sum; with `max_lag` they work at the same time, and the slowest decides. The one
that is busy longest saturates first; where memory does not suffice, it is memory.
"""

import dataclasses
import math

from physics.settings import setting, validate

TOPOLOGIES = ("colocated", "split")
GB, GIB = 1e9, 2**30


@dataclasses.dataclass(frozen=True)
class Machines:
    """What is known of one device, and of the machines between which work is to be shared."""

    topology: str = setting("colocated", "colocated: every GPU plays and learns; split: some play, some learn", choices=TOPOLOGIES)
    play_us: float = setting(0.0, "microseconds a device plays an environment step; 0 takes the measured file", least=0)
    learn_us: float = setting(0.0, "microseconds a device learns from an environment step, all epochs; 0 takes the measured file", least=0)
    measured_worlds: int = setting(0, "worlds with which that was measured; 0 takes the measured file", least=0)
    learner_gpus: int = setting(1, "with split: GPUs that learn", least=1)
    max_lag: int = setting(0, "with split: updates that what plays may be behind; from 1 on all work at the same time", least=0)
    gpus_per_node: int = setting(8, "GPUs of a machine", least=1)
    memory_gib: float = setting(60.0, "memory of a GPU that JAX may take; 60 is three quarters of 80", above=0)
    link_gbyte: float = setting(300.0, "GB/s between GPUs of a machine, one way", above=0)
    network_gbit: float = setting(100.0, "Gbit/s of a machine's network, each way", above=0)
    latency_us: float = setting(20.0, "microseconds a message takes", least=0)
    store_gbyte: float = setting(
        0.0, "GB/s at which a machine copies into and out of the object store; 0 takes the measured file, or 1", least=0
    )
    store_gib: float = setting(100.0, "memory of a machine's object store", above=0)
    draw_us: float = setting(
        0.0, "microseconds in which the curriculum service draws and filters a level; 0 takes the measured file", least=0
    )
    count_us: float = setting(3.0, "microseconds in which it chooses a level and counts its outcome; 3 is one CPU core's", least=0)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)


@dataclasses.dataclass(frozen=True)
class Job:
    """What a run asks for, in an iteration, whatever shares the work."""

    worlds: int
    steps: int  # environment steps that are learnt from
    scouted: float  # environment steps that the curriculum has played, on average
    evaluated: float  # environment steps of evaluation, on average
    gradient_steps: int
    levels: float  # levels handed out, on average
    drawn: float  # levels drawn by the generator, on average
    level_bytes: float  # of one level
    parameter_bytes: int
    rollout_bytes: int  # of all worlds
    world_bytes: int  # of all worlds, between rollouts
    learner_bytes: int  # parameters, optimiser and counters
    pool_bytes: int  # levels of the pool and those being played
    learning_bytes: int  # what an update needs on top, all GPUs together, without the copies of the parameters


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What the model says of so many GPUs."""

    gpus: int
    nodes: int
    steps_per_s: float
    iteration_s: float
    busy_s: dict[str, float]  # seconds of an iteration, by resource
    network_gbit: float  # of the busiest machine, on average over an iteration
    memory_gib: dict[str, float]  # a GPU, by what it does
    store_gib: float  # object store of the learner's machine
    saturates: str  # the resource

    @property
    def memory_peak_gib(self) -> float:
        """Of the GPU that needs most."""
        return max(self.memory_gib.values())


def predict(job: Job, machines: Machines, gpus: int) -> Prediction:
    """The model, for `gpus` GPUs of which the share that `machines` says plays or learns."""
    return _colocated(job, machines, gpus) if machines.topology == "colocated" else _split(job, machines, gpus)


def reduce_seconds(size: float, gpus: int, machines: Machines) -> float:
    """All GPUs add up `size` bytes: a ring moves 2 (n - 1) / n of them through its slowest link, a tree gives the latency."""
    if gpus == 1:
        return 0.0
    rate = machines.link_gbyte * GB if gpus <= machines.gpus_per_node else machines.network_gbit * GB / 8
    return 2 * (gpus - 1) / gpus * size / rate + 2 * math.ceil(math.log2(gpus)) * machines.latency_us * 1e-6


def _colocated(job: Job, machines: Machines, gpus: int) -> Prediction:
    nodes = math.ceil(gpus / machines.gpus_per_node)
    moved = 2 * (gpus - 1) / gpus * job.parameter_bytes * job.gradient_steps if nodes > 1 else 0.0
    busy = {
        "players": (job.steps + job.scouted + job.evaluated) * machines.play_us * 1e-6 / gpus,
        "learner": job.steps * machines.learn_us * 1e-6 / gpus,
        "network": job.gradient_steps * reduce_seconds(job.parameter_bytes, gpus, machines),
        "curriculum service": (job.drawn * machines.draw_us + job.levels * machines.count_us) * 1e-6,
    }
    held = job.learner_bytes + job.pool_bytes + (job.world_bytes + job.rollout_bytes) / gpus
    works = max((job.world_bytes + job.rollout_bytes) / gpus, job.learning_bytes / gpus + 3 * job.parameter_bytes)
    return _prediction(job, machines, gpus, nodes, busy, moved, {"every GPU": (held + works) / GIB}, 0.0)


def _split(job: Job, machines: Machines, gpus: int) -> Prediction:
    learners, players = machines.learner_gpus, gpus - machines.learner_gpus
    nodes = math.ceil(gpus / machines.gpus_per_node)
    near = min(players, max(0, machines.gpus_per_node - learners))  # players on the learner's own machine
    rollouts_in = job.rollout_bytes * (players - near) / players
    out = job.parameter_bytes * (nodes - 1) + job.levels * job.level_bytes * (players - near) / players
    seconds_moving = max(rollouts_in, out) / (machines.network_gbit * GB / 8)
    busy = {
        "players": (job.steps + job.scouted) * machines.play_us * 1e-6 / players,
        "learner": job.steps * machines.learn_us * 1e-6 / learners,
        "network": seconds_moving + job.gradient_steps * reduce_seconds(job.parameter_bytes, learners, machines),
        "object store": 2 * job.rollout_bytes / (machines.store_gbyte * GB),
        "curriculum service": (job.drawn * machines.draw_us + job.levels * machines.count_us) * 1e-6,
    }
    memory = {
        "a player": (job.parameter_bytes + 2 * (job.world_bytes + job.rollout_bytes) / players) / GIB,
        "a learner": (job.learner_bytes + 3 * job.parameter_bytes + (job.rollout_bytes + job.learning_bytes) / learners) / GIB,
    }
    store = (machines.max_lag + 2) * job.rollout_bytes / GIB
    return _prediction(job, machines, gpus, nodes, busy, max(rollouts_in, out), memory, store)


def _prediction(
    job: Job, machines: Machines, gpus: int, nodes: int, busy: dict[str, float], moved: float, memory: dict[str, float], store: float
) -> Prediction:  # fmt: skip
    beside = machines.topology == "split" and machines.max_lag > 0
    seconds = max(busy.values()) if beside else sum(busy.values())
    saturates = max(busy, key=lambda name: busy[name])
    if store > machines.store_gib:
        saturates = "object store"
    if max(memory.values()) > machines.memory_gib:
        saturates = "memory"
    return Prediction(
        gpus=gpus, nodes=nodes, steps_per_s=job.steps / seconds, iteration_s=seconds, busy_s=busy,
        network_gbit=moved * 8 / GB / seconds, memory_gib=memory, store_gib=store, saturates=saturates,
    )  # fmt: skip
