"""One iteration of training: a rollout and the update after it, as a run of these settings does them.

The iteration is compiled as one program and timed as a whole. Its phases are compiled and timed apart as
well: choosing actions, physics, observing, learning. What they add up to differs from the whole by
what the compiler fuses and by what the neighbours do.
"""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
from jax import lax

from cluster import local
from cluster import mesh as meshes
from cluster.base import RunConfig
from cluster.local import Roles
from cluster.mesh import COPIED, SHARED
from cluster.roles.learner import Learner
from envs import sizes
from envs.env import Env
from launch import config as configuration
from launch.benchmark import peak, timing
from launch.benchmark.physics import check_words, draw_levels
from learners import optimizer, rollout
from learners.base import Array, TrainState, Worlds
from learners.networks import PRECISIONS, make
from physics.errors import InputError
from physics.settings import setting, validate

FOLDER = Path(__file__).parents[2] / "configs" / "network"
NETWORKS = ("deepset", "deepset_memory", "transformer", "paper", "flat", "paper_flat", "rows", "pixels")


@dataclasses.dataclass(frozen=True)
class TrainBenchmark:
    """Settings of the measurement."""

    sizes: str = setting("s", "sizes of level to measure, with commas between")
    network: str = setting("deepset,flat,paper", "files of configs/network to measure, without .yaml, with commas between")
    worlds: int = setting(256, "worlds that are played at the same time", least=1)
    steps: int = setting(16, "environment steps of a rollout", least=1)
    epochs: int = setting(2, "passes over every rollout", least=1)
    minibatches: int = setting(4, "gradient steps a pass", least=1)
    precision: str = setting("float32", "in which layers compute", choices=tuple(PRECISIONS))
    phases: bool = setting(True, "time the phases apart too, and count operations: compiles as long again")
    rounds: int = setting(3, "runs, of which the best counts", least=1)
    devices: int = setting(0, "local devices to use; 0 takes all, of a CPU no more than suit so many worlds", least=0)
    block_worlds: int = setting(0, "worlds a device plays at a time; 0 takes what training takes", least=0)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)
        check_words("sizes", self.sizes, sizes.SIZES)
        check_words("network", self.network, NETWORKS)
        if self.worlds * self.steps % self.minibatches:
            raise InputError("minibatches", found=self.minibatches, wanted=f"a divisor of {self.worlds} worlds x {self.steps} steps")


def run(config: TrainBenchmark, profile: bool) -> Iterator[dict]:
    """A row a size and network."""
    if profile:
        raise InputError("--profile", found="train", wanted="physics: stages are those of the engine")
    for size in config.sizes.split(","):
        for network in config.network.split(","):
            yield _measure(config, size, network)


def settings(config: TrainBenchmark, size: str, network: str) -> RunConfig:
    """The run that is measured."""
    words = {
        "env.size": size, "run.worlds": config.worlds, "run.rollout_length": config.steps, "run.devices": config.devices,
        "run.block_worlds": config.block_worlds, "ppo.epochs": config.epochs,
        "ppo.minibatch_size": config.worlds * config.steps // config.minibatches, "network.precision": config.precision,
    }  # fmt: skip
    return configuration.load([f"{key}={value}" for key, value in words.items()], base=FOLDER / f"{network}.yaml")


def _measure(config: TrainBenchmark, size: str, network: str) -> dict:
    chosen = settings(config, size, network)
    roles = local.build_roles(chosen)
    env = roles.worker.env
    worlds = roles.worker.assign(draw_levels(env.capacity, config.worlds), jax.random.key(4))
    state = roles.learner.init(jax.random.key(0))
    whole = timing.measure(jax.jit(_iteration(roles)), state, worlds, *jax.random.split(jax.random.key(1)), rounds=config.rounds)
    samples = config.worlds * config.steps
    seconds, work = _phases(chosen, roles, state, worlds, config.rounds) if config.phases else ({}, None)
    parameters = sum(leaf.size for leaf in jax.tree.leaves(state.params))
    device = jax.local_devices()[0]
    devices = worlds.outcome.episodes.sharding.num_devices
    speed = samples / whole.best_s
    return {
        "what": f"fulcrum train {network}", "size": size, "worlds": config.worlds, "steps": config.steps, "epochs": config.epochs,
        "minibatches": config.minibatches, "precision": config.precision, "parameters": parameters,
        "compile_s": round(whole.compile_s, 2), "steps_per_s": round(speed),
        **{f"{name}_us": round(value / samples * 1e6, 2) for name, value in seconds.items()},
        "network_flops_per_step": work and round(work), "peak_memory_mb": peak.memory_mb(device, whole.compiled),
        "share_of_peak": peak.share(work, speed / devices, device.device_kind, config.precision),
        "devices": devices, "device": device.device_kind, "block": config.worlds // roles.worker.blocks,
    }  # fmt: skip


def _iteration(roles: Roles) -> Callable[[TrainState, Worlds, Array, Array], tuple]:
    def iteration(state: TrainState, worlds: Worlds, to_play: Array, to_learn: Array) -> tuple:
        worlds, played = roles.worker.collect(state.params, worlds, to_play)
        state, metrics = roles.learner.update(state, played, to_learn)
        return state, worlds, metrics

    return iteration


def _phases(config: RunConfig, roles: Roles, state: TrainState, worlds: Worlds, rounds: int) -> tuple[dict[str, float], float | None]:
    """Seconds of an iteration that each phase takes, and floating-point operations of the network an environment step."""
    mesh = meshes.suited(config.run.worlds, config.run.devices)
    act, physics, observe = (
        meshes.over_devices(function, mesh, (COPIED, SHARED), SHARED) for function in _steps(roles.worker.env, roles.worker.apply)
    )
    seen = observe(None, worlds)
    timed = {
        "policy": timing.measure(act, state.params, seen, rounds=rounds),
        "physics": timing.measure(physics, None, worlds, rounds=rounds),
        "observation": timing.measure(observe, None, worlds, rounds=rounds),
    }
    seconds = {name: found.best_s * config.run.rollout_length for name, found in timed.items()}
    _, played = jax.jit(roles.worker.collect)(state.params, worlds, jax.random.key(2))
    updated = timing.measure(jax.jit(roles.learner.update), state, played, jax.random.key(3), rounds=rounds)
    if config.network.memory:
        return seconds | {"update": updated.best_s}, None
    # XLA counts the body of a loop once, so operations are counted where nothing loops: one choice, and one gradient step on everything.
    samples = config.run.steps_per_iteration
    ppo = dataclasses.replace(config.ppo, epochs=1, minibatch_size=samples)
    network = make(config.network, config.env.observation, config.env.action)
    whole = Learner(roles.worker.env, network, optimizer.make(config.optimizer, 1), ppo, mesh)
    chosen = peak.flops(jax.jit(act).lower(state.params, seen))
    learnt = peak.flops(jax.jit(whole.update).lower(state, played, jax.random.key(3)))
    shares = mesh.size  # what is counted is one device's part
    blocks = roles.worker.blocks // shares
    work = (chosen * blocks * shares / config.run.worlds + learnt * shares * config.ppo.epochs / samples) if chosen and learnt else None
    return seconds | {"update": updated.best_s}, work


def _steps(env: Env, apply: Callable) -> tuple[Callable, Callable, Callable]:
    """Of one step of blocks of worlds: what the policy does, what the engine and the rules do, what is seen."""

    def act(params: Any, seen: Any) -> Any:
        def one(seen: Any) -> Any:
            keys = jax.random.split(jax.random.key(0), seen.driven.shape[0])
            return rollout.policy(apply, params)(seen, keys)

        return lax.map(one, seen)

    def physics(_: None, worlds: Worlds) -> Any:
        def one(worlds: Worlds) -> Any:
            return env.advance(worlds.env, env.actions.uniform(jax.random.key(0), worlds.outcome.episodes.shape[0]))

        return lax.map(one, worlds)

    def observe(_: None, worlds: Worlds) -> Any:
        return lax.map(lambda worlds: env.observe(worlds.env.level, worlds.env.physics.motion), worlds)

    return act, physics, observe
