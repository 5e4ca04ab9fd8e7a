"""The plan: which actors a run has, what each needs, what travels between them, and whether the cluster can give it."""

import dataclasses

import jax

from cluster import backend as backends
from cluster import mesh as meshes
from cluster import parts
from cluster.base import RunConfig
from cluster.memory_plan import size, text
from cluster.ray.host import Share
from curriculum.base import Assignment
from physics.devices import flags_with
from physics.errors import InputError
from physics.pytree import zeros


@dataclasses.dataclass(frozen=True)
class Need:
    """An actor before it exists."""

    roles: tuple[str, ...]
    share: Share
    devices: int
    cpus: float
    gpus: int
    env: dict[str, str]

    @property
    def name(self) -> str:
        """That of its roles."""
        return " + ".join(self.roles)


@dataclasses.dataclass(frozen=True)
class Plan:
    """All actors of a run."""

    needs: list[Need]

    @property
    def workers(self) -> list[str]:
        """Names of the rollout workers, in the order of their worlds."""
        return [role for need in self.needs for role in need.roles if role.startswith("worker")]

    def lines(self, travels: str) -> list[str]:
        """The plan as text, with what `travel` says."""
        rows = []
        for need in self.needs:
            holds = (
                f"{need.share.count:>9,} worlds, {need.share.count // need.devices:,} a device"
                if need.roles[0].startswith("worker")
                else ""
            )
            kind = f"{need.gpus} GPU" if need.gpus else f"{need.devices} CPU device"
            rows.append(f"  {need.name:<22}{kind:<16}{need.cpus:g} CPU  {holds}".rstrip())
        return ["actors", *rows, f"  {travels}"]

    def check(self, nodes: list[dict[str, float]]) -> None:
        """`InputError` if machines with these resources could not hold it, even with nothing else on them."""
        for kind, name, wanted in (("GPU", "GPUs", self._total("gpus")), ("CPU", "CPUs", self._total("cpus"))):
            there = sum(node.get(kind, 0) for node in nodes)
            if wanted > there:
                raise InputError(
                    f"{name} of the cluster", found=f"{there:g} on {len(nodes)} machines",
                    wanted=f"{wanted:g} for {len(self.needs)} actors",
                    fix="Add machines, or lower cluster.workers, cluster.worker_devices or cluster.learner_devices"
                    + (", or set cluster.platform=cpu." if kind == "GPU" else " or cluster.actor_cpus."),
                )  # fmt: skip
        self._pack([dict(node) for node in nodes])

    def _total(self, kind: str) -> float:
        return sum(getattr(need, kind) for need in self.needs)

    def _pack(self, left: list[dict[str, float]]) -> None:
        """Every actor must find a machine that has all it needs: the largest ones first."""
        for need in sorted(self.needs, key=lambda need: (-need.gpus, -need.cpus)):
            fits = [node for node in left if node.get("GPU", 0) >= need.gpus and node.get("CPU", 0) >= need.cpus]
            if not fits:
                most = max((node.get("GPU", 0) for node in left), default=0)
                raise InputError(
                    f"a machine for {need.name}", found=f"none: at most {most:g} GPUs of one machine are left",
                    wanted=f"{need.gpus} GPUs and {need.cpus:g} CPUs on one machine",
                    fix="An actor lives on one machine: lower its devices, or use machines with more of them.",
                )  # fmt: skip
            chosen = min(fits, key=lambda node: (node.get("GPU", 0), node.get("CPU", 0)))
            chosen["GPU"] = chosen.get("GPU", 0) - need.gpus
            chosen["CPU"] = chosen.get("CPU", 0) - need.cpus


def make(config: RunConfig, workers: int = 0) -> Plan:
    """The plan of a run, with another number of workers than is set if so said; `InputError` for what does not fit together."""
    run, cluster = config.run, config.cluster
    together = cluster.topology == "colocated"
    workers, each = (1, cluster.learner_devices) if together else (workers or cluster.workers, cluster.worker_devices)
    _check(config, workers * each)
    block = parts.block_size(config, workers * each, cluster.platform)
    count, device = run.worlds // workers, run.worlds // (workers * each)
    shares = [Share(i * count, count, block) for i in range(workers)]
    needs = []
    if together:
        needs.append(_need(config, (backends.LEARNER, backends.worker(0)), shares[0], each, cluster.platform))
    else:
        needs.append(_need(config, (backends.LEARNER,), shares[0], cluster.learner_devices, cluster.platform))
        needs += [_need(config, (backends.worker(i),), share, each, cluster.platform) for i, share in enumerate(shares)]
    own = Share(0, device, block)  # plays as one device of a worker does
    needs.append(_need(config, (backends.CURRICULUM,), own, 1, "cpu"))
    devices = cluster.evaluator_devices
    examiner = Share(0, device * max(devices, 1), block)
    needs.append(_need(config, (backends.EVALUATOR,), examiner, max(devices, 1), cluster.platform if devices else "cpu"))
    return Plan(needs)


def gang(config: RunConfig) -> Plan:
    """The processes of a gang, each with devices of its own on one machine."""
    cluster, nothing = config.cluster, Share(0, 0, 0)
    names = [f"process {number}" for number in range(cluster.processes)]
    return Plan([_need(config, (name,), nothing, cluster.learner_devices, cluster.platform) for name in names])


def possible(config: RunConfig, nodes: list[dict[str, float]]) -> Plan | None:
    """The plan with as many of the workers that are set as there is room for; None with fewer than the least."""
    for workers in range(config.cluster.workers, config.cluster.least_workers - 1, -1):
        try:
            found = make(config, workers)
            found.check(nodes)
        except InputError:  # their worlds cannot be dealt out evenly, or there is no room
            continue
        return found
    return None


def _check(config: RunConfig, devices: int) -> None:
    cluster, worlds = config.cluster, config.run.worlds
    if worlds % devices:
        raise InputError("run.worlds", found=worlds, wanted=f"a multiple of the {devices} devices that play")
    parts.check(config, devices, cluster.platform)
    blocks = worlds // parts.block_size(config, devices, cluster.platform)
    if blocks % cluster.learner_devices:
        raise InputError(
            "cluster.learner_devices", found=cluster.learner_devices, wanted=f"a divisor of the {blocks} blocks that worlds are dealt to",
            fix=f"Set run.block_worlds to a divisor of {worlds // devices} and of {worlds // cluster.learner_devices}.",
        )  # fmt: skip


def _need(config: RunConfig, roles: tuple[str, ...], share: Share, devices: int, platform: str) -> Need:
    gpus = devices if platform == "gpu" else 0
    return Need(roles, share, devices, config.cluster.actor_cpus, gpus, _env(platform, devices))


def _env(platform: str, devices: int) -> dict[str, str]:
    """Environment of an actor: Ray would let JAX see every GPU of the machine where none is asked for."""
    env = {"JAX_PLATFORMS": "cpu" if platform == "cpu" else "cuda,cpu", "TF_CPP_MIN_LOG_LEVEL": "2"}
    env["XLA_FLAGS"] = flags_with(devices if platform == "cpu" else 1)
    cache = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    if cache:
        env["JAX_COMPILATION_CACHE_DIR"] = str(cache)
        least = jax.config.jax_persistent_cache_min_compile_time_secs  # type: ignore[attr-defined]
        env["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = str(least)
    return env


def traffic(config: RunConfig) -> tuple[int, int]:
    """Bytes of all rollouts of an iteration and of the parameters. Shapes are traced, which takes seconds."""
    made = parts.Parts(config, meshes.make(1))
    worker = made.worker(1, 1)
    key = jax.eval_shape(lambda: jax.random.key(0))
    assignment = jax.eval_shape(lambda: zeros(Assignment, worlds=1, **made.env.capacity.dims))
    params = jax.eval_shape(made.learner().begin, key).params
    return size(worker.shapes(params, assignment.levels)[1]) * config.run.worlds, size(params)


def in_words(config: RunConfig, rollouts: int, params: int) -> str:
    """What travels between actors, of so many bytes."""
    if config.cluster.topology == "colocated":
        return "rollouts stay where they are played"
    speed = text(round((rollouts + params) / config.run.steps_per_iteration * 1e5))
    return f"what travels every iteration: rollouts {text(rollouts)}, parameters {text(params)}; {speed} a second at 100,000 steps a second"
