"""Measure a policy: how often does it solve each level? The only evaluation in the project.

Every level is attempted a number of times in worlds of its own. An attempt is one whole episode:
the playing stops after `max_steps`, and what a world does after its first episode is not counted.
"""

import dataclasses

import jax.numpy as jnp

from envs.base import Array, EnvState, Level, Step
from envs.env import Env
from envs.outcome import Outcome
from learners import rollout
from learners.base import Act, Decision
from physics.pytree import array, count_worlds, struct
from physics.settings import setting, validate

PROTOCOL = {  # the published protocol: what stand-alone evaluation uses where nothing else is said
    "attempts": 20,
    "random_levels": 512,
    "random_attempts": 5,
    "random_sizes": "all",
}


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """Settings of evaluation. The defaults are for training, where less must do; see `PROTOCOL`."""

    every: int = setting(10, "iterations between evaluations", least=1)
    holdout: str = setting(
        "shipped",
        "hand-made levels to measure on, with commas: ids, files, folders, shipped (or handmade), a size, kinetix or kinetix/SIZE",
    )
    attempts: int = setting(20, "attempts at every hand-made level", least=1)
    random_levels: int = setting(512, "random levels of every size, drawn with a fixed seed that training never uses; 0 for none", least=0)
    random_attempts: int = setting(4, "attempts at every random level", least=1)
    random_sizes: str = setting(
        "own", "random levels of the agent's own size, or of all sizes that its slots have room for", choices=("own", "all")
    )

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)


@struct
class Attempts:
    """One whole episode of every level of a batch `[W]`."""

    outcome: Outcome
    length: Array = array("", "int32")  # environment steps of the episode


def first_episodes(act: Act, env: Env, levels: Level, keys: Array, memory: int = 0) -> Attempts:
    """Play one whole episode of every level `[..., W]` of a block, with a policy that remembers so many units."""
    worlds = rollout.begin(env, levels, memory)

    def keep(_: EnvState, __: Decision, step: Step) -> tuple[Array, Array, Array]:
        return step.terminated | step.truncated, step.solved, step.reward

    _, (ended, solved, reward) = rollout.play(act, env, worlds, keys, env.config.max_steps, keep)
    before = jnp.cumsum(ended, axis=0) - ended == 0  # steps of the first episode
    outcome = Outcome(
        episodes=jnp.any(ended, axis=0).astype(jnp.int32),
        successes=jnp.any(before & ended & solved, axis=0).astype(jnp.int32),
        total_return=jnp.sum(jnp.where(before, reward, 0.0), axis=0),
        running_return=jnp.zeros(count_worlds(levels)),
    )
    return Attempts(outcome=outcome, length=jnp.sum(before, axis=0, dtype=jnp.int32))
