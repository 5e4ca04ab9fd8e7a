"""What the agent sees. The functions here are the one place that turns worlds-last into batch-first.

A kind is a pure function of level and motion, so that a learner that kept motion alone can observe again.
Kinds with `kinetix_` in front have the features of that benchmark in its order.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from envs.base import Level
from envs.observations import blind, entities, flat, flat_padded, pixels, relations
from envs.observations.kinetix import entities as kinetix_entities
from envs.observations.kinetix import flat as kinetix_flat
from envs.spaces import Box, Space, Struct
from physics.base import Capacity, Motion
from physics.errors import InputError
from physics.pytree import zeros

Observation = Any  # a dataclass of batch-first arrays
Observe = Callable[[Level, Motion], Observation]

KINDS: dict[str, Observe] = {
    "entities": entities.observe,
    "related_entities": relations.observe,
    "flat": flat.observe,
    "flat_padded": flat_padded.observe,
    "pixels": pixels.observe,
    "blind": blind.observe,
    "kinetix_entities": kinetix_entities.observe,
    "kinetix_flat": kinetix_flat.observe,
    "kinetix_flat_padded": kinetix_flat.observe_padded,
}
RANGES: dict[str, tuple[float, float]] = {  # of the features; the rest lies within `entities.BOUND`
    "pixels": (0.0, 1.0),
    "blind": (0.0, 0.0),
    "kinetix_entities": (-math.inf, math.inf),
    "kinetix_flat": (-kinetix_flat.BOUND, kinetix_flat.BOUND),
    "kinetix_flat_padded": (-kinetix_flat.BOUND, kinetix_flat.BOUND),
}
RESOLUTION = 125  # pixels a side


def observer(kind: str, resolution: int = RESOLUTION) -> Observe:
    """The observation function of a named kind; `resolution` is for pixels alone."""
    if kind not in KINDS:
        raise InputError("observation", found=kind, wanted="one of " + ", ".join(KINDS))
    return functools.partial(pixels.observe, resolution=resolution) if kind == "pixels" else KINDS[kind]


def observation_space(kind: str, capacity: Capacity, resolution: int = RESOLUTION) -> Struct:
    """What one world's observation of a kind may be. Nothing is computed: only shapes are worked out."""
    level, motion = (zeros(struct, worlds=1, **capacity.dims) for struct in (Level, Motion))
    seen = jax.eval_shape(observer(kind, resolution), level, motion)
    low, high = RANGES.get(kind, (-entities.BOUND, entities.BOUND))

    def part(name: str, leaf: Any) -> Space:
        shape = leaf.shape[1:]
        if leaf.dtype == bool:
            return Box(shape, 0, 1, bool)
        if np.issubdtype(leaf.dtype, np.integer):
            return Box(shape, 0, capacity.bodies + capacity.walls - 1, leaf.dtype)
        bounds = (-pixels.GRAVITY_BOUND, pixels.GRAVITY_BOUND) if name == "gravity" else (low, high)
        return Box(shape, *bounds, leaf.dtype)

    return Struct({name: part(name, leaf) for name, leaf in vars(seen).items()})
