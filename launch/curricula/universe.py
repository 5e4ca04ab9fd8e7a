"""A universe of levels whose difficulty is known, and a learner whose skill is: what a curriculum is worth, in seconds.

A level has a difficulty d and belongs to one of a few domains. The learner has a skill s in every domain and solves a level with
chance p = 1 / (1 + exp(-(s - d) / WIDTH)), but never an impossible level and always a trivial one.

It learns from what it plays: skill in a domain grows by GAIN x the mean of 4 p (1 - p) over the worlds, so fastest from levels at
its edge and not at all from those that it always or never solves. It forgets: a domain in which less is solved than its
part of the worlds loses up to FORGET of its skill an assignment.

Most of what the generator draws is impossible or trivial, and hard levels are rare: difficulties fall off exponentially. Edits
give a level of nearby difficulty, and sometimes break it. Levels are real ones in all that a curriculum does with
them; the numbers stand where a level has gravity and the role of its first wall. Nothing is simulated.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from envs.base import Level
from envs.outcome import Outcome
from physics.base import Capacity
from physics.pytree import zeros

CAPACITY = Capacity(polygons=1, circles=0, joints=0, thrusters=0, vertices=3, walls=1)
DOMAINS = 3
WIDTH, GAIN, FORGET = 0.5, 0.3, 0.01
IMPOSSIBLE, TRIVIAL = 1e3, -1e3  # difficulties
DRAWN_IMPOSSIBLE, DRAWN_TRIVIAL, DRAWN_SCALE = 0.4, 0.25, 1.25  # shares of drawn levels; mean difficulty of the others
EDITED_IMPOSSIBLE, EDITED_TRIVIAL, EDITED_SPREAD = 0.15, 0.1, 0.5  # shares of edits; spread of difficulty
EDITED_DOMAIN = 0.1  # chance that an edit leaves the domain


def difficulty(levels: Level) -> np.ndarray:
    """Of every level."""
    return np.asarray(levels.scene.gravity[0])


def domain(levels: Level) -> np.ndarray:
    """Of every level."""
    return np.asarray(levels.wall_role[0])


def generate(key: jax.Array, count: int) -> Level:
    """Random levels."""
    random = _random(key)
    chance, hard = random.rand(count), random.exponential(DRAWN_SCALE, count)
    return _made(_broken(hard, chance, DRAWN_IMPOSSIBLE, DRAWN_TRIVIAL), random.randint(0, DOMAINS, count), random)


def edit(key: jax.Array, levels: Level) -> Level:
    """Near levels of levels."""
    random, now = _random(key), difficulty(levels)
    near = np.where(np.abs(now) < IMPOSSIBLE, now + random.normal(0, EDITED_SPREAD, now.size), now)
    moved = random.rand(now.size) < EDITED_DOMAIN
    at = np.where(moved, random.randint(0, DOMAINS, now.size), domain(levels))
    return _made(_broken(near, random.rand(now.size), EDITED_IMPOSSIBLE, EDITED_TRIVIAL), at, random)


@dataclasses.dataclass
class Learner:
    """Has a skill in every domain and learns from what it plays."""

    skill: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(DOMAINS))
    scouted: int = 0  # episodes that taught it nothing

    def chance(self, levels: Level) -> np.ndarray:
        """Of solving each level."""
        ahead = np.clip((self.skill[domain(levels)] - difficulty(levels)) / WIDTH, -60, 60)
        return np.where(ahead <= -60, 0.0, np.where(ahead >= 60, 1.0, 1 / (1 + np.exp(-ahead))))

    def evaluate(self, key: jax.Array, levels: Level) -> Outcome:
        """One episode of each level, without learning: how curricula scout."""
        chance = self.chance(levels)
        self.scouted += chance.size
        return _played(chance, 1, _random(key))

    def train(self, key: jax.Array, levels: Level, episodes: int) -> Outcome:
        """Some episodes of each level, and what they teach."""
        chance, at = self.chance(levels), domain(levels)
        outcome = _played(chance, episodes, _random(key))
        worth = np.bincount(at, 4 * chance * (1 - chance), DOMAINS) / chance.size
        practised = np.bincount(at, chance, DOMAINS) * DOMAINS / chance.size
        self.skill = (self.skill + GAIN * DOMAINS * worth) * (1 - FORGET * np.maximum(1 - practised, 0))
        return outcome


def _played(chance: np.ndarray, episodes: int, random: np.random.RandomState) -> Outcome:
    """Episodes of one step; a critic that knows the chance judges them."""
    solved = random.binomial(episodes, chance).astype(np.int32)
    played = np.full_like(solved, episodes)
    return Outcome(
        episodes=played, successes=solved, steps=played, total_return=solved.astype(np.float32),
        best_return=(solved > 0).astype(np.float32), value_sum=(chance * episodes).astype(np.float32),
        positive_advantage=(solved * (1 - chance)).astype(np.float32), running_return=np.zeros(chance.size, np.float32),
    )  # fmt: skip


def _broken(hard: np.ndarray, chance: np.ndarray, impossible: float, trivial: float) -> np.ndarray:
    return np.where(chance < impossible, IMPOSSIBLE, np.where(chance > 1 - trivial, TRIVIAL, hard))


def _made(hard: np.ndarray, at: np.ndarray, random: np.random.RandomState) -> Level:
    """Levels of these difficulties and domains; a second number tells levels apart that have the same."""
    blank, gravity = _blank(hard.size), np.stack([hard, random.rand(hard.size)]).astype(np.float32)
    scene = dataclasses.replace(blank.scene, gravity=jnp.asarray(gravity))
    return dataclasses.replace(blank, scene=scene, wall_role=jnp.asarray(at[None].astype(np.int32)))


@functools.lru_cache(maxsize=32)
def _blank(count: int) -> Level:
    return jax.jit(lambda: zeros(Level, worlds=count, **CAPACITY.dims))()


def _random(key: jax.Array) -> np.random.RandomState:
    return np.random.RandomState(np.asarray(jax.random.key_data(key)).astype(np.uint32))
