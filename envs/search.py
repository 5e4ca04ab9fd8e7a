"""Search for actions that solve a level: the cross-entropy method over whole episodes.

    found = search.solve(level, size="m")        # Found, or None

Players draw the actions of an episode from a table of chances, one row a step and a channel; the best of
them, the elite, say how the table changes. A player is better the earlier it solves the level, and of those
that do not, the nearer green ever came to blue. When nothing gets better the table starts anew: nearness
misleads wherever green must first go away. Actions are held for a while, as long as suits the player.

A solution is worth keeping if it does not hang on the last digit: it is played again from starts that
differ by hundredths of a millimetre, and the steadiest is taken.

Source: Rubinstein & Kroese, The Cross-Entropy Method (2004); chances of choices as in their chapter 4.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from envs import reward
from envs.actions import CHOICES, driven
from envs.base import Array, EnvConfig, EnvState, Level
from envs.env import Env
from physics.pytree import repeat, stack
from physics.settings import setting, validate
from physics.spread import over_devices

TAIL = 8  # steps: the last action may be held this much longer, for machines that round differently
JITTER = 1e-5  # m and rad
HOLD = (4.0, 64.0)  # steps that a player holds an action on average, from the hastiest to the calmest
LEAST_CHANCE = 0.02  # of any choice, so that none dies out
STEADY = 0.9  # share of jittered starts from which a steady solution solves the level
CANDIDATES = 32  # solutions of a round that are tried from jittered starts


@dataclasses.dataclass(frozen=True)
class SearchConfig:
    """Settings of the search."""

    players: int = setting(1024, "episodes played at the same time", least=64)
    rounds: int = setting(64, "rounds before the search gives up", least=1)
    elite: float = setting(0.04, "share of the players that the chances are learned from", above=0, most=0.5)
    learning: float = setting(0.6, "how far the chances move towards the elite's in a round", above=0, most=1)
    patience: int = setting(8, "rounds without a better player after which the chances start anew", least=1)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)


@dataclasses.dataclass(frozen=True)
class Round:
    """How a round of the search went."""

    number: int  # from 1
    attempts: int  # episodes so far
    solved: int  # of this round's players
    nearest: float  # m that green came to blue, of all players so far; centres, or centre to wall
    steadiness: float  # of the best solution so far; 0 without one


@dataclasses.dataclass(frozen=True)
class Found:
    """A solution."""

    actions: np.ndarray  # [steps, channels], multi-discrete
    steadiness: float  # share of jittered starts from which it solves the level
    attempts: int  # episodes played until it was found


@dataclasses.dataclass(frozen=True)
class Played:
    """First episodes, one a player."""

    actions: np.ndarray  # [max_steps, channels, players]
    solved: np.ndarray
    count: np.ndarray  # steps
    nearest: np.ndarray  # m

    def scores(self) -> np.ndarray:
        """Higher is better; a solution is above everything else."""
        return np.where(self.solved, -self.count / len(self.actions), -1 - self.nearest)

    def some(self, index: np.ndarray) -> "Played":
        """The players `index`."""
        return Played(self.actions[..., index], self.solved[index], self.count[index], self.nearest[index])

    def with_(self, other: "Played") -> "Played":
        """Both."""
        pairs = [(getattr(self, field.name), getattr(other, field.name)) for field in dataclasses.fields(self)]
        return Played(*(np.concatenate(pair, axis=-1) for pair in pairs))


def solve(
    level: Level, size: str, config: SearchConfig | None = None, seed: int = 0, report: Callable[[Round], None] = lambda _: None
) -> Found | None:
    """Actions that solve a level (no world axis), in slots of `size`; None if no player of all rounds found any.

    After every round `report` hears of it. The first steady solution ends the search; without one, the steadiest is given.
    """
    config = config or SearchConfig()
    players, keys = config.players, jax.random.split(jax.random.key(seed), config.rounds)
    levels = repeat(stack([level]), players)
    used = np.asarray(driven(stack([level])))[0, :, None]  # the others stay at rest: a solution is to be read
    chances = elite = None
    best: Found | None = None
    top, nearest, waited = -np.inf, np.inf, 0
    for number, key in enumerate(keys, 1):
        if chances is None or waited >= config.patience:
            chances, elite, top, waited = _even(), None, -np.inf, 0
        actions = _drawer(players)(jnp.asarray(chances), key)
        round_ = play(levels, np.asarray(actions) * used, size)
        pool = round_.with_(elite) if elite else round_
        elite = pool.some(np.argsort(-pool.scores(), kind="stable")[: max(2, round(config.elite * players))])
        chances = _towards(chances, elite, config.learning)
        waited = 0 if elite.scores()[0] > top else waited + 1
        top, nearest = elite.scores()[0], min(nearest, round_.nearest.min())
        if round_.solved.any():
            best = _steadier(best, _steadiest(level, round_, size, seed, number * players))
        report(Round(number, number * players, int(round_.solved.sum()), float(nearest), best.steadiness if best else 0.0))
        if best and best.steadiness >= STEADY:
            break
    return best


def steadiness(level: Level, solution: np.ndarray, size: str, seed: int = 0, players: int = 1024) -> float:
    """Share of jittered starts from which a solution `[steps, channels]` solves the level, its last action held a little longer."""
    return _shares(level, [solution], size, seed, players)[0]


def held(solution: np.ndarray) -> np.ndarray:
    """A solution `[steps, channels]` as the actions of a whole episode: its last one is held."""
    return solution[np.minimum(np.arange(EnvConfig().max_steps), len(solution) - 1)]


def play(levels: Level, actions: np.ndarray, size: str) -> Played:
    """The first episode of every world `[..., W]` under `actions [max_steps, channels, W]`."""
    found = _player(size, actions.shape[-1])(None, (levels, jnp.asarray(actions, jnp.int32)))
    return Played(np.asarray(actions), *(np.asarray(value) for value in found))


def _even() -> np.ndarray:
    """`[max_steps, channels, choices]`: every choice of a channel as likely as the others."""
    chances = np.zeros((EnvConfig().max_steps, len(CHOICES), max(CHOICES)))
    for channel, choices in enumerate(CHOICES):
        chances[:, channel, :choices] = 1 / choices
    return chances


def _towards(chances: np.ndarray, elite: Played, learning: float) -> np.ndarray:
    """The table moved towards what the elite did while it played, no choice ever ruled out."""
    alive = np.arange(len(chances))[:, None] < elite.count
    counts = np.stack([((elite.actions == choice) & alive[:, None]).sum(-1) for choice in range(chances.shape[-1])], -1)
    weight = learning * (alive.sum(-1) > 0)[:, None, None]
    moved = (1 - weight) * chances + weight * counts / np.maximum(1, alive.sum(-1))[:, None, None]
    floored = np.where(chances > 0, np.maximum(moved, LEAST_CHANCE), 0)
    return floored / floored.sum(-1, keepdims=True)


@functools.cache
def _drawer(players: int) -> Callable[[Array, Array], Array]:
    """A function of chances and a key: actions `[max_steps, channels, players]`.

    A held number in [0, 1) chooses; it is drawn anew now and then, in every channel by itself, so that what follows
    the table step by step still holds its actions.
    """

    def draw(chances: Array, key: Array) -> Array:
        k_hold, k_first, k_renew = jax.random.split(key, 3)
        shape = (chances.shape[1], players)
        low, high = jnp.log(jnp.array(HOLD))
        rate = jnp.exp(-jax.random.uniform(k_hold, (players,), minval=low, maxval=high))
        bounds = jnp.cumsum(chances, axis=-1)[..., :-1]

        def step(number: Array, row: tuple[Array, Array]) -> tuple[Array, Array]:
            bound, key = row
            renewed, renew = jax.random.uniform(key, (2, *shape))
            number = jnp.where(renew < rate, renewed, number)
            return number, jnp.sum(number[:, None] >= bound[..., None], axis=1, dtype=jnp.int8)

        return lax.scan(step, jax.random.uniform(k_first, shape), (bounds, jax.random.split(k_renew, len(chances))))[1]

    return jax.jit(draw)


def _steadier(a: Found | None, b: Found) -> Found:
    return b if a is None or b.steadiness > a.steadiness else a


def _steadiest(level: Level, round_: Played, size: str, seed: int, attempts: int) -> Found:
    """Of the shortest solutions of a round, the one that solves the level from most jittered starts."""
    order = [i for i in np.argsort(-round_.scores(), kind="stable")[:CANDIDATES] if round_.solved[i]]
    solutions = [round_.actions[: round_.count[i], :, i] for i in order]
    shares = _shares(level, solutions, size, seed, round_.actions.shape[-1])
    best = int(np.argmax(shares))
    return Found(solutions[best], shares[best], attempts)


def _shares(level: Level, solutions: list[np.ndarray], size: str, seed: int, players: int) -> list[float]:
    """Per solution, the share of its jittered starts that it solves; all are played in one batch of `players`."""
    turn = np.arange(players) % len(solutions)
    actions = np.stack([held(each) for each in solutions], -1)
    random = np.random.default_rng(seed)
    levels = repeat(stack([level]), players)
    start = levels.start
    moved = [np.asarray(leaf) + JITTER * random.standard_normal(leaf.shape) for leaf in (start.pos, start.angle)]
    moved[0][..., 0], moved[1][..., 0] = start.pos[..., 0], start.angle[..., 0]  # the first starts as it is
    start = dataclasses.replace(start, pos=jnp.asarray(moved[0], jnp.float32), angle=jnp.asarray(moved[1], jnp.float32))
    played = play(dataclasses.replace(levels, start=start), actions[..., turn], size)
    in_time = played.solved & (played.count <= np.array([len(each) for each in solutions])[turn] + TAIL)
    return [float(in_time[turn == i].mean()) for i in range(len(solutions))]


@functools.cache
def _player(size: str, players: int) -> Callable[[None, tuple[Level, Array]], Any]:
    """A function of levels and actions that plays the first episode of every world on all local devices."""
    env = Env(EnvConfig(size=size))

    def run(_: None, batch: tuple[Level, Array]) -> tuple[Array, Array, Array]:
        levels, actions = batch
        count = actions.shape[-1]

        def advance(carry: tuple[EnvState, Array, Array, Array, Array], action: Array) -> tuple[Any, None]:
            state, solved, over, count, nearest = carry
            state, step = env.advance(state, action.T)
            near = reward.nearest(levels, step.final_motion)
            solved, nearest = solved | (step.solved & ~over), jnp.where(over, nearest, jnp.fmin(nearest, near))
            return (state, solved, over | step.terminated | step.truncated, count + ~over, nearest), None

        false = jnp.zeros(count, bool)
        begin = (env.reset(levels), false, false, jnp.zeros(count, jnp.int32), jnp.full(count, jnp.inf))
        (_, solved, _, count, nearest), _ = lax.scan(advance, begin, actions)
        return solved, count, nearest

    return over_devices(run, players)
