"""Pictures of one world for people: `render` draws a level as it stands, `sheet` tiles pictures.

It is here so that every level, solution and training run can be looked at. Roles are colours, what
cannot move is hatched, actuators carry the colour of the channel that drives them, and a thruster's
flame shows whether it fires. It draws with pillow on the CPU, far off the hot path; it is neither an
observation for an agent nor a writer of files (`envs.video`).
"""

import math
from collections.abc import Sequence

import jax
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from envs.base import Level, Role
from envs.palette import (
    AUTO_MOTOR,
    BORDER,
    FIXED_SHADE,
    FLAME_COLOURS,
    HATCH_GAP,
    HATCH_SHADE,
    HATCH_WIDTH,
    INK,
    JOINT_RADIUS,
    MOTOR_COLOURS,
    NOZZLE,
    NOZZLE_LENGTH,
    NOZZLE_MOUTH,
    NOZZLE_THROAT,
    OUTLINE,
    PAPER,
    PASSIVE,
    ROLE_COLOURS,
    Colour,
)
from physics.base import CEILING, FLOOR, ROOM_WIDTH, Bodies, Controls, Joints, Motion
from physics.errors import InputError

GRID: Colour = (238, 236, 229)
SUPERSAMPLE = 3
SMALLEST = 32  # pixels; below this nothing can be made out
VIEW = ROOM_WIDTH + 2 * BORDER  # m across the picture
ARROW_RADIUS, ARROW_WIDTH, ARROW_HEAD = 0.122, 0.03, 0.085  # m
ARROW_TURN = math.radians(225)
FLAME_STUB, FLAME_LENGTH = 0.075, 0.32
ROUND = 64  # corners of a drawn circle
UNIT_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, ROUND, False)), np.sin(np.linspace(0, 2 * np.pi, ROUND, False))], -1)


def render(level: Level, motion: Motion, *, controls: Controls | None = None, size: int = 480) -> np.ndarray:
    """The picture `[size, size, 3]` (uint8, RGB) of one world; without `controls` nothing is shown firing.

    `InputError` if `size` is too small; `ValueError` if the level still has an axis of worlds.
    """
    if size < SMALLEST:
        raise InputError("picture size", found=size, wanted=f"at least {SMALLEST} pixels")
    if np.ndim(motion.angle) != 1 or np.ndim(level.role) != 1:
        raise ValueError("render draws a single world: take one with physics.pytree.world")
    level, motion, controls = jax.device_get((level, motion, controls))
    canvas = _Canvas(size)
    _draw_room(canvas, np.asarray(level.wall_role))
    shown = _shown(level.scene.bodies, motion)
    for body in _painting_order(level.scene.bodies, shown):
        _draw_body(canvas, level, motion, int(body))
    _draw_thrusters(canvas, level, motion, shown, controls)
    _draw_joints(canvas, level, motion, shown, controls)
    return canvas.finish()


def to_pixel(point: Sequence[float], size: int = 480) -> tuple[int, int]:
    """(row, column) in a picture of `size` pixels at which the point (x, y) of the room (m) is drawn."""
    x, y = point
    return int((ROOM_WIDTH + BORDER - y) / VIEW * size), int((x + BORDER) / VIEW * size)


def sheet(images: Sequence[np.ndarray], columns: int, captions: Sequence[str] | None = None) -> np.ndarray:
    """One picture `[H, W, 3]` with the equally large `images` in rows of `columns`, each above its caption."""
    if columns < 1:
        raise InputError("columns of a sheet", found=columns, wanted="at least 1")
    if not images or len({image.shape for image in images}) > 1:
        raise ValueError("a sheet needs at least one picture, and all of one size")
    if captions is not None and len(captions) != len(images):
        raise ValueError(f"{len(captions)} captions for {len(images)} pictures")
    height, width, _ = images[0].shape
    gap, text_size = max(4, width // 24), max(10, width // 20)
    line = 0 if captions is None else round(1.9 * text_size)
    columns, rows = min(columns, len(images)), math.ceil(len(images) / columns)
    page = Image.new("RGB", (gap + columns * (width + gap), gap + rows * (height + line + gap)), PASSIVE)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(text_size)
    for place, image in enumerate(images):
        left, top = gap + place % columns * (width + gap), gap + place // columns * (height + line + gap)
        page.paste(Image.fromarray(image), (left, top))
        if captions is not None:
            text = _shortened(captions[place], font, width)
            draw.text((left + width / 2, top + height + line / 2), text, INK, font, anchor="mm")
    return np.asarray(page)


class _Canvas:
    """A large image addressed in metres, reduced at the end so that edges come out smooth."""

    def __init__(self, size: int) -> None:
        self.scale = size * SUPERSAMPLE / VIEW
        self.image = Image.new("RGB", (size * SUPERSAMPLE, size * SUPERSAMPLE), PAPER)
        self.draw = ImageDraw.Draw(self.image)

    def place(self, points: np.ndarray) -> list[tuple[float, float]]:
        """Room coordinates `[n, 2]` as positions on the large image."""
        x, y = (points[:, 0] + BORDER) * self.scale, (ROOM_WIDTH + BORDER - points[:, 1]) * self.scale
        return list(zip(x.tolist(), y.tolist(), strict=True))

    def width(self, metres: float) -> int:
        """A line's width, never thinner than a pixel of the final picture."""
        return max(SUPERSAMPLE, round(metres * self.scale))

    def fill(self, points: np.ndarray, colour: Colour) -> None:
        self.draw.polygon(self.place(points), fill=colour)

    def line(self, points: np.ndarray, colour: Colour = INK, width: float = OUTLINE) -> None:
        self.draw.line(self.place(points), colour, self.width(width), joint="curve")

    def outlined(self, points: np.ndarray, colour: Colour, width: float = OUTLINE) -> None:
        """A filled shape with a dark outline whose corners are rounded."""
        self.fill(points, colour)
        self.line(np.concatenate([points, points[:2]]), width=width)

    def disc(self, centre: np.ndarray, radius: float, colour: Colour | None) -> None:
        """A circle with a dark outline, and filled where there is a `colour`."""
        reach = radius * self.scale + self.width(OUTLINE) / 2
        x, y = self.place(centre[None])[0]
        self.draw.ellipse((x - reach, y - reach, x + reach, y + reach), colour, INK, self.width(OUTLINE))

    def finish(self) -> np.ndarray:
        return np.asarray(self.image.reduce(SUPERSAMPLE))


def _draw_room(canvas: _Canvas, wall_role: np.ndarray) -> None:
    for metre in range(1, math.ceil(ROOM_WIDTH)):
        canvas.line(np.array([(metre, 0.0), (metre, CEILING)]), GRID, 0.0)
        canvas.line(np.array([(0.0, FLOOR + metre), (ROOM_WIDTH, FLOOR + metre)]), GRID, 0.0)
    low, left, right, top = -BORDER, -BORDER, ROOM_WIDTH + BORDER, CEILING + BORDER
    bands = (  # floor, left, right, ceiling, in the order of walls; the first two corners are the inner edge
        ((right, FLOOR), (left, FLOOR), (left, low), (right, low)),
        ((0, FLOOR), (0, CEILING), (left, top), (left, FLOOR)),
        ((ROOM_WIDTH, CEILING), (ROOM_WIDTH, FLOOR), (right, FLOOR), (right, top)),
        ((0, CEILING), (ROOM_WIDTH, CEILING), (right, top), (left, top)),
    )
    for band, role in zip(bands, wall_role, strict=False):
        _draw_immovable(canvas, np.array(band, float), Role(int(role)))
    inner = np.array([(0, FLOOR), (0, CEILING), (ROOM_WIDTH, CEILING), (ROOM_WIDTH, FLOOR)], float)
    canvas.line(np.concatenate([inner, inner[:2]]))


def _shown(bodies: Bodies, motion: Motion) -> np.ndarray:
    """`[N]`: which bodies can be drawn. One whose position is no longer a number cannot."""
    return np.asarray(bodies.active) & np.isfinite(motion.angle) & np.isfinite(motion.pos).all(0)


def _painting_order(bodies: Bodies, shown: np.ndarray) -> np.ndarray:
    """Indices of the bodies to draw, from back to front: immovable ones, polygons, circles."""
    movable = np.asarray(bodies.inverse_mass) > 0
    order = np.argsort(movable, kind="stable")
    return order[shown[order]]


def _draw_body(canvas: _Canvas, level: Level, motion: Motion, body: int) -> None:
    bodies = level.scene.bodies
    polygons = bodies.vertices.shape[2]
    role = Role(int(level.role[body]))
    if body < polygons:
        corners = np.asarray(bodies.vertices)[:, : int(bodies.vertex_count[body]), body].T
    else:
        corners = UNIT_CIRCLE * float(bodies.radius[body - polygons])
    points = _to_world(corners, motion, body)
    if bodies.inverse_mass[body] > 0:
        canvas.fill(points, ROLE_COLOURS[role])
    else:
        _draw_immovable(canvas, points, role)
    if body < polygons:
        canvas.line(np.concatenate([points, points[:2]]))
    else:
        radius = float(bodies.radius[body - polygons])
        canvas.line(_to_world(np.array([(0.35 * radius, 0.0), (radius, 0.0)]), motion, body))
        canvas.disc(np.asarray(motion.pos)[:, body], radius, None)


def _draw_immovable(canvas: _Canvas, points: np.ndarray, role: Role) -> None:
    """A convex shape in the darker, hatched style of things that cannot move, without an outline."""
    colour = ROLE_COLOURS[role]
    canvas.fill(points, _shade(colour, FIXED_SHADE))
    across = points @ np.array([1.0, -1.0]) / math.sqrt(2)
    first, last = math.ceil(across.min() / HATCH_GAP), math.floor(across.max() / HATCH_GAP)
    for offset in np.arange(first, last + 1) * HATCH_GAP:
        ends = _cut(points, across - offset)
        if len(ends) >= 2:
            canvas.line(ends[:2], _shade(colour, HATCH_SHADE), HATCH_WIDTH)


def _cut(points: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Where the edges of a convex shape cross the line on which `heights [n]` is zero."""
    following, next_heights = np.roll(points, -1, 0), np.roll(heights, -1)
    crossing = (heights > 0) != (next_heights > 0)
    share = heights[crossing] / (heights - next_heights)[crossing]
    return points[crossing] + share[:, None] * (following - points)[crossing]


def _draw_thrusters(canvas: _Canvas, level: Level, motion: Motion, shown: np.ndarray, controls: Controls | None) -> None:
    thrusters = level.scene.thrusters
    for slot in np.flatnonzero(thrusters.active):
        body = int(thrusters.body[slot])
        if not shown[body]:
            continue
        fire = 0.0 if controls is None else min(max(float(controls.thruster[slot]), 0.0), 1.0)
        reach = FLAME_STUB + fire * FLAME_LENGTH * (0.7 + 0.3 * min(float(thrusters.power[slot]), 3.0))
        colour = FLAME_COLOURS[int(level.thruster_channel[slot]) % len(FLAME_COLOURS)]
        anchor = _to_world(np.asarray(thrusters.anchor)[:, slot][None], motion, body)[0]
        _draw_thruster(canvas, anchor, float(thrusters.angle[slot] + motion.angle[body]), reach, colour)


def _draw_thruster(canvas: _Canvas, anchor: np.ndarray, angle: float, reach: float, colour: Colour) -> None:
    """A nozzle at `anchor` that pushes towards `angle`, with a flame of length `reach` (m) behind it."""
    mouth = NOZZLE_MOUTH * 0.8
    bulge = np.array([(0.0, -mouth), (-0.35 * reach, -1.1 * mouth), (-reach, 0.0), (-0.35 * reach, 1.1 * mouth), (0.0, mouth)])
    exit_at = np.array([-NOZZLE_LENGTH, 0.0])
    canvas.outlined(_turned(bulge + exit_at, angle) + anchor, colour, 0.7 * OUTLINE)
    canvas.fill(_turned(bulge * (0.6, 0.5) + exit_at, angle) + anchor, _tint(colour, 0.6))
    nozzle = np.array([(0.0, NOZZLE_THROAT), (-NOZZLE_LENGTH, NOZZLE_MOUTH), (-NOZZLE_LENGTH, -NOZZLE_MOUTH), (0.0, -NOZZLE_THROAT)])
    canvas.outlined(_turned(nozzle, angle) + anchor, NOZZLE)


def _draw_joints(canvas: _Canvas, level: Level, motion: Motion, shown: np.ndarray, controls: Controls | None) -> None:
    joints = level.scene.joints
    present = np.concatenate([shown, np.ones(level.wall_role.shape[0], bool)])
    for slot in np.flatnonzero(joints.active & present[joints.body_a] & present[joints.body_b]):
        angle = float(motion.angle[joints.body_a[slot]]) if joints.body_a[slot] < len(shown) else 0.0
        at = _anchor(joints, motion, int(slot), len(shown))
        if joints.fixed[slot]:
            square = JOINT_RADIUS * np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
            canvas.outlined(_turned(square, angle) + at, PASSIVE)
        elif joints.motor[slot]:
            _draw_motor(canvas, at, _motor_colour(level, int(slot)), _turning(level, controls, int(slot)))
        else:
            canvas.disc(at, JOINT_RADIUS, PASSIVE)


def _anchor(joints: Joints, motion: Motion, slot: int, bodies: int) -> np.ndarray:
    """Where a joint is: the anchor on its first body, or on its second where the first is a wall."""
    body, anchor = joints.body_a[slot], np.asarray(joints.anchor_a)[:, slot]
    if body >= bodies:
        body, anchor = joints.body_b[slot], np.asarray(joints.anchor_b)[:, slot]
    return _to_world(anchor[None], motion, int(body))[0]


def _motor_colour(level: Level, slot: int) -> Colour:
    return AUTO_MOTOR if level.motor_auto[slot] else MOTOR_COLOURS[int(level.motor_channel[slot]) % len(MOTOR_COLOURS)]


def _turning(level: Level, controls: Controls | None, slot: int) -> int:
    """1 if the motor turns the lighter of its two bodies counter-clockwise, else -1.

    Without a control that drives it, the direction is that of full control.
    """
    joints, inverse_inertia = level.scene.joints, level.scene.bodies.inverse_inertia
    control = 1.0 if controls is None else float(controls.motor[slot]) or 1.0
    ease = np.concatenate([inverse_inertia, np.zeros(level.wall_role.shape[0], np.float32)])
    first_turns = ease[joints.body_a[slot]] > ease[joints.body_b[slot]]
    positive = (control * float(joints.motor_speed[slot]) >= 0) != first_turns
    return 1 if positive else -1


def _draw_motor(canvas: _Canvas, at: np.ndarray, colour: Colour, turning: int) -> None:
    """A ring with an arrow around it that points the way the motor turns."""
    steps = np.linspace(0.0, ARROW_TURN, 24) + math.radians(90) - ARROW_TURN / 2
    arc = ARROW_RADIUS * np.stack([np.cos(steps), np.sin(steps)], -1)
    bend = steps[-1] + 0.5 * ARROW_HEAD / ARROW_RADIUS  # the head follows the arc: it points along the chord
    tip = arc[-1] + ARROW_HEAD * np.array([-math.sin(bend), math.cos(bend)])
    out = 0.7 * ARROW_HEAD * np.array([math.cos(bend), math.sin(bend)])
    head, mirror = np.array([arc[-1] - out, tip, arc[-1] + out]), np.array([turning, 1.0])
    canvas.line(arc * mirror + at, INK, ARROW_WIDTH + 1.4 * OUTLINE)
    canvas.outlined(head * mirror + at, colour, 1.2 * OUTLINE)
    canvas.line(arc * mirror + at, colour, ARROW_WIDTH)
    canvas.fill(head * mirror + at, colour)
    canvas.disc(at, JOINT_RADIUS, colour)


def _to_world(points: np.ndarray, motion: Motion, body: int) -> np.ndarray:
    """Points `[n, 2]` of a body's frame in the room."""
    return _turned(points, float(motion.angle[body])) + np.asarray(motion.pos)[:, body]


def _turned(points: np.ndarray, angle: float) -> np.ndarray:
    cos, sin = math.cos(angle), math.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]])


def _shade(colour: Colour, share: float) -> Colour:
    """`colour` darkened to `share` of its brightness."""
    red, green, blue = (round(channel * share) for channel in colour)
    return red, green, blue


def _tint(colour: Colour, share: float) -> Colour:
    """`colour` brought the `share` of the way to white."""
    red, green, blue = (round(channel + (255 - channel) * share) for channel in colour)
    return red, green, blue


def _shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    """`text`, cut and ended with dots where it is wider than `width` pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."
