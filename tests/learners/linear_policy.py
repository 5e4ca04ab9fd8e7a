"""A linear policy over made-up states, twice: as the update takes it, and all of PPO's loss in numpy.

Holds no tests. Levels are two numbers a world and motions three, so that updates compile at once; the
numpy side is in double precision, so that its finite differences are gradients.
"""

import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from envs.actions import CHANNELS, CHOICES
from learners.base import Rollout
from learners.distributions import MAX_CHOICES, MultiDiscrete
from learners.ppo import PPOConfig

BLOCKS, LENGTH, BLOCK_WORLDS = 4, 8, 8
WORLDS, SAMPLES = BLOCKS * BLOCK_WORLDS, BLOCKS * LENGTH * BLOCK_WORLDS
FEATURES = 5
DRIVEN = np.array([True, True, False, True, True, False])
ALLOWED = (np.arange(MAX_CHOICES) < np.array(CHOICES)[:, None]) & (DRIVEN[:, None] | (np.arange(MAX_CHOICES) == 0))

Weights = dict[str, np.ndarray]


def _observe(level: jax.Array, motion: jax.Array) -> jax.Array:
    return jnp.concatenate([level, motion]).T


def _apply(params: Any, seen: jax.Array) -> tuple[MultiDiscrete, jax.Array]:
    outputs = seen @ params["actor"]
    return MultiDiscrete.of(outputs, None, jnp.broadcast_to(DRIVEN, (len(outputs), CHANNELS))), seen @ params["critic"]


ENV: Any = types.SimpleNamespace(observe=_observe)
NETWORK: Any = types.SimpleNamespace(apply=_apply)


def weights(seed: int, scale: float = 0.5) -> Weights:
    random = np.random.RandomState(seed)
    shapes = {"actor": (FEATURES, CHANNELS * MAX_CHOICES), "critic": (FEATURES,)}
    return {name: random.normal(0, scale, shape).astype(np.float32) for name, shape in shapes.items()}


def moved(by: float) -> Weights:
    """The weights that acted, and a step away from them."""
    return {name: leaf + by * weights(7, 1.0)[name] for name, leaf in weights(0).items()}


def judge(params: Weights, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log probabilities `[..., channels, choices]` and values, in double precision."""
    raw = (seen @ params["actor"].astype(np.float64)).reshape(*seen.shape[:-1], CHANNELS, MAX_CHOICES)
    raw = np.where(ALLOWED, raw, -np.inf)
    raw = raw - raw.max(-1, keepdims=True)
    return raw - np.log(np.exp(raw).sum(-1, keepdims=True)), seen @ params["critic"].astype(np.float64)


def seen(made: Rollout) -> np.ndarray:
    """What every sample saw, `[blocks, L, W, features]`."""
    level = np.broadcast_to(np.asarray(made.level)[:, None], (BLOCKS, LENGTH, 2, BLOCK_WORLDS))
    return np.moveaxis(np.concatenate([level, made.motion], axis=2), 2, -1).astype(np.float64)


def of_action(logs: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Log probability of actions `[blocks, L, channels, W]`."""
    return np.take_along_axis(logs, np.moveaxis(action, 2, -1)[..., None], axis=-1)[..., 0].sum(-1)


def rollout() -> Rollout:
    """What the linear policy with `weights(0)` might have done; episodes end now and then."""
    random, shape = np.random.RandomState(1), (BLOCKS, LENGTH, BLOCK_WORLDS)

    def normal(*size: int) -> np.ndarray:
        return random.normal(size=size).astype(np.float32)

    kind = random.rand(*shape)
    choices = [random.randint(0, count, shape) if on else np.zeros(shape, int) for count, on in zip(CHOICES, DRIVEN, strict=True)]
    made = Rollout(
        level=normal(BLOCKS, 2, BLOCK_WORLDS), motion=normal(BLOCKS, LENGTH, 3, BLOCK_WORLDS), action=np.stack(choices, 2).astype(np.int32),
        log_prob=None, value=None, reward=normal(*shape), terminated=kind < 0.1, truncated=(kind > 0.1) & (kind < 0.2),
        final_value=normal(*shape) * ((kind > 0.1) & (kind < 0.2)), last_value=normal(BLOCKS, BLOCK_WORLDS),
    )  # fmt: skip
    logs, value = judge(weights(0), seen(made))
    kept = {"log_prob": of_action(logs, made.action).astype(np.float32), "value": value.astype(np.float32)}
    return Rollout(**(vars(made) | kept))


def advantages(made: Rollout, config: PPOConfig) -> np.ndarray:
    """Generalised advantages, backwards in time."""
    found, following, value = np.zeros(made.reward.shape), 0.0, np.asarray(made.last_value, np.float64)
    for t in range(LENGTH - 1, -1, -1):
        end = made.terminated[:, t] | made.truncated[:, t]
        reached = np.where(made.terminated[:, t], 0, np.where(made.truncated[:, t], made.final_value[:, t], value))
        delta = made.reward[:, t] + config.discount * reached - made.value[:, t]
        following = delta + config.discount * config.trace * np.where(end, 0, following)
        found[:, t], value = following, made.value[:, t].astype(np.float64)
    return found


def loss(params: Weights, made: Rollout, config: PPOConfig) -> dict[str, float]:
    """The loss over the whole rollout and what it is made of: Schulman et al. (2017), and a clipped critic."""
    gain = advantages(made, config)
    target = gain + made.value
    explained = 1 - (gain**2).mean() / target.var()
    logs, value = judge(params, seen(made))
    gain = (gain - gain.mean()) / gain.std()
    ratio = np.exp(of_action(logs, made.action) - made.log_prob)
    actor = -np.minimum(ratio * gain, np.clip(ratio, 1 - config.clip, 1 + config.clip) * gain).mean()
    close = np.clip(value, made.value - config.value_clip, made.value + config.value_clip)
    critic = 0.5 * np.maximum((value - target) ** 2, (close - target) ** 2).mean()
    entropy = -np.where(ALLOWED, np.exp(logs) * np.where(ALLOWED, logs, 0), 0).sum((-2, -1)).mean()
    return {
        "loss": actor + config.value_weight * critic - config.entropy_weight * entropy,
        "actor_loss": actor, "critic_loss": critic, "entropy": entropy, "kl": (ratio - 1 - np.log(ratio)).mean(),
        "clip_fraction": (np.abs(ratio - 1) > config.clip).mean(), "explained_variance": explained,
    }  # fmt: skip


def gradient(params: Weights, made: Rollout, config: PPOConfig) -> Weights:
    """Of the loss, by central differences."""
    found = {name: np.zeros(leaf.shape) for name, leaf in params.items()}
    wide = {name: leaf.astype(np.float64) for name, leaf in params.items()}
    for name, leaf in wide.items():
        for place in np.ndindex(leaf.shape):
            sides = []
            for by in (1e-5, -1e-5):
                other = {**wide, name: leaf.copy()}
                other[name][place] += by
                sides.append(loss(other, made, config)["loss"])
            found[name][place] = (sides[0] - sides[1]) / 2e-5
    return found
