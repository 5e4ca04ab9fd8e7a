"""The generator that training uses: random levels, less those that are not valid or that doing nothing solves.

Twice as many levels as asked for are drawn and left alone for a while; the worthless ones are replaced
by spare ones. With no spare left a worthless level stays, so the count is exact.
"""

import functools

import jax
import jax.numpy as jnp
from jax import lax

from envs.base import Array, EnvState, Level
from envs.env import Env
from envs.generate.config import GeneratorConfig
from envs.generate.random import sample
from envs.generate.validity import valid
from physics.pytree import concatenate

OVERSAMPLE = 2
CHUNK = 256  # levels drawn by one call of the compiled program, whatever the number asked for


class Generator:
    """Draws batches of levels; holds no state."""

    def __init__(self, env: Env, config: GeneratorConfig) -> None:
        """Levels of the environment's size."""
        self.env = env
        self.config = config

    def __call__(self, key: Array, count: int) -> Level:
        """`count` random levels that are valid and do not solve themselves, worlds last. Not for use under `jit`."""
        spare = OVERSAMPLE if self.config.filter_steps else 1
        levels, worthless = self.candidates(key, spare * count)
        return _worthy_first(levels, worthless, count)

    def candidates(self, key: Array, count: int) -> tuple[Level, Array]:
        """`count` unfiltered levels, and which of them are worthless. Level `i` depends on key and `i` alone."""
        parts = [self._draw(key, jnp.int32(first)) for first in range(0, count, CHUNK)]
        return _first(concatenate(parts) if len(parts) > 1 else parts[0], count)

    @functools.partial(jax.jit, static_argnums=0)
    def _draw(self, key: Array, first: Array) -> tuple[Level, Array]:
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, first + jnp.arange(CHUNK))
        levels = jax.vmap(lambda k: sample(k, self.env.capacity, self.config), out_axes=-1)(keys)
        if not self.config.filter_steps:
            return levels, jnp.zeros(CHUNK, bool)
        return levels, ~valid(levels) | self.solves_itself(levels, self.config.filter_steps)

    def solves_itself(self, levels: Level, steps: int) -> Array:
        """Per level `[W]`, whether its first episode is solved by doing nothing for `steps` steps."""
        count = levels.role.shape[-1]
        still = self.env.actions.nothing(count)

        def wait(carry: tuple[EnvState, Array, Array], _: None) -> tuple[tuple[EnvState, Array, Array], None]:
            state, over, solved = carry
            state, step = self.env.step(state, still)
            solved = solved | (step.solved & ~over)
            return (state, over | step.terminated | step.truncated, solved), None

        begin = (self.env.reset(levels), jnp.zeros(count, bool), jnp.zeros(count, bool))
        return lax.scan(wait, begin, None, length=steps)[0][2]


@functools.partial(jax.jit, static_argnums=1)
def _first(value: tuple[Level, Array], count: int) -> tuple[Level, Array]:
    return jax.tree.map(lambda leaf: leaf[..., :count], value)


@functools.partial(jax.jit, static_argnums=2)
def _worthy_first(levels: Level, worthless: Array, count: int) -> Level:
    """The first `count` levels that are worth playing; others only where too few are left."""
    order = jnp.argsort(worthless, stable=True)[:count]
    return jax.tree.map(lambda leaf: leaf[..., order], levels)
