"""Proximal policy optimisation: the update of one iteration.

The minibatch size is the setting and the number of minibatches follows, so that more worlds do not
change the inner loop. A minibatch holds whole trajectories of a random set of worlds, the same
number from every block. Observations are computed again from level and motion, which is far smaller
to keep. Schulman et al., "Proximal policy optimization algorithms" (2017).
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jax import lax

from envs.env import Env
from learners import advantage
from learners.base import Array, Params, Rollout, TrainState
from physics.errors import InputError
from physics.settings import setting, validate

DEVICES = "devices"  # name of the mesh axis that blocks are shared out over


@dataclasses.dataclass(frozen=True)
class PPOConfig:
    """Settings of the update."""

    minibatch_size: int = setting(2048, "samples of a gradient step; must divide worlds x rollout_length", least=1)
    epochs: int = setting(4, "passes over every rollout", least=1)
    discount: float = setting(0.995, "weight of a reward one step later", least=0, most=1)
    trace: float = setting(0.9, "lambda of the advantage estimate", least=0, most=1)
    clip: float = setting(0.2, "how far the policy may move from the one that acted", above=0)
    value_clip: float = setting(0.2, "how far the value may move in an update", above=0)
    value_weight: float = setting(0.5, "weight of the critic's loss", least=0)
    entropy_weight: float = setting(0.01, "weight of the entropy bonus", least=0)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)

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


def update(
    apply: Callable, optimizer: optax.GradientTransformation, env: Env, config: PPOConfig,
    state: TrainState, rollout: Rollout, key: Array,
) -> tuple[TrainState, dict[str, Array]]:  # fmt: skip
    """Learn from a rollout `[blocks, ...]`: (new state, metrics). Runs under `shard_map` over `DEVICES`."""
    blocks, length, worlds = rollout.reward.shape
    total_blocks = blocks * lax.axis_size(DEVICES)
    count = config.minibatches(worlds * total_blocks, length, total_blocks)
    advantages = jax.vmap(lambda r: advantage.estimate(r, config.discount, config.trace))(rollout)
    block_ids = lax.axis_index(DEVICES) * blocks + jnp.arange(blocks)

    def minibatch(now: tuple[Params, optax.OptState], order: Array) -> tuple[tuple[Params, optax.OptState], dict[str, Array]]:
        params, moments = now
        part, part_advantage = jax.vmap(_take_worlds)((rollout, advantages), order)
        (_, metrics), gradient = jax.value_and_grad(_loss, has_aux=True)(params, apply, env, config, part, part_advantage)
        gradient, metrics = lax.pmean((gradient, metrics), DEVICES)
        changes, moments = optimizer.update(gradient, moments, params)
        metrics["gradient_norm"] = optax.tree.norm(gradient)
        return (optax.apply_updates(params, changes), moments), metrics

    def epoch(now: tuple[Params, optax.OptState], key: Array) -> tuple[tuple[Params, optax.OptState], dict[str, Array]]:
        shuffle = jax.vmap(lambda block: jax.random.permutation(jax.random.fold_in(key, block), worlds))
        orders = shuffle(block_ids).reshape(blocks, count, worlds // count)
        return lax.scan(minibatch, now, jnp.swapaxes(orders, 0, 1))

    begin = (state.params, state.optimizer)
    (params, moments), metrics = lax.scan(epoch, begin, jax.random.split(key, config.epochs))
    metrics = jax.tree.map(jnp.mean, metrics)
    metrics["explained_variance"] = _explained_variance(rollout.value, advantages)
    return TrainState(params=params, optimizer=moments, updates=state.updates + 1), metrics


def _take_worlds(data: tuple[Rollout, Array], order: Array) -> tuple[Rollout, Array]:
    """The worlds `order` of one block."""
    return jax.tree.map(lambda leaf: jnp.take(leaf, order, axis=-1), data)


def _observe(env: Env, rollout: Rollout) -> Array:
    """Observations of every sample, flattened to one batch axis."""
    over_time = jax.vmap(env.observe, (None, 0))
    seen = jax.vmap(over_time)(rollout.level, rollout.motion)
    return jax.tree.map(_flatten, seen)


def _flatten(leaf: Array) -> Array:
    """`[blocks, L, W, ...]` -> `[samples, ...]`."""
    return leaf.reshape(-1, *leaf.shape[3:])


def _loss(
    params: Params, apply: Callable, env: Env, config: PPOConfig, rollout: Rollout, advantages: Array
) -> tuple[Array, dict[str, Array]]:
    policy, value = apply(params, _observe(env, rollout))
    kept = (jnp.moveaxis(rollout.action, 2, -1), rollout.log_prob, rollout.value, advantages)
    action, old_log_prob, old_value, gain = jax.tree.map(_flatten, kept)
    target = gain + old_value
    mean = lax.pmean(gain.mean(), DEVICES)
    spread = jnp.sqrt(lax.pmean(((gain - mean) ** 2).mean(), DEVICES))
    gain = (gain - mean) / (spread + 1e-8)
    log_ratio = policy.log_prob(action) - old_log_prob
    ratio = jnp.exp(log_ratio)
    limited = jnp.clip(ratio, 1 - config.clip, 1 + config.clip)
    actor = -jnp.minimum(ratio * gain, limited * gain).mean()
    close = old_value + jnp.clip(value - old_value, -config.value_clip, config.value_clip)
    critic = 0.5 * jnp.maximum((value - target) ** 2, (close - target) ** 2).mean()
    entropy = policy.entropy().mean()
    total = actor + config.value_weight * critic - config.entropy_weight * entropy
    metrics = {
        "loss": total, "actor_loss": actor, "critic_loss": critic, "entropy": entropy,
        "kl": (ratio - 1 - log_ratio).mean(), "clip_fraction": (jnp.abs(ratio - 1) > config.clip).mean(),
    }  # fmt: skip
    return total, metrics


def _explained_variance(value: Array, advantages: Array) -> Array:
    """Share of the variance of the targets that the critic foresaw; 1 is perfect, 0 no better than the mean."""
    target = value + advantages
    mean = lax.pmean(target.mean(), DEVICES)
    return 1 - lax.pmean((advantages**2).mean(), DEVICES) / (lax.pmean(((target - mean) ** 2).mean(), DEVICES) + 1e-8)
