"""Measure a policy: how often does it solve each level? The only evaluation in the project.

Every level is attempted a number of times in worlds of its own. An attempt is one whole episode:
the playing stops after `max_steps`, and what a world does after its first episode is not counted.
"""

import dataclasses

import jax.numpy as jnp

from envs import outcome as outcomes
from envs.base import Array, EnvState, Level, Step
from envs.env import Env
from envs.outcome import Outcome
from learners import rollout
from learners.base import Act, Decision, Worlds
from physics.pytree import count_worlds
from physics.settings import setting, validate


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """Settings of evaluation."""

    every: int = setting(10, "iterations between evaluations", least=1)
    holdout: str = setting(
        "shipped", "hand-made levels to measure on, with commas: ids, files, folders, shipped, a size, kinetix or kinetix/SIZE"
    )
    attempts: int = setting(20, "attempts at every hand-made level", least=1)
    random_levels: int = setting(512, "random levels, drawn with a fixed seed that training never uses", least=1)
    random_attempts: int = setting(4, "attempts at every random level", least=1)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)


def first_episodes(act: Act, env: Env, levels: Level, keys: Array) -> Outcome:
    """Play one whole episode of every level `[..., W]` of a block: outcome `[W]` of one episode each."""
    count = count_worlds(levels)
    worlds = Worlds(env=env.reset(levels), outcome=outcomes.none(count))

    def keep(_: EnvState, __: Decision, step: Step) -> tuple[Array, Array, Array]:
        return step.terminated | step.truncated, step.solved, step.reward

    _, (ended, solved, reward) = rollout.play(act, env, worlds, keys, env.config.max_steps, keep)
    before = jnp.cumsum(ended, axis=0) - ended == 0  # steps of the first episode
    return Outcome(
        episodes=jnp.any(ended, axis=0).astype(jnp.int32),
        successes=jnp.any(before & ended & solved, axis=0).astype(jnp.int32),
        total_return=jnp.sum(jnp.where(before, reward, 0.0), axis=0),
        running_return=jnp.zeros(count),
    )
