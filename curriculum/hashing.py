"""A level's name: 64 bits of all its numbers, the order of its slots included.

Every number is a word of 32 bits. Word `i` is mixed together with `i` by a one-to-one function, and the results
are added, so that levels which differ in a single number always differ in their hash. Levels that differ in
more collide with a chance of 2^-64. 0 and -0 are the same number.
"""

import jax
import jax.numpy as jnp
from jax import lax

from curriculum.base import Array
from envs.base import Level

STEPS = (0x9E3779B9, 0xC2B2AE3D)  # one a half: odd, so that no two places share an offset
MINUS_ZERO = 0x80000000
MIXES = ((0x85EBCA6B, 0xC2B2AE35), (0x7FEB352D, 0x846CA68B))


@jax.jit
def hash_levels(levels: Level) -> Array:
    """`[2, W]` uint32: the hash of every level."""
    words = jnp.concatenate([_words(leaf) for leaf in jax.tree.leaves(levels)])
    place = jnp.arange(1, words.shape[0] + 1, dtype=jnp.uint32)[:, None]
    halves = []
    for step, (first, second) in zip(STEPS, MIXES, strict=True):
        mixed = _mix(words + place * jnp.uint32(step), first, second)
        halves.append(_mix(mixed.sum(0, dtype=jnp.uint32), second, first))
    return jnp.stack(halves)


def same(a: Array, b: Array) -> Array:
    """Whether hashes `[2, ...]` are equal."""
    return (a[0] == b[0]) & (a[1] == b[1])


def _words(leaf: Array) -> Array:
    """`[numbers, W]` uint32: the bits of an array `[..., W]`."""
    if jnp.issubdtype(leaf.dtype, jnp.floating):
        bits = lax.bitcast_convert_type(leaf.astype(jnp.float32), jnp.uint32)
        leaf = jnp.where(bits == jnp.uint32(MINUS_ZERO), 0, bits)
    return leaf.astype(jnp.uint32).reshape(-1, leaf.shape[-1])


def _mix(word: Array, first: int, second: int) -> Array:
    """One to one on words; every bit in changes half of the bits out."""
    word = (word ^ (word >> 16)) * jnp.uint32(first)
    word = (word ^ (word >> 13)) * jnp.uint32(second)
    return word ^ (word >> 16)
