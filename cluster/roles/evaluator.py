"""The evaluator: zero-shot success on levels that training never sees.

Hand-made levels with many attempts each, and random levels drawn with a seed of their own. The same
levels and the same random numbers at every evaluation, so that curves compare.
"""

import dataclasses
import functools

import jax
import numpy as np

from cluster.roles.worker import RolloutWorker
from envs import holdout
from envs.base import Level
from envs.generate import Generator
from learners import rollout
from learners.base import Params
from learners.evaluate import EvaluateConfig
from physics.pytree import repeat

RANDOM_LEVELS_SEED = 2**31 - 1  # not a seed that a run can have by accident


@dataclasses.dataclass(frozen=True)
class Report:
    """Success rates of one agent."""

    handmade: dict[str, float]  # by level
    random: float
    attempts: int
    random_attempts: int
    random_levels: int

    @property
    def handmade_mean(self) -> float:
        """Mean over hand-made levels."""
        return float(np.mean(list(self.handmade.values())))

    def group_means(self) -> dict[str, tuple[float, int]]:
        """Mean over the levels of every group (what stands before the last slash of an id), and their number."""
        groups: dict[str, list[float]] = {}
        for name, rate in self.handmade.items():
            groups.setdefault(name.rpartition("/")[0], []).append(rate)
        return {group: (float(np.mean(rates)), len(rates)) for group, rates in groups.items()}

    def scalars(self) -> dict[str, float]:
        """Flat names and values, for curves."""
        levels = {f"levels/{name}": value for name, value in self.handmade.items()}
        return {"evaluate/handmade": self.handmade_mean, "evaluate/random": self.random, **levels}

    def as_dict(self) -> dict:
        """Everything, for JSON."""
        return dataclasses.asdict(self) | {"handmade_mean": self.handmade_mean}


class Evaluator:
    """Measures parameters with a worker's devices. Levels are read and drawn when they are first needed."""

    def __init__(self, worker: RolloutWorker, generate: Generator, config: EvaluateConfig) -> None:
        """`generate` draws the random levels."""
        self._worker = worker
        self.generate = generate
        self._config = config

    @functools.cached_property
    def _handmade(self) -> tuple[list[str], Level]:
        env = self._worker.env
        return holdout.load(holdout.choose(self._config.holdout, env.config.size), env.capacity)

    @functools.cached_property
    def _random(self) -> Level:
        return self.generate(jax.random.key(RANDOM_LEVELS_SEED), self._config.random_levels)

    def report(self, params: Params, key: jax.Array, way: int = rollout.SAMPLED) -> Report:
        """Success rates of one policy."""
        key_handmade, key_random = jax.random.split(key)
        config = self._config
        attempts, random_attempts = (1, 1) if way == rollout.IDLE else (config.attempts, config.random_attempts)
        names, handmade = self._handmade
        by_hand = self._worker.evaluate(params, repeat(handmade, attempts), key_handmade, way)
        by_chance = self._worker.evaluate(params, repeat(self._random, random_attempts), key_random, way)
        rates = np.asarray(by_hand.successes).reshape(-1, attempts).mean(1)
        return Report(
            handmade={name: float(rate) for name, rate in zip(names, rates, strict=True)},
            random=float(np.asarray(by_chance.successes).mean()),
            attempts=attempts,
            random_attempts=random_attempts,
            random_levels=config.random_levels,
        )
