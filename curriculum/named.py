"""Training on levels that a person named: ids, level files, folders or groups, as in `envs.holdout`.

Nothing is drawn. For specialists and fine-tuning alone: an agent that trained on hand-made levels can no
longer be measured zero-shot on them, so they are never trained on unless `curriculum.levels` names them.
"""

import functools

import jax
import jax.numpy as jnp

from curriculum import pool as pools
from curriculum.base import Array, Assignment, CurriculumConfig, Evaluate, Look
from curriculum.hashing import hash_levels, same
from curriculum.scores import learnability, success_rate
from envs import holdout, sizes
from envs.outcome import Outcome
from physics.base import Capacity
from physics.pytree import array, count_worlds, struct, worlds, zeros


@struct
class Played:
    """How every level went while it was last handed out, `[M]`."""

    episodes: Array = array("", "int32")
    successes: Array = array("", "int32")


class Named:
    """The same levels for ever; every level is played by as many worlds as any other, give or take one."""

    def __init__(self, config: CurriculumConfig, capacity: Capacity) -> None:
        """Read the levels into slots of `capacity`."""
        self.refresh_every = config.refresh_every
        self.names, self.levels = holdout.load(holdout.choose(config.levels, sizes.name(capacity)), capacity)
        self._hashes = hash_levels(self.levels)

    def init(self, key: Array) -> Played:
        """Nothing played yet."""
        return zeros(Played, worlds=count_worlds(self.levels))

    def assign(self, state: Played, key: Array, count: int) -> tuple[Played, Assignment]:
        """The levels in an order of the key's, over and over; `slot` is a level's place among the names."""
        slot = self._slots(key, count)
        return state, self._assigned(slot)

    @functools.partial(jax.jit, static_argnums=0)
    def _assigned(self, slot: Array) -> Assignment:
        none = jnp.zeros_like(slot)
        hashes = jnp.take(self._hashes, slot, axis=1)
        return Assignment(
            levels=worlds(self.levels, slot), slot=slot, hash=hashes, seed=jnp.zeros_like(hashes), draw=none + pools.NOT_DRAWN,
            parent=jnp.zeros_like(hashes), depth=none,
        )  # fmt: skip

    @functools.partial(jax.jit, static_argnums=(0, 2))
    def _slots(self, key: Array, count: int) -> Array:
        order = jax.random.permutation(key, count_worlds(self.levels)).astype(jnp.int32)
        return jnp.resize(order, (count,))

    def record(self, state: Played, assignment: Assignment, outcome: Outcome) -> Played:
        """Count how each level went."""
        return self._counted(assignment, outcome.episodes, outcome.successes)

    @functools.partial(jax.jit, static_argnums=0)
    def _counted(self, assignment: Assignment, episodes: Array, successes: Array) -> Played:
        slot = assignment.slot
        known = same(jnp.take(self._hashes, slot, axis=1, mode="clip"), assignment.hash)
        own = (slot[:, None] == jnp.arange(count_worlds(self.levels))) & known[:, None]
        total, solved = [jnp.sum(jnp.where(own, value[:, None], 0), axis=0, dtype=jnp.int32) for value in (episodes, successes)]
        return Played(episodes=total, successes=solved)

    def refresh(self, state: Played, key: Array, evaluate: Evaluate) -> Played:
        """Nothing to look for."""
        return state

    @functools.partial(jax.jit, static_argnums=0)
    def metrics(self, state: Played) -> dict[str, Array]:
        """Success rates while training of the levels that were finished: their mean, each weighing the same, and the lowest."""
        finished = state.episodes > 0
        rate = state.successes / jnp.maximum(state.episodes, 1)
        lowest = jnp.where(finished, rate, 1.0).min()
        return {
            "levels_finished": finished.sum(),
            "level_success_mean": rate.sum() / jnp.maximum(finished.sum(), 1),
            "level_success_lowest": jnp.where(finished.any(), lowest, 0.0),
        }

    @functools.partial(jax.jit, static_argnums=0)
    def look(self, state: Played) -> Look:
        """The levels as they went while they were last handed out."""
        none, nobody = jnp.zeros_like(state.episodes), jnp.zeros(0)
        return Look(
            levels=jax.tree.map(jnp.asarray, self.levels), filled=none == 0, rate=success_rate(state.successes, state.episodes),
            learnability=jnp.maximum(learnability(state.successes, state.episodes), 0.0),
            episodes=state.episodes.astype(jnp.float32), age=none, depth=none, candidate_rate=nobody, candidate_episodes=nobody,
        )  # fmt: skip
