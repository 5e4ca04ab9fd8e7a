"""How often levels are solved by doing nothing and by acting at random: a floor for every agent."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from envs import actions, holdout, sizes
from envs.base import Array, EnvConfig, Level
from envs.env import Env
from launch.levels import facts
from learners import evaluate
from learners.base import Decision
from physics.pytree import repeat, stack

WORLDS = 512  # played at the same time, so that all calls for a size share one program


@dataclasses.dataclass(frozen=True)
class Rate:
    """Of one level."""

    id: str
    size: str
    nothing: bool
    random: float


def rates(ids: Sequence[str], attempts: int, seed: int) -> list[Rate]:
    """One attempt by doing nothing and `attempts` at random at every level, in the order of `ids`."""
    by_size: dict[str, list[str]] = {}
    for id in ids:
        by_size.setdefault(holdout.own_size(id), []).append(id)
    found = {}
    for size, chosen in by_size.items():
        level = stack([holdout.find(id, sizes.capacity(size)).level for id in chosen])
        nothing = _solved(level, size, True, seed)
        random = _solved(repeat(level, attempts), size, False, seed).reshape(len(chosen), attempts).mean(1)
        found |= {id: Rate(id, size, bool(idle), float(rate)) for id, idle, rate in zip(chosen, nothing, random, strict=True)}
    return [found[id] for id in ids]


def _solved(levels: Level, size: str, idle: bool, seed: int) -> np.ndarray:
    """Whether the first episode of every world was solved, chunk by chunk; past the end the last world is repeated."""
    count = levels.role.shape[-1]
    parts = []
    for first in range(0, count, WORLDS):
        index = np.minimum(first + np.arange(WORLDS), count - 1)
        chunk = jax.tree.map(lambda leaf, index=index: np.asarray(leaf)[..., index], levels)
        parts.append(np.asarray(_player(size)(chunk, jnp.asarray(idle), jax.random.key(seed), jnp.int32(first))))
    return np.concatenate(parts)[:count]


@functools.cache
def _player(size: str) -> jax.stages.Wrapped:
    env = Env(EnvConfig(size=size))

    def play(levels: Level, idle: Array, key: Array, first: Array) -> Array:
        def act(_: object, keys: Array) -> Decision:
            chosen = jax.vmap(lambda key: actions.uniform(key, 1)[0])(keys)
            return jnp.where(idle, actions.nothing(keys.shape[0]), chosen), jnp.zeros(keys.shape[0]), jnp.zeros(keys.shape[0])

        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, first + jnp.arange(WORLDS))
        return evaluate.first_episodes(act, env, levels, keys).outcome.successes

    return jax.jit(play)


def table(found: Sequence[Rate], attempts: int) -> Iterator[str]:
    """A line a level, then the means of every size and of all."""
    wide = max(len(rate.id) for rate in found)
    yield f"{'level':<{wide}}  nothing  random, {attempts} attempts"
    for rate in found:
        yield f"{rate.id:<{wide}}  {'solves' if rate.nothing else '-':<7}  {rate.random:6.1%}"
    groups = {size: [rate for rate in found if rate.size == size] for size in sizes.SIZES} | {"all": list(found)}
    for name, group in groups.items():
        if group:
            random = np.mean([rate.random for rate in group])
            spread = np.sqrt(sum(rate.random * (1 - rate.random) / attempts for rate in group)) / len(group)
            solved = f"{sum(rate.nothing for rate in group)} of {len(group)}"
            yield f"{f'size {name}' if name != 'all' else name:<{wide}}  {solved:<8} {random:6.1%} +- {spread:.1%}"


def markdown(found: Sequence[Rate], attempts: int) -> Iterator[str]:
    """The same as a page shows it, by theme, with what is in every level and how long its solution is."""
    yield f"| theme | level | what is in it | solution, steps | random, {attempts} attempts |"
    yield "|---|---|---|---|---|"
    levels = {rate.id: holdout.find(rate.id) for rate in found}

    def theme(rate: Rate) -> str:
        model = levels[rate.id].model
        return (model.theme or "" if model else "").replace("_", " ")

    for rate in sorted(found, key=lambda rate: (theme(rate), list(sizes.SIZES).index(rate.size), rate.id)):
        level = levels[rate.id]
        twin = f", twin of {level.model.twin}" if level.model and level.model.twin else ""
        row = [
            theme(rate),
            f"`{rate.id}`{twin}",
            facts.contents(level.level),
            str(facts.solution_steps(level) or "-"),
            f"{rate.random:.0%}",
        ]
        yield "| " + " | ".join(row) + " |"
