"""The policy's distribution: one independent choice a channel.

Logits are `[..., channels, choices]`, padded to the largest number of choices. A channel that drives
nothing always chooses 0, so it adds neither noise to the gradient nor to the entropy.
"""

import jax
import jax.numpy as jnp

from envs.actions import CHANNELS, CHOICES

Array = jax.Array

MAX_CHOICES = max(CHOICES)
IMPOSSIBLE = -1e9  # a logit that never wins, and still finite so that gradients are


def masked(logits: Array, driven: Array) -> Array:
    """Logits with impossible choices switched off; `driven [..., channels]`."""
    exists = jnp.array([[choice < count for choice in range(MAX_CHOICES)] for count in CHOICES])
    allowed = exists & (driven[..., None] | (jnp.arange(MAX_CHOICES) == 0))
    return jnp.where(allowed, logits, IMPOSSIBLE)


def sample(logits: Array, keys: Array) -> Array:
    """Actions `[B, channels]` from masked logits `[B, channels, choices]` with one key a world."""
    noise = jax.vmap(lambda key: jax.random.gumbel(key, (CHANNELS, MAX_CHOICES)))(keys)
    return jnp.argmax(logits + noise, axis=-1).astype(jnp.int32)


def greedy(logits: Array) -> Array:
    """The likeliest actions `[B, channels]`."""
    return jnp.argmax(logits, axis=-1).astype(jnp.int32)


def log_prob(logits: Array, action: Array) -> Array:
    """Log probability `[B]` of actions `[B, channels]`."""
    chosen = jax.nn.one_hot(action, MAX_CHOICES) * jax.nn.log_softmax(logits, axis=-1)
    return chosen.sum((-2, -1))


def entropy(logits: Array) -> Array:
    """Entropy `[B]` in nats, summed over channels."""
    logs = jax.nn.log_softmax(logits, axis=-1)
    return -(jnp.exp(logs) * jnp.maximum(logs, -50.0)).sum((-2, -1))
