"""What a curriculum costs: operations a second of every kind for pools of several sizes, and their share of an iteration.

Generating and editing levels is the universe's business and measured by `env`: here they cost nothing, new levels are a
store of them that is cut to size. Scouting is playing, so a refresh is not timed either.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

import curriculum
from curriculum import pool as pools
from curriculum.base import KINDS, Assignment, Curriculum, CurriculumConfig
from curriculum.pool import LevelPool
from envs import outcome as outcomes
from envs import sizes
from envs.base import Level
from envs.outcome import Outcome
from launch.benchmark.physics import check_words, draw_levels
from physics.base import Capacity
from physics.errors import InputError
from physics.pytree import cast, worlds
from physics.settings import setting, validate

SECONDS_APART = 1e-6  # m/s2 of gravity between levels of the pool, so that no two are the same
EPISODES = 5  # of every level that is recorded


@dataclasses.dataclass(frozen=True)
class CurriculumBenchmark:
    """Settings of the measurement."""

    size: str = setting("s", "size of level", choices=tuple(sizes.SIZES))
    kinds: str = setting(",".join(KINDS), "curricula to measure, with commas between")
    pools: str = setting("1000,10000,100000", "levels that the pool holds, with commas between")
    worlds: int = setting(4096, "worlds that levels are handed out to", least=1)
    steps: int = setting(256, "environment steps for which a world keeps its level", least=1)
    steps_per_s: float = setting(
        0.0, "environment steps a second of training, as the benchmark train says, of which a share is told; 0: none is", least=0
    )
    rounds: int = setting(5, "runs, of which the best counts", least=1)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)
        check_words("kinds", self.kinds, KINDS)
        for word in self.pools.split(","):
            if not word.isdigit() or int(word) < 1:
                raise InputError("pools", found=word, wanted="whole numbers of at least 1 with commas between")


def run(config: CurriculumBenchmark, profile: bool) -> Iterator[dict]:
    """A row a kind and pool."""
    if profile:
        raise InputError("--profile", found="curriculum", wanted="physics: stages are those of the engine")
    capacity = sizes.capacity(config.size)
    for size in map(int, config.pools.split(",")):
        levels = distinct(capacity, size + config.worlds)
        for kind in config.kinds.split(","):
            yield _measure(config, kind, levels, size)


def distinct(capacity: Capacity, count: int) -> Level:
    """So many levels of which no two are the same."""
    drawn = cast(draw_levels(capacity, count))
    gravity = drawn.scene.gravity + jnp.arange(count) * SECONDS_APART
    return dataclasses.replace(drawn, scene=dataclasses.replace(drawn.scene, gravity=gravity))


def _measure(config: CurriculumBenchmark, kind: str, levels: Level, size: int) -> dict:
    settings = CurriculumConfig(kind=kind, pool_size=size, candidates=size)
    fresh = worlds(levels, jnp.arange(size, size + config.worlds))
    capacity = sizes.capacity(config.size)
    made = curriculum.make(settings, lambda key, count: worlds(fresh, jnp.arange(count)), lambda key, parents: parents, capacity)
    state = filled(made, worlds(levels, jnp.arange(size)), settings.window)
    assigned = _best(config.rounds, lambda i: made.assign(state, jax.random.key(i), config.worlds))
    after, assignment = made.assign(state, jax.random.key(0), config.worlds)
    outcome = played(config.worlds)
    recorded = _best(config.rounds, lambda i: made.record(after, assignment, outcome))
    seconds = assigned + recorded
    whole = config.worlds * config.steps / config.steps_per_s if config.steps_per_s else 0.0
    return {
        "what": f"fulcrum curriculum {kind}", "size": config.size, "pool": size, "worlds": config.worlds,
        "assign_ms": round(1e3 * assigned, 2), "record_ms": round(1e3 * recorded, 2), "operations_per_s": round(2 / seconds, 1),
        "levels_per_s": round(config.worlds / seconds), "share": round(seconds / (seconds + whole), 5) if whole else None,
        "pool_mb": round(sum(leaf.nbytes for leaf in jax.tree.leaves(state)) / 1e6, 1), "device": jax.local_devices()[0].device_kind,
    }  # fmt: skip


def filled(made: Curriculum, levels: Level, window: float) -> Any:
    """A state whose pool, if it has one, holds `levels`, of success rates all the way from 0 to 1."""
    state = made.init(jax.random.key(0))
    if not hasattr(state, "pool"):
        return state
    return dataclasses.replace(state, pool=_filled(state.pool, levels, window))


@jax.jit
def _filled(pool: LevelPool, levels: Level, window: float) -> LevelPool:
    count = levels.role.shape[-1]
    rate = jnp.linspace(0.0, 1.0, count)
    outcome = dataclasses.replace(
        outcomes.none(count), episodes=jnp.full(count, EPISODES, jnp.int32), successes=jnp.round(EPISODES * rate).astype(jnp.int32)
    )
    return pools.insert(pool, pools.newcomers(levels, outcome, rate * (1 - rate), jnp.int32(0), window))[0]


def played(count: int) -> Outcome:
    """What playing so many levels might have given."""
    solved = jnp.arange(count, dtype=jnp.int32) % (EPISODES + 1)
    return dataclasses.replace(
        outcomes.none(count), episodes=jnp.full(count, EPISODES, jnp.int32), successes=solved, steps=jnp.full(count, 256, jnp.int32),
        best_return=jnp.where(solved > 0, 1.0, 0.0),
    )  # fmt: skip


def _best(rounds: int, call: Callable[[int], tuple[Any, Assignment] | Any]) -> float:
    """Seconds of the best of so many calls; the first, which compiles, is one more."""
    jax.block_until_ready(call(0))
    best = float("inf")
    for i in range(rounds):
        begun = time.perf_counter()
        jax.block_until_ready(call(i))
        best = min(best, time.perf_counter() - begun)
    return best
