"""The environment under random actions, observation and all, its gymnax adapter, and the generator: no policy.

Worlds are shared out over the devices and played block by block, as in training. The last observation
is carried from step to step and returned, as what nobody keeps would not be computed.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import Mesh

from cluster import mesh as meshes
from cluster.mesh import COPIED, SHARED
from envs import sizes
from envs.base import OBSERVATIONS, Array, EnvConfig, EnvState
from envs.env import Env
from envs.generate import Generator, GeneratorConfig
from envs.observations import Observation
from launch.benchmark import gymnax, timing
from launch.benchmark.physics import check_words, draw_levels
from learners.base import over_blocks, split_blocks
from physics.errors import InputError
from physics.settings import setting, validate


@dataclasses.dataclass(frozen=True)
class EnvBenchmark:
    """Settings of the measurement."""

    sizes: str = setting("s,m,l", "sizes of level to measure, with commas between")
    observations: str = setting("entities,flat", "kinds of observation to measure, with commas between")
    worlds: int = setting(1024, "worlds that are played at the same time", least=1)
    steps: int = setting(16, "environment steps a run", least=1)
    rounds: int = setting(5, "runs, of which the best counts", least=1)
    devices: int = setting(0, "local devices to use; 0 takes all, of a CPU no more than suit so many worlds", least=0)
    block_worlds: int = setting(0, "worlds a device plays at a time; 0 takes what training takes", least=0)
    gymnax: bool = setting(False, "time the gymnax adapter under vmap beside the environment as well, on one device, with entities")
    levels: int = setting(0, "levels that the generator draws and filters as well; 0 leaves it out", least=0)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)
        check_words("sizes", self.sizes, sizes.SIZES)
        check_words("observations", self.observations, OBSERVATIONS)


def run(config: EnvBenchmark, profile: bool) -> Iterator[dict]:
    """A row a size and observation, and a row a size for the adapter and for the generator."""
    if profile:
        raise InputError("--profile", found="env", wanted="physics: stages are those of the engine")
    mesh = meshes.suited(config.worlds, config.devices)
    for size in config.sizes.split(","):
        for observation in config.observations.split(","):
            yield _play(config, Env(EnvConfig(size=size, observation=observation)), mesh)
        if config.gymnax:
            yield gymnax.compare(size, config.worlds, config.steps, config.rounds)
        if config.levels:
            yield _generate(Env(EnvConfig(size=size)), config.levels)


def _play(config: EnvBenchmark, env: Env, mesh: Mesh) -> dict:
    block = meshes.block_size(config.worlds, mesh.size, env.capacity, config.block_worlds)
    levels = draw_levels(env.capacity, config.worlds)
    blocks = config.worlds // block
    start = meshes.put(jax.jit(lambda level: split_blocks(env.reset(level), blocks))(levels), mesh, SHARED)
    keys = meshes.put(jax.random.split(jax.random.key(1), blocks), mesh, SHARED)
    blank = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (block, *leaf.shape[1:])).T, env.blank())  # as it lies in the loop's memory
    measured = timing.measure(_steps(env, config.steps, block, mesh), start, keys, meshes.put(blank, mesh, COPIED), rounds=config.rounds)
    return {
        "what": f"fulcrum env {env.config.observation}", "size": env.config.size, "worlds": config.worlds,
        "compile_s": round(measured.compile_s, 2), "steps_per_s": round(config.worlds * config.steps / measured.best_s),
        "devices": mesh.size, "device": mesh.devices.flat[0].device_kind, "block": block,
    }  # fmt: skip


def _steps(env: Env, steps: int, block: int, mesh: Mesh) -> Callable:
    """A jitted function of blocks, their keys and a blank observation, worlds last, that plays at random: (states, some number)."""

    def played(state: EnvState, keys: Array, blank: Observation) -> tuple[EnvState, Array]:
        def play(state: EnvState, key: Array) -> tuple[EnvState, Array]:
            actions = env.actions.uniform(key, steps * block).reshape(steps, block, -1)
            (state, seen), earned = lax.scan(step, (state, jax.tree.map(jnp.transpose, blank)), actions)
            # What a loop carries is worked out in full at every step, though the compiler sees that one number of it is used.
            return state, earned.sum() + sum(leaf.reshape(-1)[0] for leaf in jax.tree.leaves(seen))

        state, found = over_blocks(play, state, keys)
        return state, lax.psum(found.sum(), meshes.DEVICES)

    def step(carry: tuple[EnvState, Observation], action: Array) -> tuple[tuple[EnvState, Observation], Array]:
        state, done = env.step(carry[0], action)
        return (state, done.observation), done.reward.sum()

    return meshes.over_devices(played, mesh, (SHARED, SHARED, COPIED), (SHARED, COPIED))


def _generate(env: Env, count: int) -> dict:
    """The first call, which compiles, and another."""
    generator = Generator(env, GeneratorConfig())
    seconds = []
    for key in jax.random.split(jax.random.key(0)):
        begun = time.perf_counter()
        jax.block_until_ready(generator(key, count))
        seconds.append(time.perf_counter() - begun)
    return {
        "what": "fulcrum generator", "size": env.config.size, "levels": count, "compile_s": round(seconds[0] - seconds[1], 2),
        "levels_per_s": round(count / seconds[1]), "first_s": round(seconds[0], 2),
    }  # fmt: skip
