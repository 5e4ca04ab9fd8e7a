"""A linear policy over made-up states, twice: as the update takes it, and all of PPO's loss in numpy.

Holds no tests. Levels are two numbers a world and motions three, so that updates compile at once; the
numpy side is in double precision, so that its finite differences are gradients.
"""

import dataclasses
import functools
import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from cluster import mesh as meshes
from cluster.mesh import COPIED, SHARED
from cluster.roles.learner import Learner
from envs.actions import CHANNELS, CHOICES
from learners.base import Proximal, Rollout, TrainState
from learners.distributions import MAX_CHOICES, MultiDiscrete
from learners.ppo import PPOConfig

BLOCKS, LENGTH, BLOCK_WORLDS = 4, 8, 8
WORLDS, SAMPLES = BLOCKS * BLOCK_WORLDS, BLOCKS * LENGTH * BLOCK_WORLDS
FEATURES = 5
DRIVEN = np.array([True, True, False, True, True, False])
ALLOWED = (np.arange(MAX_CHOICES) < np.array(CHOICES)[:, None]) & (DRIVEN[:, None] | (np.arange(MAX_CHOICES) == 0))
MINIBATCHES, EPOCHS = 4, 2
WHOLE = PPOConfig(minibatch_size=SAMPLES, epochs=1, clip=0.3, value_clip=0.25, value_weight=0.7, entropy_weight=0.05, discount=0.95)
PARTS = dataclasses.replace(WHOLE, minibatch_size=SAMPLES // MINIBATCHES, epochs=EPOCHS)

Weights = dict[str, np.ndarray]


def _observe(level: jax.Array, motion: jax.Array) -> jax.Array:
    return jnp.concatenate([level, motion]).T


def _apply(params: Any, seen: jax.Array, mutable: Any = None) -> Any:
    outputs = seen @ params["actor"]
    said = MultiDiscrete.of(outputs, None, jnp.broadcast_to(DRIVEN, (len(outputs), CHANNELS))), seen @ params["critic"]
    return (said, {}) if mutable else said


ENV: Any = types.SimpleNamespace(observe=_observe)
NETWORK: Any = types.SimpleNamespace(apply=_apply)


def _descend(gradient: Weights, state: dict, _: object = None) -> tuple[Weights, dict]:
    return jax.tree.map(lambda leaf: -state["learning_rate"] * leaf, gradient), state


# Plain descent whose state is its rate, so that one compiled update serves every rate.
DESCENT = optax.GradientTransformation(lambda _: {"learning_rate": jnp.zeros(())}, _descend)


@functools.cache
def learner(config: PPOConfig, devices: int) -> Learner:
    return Learner(ENV, NETWORK, DESCENT, config, meshes.make(devices))


def begun(params: Weights, rate: float, near: Weights | None = None, weight: float = 1.0) -> TrainState:
    """Numpy leaves; with a proximal policy if `near` is given."""
    average = Proximal(params=near, weight=np.float32(weight)) if near else None
    optimizer = {"learning_rate": np.float32(rate)}
    return TrainState(params=params, optimizer=optimizer, updates=np.int32(5), skipped=np.int32(0), proximal=average)


def after(
    state: TrainState, config: PPOConfig = WHOLE, devices: int = 2, key: int = 0, made: Rollout | None = None
) -> tuple[TrainState, dict[str, float]]:
    """(new state, metrics) of an update from numpy leaves."""
    mesh = meshes.make(devices)
    placed = meshes.put(jax.tree.map(jnp.array, state), mesh, COPIED)
    shared = meshes.put(made or rollout(), mesh, SHARED)
    found, metrics = learner(config, devices).update(placed, shared, jax.random.key(key))
    assert int(found.updates) == 6
    return jax.tree.map(np.asarray, found), {name: float(value) for name, value in metrics.items()}


def update(params: Weights, rate: float, config: PPOConfig = WHOLE, devices: int = 2, key: int = 0) -> tuple[Weights, dict[str, float]]:
    """(new weights, metrics)."""
    state, metrics = after(begun(params, rate), config, devices, key)
    return state.params, metrics


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


def loss(params: Weights, made: Rollout, config: PPOConfig, near: Weights | None = None) -> dict[str, float]:
    """The loss over the whole rollout and what it is made of: Schulman et al. (2017), and a clipped critic.

    With a proximal policy `near` other than the one that acted: Hilton et al. (2022), equation 3.
    """
    gain = advantages(made, config)
    spread = gain.std()
    target = gain + made.value
    explained = 1 - (gain**2).mean() / target.var()
    logs, value = judge(params, seen(made))
    gain = (gain - gain.mean()) / gain.std()
    kept = made.log_prob if near is None else of_action(judge(near, seen(made))[0], made.action)
    ratio, importance = np.exp(of_action(logs, made.action) - kept), np.exp(kept - made.log_prob)
    actor = -(importance * np.minimum(ratio * gain, np.clip(ratio, 1 - config.clip, 1 + config.clip) * gain)).mean()
    close = np.clip(value, made.value - config.value_clip, made.value + config.value_clip)
    critic = 0.5 * np.maximum((value - target) ** 2, (close - target) ** 2).mean()
    entropy = -np.where(ALLOWED, np.exp(logs) * np.where(ALLOWED, logs, 0), 0).sum((-2, -1)).mean()
    return {
        "loss": actor + config.value_weight * critic - config.entropy_weight * entropy,
        "actor_loss": actor, "critic_loss": critic, "entropy": entropy, "kl": (importance * (ratio - 1 - np.log(ratio))).mean(),
        "clip_fraction": (np.abs(ratio - 1) > config.clip).mean(), "explained_variance": explained,
        "advantage_spread": spread, "dead_units": 0.0, "reward": made.reward.mean(),
    }  # fmt: skip


def gradient(params: Weights, made: Rollout, config: PPOConfig, near: Weights | None = None) -> Weights:
    """Of the loss, by central differences."""
    found = {name: np.zeros(leaf.shape) for name, leaf in params.items()}
    wide = {name: leaf.astype(np.float64) for name, leaf in params.items()}
    for name, leaf in wide.items():
        for place in np.ndindex(leaf.shape):
            sides = []
            for by in (1e-5, -1e-5):
                other = {**wide, name: leaf.copy()}
                other[name][place] += by
                sides.append(loss(other, made, config, near)["loss"])
            found[name][place] = (sides[0] - sides[1]) / 2e-5
    return found
