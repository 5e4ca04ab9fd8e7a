"""Proximal policy optimisation: the update of one iteration.

The minibatch size is the setting and the number of minibatches follows, so that more worlds do not
change the inner loop. A minibatch holds whole trajectories of a random set of worlds, the same
number from every block. Observations are computed again from level and motion, which is far smaller
to keep; a network with memory reads them in order again, from what it remembered before the first.
Schulman et al., "Proximal policy optimization algorithms" (2017).

A number that is not finite does not spread: a world that holds one is left out of the update, and a
gradient step that is not finite is skipped.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from envs.base import Level
from envs.env import Env
from learners import advantage, chance, diagnostics, proximal, row
from learners.base import DEVICES, Array, Params, Rollout, TrainState, join_blocks
from learners.rollout import batch_first, look
from physics.base import Motion
from physics.errors import InputError
from physics.materialise import materialise
from physics.pytree import count_worlds
from physics.settings import setting, validate


@dataclasses.dataclass(frozen=True)
class PPOConfig:
    """Settings of the update."""

    minibatch_size: int = setting(2048, "samples of a gradient step; must divide worlds x rollout_length", least=1)
    epochs: int = setting(4, "passes over every rollout", least=1)
    discount: float = setting(advantage.DISCOUNT, "weight of a reward one step later", least=0, most=1)
    trace: float = setting(advantage.TRACE, "lambda of the advantage estimate", least=0, most=1)
    clip: float = setting(0.2, "how far the policy may move from the proximal policy", above=0)
    ewma_decay: float = setting(
        0.0, "decay, a gradient step, of the average of parameters that is the proximal policy; 0 takes the policy that acted",
        least=0, most=1,
    )  # fmt: skip
    value_clip: float = setting(0.2, "how far the value may move in an update", above=0)
    value_weight: float = setting(0.5, "weight of the critic's loss", least=0)
    entropy_weight: float = setting(0.01, "weight of the entropy bonus", least=0)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)

    def advantages(self, rollout: Rollout) -> Array:
        """Advantages `[L, W]` of a block's rollout."""
        return advantage.estimate(rollout, self.discount, self.trace)

    def minibatches(self, worlds: int, length: int, blocks: int) -> int:
        """How many minibatches a rollout makes; `InputError` if its worlds cannot be dealt out evenly."""
        samples = worlds * length
        fits = samples % self.minibatch_size == 0
        count = samples // self.minibatch_size if fits else 0
        if not fits or worlds % count or (worlds // count) % blocks:
            possible = [samples // n for n in range(1, worlds // blocks + 1) if worlds % (n * blocks) == 0]
            raise InputError(
                "ppo.minibatch_size",
                found=self.minibatch_size,
                wanted=f"a size that deals {worlds} worlds x {length} steps in {blocks} blocks out evenly: one of {possible}",
            )
        return count


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Batch:
    """A minibatch, samples first."""

    seen: tuple  # what the network is given: observations [B, ...], and what `_recall` adds
    action: Array  # [B, channels]; [B] if discrete
    log_prob: Array  # [B] of the policy that acted
    proximal: Array  # [B] log probability of the policy to stay near
    value: Array  # [B] before the update
    advantage: Array  # [B]


def begin(params: Params, optimizer: optax.GradientTransformation, config: PPOConfig) -> TrainState:
    """The state before the first update."""
    average = proximal.begin(params) if config.ewma_decay else None
    updates, skipped = jnp.zeros((2,), jnp.int32)
    return TrainState(params=params, optimizer=optimizer.init(row.join(params)), updates=updates, skipped=skipped, proximal=average)


def update(
    apply: Callable, optimizer: optax.GradientTransformation, env: Env, config: PPOConfig,
    state: TrainState, rollout: Rollout, key: Array,
) -> tuple[TrainState, dict[str, Array]]:  # fmt: skip
    """Learn from a rollout `[blocks, ...]`: (new state, metrics). Runs under `shard_map` over `DEVICES`.

    The optimiser's state names its `learning_rate`.
    """
    blocks, length, worlds = rollout.reward.shape
    total_blocks = blocks * lax.axis_size(DEVICES)
    count = config.minibatches(worlds * total_blocks, length, total_blocks)
    together = looked_at_once(length, count)
    advantages = jax.vmap(config.advantages)(rollout)
    finite = jnp.isfinite(advantages + rollout.log_prob).all(axis=1)
    stand_ins = jax.vmap(_stand_ins)(finite)
    numbers = lax.axis_index(DEVICES) * blocks * worlds + jnp.arange(blocks * worlds).reshape(blocks, worlds)
    keys = lax.map(functools.partial(chance.of_worlds, key), numbers)

    def minibatch(now: TrainState, order: Array) -> tuple[TrainState, dict[str, Array]]:
        part, gain = _take((rollout, advantages), order)
        observed = _observe(env, _take(rollout.level, jnp.tile(order, together)), part.motion)
        batch = _batch(apply, observed, now, part, gain)
        (_, metrics), gradient = jax.value_and_grad(_loss, has_aux=True)(now.params, apply, config, batch)
        gradient, metrics = lax.pmean((row.join(gradient), metrics), DEVICES)
        return _step(optimizer, config, now, gradient, metrics)

    def epoch(now: TrainState, number: Array) -> tuple[TrainState, dict[str, Array]]:
        orders = lax.map(lambda block: _shuffled(chance.at(block[0], number), block[1]), (keys, stand_ins))
        return lax.scan(minibatch, now, jnp.swapaxes(orders.reshape(blocks, count, worlds // count), 0, 1))

    state, steps = lax.scan(epoch, state, jnp.arange(config.epochs))
    metrics = _of_steps(steps) | _of_rollout(*_take((rollout.reward, rollout.value, advantages), stand_ins))
    metrics["poisoned_worlds"] = 1 - diagnostics.mean(finite)
    return dataclasses.replace(state, updates=state.updates + 1), metrics


def looked_at_once(length: int, minibatches: int) -> int:
    """How many steps of a minibatch's worlds are looked at at once: at most as many worlds as a device holds, dealt out evenly."""
    return math.gcd(length, minibatches)


def _stand_ins(finite: Array) -> Array:
    """For every world of a block `[W]` the world to learn from: itself if finite, else the nearest finite one before it, or the first."""
    before = lax.cummax(jnp.where(finite, jnp.arange(finite.shape[0]), -1))
    return jnp.where(before < 0, jnp.argmax(finite), before)


def _shuffled(keys: Array, values: Array) -> Array:
    """Values `[W]` in an order by chance, that of their keys: a key is as much chance as what would be drawn from it."""
    return lax.sort((*jnp.moveaxis(jax.random.key_data(keys), -1, 0), values), num_keys=2)[2]


def _take(data: Any, worlds: Array) -> Any:
    """The worlds `[blocks, n]` of every block."""

    def of(block: Any, order: Array) -> Any:
        return jax.tree.map(lambda leaf: leaf.at[..., order].get(mode="promise_in_bounds", wrap_negative_indices=False), block)

    return jax.vmap(of)(data, worlds)


def _batch(apply: Callable, observed: Any, now: TrainState, rollout: Rollout, advantages: Array) -> Batch:
    seen, action = (observed, *_recall(rollout)), _flatten(jnp.moveaxis(rollout.action, 2, -1))
    log_prob, value, gain = jax.tree.map(_flatten, (rollout.log_prob, rollout.value, advantages))
    near = apply(now.proximal.params, *seen)[0].log_prob(action) if now.proximal else log_prob
    return Batch(seen=seen, action=action, log_prob=log_prob, proximal=near, value=value, advantage=gain)


def _observe(env: Env, level: Level, motion: Motion) -> Any:
    """Observations of every sample, flattened to one batch axis.

    `level` holds each world as often as steps are looked at together: so many that as many worlds are seen at once as in
    the rollout. Where that comes out even, most kernels of observations are compiled once for both.
    """
    steps = count_worlds(level) // count_worlds(motion)

    def one(block: tuple[Level, Motion]) -> Any:
        level, motion = materialise(block)
        chunks = jax.tree.map(lambda leaf: jax.vmap(join_blocks)(leaf.reshape(-1, steps, *leaf.shape[1:])), motion)
        return lax.map(functools.partial(look, env, level), chunks)

    return jax.tree.map(_flatten, lax.map(one, (level, motion)))


def _recall(rollout: Rollout) -> tuple[Array, ...]:
    """What a network with memory needs beside: the first memory `[blocks, W, units]`, and which steps cleared it `[blocks, L, W]`."""
    return (*batch_first(rollout.memory), rollout.terminated | rollout.truncated) if rollout.memory else ()


def _flatten(leaf: Array) -> Array:
    """`[blocks, L, W, ...]` -> `[samples, ...]`."""
    return leaf.reshape(-1, *leaf.shape[3:])


def _loss(params: Params, apply: Callable, config: PPOConfig, batch: Batch) -> tuple[Array, dict[str, Array]]:
    (policy, value, *_), dead = diagnostics.watched(apply, params, *batch.seen)
    gain = (batch.advantage - diagnostics.mean(batch.advantage)) / (diagnostics.spread(batch.advantage) + 1e-8)
    log_ratio = policy.log_prob(batch.action) - batch.proximal
    ratio, importance = jnp.exp(log_ratio), jnp.exp(batch.proximal - batch.log_prob)
    limited = jnp.clip(ratio, 1 - config.clip, 1 + config.clip)
    actor = -(importance * jnp.minimum(ratio * gain, limited * gain)).mean()
    target = batch.advantage + batch.value
    close = batch.value + jnp.clip(value - batch.value, -config.value_clip, config.value_clip)
    critic = 0.5 * jnp.maximum((value - target) ** 2, (close - target) ** 2).mean()
    entropy = policy.entropy().mean()
    total = actor + config.value_weight * critic - config.entropy_weight * entropy
    metrics = {
        "loss": total, "actor_loss": actor, "critic_loss": critic, "entropy": entropy,
        "kl": (importance * (ratio - 1 - log_ratio)).mean(), "clip_fraction": (jnp.abs(ratio - 1) > config.clip).mean(), "dead_units": dead,
    }  # fmt: skip
    return total, metrics


def _step(
    optimizer: optax.GradientTransformation, config: PPOConfig, now: TrainState, gradient: Array, metrics: dict[str, Array]
) -> tuple[TrainState, dict[str, Array]]:
    """One step down the gradient, a row; none, and nothing changed, if it is not finite."""
    before = row.join(now.params)
    changes, moments = optimizer.update(gradient, now.optimizer, before)
    metrics["gradient_norm"], metrics["update_norm"] = jnp.linalg.norm(gradient), jnp.linalg.norm(changes)
    metrics["learning_rate"] = optax.tree.get(moments, "learning_rate")
    fine = jnp.isfinite(metrics["loss"] + metrics["gradient_norm"] + metrics["update_norm"])
    keep = functools.partial(jnp.where, fine)
    params, moments = jax.tree.map(keep, (optax.apply_updates(before, changes), moments), (before, now.optimizer))
    params, skipped = row.split(params, now.params), jnp.where(fine, 0, now.skipped + 1)
    average = proximal.after(now.proximal, params, config.ewma_decay) if now.proximal else None
    average = jax.tree.map(keep, average, now.proximal)
    after = dataclasses.replace(now, params=params, optimizer=moments, skipped=skipped, proximal=average)
    # Counts as floats too: what is stacked over steps is one kind of array.
    return after, metrics | {"taken": fine.astype(jnp.float32), "in_a_row": skipped.astype(jnp.float32)}


def _of_steps(steps: dict[str, Array]) -> dict[str, Array]:
    """Metrics of all gradient steps: means over those that were taken, and how many were not."""
    taken, in_a_row = steps.pop("taken"), steps.pop("in_a_row")
    means = {name: jnp.where(taken > 0, value, 0.0).sum() / taken.sum() for name, value in steps.items()}
    return means | {"skipped_updates": (1 - taken).sum(), "skipped_in_a_row": in_a_row.max()}


def _of_rollout(reward: Array, value: Array, advantages: Array) -> dict[str, Array]:
    return {
        "reward": diagnostics.mean(reward),
        "advantage_spread": diagnostics.spread(advantages),
        "explained_variance": diagnostics.explained_variance(value, advantages),
    }
