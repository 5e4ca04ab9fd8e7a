"""Pictures for agents: the right colour in the right place, smooth, and like those for people."""

import functools
import math

import jax
import numpy as np
import pytest
from levels_for_tests import QUICK, batch

from envs import palette, render
from envs.base import Level, Role
from envs.build import LevelBuilder
from envs.observations import pixels
from envs.observations.pixels import VIEW
from envs.sizes import capacity
from physics.pytree import world

SIZE = 125
PIXEL = VIEW / SIZE  # m
BALL_RADIUS = 0.4
STEPS = 16
_observe = jax.jit(pixels.observe, static_argnames="resolution", compiler_options=QUICK)


def scene(shift: float = 0.0, angle: float = 0.0, channel: int = 0, fixed: bool = False, role: Role = Role.GREEN, thrust: int = 0) -> Level:
    """A ball, and a box that a motor wheel holds, far apart."""
    builder = LevelBuilder(capacity("s"))
    box = builder.box((3.5, 3.5), (0.6, 0.3), role=Role.BLUE)
    builder.circle((1.2 + shift, 1.5), BALL_RADIUS, angle=angle, role=role, fixed=fixed)
    wheel = builder.circle((3.9, 3.5), 0.2, role=Role.GREEN)
    builder.joint(box, wheel, (3.9, 3.5), motor=True, channel=channel)
    builder.thruster(box, (3.1, 3.2), math.pi / 2, channel=thrust)
    return builder.finish()


@functools.cache
def pictures() -> dict[str, np.ndarray]:
    made = {f"shift {i}": scene(shift=i * PIXEL / STEPS) for i in range(STEPS)}
    made |= {f"motor {channel}": scene(channel=channel) for channel in range(4)}
    made |= {f"flame {channel}": scene(thrust=channel) for channel in range(2)}
    made |= {role.name: scene(role=role) for role in Role if role != Role.GREEN}
    made |= {"fixed": scene(fixed=True), "turned": scene(angle=math.pi / 2)}
    levels = batch(list(made.values()))
    images = np.asarray(_observe(levels, levels.start, resolution=SIZE).image)
    return dict(zip(made, images, strict=False))


def at(image: np.ndarray, x: float, y: float) -> np.ndarray:
    """The colour (0 to 255) of a point of the room."""
    row, column = render.to_pixel((x, y), SIZE)
    return image[row, column] * 255


def close(found: np.ndarray, colour: tuple, within: float = 12) -> bool:
    return bool(np.abs(found - np.array(colour)).max() <= within)


def test_things_are_where_people_see_them():
    image = pictures()["shift 0"]
    assert image.shape == (SIZE, SIZE, 3)
    assert close(at(image, 2.5, 2.5), palette.PAPER, 1)
    assert close(at(image, 1.2, 1.7), palette.ROLE_COLOURS[Role.GREEN], 1)
    assert close(at(image, 3.3, 3.5), palette.ROLE_COLOURS[Role.BLUE], 1)


@pytest.mark.parametrize("role", [role for role in Role if role != Role.GREEN])
def test_roles_are_colours(role: Role):
    assert close(at(pictures()[role.name], 1.2, 1.7), palette.ROLE_COLOURS[role], 1)


def test_what_cannot_move_is_darker():
    free, fixed = (at(pictures()[name], 1.2, 1.7) for name in ("shift 0", "fixed"))
    assert np.all(fixed < 0.86 * free)
    assert at(pictures()["shift 0"], 2.5, 0.2).max() < 0.86 * 192, "the floor"


@pytest.mark.parametrize("channel", range(4))
def test_motors_have_the_colour_of_what_drives_them(channel: int):
    assert close(at(pictures()[f"motor {channel}"], 3.9, 3.5), palette.MOTOR_COLOURS[channel])


@pytest.mark.parametrize("channel", range(2))
def test_flames_have_the_colour_of_what_drives_them(channel: int):
    assert close(at(pictures()[f"flame {channel}"], 3.1, 3.2 - palette.NOZZLE_LENGTH - 0.03), palette.FLAME_COLOURS[channel], 30)


def test_a_turn_is_seen():
    assert not np.allclose(pictures()["turned"], pictures()["shift 0"], atol=0.1)
    difference = np.abs(pictures()["turned"] - pictures()["shift 0"]).max(-1)
    rows, columns = np.nonzero(difference > 0.02)
    x, y = (columns + 0.5) * PIXEL - palette.BORDER, 5 + palette.BORDER - (rows + 0.5) * PIXEL
    assert np.hypot(x - 1.2, y - 1.5).max() < BALL_RADIUS + PIXEL, "nothing else changes"


def test_a_motion_of_a_fraction_of_a_pixel_is_seen_and_moves_the_middle_by_it():
    """The middle of what is not paper moves evenly, as the coverage of pixels is a share and not yes or no."""
    middles, areas = [], []
    for i in range(STEPS):
        image = pictures()[f"shift {i}"]
        covered = (np.array(palette.PAPER) / 255 - image).sum(-1)
        window = covered[render.to_pixel((1, 2.2), SIZE)[0] : render.to_pixel((1, 0.8), SIZE)[0], 10:60]
        areas.append(window.sum())
        middles.append((window.sum(0) * np.arange(window.shape[1])).sum() / window.sum())
    steps = np.diff(middles) * STEPS
    np.testing.assert_allclose(steps, 1, atol=0.35)
    np.testing.assert_allclose(areas, areas[0], rtol=0.01)


def test_the_disc_covers_its_area():
    image = pictures()["RED"]
    away = np.abs(image - np.array(palette.PAPER) / 255).sum(-1) > 0.5 * np.abs(np.array([214, 66, 52]) - palette.PAPER).sum() / 255
    window = away[render.to_pixel((1, 2.2), SIZE)[0] : render.to_pixel((1, 0.8), SIZE)[0], 10:60]
    assert window.sum() * PIXEL**2 == pytest.approx(math.pi * (BALL_RADIUS + palette.OUTLINE / 2) ** 2, rel=0.05)


def test_pictures_are_like_those_for_people():
    level = scene(fixed=True)
    levels = batch([level])
    theirs = render.render(world(levels, 0), world(levels.start, 0), size=SIZE) / 255
    found = pictures()["fixed"]
    assert np.abs(found - theirs).mean() < 0.03
    plain = np.abs(np.array(palette.PAPER) / 255 - theirs).mean()
    assert np.abs(found - theirs).mean() < 0.2 * plain
