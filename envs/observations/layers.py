"""A level as a stack of simple shapes, back to front: what `pixels` paints.

Every layer is a convex region: where all its half-planes and its disc hold. So walls, polygons, circles,
joints and thrusters are one kind of thing, and one small program paints them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from envs import palette
from envs.base import Array, Level
from physics.base import CEILING_WALL, FLOOR_WALL, LEFT_WALL, RIGHT_WALL, WALL_NORMALS, WALL_OFFSETS, Motion
from physics.math2d import Vec, reciprocal

PLANES = 4
FAR = 1e3  # m
MOTOR_RADIUS = 0.085  # m; larger than a joint that nothing drives, so that its colour is seen
FLAME = ((0.0, 0.085), (-0.18, 0.0), (0.0, -0.085))  # m, behind the nozzle, which pushes to the right
NOZZLE = (
    (0.0, palette.NOZZLE_THROAT), (-palette.NOZZLE_LENGTH, palette.NOZZLE_MOUTH),
    (-palette.NOZZLE_LENGTH, -palette.NOZZLE_MOUTH), (0.0, -palette.NOZZLE_THROAT),
)  # fmt: skip
SQUARE = tuple((x * palette.JOINT_RADIUS, y * palette.JOINT_RADIUS) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)))
HATCH = 1 - palette.HATCH_SHADE / palette.FIXED_SHADE
WALL_ORDER = (LEFT_WALL, RIGHT_WALL, CEILING_WALL, FLOOR_WALL)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Layers:
    """`S` layers of every world. A point p is inside where normal . p <= offset for all planes and |p - centre| <= radius."""

    normal: Vec  # [planes, S, W]
    offset: Array  # [planes, S, W]
    centre: Vec  # [S, W]
    radius: Array  # [S, W]
    spoke: Vec  # [S, W] the direction of a line from near the centre to the rim; zero for none
    colour: Array  # [3, S, W] 0 to 1
    hatch: Array  # [S, W] by how much hatching darkens it
    outline: Array  # [S, W] width, m
    shown: Array  # [S, W] 0 or 1


def layers(level: Level, motion: Motion) -> Layers:
    """All that is to be painted: room, polygons, circles, thrusters, joints."""
    finite = jnp.isfinite(motion.angle) & jnp.isfinite(motion.pos).all(0)
    shown = level.scene.bodies.active & finite
    pos = Vec(jnp.where(shown, motion.pos[0], 0.0), jnp.where(shown, motion.pos[1], 0.0))
    angle = jnp.where(shown, motion.angle, 0.0)
    parts = [_room(level), _polygons(level, pos, angle, shown), _circles(level, pos, angle, shown)]
    parts += [*_thrusters(level, pos, angle, shown), _joints(level, pos, angle, shown)]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves, axis=-2), *parts)


def _layer(
    shown: Array, colour: Array, *, corners: Vec | None = None, centre: Vec | None = None, radius: Array | float = FAR,
    spoke: Vec | None = None, hatch: Array | float = 0.0, outline: float = palette.OUTLINE,
) -> Layers:  # fmt: skip
    """Layers `[S, W]`; without corners no plane bounds them, without a radius no disc does."""
    nowhere = jnp.zeros(shown.shape)
    zero = Vec(nowhere, nowhere)
    normal, offset = _open(shown) if corners is None else _planes(corners)
    return Layers(
        normal=normal, offset=offset, centre=centre or zero, radius=nowhere + radius, spoke=spoke or zero,
        colour=colour, hatch=nowhere + hatch, outline=nowhere + outline, shown=shown.astype(jnp.float32),
    )  # fmt: skip


def _open(shown: Array) -> tuple[Vec, Array]:
    nowhere = jnp.zeros((PLANES, *shown.shape))
    return Vec(nowhere, nowhere), nowhere + FAR


def _planes(corners: Vec) -> tuple[Vec, Array]:
    """Faces of counter-clockwise `corners [V, S, W]`; one of no length bounds nothing."""
    along = Vec(jnp.roll(corners.x, -1, 0), jnp.roll(corners.y, -1, 0)) - corners
    length = along.length()
    normal = Vec(along.y, -along.x) * reciprocal(length)
    return normal, jnp.where(length > 0, normal.dot(corners), FAR)


def _shade(role: Array, immovable: Array) -> tuple[Array, Array]:
    """Colours `[3, ...]` of roles, and their hatching."""
    factor = jnp.where(immovable, palette.FIXED_SHADE, 1.0)
    return _pick(role, list(palette.ROLE_COLOURS.values())) * factor, jnp.where(immovable, HATCH, 0.0)


def _pick(index: Array, colours: Sequence[palette.Colour]) -> Array:
    """`colours[index]`, `[3, ...]`, by selection; counted round where there are fewer."""
    chosen = jnp.zeros((3, *index.shape))
    for i, colour in enumerate(colours):
        value = (jnp.array(colour) / 255).reshape(3, *[1] * index.ndim)
        chosen = jnp.where(index % len(colours) == i, value, chosen)
    return chosen


def _room(level: Level) -> Layers:
    """Four half-planes; the floor comes last and runs through."""
    role = jnp.stack([level.wall_role[wall] for wall in WALL_ORDER])
    colour, hatch = _shade(role, jnp.ones_like(role, bool))
    made = _layer(jnp.ones_like(role, bool), colour, hatch=hatch)
    normals = jnp.array([WALL_NORMALS[wall] for wall in WALL_ORDER])
    offsets = jnp.array([WALL_OFFSETS[wall] for wall in WALL_ORDER])
    zeros = jnp.zeros((PLANES, *role.shape))
    normal = Vec(zeros + normals[:, :1], zeros + normals[:, 1:])
    return Layers(**(vars(made) | {"normal": normal, "offset": zeros + offsets[:, None]}))


def _polygons(level: Level, pos: Vec, angle: Array, shown: Array) -> Layers:
    bodies = level.scene.bodies
    count = bodies.vertices.shape[2]
    colour, hatch = _shade(level.role[:count], bodies.inverse_mass[:count] == 0)
    corners = _placed(Vec.of(bodies.vertices), pos[:count], angle[:count])
    return _layer(shown[:count], colour, corners=corners, hatch=hatch)


def _circles(level: Level, pos: Vec, angle: Array, shown: Array) -> Layers:
    bodies = level.scene.bodies
    count = bodies.vertices.shape[2]
    colour, hatch = _shade(level.role[count:], bodies.inverse_mass[count:] == 0)
    spoke = Vec(jnp.cos(angle[count:]), jnp.sin(angle[count:]))
    return _layer(shown[count:], colour, centre=pos[count:], radius=bodies.radius, spoke=spoke, hatch=hatch)


def _placed(points: Vec, at: Vec, angle: Array) -> Vec:
    return points.turned(jnp.cos(angle), jnp.sin(angle)) + at


def _drawn(points: Sequence[tuple[float, float]], at: Vec, angle: Array) -> Vec:
    """A fixed outline at many places, `[PLANES, S, W]`; missing corners repeat the first."""
    full = jnp.array([*points, *[points[0]] * (PLANES - len(points))])[..., None, None]
    return _placed(Vec(full[:, 0], full[:, 1]), at, angle)


def _read(index: Array, values: Array) -> Array:
    """`values[index]`, and 0 for walls, by selection."""
    return sum((jnp.where(index == n, values[n], 0) for n in range(values.shape[0])), jnp.zeros(index.shape, values.dtype))


def _anchored(body: Array, anchor: Array, pos: Vec, angle: Array) -> tuple[Vec, Array]:
    """Points `[S, W]` fixed to bodies, and the bodies' angles."""
    turned = _read(body, angle)
    return _placed(Vec.of(anchor), Vec(_read(body, pos.x), _read(body, pos.y)), turned), turned


def _thrusters(level: Level, pos: Vec, angle: Array, shown: Array) -> list[Layers]:
    """Flames in the colours of their channels, then nozzles."""
    made = level.scene.thrusters
    at, turned = _anchored(made.body, made.anchor, pos, angle)
    facing = turned + made.angle
    drawn = made.active & (_read(made.body, shown.astype(jnp.int32)) > 0)
    flame = [(x - palette.NOZZLE_LENGTH, y) for x, y in FLAME]
    nozzle = jnp.broadcast_to(jnp.array(palette.NOZZLE)[:, None, None] / 255, (3, *drawn.shape))
    return [
        _layer(drawn, _pick(level.thruster_channel, palette.FLAME_COLOURS), corners=_drawn(flame, at, facing), outline=0.0),
        _layer(drawn, nozzle, corners=_drawn(NOZZLE, at, facing)),
    ]


def _joints(level: Level, pos: Vec, angle: Array, shown: Array) -> Layers:
    """Squares where fixed, else discs in the colour of what drives them."""
    made, count = level.scene.joints, level.role.shape[0]
    on_wall = made.body_a >= count
    body, anchor = jnp.where(on_wall, made.body_b, made.body_a), jnp.where(on_wall, made.anchor_b, made.anchor_a)
    at, turned = _anchored(body, anchor, pos, angle)
    there = [(end >= count) | (_read(end, shown.astype(jnp.int32)) > 0) for end in (made.body_a, made.body_b)]
    motor = made.motor & ~made.fixed
    colour = jnp.where(
        motor & ~level.motor_auto, _pick(level.motor_channel, palette.MOTOR_COLOURS),
        jnp.where(motor, _pick(jnp.zeros_like(level.motor_channel), [palette.AUTO_MOTOR]), 1.0),
    )  # fmt: skip
    square = _layer(made.active & there[0] & there[1], colour, corners=_drawn(SQUARE, at, turned))
    normal, offset = _open(made.active)
    return Layers(**(vars(square) | {
        "normal": Vec(jnp.where(made.fixed, square.normal.x, normal.x), jnp.where(made.fixed, square.normal.y, normal.y)),
        "offset": jnp.where(made.fixed, square.offset, offset),
        "centre": at,
        "radius": jnp.where(made.fixed, FAR, jnp.where(motor, MOTOR_RADIUS, palette.JOINT_RADIUS)),
    }))  # fmt: skip
