"""The generator that training uses: random levels, less those that doing nothing solves.

Twice as many levels as asked for are drawn and left alone for a while; those that solve themselves
are replaced by spare ones. With no spare left a self-solving level stays, so the count is exact.
"""

import jax
import jax.numpy as jnp
from jax import lax

from envs import actions
from envs.base import Array, EnvState, Level
from envs.env import Env
from envs.generate.config import GeneratorConfig
from envs.generate.random import sample
from physics.pytree import worlds

OVERSAMPLE = 2


class Generator:
    """Draws batches of levels; holds no state."""

    def __init__(self, env: Env, config: GeneratorConfig) -> None:
        """Levels of the environment's size."""
        self.env = env
        self.config = config

    def unfiltered(self, key: Array, count: int) -> Level:
        """`count` random levels, worlds last. Level `i` depends on the key and `i` alone."""
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(count))
        return jax.vmap(lambda k: sample(k, self.env.capacity, self.config), out_axes=-1)(keys)

    def __call__(self, key: Array, count: int) -> Level:
        """`count` random levels that do not solve themselves, worlds last."""
        if not self.config.filter_steps:
            return self.unfiltered(key, count)
        levels = self.unfiltered(key, OVERSAMPLE * count)
        solved = self.solves_itself(levels, self.config.filter_steps)
        order = jnp.argsort(solved, stable=True)  # unsolved first, else in the order drawn
        return worlds(levels, order[:count])

    def solves_itself(self, levels: Level, steps: int) -> Array:
        """Per level `[W]`, whether its first episode is solved by doing nothing for `steps` steps."""
        count = levels.role.shape[-1]
        still = actions.nothing(count)

        def wait(carry: tuple[EnvState, Array, Array], _: None) -> tuple[tuple[EnvState, Array, Array], None]:
            state, over, solved = carry
            state, step = self.env.step(state, still)
            solved = solved | (step.solved & ~over)
            return (state, over | step.terminated | step.truncated, solved), None

        begin = (self.env.reset(levels), jnp.zeros(count, bool), jnp.zeros(count, bool))
        return lax.scan(wait, begin, None, length=steps)[0][2]
