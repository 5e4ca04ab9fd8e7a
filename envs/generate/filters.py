"""The generator that training uses: levels of the distributions, less those that are not valid or that doing nothing solves.

More levels than asked for are drawn and left alone for a while; the worthless ones are replaced by spare
ones. With no spare left a worthless level stays, so the count is exact.
"""

import functools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
from jax import lax

from envs.base import Array, EnvConfig, EnvState, Level
from envs.env import Env
from envs.generate import morphology, random
from envs.generate.config import GeneratorConfig
from envs.generate.validity import valid, within_reach
from physics.base import Capacity
from physics.pytree import concatenate, select, zeros
from physics.spread import over_devices

FIRST, MOST = 1.5, 2  # levels drawn for every one asked for: at first, and where too few of those are worthy
LIGHT = {"xla_backend_optimization_level": 1}  # drawing takes a quarter less to compile on a CPU, at size l, and runs as fast
CHUNK = 256  # levels drawn by one call of the compiled program, whatever the number asked for


class Generator:
    """Draws batches of levels on all local devices; holds no state."""

    def __init__(self, env: Env, config: GeneratorConfig) -> None:
        """Levels of the environment's size."""
        self.env = env
        self.config = config

    def __call__(self, key: Array, count: int) -> Level:
        """`count` random levels that are valid and do not solve themselves, worlds last. Not for use under `jit`."""
        return self.numbered(key, count)[0]

    def numbered(self, key: Array, count: int) -> tuple[Level, Array]:
        """The same levels, and their numbers `[W]`: with the key, all that is needed to draw them `again`."""
        if not self.config.filter_steps:
            return self.candidates(key, count)[0], jnp.arange(count)
        some = math.ceil(FIRST * count)
        levels, worthless = self.candidates(key, some)
        if jnp.sum(~worthless) < count:
            levels, worthless = concatenate([(levels, worthless), self.candidates(key, MOST * count - some, first=some)])
        return _worthy_first(levels, worthless, count)

    def candidates(self, key: Array, count: int, first: int = 0) -> tuple[Level, Array]:
        """`count` unfiltered levels from number `first` on, and which of them are worthless. Level `i` depends on key and `i` alone."""
        return self._draw(key, first + jnp.arange(count))

    def again(self, key: Array, numbers: Array) -> Level:
        """The levels of these numbers, as they were drawn."""
        return self._draw(key, numbers)[0]

    def _draw(self, key: Array, numbers: Array) -> tuple[Level, Array]:
        """Chunk by chunk; what fills up the last one is dropped."""
        draw, count = _drawer(self.env.config, self.config), len(numbers)
        padded = jnp.pad(numbers, (0, -count % CHUNK), mode="edge")
        parts = [draw(key, padded[first : first + CHUNK]) for first in range(0, count, CHUNK)]
        return _first(concatenate(parts) if len(parts) > 1 else parts[0], count)


@functools.cache
def _drawer(env: EnvConfig, config: GeneratorConfig) -> Callable[[Array, Array], tuple[Level, Array]]:
    """A compiled function of a key and the numbers `[CHUNK]` of the levels to draw; generators of equal settings share it.

    Drawing and judging are programs of their own, so that they can be compiled at the same time: together they take
    most of a minute at size l.
    """
    rules = Env(env)

    def draw(key: Array, numbers: Array) -> Level:
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, numbers)
        return jax.vmap(lambda k: draw_one(k, rules.capacity, config), out_axes=-1)(keys)

    def judge(_: None, levels: Level) -> Array:
        worthless = ~valid(levels) | solves_itself(rules, levels, config.filter_steps)
        return worthless | ~within_reach(levels) if config.own_actuator else worthless

    options = LIGHT if jax.default_backend() == "cpu" else None
    drawn, judged = over_devices(draw, CHUNK, options), over_devices(judge, CHUNK)
    if not config.filter_steps:
        return lambda key, numbers: (drawn(key, numbers), jnp.zeros(CHUNK, bool))
    first = [lambda: drawn(jax.random.key(0), jnp.arange(CHUNK)), lambda: judged(None, zeros(Level, worlds=CHUNK, **rules.capacity.dims))]
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(call) for call in first]:
            done.result()

    def both(key: Array, numbers: Array) -> tuple[Level, Array]:
        levels = drawn(key, numbers)
        return levels, judged(None, levels)

    return both


def draw_one(key: Array, capacity: Capacity, config: GeneratorConfig) -> Level:
    """A level of either distribution; the draw of one does not depend on the share of the other."""
    share = config.morphology_share
    if share == 0:
        return random.sample(key, capacity, config)
    body = morphology.sample(key, capacity, config.morphology)
    return body if share == 1 else select(jax.random.uniform(key) < share, body, random.sample(key, capacity, config))


def solves_itself(env: Env, levels: Level, steps: int) -> Array:
    """Per level `[W]`, whether its first episode is solved by doing nothing for `steps` steps."""
    count = levels.role.shape[-1]
    still = env.actions.nothing(count)

    def wait(carry: tuple[EnvState, Array, Array], _: None) -> tuple[tuple[EnvState, Array, Array], None]:
        state, over, solved = carry
        state, step = env.advance(state, still)
        solved = solved | (step.solved & ~over)
        return (state, over | step.terminated | step.truncated, solved), None

    begin = (env.reset(levels), jnp.zeros(count, bool), jnp.zeros(count, bool))
    return lax.scan(wait, begin, None, length=steps)[0][2]


@functools.partial(jax.jit, static_argnums=1)
def _first(value: tuple[Level, Array], count: int) -> tuple[Level, Array]:
    return jax.tree.map(lambda leaf: leaf[..., :count], value)


@functools.partial(jax.jit, static_argnums=2)
def _worthy_first(levels: Level, worthless: Array, count: int) -> tuple[Level, Array]:
    """The first `count` levels that are worth playing, and their numbers; others only where too few are left."""
    order = jnp.argsort(worthless, stable=True)[:count]
    return jax.tree.map(lambda leaf: leaf[..., order], levels), order
