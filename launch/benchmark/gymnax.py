"""The gymnax adapter under `vmap` beside the environment it wraps: the same worlds and actions on one device, in turns."""

from collections.abc import Callable
from typing import Any

import jax
from jax import lax

from envs.adapters.gymnax import EnvParams, GymnaxEnv
from envs.base import Array, EnvConfig
from launch.benchmark import timing
from launch.benchmark.physics import draw_levels


def compare(size: str, worlds: int, steps: int, rounds: int) -> dict:
    """A row: speed of the adapter, and that of the environment."""
    adapter = GymnaxEnv(EnvConfig(size=size))
    env = adapter.env
    levels, keys = draw_levels(env.capacity, worlds), jax.random.split(jax.random.key(1), worlds)
    actions = env.actions.uniform(jax.random.key(2), steps * worlds).reshape(steps, worlds, -1)

    def mapped(carry: tuple, action: Array) -> tuple[tuple, Array]:
        seen, state, reward, *_ = jax.vmap(adapter.step)(keys, carry[0], action)
        return (state, seen), reward

    def native(carry: tuple, action: Array) -> tuple[tuple, Array]:
        state, step = env.step(carry[0], action)
        return (state, step.observation), step.reward

    seen, state = jax.jit(jax.vmap(adapter.reset, in_axes=(0, -1)))(keys, EnvParams(level=levels))
    own = jax.jit(env.reset)(levels)
    started = (own, jax.jit(env.observe)(levels, own.physics.motion))
    runs = _run(mapped, (state, seen), actions), _run(native, started, actions)
    speeds = [worlds * steps / best_s for best_s in timing.in_turns(runs, rounds)]
    return {
        "what": "fulcrum gymnax under vmap", "size": size, "worlds": worlds, "steps_per_s": round(speeds[0]),
        "native_steps_per_s": round(speeds[1]), "share_of_native": round(speeds[0] / speeds[1], 3),
    }  # fmt: skip


def _run(step: Callable, carry: tuple, actions: Array) -> Callable[[], Any]:
    whole = jax.jit(lambda carry, actions: lax.scan(step, carry, actions))
    return lambda: whole(carry, actions)
