"""The level as a picture, in the colours of `envs.render`, painted on the device for all worlds at once.

Every shape covers each pixel by a share that follows from the pixel's distance to its edge, so that edges
are smooth and a body that moves by a tenth of a pixel is seen to. Shapes are painted over each other in
the order of their slots by one loop, whose body is compiled once however many slots there are. Speeds,
masses, materials, limits and strengths cannot be seen in it.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from envs import actions, palette
from envs.base import Array, Level
from envs.observations.layers import Layers, layers
from envs.observations.table import tame
from physics.base import ROOM_WIDTH, Motion
from physics.materialise import materialise
from physics.math2d import Vec

VIEW = ROOM_WIDTH + 2 * palette.BORDER  # m across the picture
SPOKE_START = 0.35  # of the radius
GRAVITY_BOUND = 20.0


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Pixels:
    """Batch first."""

    image: Array  # [B, rows from the top, columns, RGB] 0 to 1
    gravity: Array  # [B, 2] in 10 m/s2: it cannot be seen
    driven: Array  # [B, channels] whether a channel of the action drives anything


def observe(level: Level, motion: Motion, resolution: int = 125) -> Pixels:
    """Pictures of a batch of levels and motions."""
    return Pixels(
        image=paint(layers(level, motion), resolution),
        gravity=tame(level.scene.gravity.T / 10, GRAVITY_BOUND),
        driven=actions.driven(level),
    )


def paint(stack: Layers, resolution: int) -> Array:
    """`[B, resolution, resolution, 3]`: the layers over each other, the first one at the back."""
    # Worlds first from here on: rows of pixels are what is contiguous. Layers lead, for the loop.
    flat = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, -2, 0)[..., None, None], stack)
    worlds = flat.radius.shape[1]
    paper = tuple(jnp.full((worlds, resolution, resolution), part / 255) for part in palette.PAPER)
    place, hatch = _points(resolution), jnp.asarray(_hatching(resolution))

    def over(image: tuple[Array, ...], layer: Layers) -> tuple[tuple[Array, ...], None]:
        return _over(image, layer, place, hatch, VIEW / resolution), None

    image, _ = lax.scan(over, paper, flat)
    return jnp.stack(image, axis=-1)


def _over(image: tuple[Array, ...], layer: Layers, place: Vec, hatch: Array, pixel: float) -> tuple[Array, ...]:
    """One layer painted over what is there: in ink with its outline, then within it in its colour."""
    outer, inner = materialise(_coverage(layer, place, pixel))  # else once for every channel
    light = 1 - layer.hatch * hatch
    painted = []
    for part, below in enumerate(image):
        ink = palette.INK[part] / 255
        painted.append(below + outer * (ink - below) + inner * (layer.colour[part] * light - ink))
    return tuple(painted)


def _coverage(layer: Layers, place: Vec, pixel: float) -> tuple[Array, Array]:
    """Which share of each pixel `[B, rows, columns]` a layer covers: with its outline, and what of it is not ink."""
    away = place - layer.centre
    beyond = away.length() - layer.radius  # m outside of the edge; negative within
    for plane in range(layer.offset.shape[0]):
        beyond = jnp.maximum(beyond, layer.normal[plane].dot(place) - layer.offset[plane])
    along = layer.spoke.dot(away)
    beside = jnp.maximum(jnp.abs(layer.spoke.cross(away)) - layer.outline / 2, SPOKE_START * layer.radius - along)
    line = _share(beside, pixel) * (layer.spoke.dot(layer.spoke) > 0)
    half = layer.outline / 2
    return layer.shown * _share(beyond - half, pixel), layer.shown * _share(beyond + half, pixel) * (1 - line)


def _share(beyond: Array, pixel: float) -> Array:
    return jnp.clip(0.5 - beyond / pixel, 0.0, 1.0)


def _points(resolution: int) -> Vec:
    """Where the middles of pixels are in the room: a row and a column that broadcast."""
    middles = (np.arange(resolution, dtype=np.float32) + 0.5) * (VIEW / resolution)
    return Vec(jnp.asarray(middles - palette.BORDER)[None], jnp.asarray(ROOM_WIDTH + palette.BORDER - middles)[:, None])


def _hatching(resolution: int) -> np.ndarray:
    """Which share of each pixel is under the slanted lines that mark what cannot move."""
    middles = (np.arange(resolution) + 0.5) * (VIEW / resolution)
    across = (middles[None] + middles[:, None] - palette.BORDER - ROOM_WIDTH - palette.BORDER) / np.sqrt(2)
    gap, width = palette.HATCH_GAP, palette.HATCH_WIDTH
    beside = np.abs((across + gap / 2) % gap - gap / 2) - width / 2
    return np.clip(0.5 - beside * resolution / VIEW, 0.0, min(1.0, width * resolution / VIEW)).astype(np.float32)
