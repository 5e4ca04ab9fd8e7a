"""Measure a policy: how often does it solve each level? The only evaluation in the project.

Every level is attempted a number of times in worlds of its own. An attempt is one whole episode:
the playing stops after `max_steps`, and what a world does after its first episode is not counted.
"""

import dataclasses

import jax.numpy as jnp
from jax import lax

from envs.base import Array, EnvState, Level, Step
from envs.env import Env
from envs.outcome import Outcome
from learners import advantage, rollout
from learners.advantage import Estimate
from learners.base import Act, Decision, Rollout
from physics.base import Motion
from physics.pytree import array, struct
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


def first_episodes(act: Act, env: Env, levels: Level, keys: Array, advantages: Estimate = advantage.estimate, memory: int = 0) -> Attempts:
    """Play one whole episode of every level `[..., W]` of a block, with a policy that remembers so many units.

    `advantages` is for the outcome, as in `rollout.collect`.
    """
    begun = rollout.begin(env, levels, memory)

    def keep(state: EnvState, decision: Decision, step: Step) -> tuple[Motion, Decision, Step]:
        return state.physics.motion, decision[:3], dataclasses.replace(step, final_motion=None)

    _, (motion, (action, log_prob, value), step) = rollout.play(act, env, begun, keys, env.config.max_steps, keep)
    counts = rollout.first(step.terminated | step.truncated)
    outcome, _ = lax.scan(lambda found, now: (found.after(*now), None), begun.outcome, (step, counts))
    played = Rollout(
        level=levels, motion=motion, action=action, log_prob=log_prob, value=value,
        reward=step.reward, terminated=step.terminated, truncated=step.truncated,
        # As good as the state before: to judge the states themselves would compile observation and network once more.
        final_value=jnp.where(step.truncated, value, 0.0), last_value=value[-1],
    )  # fmt: skip
    return Attempts(outcome=outcome.judged(value, advantages(played), counts), length=outcome.steps)
