"""One picture of many levels at their start, with their names and what the colours mean."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from envs import render
from envs.base import Level, Role
from physics.errors import InputError

MOST = 400  # levels in a picture
PLAIN = (255, 255, 255)
ENTRIES = [
    *[("square", render.ROLE_COLOURS[role], text) for role, text in (
        (Role.GREEN, "green: must touch blue"), (Role.BLUE, "blue: the goal"),
        (Role.RED, "red: green must not touch it"), (Role.NORMAL, "grey: anything else"),
    )],
    ("hatched", render.ROLE_COLOURS[Role.NORMAL], "hatched: immovable"),
    *[("disc", colour, f"motor, channel {channel}") for channel, colour in enumerate(render.MOTOR_COLOURS)],
    ("disc", render.AUTO_MOTOR, "motor that runs by itself"),
    ("disc", render.PASSIVE, "free joint"),
    ("small square", render.PASSIVE, "weld"),
    *[("flame", colour, f"thruster, channel {channel}") for channel, colour in enumerate(render.FLAME_COLOURS)],
]  # fmt: skip


def sheet(names: Sequence[str], levels: Sequence[Level], width: int, columns: int = 0) -> np.ndarray:
    """The picture `[H, W, 3]`; `columns` 0 makes it about square."""
    if not 0 < len(levels) <= MOST:
        raise InputError("levels to draw", found=len(levels), wanted=f"1 to {MOST}")
    if not render.SMALLEST <= width <= 2000:
        raise InputError("--width", found=width, wanted=f"{render.SMALLEST} to 2000 pixels")
    images = [render.render(level, level.start, size=width) for level in levels]
    columns = columns or math.ceil(math.sqrt(len(images)))
    page = render.sheet(images, columns, names)
    return np.concatenate([page, legend(page.shape[1])])


def legend(width: int) -> np.ndarray:
    """A strip `[H, width, 3]` that says what the colours mean, in as many rows as are needed."""
    size = 14
    font, line = ImageFont.load_default(size), 24
    places, x, y = [], 10, 6
    for _, _, text in ENTRIES:
        wide = size + 8 + int(font.getlength(text)) + 18
        if x > 10 and x + wide > width:
            x, y = 10, y + line
        places.append((x, y))
        x += wide
    page = Image.new("RGB", (width, y + line + 6), PLAIN)
    draw = ImageDraw.Draw(page)
    for (left, top), (kind, colour, text) in zip(places, ENTRIES, strict=True):
        _swatch(draw, kind, colour, left, top + (line - size) // 2, size)
        draw.text((left + size + 8, top + line / 2), text, render.INK, font, anchor="lm")
    return np.asarray(page)


def _swatch(draw: ImageDraw.ImageDraw, kind: str, colour: render.Colour, x: int, y: int, size: int) -> None:
    box = (x, y, x + size, y + size)
    if kind == "disc":
        draw.ellipse(box, colour, render.INK, 2)
    elif kind == "flame":
        draw.polygon([(x, y), (x + size, y), (x + size // 2, y + size)], colour, render.INK)
    elif kind == "small square":
        draw.rectangle((x + 2, y + 2, x + size - 2, y + size - 2), colour, render.INK, 2)
    else:
        draw.rectangle(box, colour, render.INK, 1)
    if kind == "hatched":
        for offset in range(4, 2 * size, 5):
            start, end = max(0, offset - size), min(offset, size)
            draw.line((x + start, y + end, x + end, y + start), render.INK)
