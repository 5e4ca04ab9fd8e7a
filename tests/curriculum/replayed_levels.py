"""Curricula that replay levels, made once for equal settings, and outcomes with a critic in them. Holds no tests."""

import functools
from dataclasses import replace

import jax
import numpy as np
from numbered_levels import SLOTS, Evaluate, Generate, edit, numbers, outcome

import curriculum
from curriculum import Curriculum, CurriculumConfig
from curriculum.base import Assignment
from envs.base import Level
from envs.outcome import Outcome

WORLDS, POOL, ATTEMPTS = 8, 16, 2
EVERY = 4  # so that a quarter of the candidates is scouted at once
RATES = (0.0, 0.5, 1.0)


@functools.cache
def make(kind: str, **settings: float) -> tuple[Curriculum, Generate]:
    """A curriculum over levels of all `RATES`."""
    generate = Generate(*RATES)
    config = CurriculumConfig(
        kind=kind, pool_size=POOL, candidates=settings.pop("candidates", 32), scout_attempts=ATTEMPTS, refresh_every=EVERY, **settings
    )  # fmt: skip
    return curriculum.make(config, generate, edit, SLOTS), generate


def worth(number: np.ndarray) -> np.ndarray:
    """What a level is worth by MaxMC: a number of its own, so that every score can be told."""
    return np.float32(number) % 1.0


def judged(levels: Level, skill: float = 0.0) -> Outcome:
    """One finished episode of ten steps of each, whose score by MaxMC is `worth` less the skill."""
    number = numbers(levels)
    played = outcome(np.zeros(number.size))
    return replace(played, best_return=np.ones(number.size, np.float32), value_sum=10 * (1 - worth(number) + np.float32(skill)))


class Scout(Evaluate):
    """Evaluates as `judged` says and notes what it was given."""

    def __init__(self) -> None:
        """Every level is attempted as often as the settings here say."""
        super().__init__(ATTEMPTS)

    def __call__(self, key: jax.Array, levels: Level) -> Outcome:
        """One episode of each."""
        self.calls.append((key, levels))
        return judged(levels)


def play(made: Curriculum, state: object, rounds: int, first: int = 0, skill: float = 0.0) -> tuple[object, list[Assignment]]:
    """So many assignments, refreshed when due: (state, assignments)."""
    found = []
    for number in range(first, first + rounds):
        if number % made.refresh_every == 0:
            state = made.refresh(state, jax.random.key(1000 + number), Scout())
        state, assignment = made.assign(state, jax.random.key(number), WORLDS)
        state = made.record(state, assignment, judged(assignment.levels, skill))
        found.append(assignment)
    return state, found


def begin(made: Curriculum) -> object:
    return made.init(jax.random.key(0))
