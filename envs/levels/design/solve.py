"""Search for a solution of a level: proof that it can be solved, kept in its file and replayed by a test.

Many players try at once, each holding random actions for a while; the one that solves the level first
gives its actions. Good enough for levels that need a few right moves; a trained agent does the rest.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from envs import level_file
from envs.actions import CHOICES
from envs.base import Array, EnvConfig, EnvState, Level
from envs.env import Env
from envs.level_model import LevelModel
from physics.errors import InputError
from physics.pytree import stack

PLAYERS = 512
ROUNDS = 16
LONGEST_HOLD = 48  # environment steps
TAIL = 8  # the last action may be held this much longer, for machines that round differently


def search(model: LevelModel, seed: int = 0) -> list:
    """Run-length-encoded actions that solve the level; `InputError` if none is found."""
    levels = stack([level_file.to_level(model)] * PLAYERS)
    random = np.random.default_rng(seed)
    steps = EnvConfig().max_steps
    for _ in range(ROUNDS):
        actions = _random_actions(random, steps)
        solved, count = follow(levels, actions, model.size)
        for player in np.argsort(np.where(solved, count, steps + 1), kind="stable")[: solved.sum()]:
            solution = actions[: count[player], player]
            if len(solution) + TAIL <= steps:
                return level_file.compress(solution)
    raise InputError(
        f"level {model.name}", found=f"no solution in {ROUNDS * PLAYERS} attempts", wanted="a level that can be solved",
        fix="Make it easier, or record a solution by hand.",
    )  # fmt: skip


def still_solves(model: LevelModel) -> bool:
    """Whether the recorded solution solves the level; not so after a change of the engine that matters to it."""
    solution = level_file.expand(model.solution or [])
    actions = np.zeros((EnvConfig().max_steps, PLAYERS, len(CHOICES)), np.int32)
    actions[: len(solution)] = solution[:, None]
    actions[len(solution) : len(solution) + TAIL] = solution[-1]
    solved, count = follow(stack([level_file.to_level(model)] * PLAYERS), actions, model.size)
    return bool(solved[0] and count[0] <= len(solution) + TAIL)


def _random_actions(random: np.random.Generator, steps: int) -> np.ndarray:
    """`[steps, players, channels]`: each player holds each action for a time of its own."""
    actions = np.zeros((steps, PLAYERS, len(CHOICES)), np.int32)
    for player in range(PLAYERS):
        t = 0
        while t < steps:
            hold = int(random.integers(4, LONGEST_HOLD + 1))
            actions[t : t + hold, player] = random.integers(0, CHOICES)
            t += hold
    return actions


def follow(levels: Level, actions: np.ndarray, size: str) -> tuple[np.ndarray, np.ndarray]:
    """Whether the first episode of every world `[W]` ends solved under `actions [steps, W, channels]`, and its length."""
    solved, count = _followed(size)(levels, jnp.asarray(actions))
    return np.asarray(solved), np.asarray(count)


@functools.cache
def _followed(size: str) -> jax.stages.Wrapped:
    env = Env(EnvConfig(size=size))

    def run(levels: Level, actions: Array) -> tuple[Array, Array]:
        def advance(carry: tuple[EnvState, Array, Array, Array], action: Array) -> tuple[tuple[EnvState, Array, Array, Array], None]:
            state, solved, over, count = carry
            state, step = env.step(state, action)
            ended = over | step.terminated | step.truncated
            return (state, solved | (step.solved & ~over), ended, count + ~over), None

        players = actions.shape[1]
        begin = (env.reset(levels), jnp.zeros(players, bool), jnp.zeros(players, bool), jnp.zeros(players, jnp.int32))
        (_, solved, _, count), _ = lax.scan(advance, begin, actions)
        return solved, count

    return jax.jit(run)
