"""The engine alone: physics steps a second on random levels, no policy, no observation.

Worlds are shared out over the devices and simulated block by block, each block for all steps before
the next begins, as in training.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh

import physics
from cluster import mesh as meshes
from cluster.mesh import SHARED
from envs import sizes
from envs.base import Level
from envs.generate import GeneratorConfig
from envs.generate.random import sample
from launch.benchmark import stages, timing
from learners.base import over_blocks, split_blocks
from physics.base import Capacity, Controls, SolverConfig, State
from physics.errors import InputError
from physics.prepare import Prepared, capacity_of
from physics.pytree import count_worlds, zeros
from physics.settings import section, setting, validate

DISTINCT = 256  # levels that are drawn; more worlds repeat them, as the dense engine does the same work for any level
QUICK = {"xla_backend_optimization_level": 0}  # drawing them is not what is measured


@dataclasses.dataclass(frozen=True)
class PhysicsBenchmark:
    """Settings of the measurement."""

    sizes: str = setting("s,m,l", "sizes of level to measure, with commas between")
    worlds: int = setting(2048, "worlds that are simulated at the same time", least=1)
    steps: int = setting(16, "physics steps a run", least=1)
    rounds: int = setting(5, "runs, of which the best counts", least=1)
    devices: int = setting(0, "local devices to use; 0 takes all, or one for a single world", least=0)
    block_worlds: int = setting(0, "worlds a device simulates at a time; 0 takes what training takes", least=0)
    solver: SolverConfig = section(SolverConfig, "constants of the physics solver")

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)
        check_words("sizes", self.sizes, sizes.SIZES)


def check_words(name: str, text: str, known: Iterable[str]) -> None:
    """Refuse a setting whose words, with commas between, are not all known."""
    for word in text.split(","):
        if word not in known:
            raise InputError(name, found=word, wanted=f"{name} with commas between: " + ", ".join(known))


def run(config: PhysicsBenchmark, profile: bool) -> Iterator[dict]:
    """A row a size; with `profile`, a row a stage after it."""
    mesh = meshes.make(config.devices or (1 if config.worlds == 1 else 0))
    for size in config.sizes.split(","):
        capacity = sizes.capacity(size)
        block = meshes.block_size(config.worlds, mesh.size, capacity, config.block_worlds)
        prepared, state = _worlds(capacity, config, mesh, block)
        measured = timing.measure(_simulate(config, mesh), prepared, state, rounds=config.rounds)
        steps = config.worlds * config.steps
        case = {"size": size, "worlds": config.worlds}
        yield {
            "what": "fulcrum physics", **case, "compile_s": round(measured.compile_s, 2), "steps_per_s": round(steps / measured.best_s),
            "devices": mesh.size, "device": mesh.devices.flat[0].device_kind, "block": block,
            "bytes_per_world": _bytes_per_world((prepared, state), config.worlds),
        }  # fmt: skip
        if profile:
            for stage, seconds in stages.divide(measured.compiled, (prepared, state)).items():
                yield {"what": f"fulcrum physics: {stage}", **case, "us_per_world_step": round(seconds / steps * 1e6, 4)}


def _worlds(capacity: Capacity, config: PhysicsBenchmark, mesh: Mesh, block: int) -> tuple[Prepared, State]:
    """Prepared scenes and their starts, in blocks, placed on the devices."""

    def begin(level: Level) -> tuple[Prepared, State]:
        prepared = physics.prepare(level.scene, config.solver.base_friction)
        return split_blocks((prepared, physics.start(prepared, level.start)), config.worlds // block)

    return meshes.put(jax.jit(begin)(draw_levels(capacity, config.worlds)), mesh, SHARED)


def draw_levels(capacity: Capacity, worlds: int) -> Level:
    """As many random levels as worlds, some of them the same."""
    draw = jax.jit(jax.vmap(lambda key: sample(key, capacity, GeneratorConfig()), out_axes=-1), compiler_options=QUICK)
    drawn = jax.tree.map(np.asarray, draw(jax.random.split(jax.random.key(0), DISTINCT)))
    return jax.tree.map(lambda leaf: leaf[..., np.arange(worlds) % DISTINCT], drawn)


def _simulate(config: PhysicsBenchmark, mesh: Mesh) -> Callable:
    """A jitted function of blocks that advances them by all steps with all controls at zero."""

    def block(state: State, prepared: Prepared) -> tuple[State, None]:
        still = zeros(Controls, worlds=count_worlds(prepared), **capacity_of(prepared.scene).dims)

        def step(now: State, _: None) -> tuple[State, None]:
            return physics.step(prepared, now, still, config.solver)[0], None

        return lax.scan(step, state, None, length=config.steps)

    return meshes.over_devices(lambda prepared, state: over_blocks(block, state, prepared)[0], mesh, (SHARED, SHARED), SHARED)


def _bytes_per_world(value: object, worlds: int) -> int:
    return round(sum(jnp.size(leaf) * leaf.dtype.itemsize for leaf in jax.tree.leaves(value)) / worlds)
