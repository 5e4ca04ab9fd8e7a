"""The evaluator: zero-shot success on levels that training never sees.

Hand-made levels with many attempts each, and random levels drawn with a seed of their own. The same
levels and the same random numbers at every evaluation, so that curves compare.
"""

import dataclasses
import functools
from concurrent.futures import ThreadPoolExecutor

import jax

from cluster import streams
from cluster.roles.worker import RolloutWorker
from envs import holdout, sizes
from envs.base import Level
from envs.env import Env
from envs.generate import Generator
from learners import report, rollout
from learners.base import Params
from learners.evaluate import EvaluateConfig
from learners.report import RANDOM, Measured, Report
from physics.pytree import concatenate

RANDOM_LEVELS_SEED = 2**31 - 1  # not a seed that a run can have by accident


class Evaluator:
    """Measures parameters with a worker's devices. Levels are read and drawn when they are first needed."""

    def __init__(self, worker: RolloutWorker, generate: Generator, config: EvaluateConfig) -> None:
        """`generate` draws the random levels of the agent's own size; those of smaller sizes are drawn with its settings."""
        self.worker = worker
        self.generate = generate
        self._config = config

    @functools.cached_property
    def _handmade(self) -> tuple[list[str], list[str], Level]:
        """Ids, sizes and levels."""
        env = self.worker.env
        ids, levels = holdout.load(holdout.choose(self._config.holdout, env.config.size), env.capacity)
        return ids, [holdout.own_size(id) for id in ids], jax.device_put(levels)

    @functools.cached_property
    def _random(self) -> tuple[list[str], list[str], Level]:
        """Names, sizes and levels, each drawn in the slots of its own size."""
        own, count = self.worker.env.config.size, self._config.random_levels
        chosen = sizes.up_to(own) if self._config.random_sizes == "all" else [own]
        names = [f"{RANDOM}/{size}/{i}" for size in chosen for i in range(count)]
        return names, [size for size in chosen for _ in range(count)], concatenate([self._draw(size) for size in chosen])

    def _draw(self, size: str) -> Level:
        rules, key, count = self.worker.env, jax.random.key(RANDOM_LEVELS_SEED), self._config.random_levels
        if size == rules.config.size:
            return self.generate(key, count)
        smaller = Generator(Env(dataclasses.replace(rules.config, size=size)), self.generate.config)
        return sizes.fit(smaller(key, count), rules.capacity)

    def report(self, params: Params, key: jax.Array, way: int = rollout.SAMPLED, random_attempts: int | None = None) -> Report:
        """What one policy does on all levels; `random_attempts` in the place of those of the settings.

        At the first time, random levels are drawn while the playing is compiled.
        """
        random_attempts = random_attempts or self._config.random_attempts
        key_handmade, key_random = jax.random.split(key)
        with ThreadPoolExecutor(1) as pool:
            random = pool.submit(lambda: self._random)
            handmade = self._measure(params, self._handmade, key_handmade, way, self._config.attempts)
            return Report(handmade, self._measure(params, random.result(), key_random, way, random_attempts))

    def scalars(self, params: Params, seed: int) -> dict[str, float]:
        """The curves of a run with that seed."""
        return self.report(self.worker.place(params), streams.key(jax.random.key(seed), streams.EVALUATE)).scalars()

    def _measure(self, params: Params, levels: tuple[list[str], list[str], Level], key: jax.Array, way: int, attempts: int) -> Measured:
        """Only sampled attempts differ from each other: of the other ways to act, one says all."""
        attempts = attempts if way == rollout.SAMPLED else 1
        names, of_size, batch = levels
        found = self.worker.evaluate(params, batch, key, way, attempts)
        return report.measured(names, of_size, attempts, found)
