"""The policy's distribution over actions: one class a kind of action of the environment.

A network's head makes one of what the network gave (`of`); nobody else looks inside. A channel that
drives nothing always does nothing, so it adds neither noise to the gradient nor to the entropy.
Everything is float32, batch first, and draws with one key a world.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import jax
import jax.numpy as jnp

from envs import actions
from envs.actions import CHANNELS, CHOICES
from envs.base import MOTOR_CHANNELS, THRUSTER_CHANNELS
from physics.errors import InputError

Array = jax.Array

MAX_CHOICES = max(CHOICES)
IMPOSSIBLE = -1e9  # a logit that never wins, and still finite so that gradients are
LEAST_LOG_STD, MOST_LOG_STD = -5.0, 1.0  # noise beyond the whole range of an action explores no better


class Distribution(Protocol):
    """What a policy is to those who act and learn by it. `action` is `[B, channels]`; `[B]` if discrete."""

    OUTPUTS: ClassVar[int]  # numbers that the network gives for an observation
    FREE: ClassVar[int]  # parameters that do not depend on the observation

    @classmethod
    def of(cls, outputs: Array, free: Array | None, driven: Array) -> Self:
        """From what the network gives, `[B, OUTPUTS]` and `[FREE]`, and which channels drive anything, `[B, channels]`."""
        ...

    def sample(self, keys: Array) -> Array:
        """Actions by chance, with one key a world."""
        ...

    def greedy(self) -> Array:
        """The likeliest actions."""
        ...

    def nothing(self) -> Array:
        """The actions that do nothing."""
        ...

    def log_prob(self, action: Array) -> Array:
        """Log probability (density, if continuous) of actions: `[B]`."""
        ...

    def entropy(self) -> Array:
        """Entropy in nats, `[B]`."""
        ...


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MultiDiscrete:
    """One independent choice a channel."""

    logits: Array  # [B, channels, choices], padded to the largest number of choices; of the possible ones finite

    OUTPUTS: ClassVar[int] = CHANNELS * MAX_CHOICES
    FREE: ClassVar[int] = 0

    @classmethod
    def of(cls, outputs: Array, free: Array | None, driven: Array) -> Self:
        """Choices that do not exist, or drive nothing, are switched off; 0 is always possible."""
        logits = outputs.reshape(*outputs.shape[:-1], CHANNELS, MAX_CHOICES)
        exists = jnp.array([[choice < count for choice in range(MAX_CHOICES)] for count in CHOICES])
        return cls(_only(exists & (driven[..., None] | (jnp.arange(MAX_CHOICES) == 0)), logits))

    def sample(self, keys: Array) -> Array:
        """Actions `[B, channels]`."""
        return _choose(self.logits, keys)

    def greedy(self) -> Array:
        """The likeliest actions `[B, channels]`."""
        return _likeliest(self.logits)

    def nothing(self) -> Array:
        """`[B, channels]`."""
        return actions.multi_discrete.nothing(self.logits.shape[0])

    def log_prob(self, action: Array) -> Array:
        """Of actions `[B, channels]`: `[B]`."""
        return _log_prob(self.logits, action).sum(-1)

    def entropy(self) -> Array:
        """Summed over channels, `[B]`."""
        return _entropy(self.logits).sum(-1)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Discrete:
    """One choice for the whole level."""

    logits: Array  # [B, choices]

    OUTPUTS: ClassVar[int] = actions.discrete.SPACE.n
    FREE: ClassVar[int] = 0

    @classmethod
    def of(cls, outputs: Array, free: Array | None, driven: Array) -> Self:
        """Choices of channels that drive nothing are switched off; doing nothing is always possible."""
        motors, thrusters = driven[..., :MOTOR_CHANNELS], driven[..., MOTOR_CHANNELS : MOTOR_CHANNELS + THRUSTER_CHANNELS]
        idle = jnp.ones((*driven.shape[:-1], 1), bool)
        return cls(_only(jnp.concatenate([jnp.repeat(motors, 2, axis=-1), idle, thrusters], axis=-1), outputs))

    def sample(self, keys: Array) -> Array:
        """Actions `[B]`."""
        return _choose(self.logits, keys)

    def greedy(self) -> Array:
        """The likeliest actions `[B]`."""
        return _likeliest(self.logits)

    def nothing(self) -> Array:
        """`[B]`."""
        return actions.discrete.nothing(self.logits.shape[0])

    def log_prob(self, action: Array) -> Array:
        """Of actions `[B]`: `[B]`."""
        return _log_prob(self.logits, action)

    def entropy(self) -> Array:
        """`[B]`."""
        return _entropy(self.logits)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Gaussian:
    """Independent normal numbers. The environment clips what it is given; probabilities are of what was drawn."""

    mean: Array  # [B, channels], 0 where nothing is driven
    log_std: Array  # [B, channels]
    driven: Array  # [B, channels]

    OUTPUTS: ClassVar[int] = CHANNELS
    FREE: ClassVar[int] = CHANNELS  # the log of the standard deviation, the same whatever is seen

    @classmethod
    def of(cls, outputs: Array, free: Array | None, driven: Array) -> Self:
        """Means are free; standard deviations stay where they make sense."""
        assert free is not None
        log_std = jnp.broadcast_to(jnp.clip(free, LEAST_LOG_STD, MOST_LOG_STD), outputs.shape)
        return cls(mean=jnp.where(driven, outputs, 0.0), log_std=log_std, driven=driven)

    def sample(self, keys: Array) -> Array:
        """Actions `[B, channels]`."""
        noise = _noise(jax.random.normal, keys, self.mean.shape[1:])
        return jnp.where(self.driven, self.mean + jnp.exp(self.log_std) * noise, 0.0)

    def greedy(self) -> Array:
        """The means `[B, channels]`."""
        return self.mean

    def nothing(self) -> Array:
        """`[B, channels]`."""
        return actions.continuous.nothing(self.mean.shape[0])

    def log_prob(self, action: Array) -> Array:
        """Log density of actions `[B, channels]`, not clipped, over the channels that drive anything: `[B]`."""
        away = (action - self.mean) * jnp.exp(-self.log_std)
        return jnp.where(self.driven, -0.5 * away**2 - self.log_std - 0.5 * math.log(2 * math.pi), 0.0).sum(-1)

    def entropy(self) -> Array:
        """Differential entropy over the channels that drive anything, `[B]`."""
        return jnp.where(self.driven, self.log_std + 0.5 * math.log(2 * math.pi * math.e), 0.0).sum(-1)


KINDS: dict[str, type[Distribution]] = {"multi_discrete": MultiDiscrete, "discrete": Discrete, "continuous": Gaussian}


def kind(action: str) -> type[Distribution]:
    """The distribution over a named kind of action."""
    if action not in KINDS:
        raise InputError("env.action", found=action, wanted="one of " + ", ".join(KINDS))
    return KINDS[action]


def _only(allowed: Array, logits: Array) -> Array:
    return jnp.where(allowed, logits, IMPOSSIBLE)


def _noise(draw: Callable[[Array, tuple[int, ...]], Array], keys: Array, shape: tuple[int, ...]) -> Array:
    return jax.vmap(lambda key: draw(key, shape))(keys)


def _choose(logits: Array, keys: Array) -> Array:
    """By chance, `[B, ...]` of `[B, ..., choices]`: the largest after Gumbel noise."""
    return _likeliest(logits + _noise(jax.random.gumbel, keys, logits.shape[1:]))


def _likeliest(logits: Array) -> Array:
    return jnp.argmax(logits, axis=-1).astype(jnp.int32)


def _log_prob(logits: Array, action: Array) -> Array:
    return (jax.nn.one_hot(action, logits.shape[-1]) * jax.nn.log_softmax(logits, axis=-1)).sum(-1)


def _entropy(logits: Array) -> Array:
    logs = jax.nn.log_softmax(logits, axis=-1)
    return -(jnp.exp(logs) * jnp.maximum(logs, -50.0)).sum(-1)
