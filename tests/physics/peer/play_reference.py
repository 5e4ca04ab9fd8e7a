"""Plays the published hand-made levels in the reference and writes levels, actions and results as plain arrays.

    python play_reference.py OUT.npz

Run by the python of the reference's environment (see `setup.sh`); imports nothing of this project.
Keys are `size/...`; levels come first in every array of a level. What was played has the axes
`[runs, kinds, levels, ...]`: runs are the levels as published and with noise on where bodies start
(how far the reference departs from itself), kinds are the action sequences in the order of `KINDS`.
"""

import argparse
import dataclasses
import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import kinetix
import numpy as np
from kinetix.environment import ActionType, EnvParams, ObservationType, make_kinetix_env
from kinetix.util.saving import load_evaluation_levels

SIZES = ("s", "m", "l")
KINDS = ("zero", "full", "random")
STEPS = 256  # environment steps: a whole episode
TRACKED = 60  # physics steps of which positions are kept: one second
NOISE = 1e-4  # m
SEED = 0
CHOICES = (3, 3, 3, 3, 2, 2)  # of the multi-discrete actions: motors off, forward, backward; thrusters off, on
PARTS = ("polygon", "circle", "joint", "thruster")
BESIDE = (
    "gravity", "polygon_shape_roles", "circle_shape_roles", "polygon_densities", "circle_densities",
    "motor_bindings", "motor_auto", "thruster_bindings",
)  # fmt: skip


def load(size: str) -> tuple[list[str], Any, Any]:
    """Names, states (levels first) and static parameters of the levels of a size."""
    folder = Path(kinetix.__file__).parent / "levels" / size
    names = sorted(path.stem for path in folder.glob("*.json"))
    levels, static = load_evaluation_levels([f"{size}/{name}" for name in names])
    return names, levels, static


def arrays(levels: Any) -> dict[str, np.ndarray]:
    """The fields of the levels that say what is in them."""
    found = {name: getattr(levels, name) for name in BESIDE}
    for part in PARTS:
        struct = getattr(levels, part)
        found |= {f"{part}/{field.name}": getattr(struct, field.name) for field in dataclasses.fields(struct)}
    return {name: np.asarray(value) for name, value in found.items()}


def draw_actions(count: int, random: np.random.RandomState) -> np.ndarray:
    """`[kinds, levels, steps, channels]`: nothing, everything at once, and each choice equally likely."""
    shape = (count, STEPS, len(CHOICES))
    kinds = [np.zeros(shape, int), np.ones(shape, int), random.randint(0, CHOICES, shape)]
    return np.stack(kinds).astype(np.int32)


def disturb(levels: Any, random: np.random.RandomState) -> Any:
    """The levels with noise on the positions of what can move."""

    def moved(bodies: Any) -> Any:
        noise = NOISE * random.standard_normal(bodies.position.shape)
        free = np.asarray(bodies.active & (bodies.inverse_mass > 0))[..., None]
        return bodies.replace(position=bodies.position + jnp.asarray(np.where(free, noise, 0.0), jnp.float32))

    return levels.replace(polygon=moved(levels.polygon), circle=moved(levels.circle))


def make_env(static: Any) -> tuple[Any, Any]:
    """The reference's environment and its parameters, without dense reward and without reset at an episode's end."""
    params = EnvParams(dense_reward_scale=0.0)
    return make_kinetix_env(ActionType.MULTI_DISCRETE, ObservationType.SYMBOLIC_FLAT, None, params, static, auto_reset=False), params


@functools.partial(jax.jit, static_argnums=0)
def play_episodes(env: Any, params: Any, states: Any, actions: Any) -> tuple[Any, Any]:
    """Per world: 1 solved, -1 failed, 0 neither; and at which environment step it ended."""

    def play(state: Any, sequence: Any) -> tuple[Any, Any]:
        def one(now: Any, action: Any) -> tuple[Any, Any]:
            _, after, reward, done, _ = env.step(jax.random.PRNGKey(0), now, action, params)
            return after, (reward, done)

        _, (rewards, dones) = jax.lax.scan(one, state, sequence)
        end = jnp.argmax(dones)
        return jnp.sign(rewards[end]).astype(jnp.int32), end

    return jax.vmap(play)(states, actions)


@functools.partial(jax.jit, static_argnums=0)
def track(env: Any, params: Any, states: Any, actions: Any) -> Any:
    """Positions `[worlds, physics steps, bodies, 2]` of polygons, then circles, through the first second."""
    static = env.static_env_params

    def play(state: Any, sequence: Any) -> Any:
        def one(now: Any, action: Any) -> tuple[Any, Any]:
            after, _ = env.physics_engine.step(now, params, env.action_type.process_action(action, now, static))
            return after, jnp.concatenate([after.polygon.position, after.circle.position])

        held = jnp.repeat(sequence, static.frame_skip, axis=0)[:TRACKED]
        return jax.lax.scan(one, state, held)[1]

    return jax.vmap(play)(states, actions)


def play_size(size: str) -> dict[str, np.ndarray]:
    """All there is to say of the levels of a size."""
    random = np.random.RandomState(SEED)
    names, levels, static = load(size)
    actions = draw_actions(len(names), random)
    runs = [levels, disturb(levels, random)]
    axes = (len(runs), len(KINDS), len(names))
    states = jax.tree.map(lambda *leaves: jnp.concatenate([leaf for leaf in leaves for _ in KINDS]), *runs)
    sequences = jnp.asarray(np.concatenate([actions] * len(runs)).reshape(-1, *actions.shape[2:]))
    env, params = make_env(static)
    outcome, end = play_episodes(env, params, states, sequences)
    positions = track(env, params, states, sequences)
    played = {"outcome": outcome, "end": end, "positions": positions}
    found = arrays(levels) | {name: np.asarray(value).reshape(axes + value.shape[1:]) for name, value in played.items()}
    return found | {"name": np.array(names), "actions": actions, "frame_skip": np.array(static.frame_skip)}


def main() -> None:
    """Play all sizes and write the file."""
    arguments = argparse.ArgumentParser(description="Plays the published levels in the reference.")
    arguments.add_argument("out", type=Path)
    out = arguments.parse_args().out
    results = {f"{size}/{name}": value for size in SIZES for name, value in play_size(size).items()}
    np.savez_compressed(out, **results)


if __name__ == "__main__":
    main()
