"""Record episodes to look at: every motion and control of one episode of each level."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from envs import outcome
from envs.base import EnvState, Level, Step
from envs.env import Env
from learners import rollout
from learners.base import Act, Array, Decision, Worlds
from physics.base import Controls, Motion
from physics.pytree import count_worlds


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Recording:
    """Steps first, worlds last; what comes after the end of a world's first episode means nothing."""

    motion: Motion  # [S, ..., W] after each step
    controls: Controls  # [S, ..., W] during each step
    length: Array  # [W] steps of the episode
    solved: Array  # [W]


def episodes(act: Act, env: Env, levels: Level, key: Array) -> Recording:
    """One episode of every level `[..., W]`."""
    count = count_worlds(levels)
    worlds = Worlds(env=env.reset(levels), outcome=outcome.none(count))

    def keep(state: EnvState, decision: Decision, step: Step) -> tuple[Motion, Controls, Array, Array]:
        controls = env.actions.controls(state.level, decision[0])
        return step.final_motion, controls, step.terminated | step.truncated, step.solved

    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(count))
    _, _, (motion, controls, ended, solved) = rollout.play(act, env, worlds, keys, env.config.max_steps, keep)
    last = jnp.argmax(ended, axis=0)
    at_end = jnp.take_along_axis(solved, last[None], axis=0)[0]
    return Recording(motion=motion, controls=controls, length=last + 1, solved=at_end & jnp.any(ended, axis=0))
