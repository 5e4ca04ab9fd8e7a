"""The generator that training uses: random levels, less those that are not valid or that doing nothing solves.

More levels than asked for are drawn and left alone for a while; the worthless ones are replaced by spare
ones. With no spare left a worthless level stays, so the count is exact.
"""

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from envs.base import Array, EnvConfig, EnvState, Level
from envs.env import Env
from envs.generate.config import GeneratorConfig
from envs.generate.random import sample
from envs.generate.validity import valid
from physics.pytree import concatenate
from physics.spread import over_devices

FIRST, MOST = 1.5, 2  # levels drawn for every one asked for: at first, and where too few of those are worthy
CHUNK = 256  # levels drawn by one call of the compiled program, whatever the number asked for


class Generator:
    """Draws batches of levels on all local devices; holds no state."""

    def __init__(self, env: Env, config: GeneratorConfig) -> None:
        """Levels of the environment's size."""
        self.env = env
        self.config = config

    def __call__(self, key: Array, count: int) -> Level:
        """`count` random levels that are valid and do not solve themselves, worlds last. Not for use under `jit`.

        Level `i` is the `i`-th worthy one of those that the key stands for, however many are drawn at once.
        """
        if not self.config.filter_steps:
            return self.candidates(key, count)[0]
        some = math.ceil(FIRST * count)
        levels, worthless = self.candidates(key, some)
        if jnp.sum(~worthless) < count:
            levels, worthless = concatenate([(levels, worthless), self.candidates(key, MOST * count - some, first=some)])
        return _worthy_first(levels, worthless, count)

    def candidates(self, key: Array, count: int, first: int = 0) -> tuple[Level, Array]:
        """`count` unfiltered levels from number `first` on, and which of them are worthless. Level `i` depends on key and `i` alone."""
        draw = _drawer(self.env.config, self.config)
        parts = [draw(key, number + jnp.arange(CHUNK)) for number in range(first, first + count, CHUNK)]
        return _first(concatenate(parts) if len(parts) > 1 else parts[0], count)


@functools.cache
def _drawer(env: EnvConfig, config: GeneratorConfig) -> Callable[[Array, Array], tuple[Level, Array]]:
    """A compiled function of a key and the numbers `[CHUNK]` of the levels to draw; generators of equal settings share it."""
    rules = Env(env)

    def draw(key: Array, numbers: Array) -> tuple[Level, Array]:
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, numbers)
        levels = jax.vmap(lambda k: sample(k, rules.capacity, config), out_axes=-1)(keys)
        if not config.filter_steps:
            return levels, jnp.zeros(numbers.shape, bool)
        return levels, ~valid(levels) | solves_itself(rules, levels, config.filter_steps)

    return over_devices(draw, CHUNK)


def solves_itself(env: Env, levels: Level, steps: int) -> Array:
    """Per level `[W]`, whether its first episode is solved by doing nothing for `steps` steps."""
    count = levels.role.shape[-1]
    still = env.actions.nothing(count)

    def wait(carry: tuple[EnvState, Array, Array], _: None) -> tuple[tuple[EnvState, Array, Array], None]:
        state, over, solved = carry
        state, step = env.step(state, still)
        solved = solved | (step.solved & ~over)
        return (state, over | step.terminated | step.truncated, solved), None

    begin = (env.reset(levels), jnp.zeros(count, bool), jnp.zeros(count, bool))
    return lax.scan(wait, begin, None, length=steps)[0][2]


@functools.partial(jax.jit, static_argnums=1)
def _first(value: tuple[Level, Array], count: int) -> tuple[Level, Array]:
    return jax.tree.map(lambda leaf: leaf[..., :count], value)


@functools.partial(jax.jit, static_argnums=2)
def _worthy_first(levels: Level, worthless: Array, count: int) -> Level:
    """The first `count` levels that are worth playing; others only where too few are left."""
    order = jnp.argsort(worthless, stable=True)[:count]
    return jax.tree.map(lambda leaf: leaf[..., order], levels)
