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
BLOCK = 16


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
    # Worlds first from here on, in blocks; within a block layers lead, for the loop.
    worlds = stack.radius.shape[-1]
    block = _block(worlds)
    blocks = jax.tree.map(lambda leaf: _blocked(leaf, block), stack)
    place, hatch = _points(resolution), jnp.asarray(_hatching(resolution))

    def one(layers: Layers) -> Array:
        paper = tuple(jnp.full((block, resolution, resolution), part / 255) for part in palette.PAPER)

        def over(image: tuple[Array, ...], layer: Layers) -> tuple[tuple[Array, ...], None]:
            return _over(image, layer, place, hatch, VIEW / resolution), None

        return jnp.stack(lax.scan(over, paper, layers)[0], axis=-1)

    return lax.map(one, blocks).reshape(worlds, resolution, resolution, 3)


def _block(worlds: int) -> int:
    """Worlds painted at a time: on a CPU so few that their pictures stay in its cache, elsewhere all."""
    if jax.default_backend() != "cpu":
        return worlds
    return max(size for size in range(1, BLOCK + 1) if worlds % size == 0)


def _blocked(leaf: Array, block: int) -> Array:
    """`[..., S, W]` -> `[blocks, S, ..., block, 1, 1]`."""
    split = leaf.reshape(*leaf.shape[:-1], leaf.shape[-1] // block, block)
    return jnp.moveaxis(split, (-2, -3), (0, 1))[..., None, None]


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
