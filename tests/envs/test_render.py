"""Pictures show what is there, where it is, and files of them are whole."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from envs import video
from envs.base import Level, Role
from envs.build import LevelBuilder
from envs.render import FLAME_COLOURS, MOTOR_COLOURS, PAPER, ROLE_COLOURS, render, sheet, to_pixel
from envs.sizes import capacity
from physics.base import Controls, Motion
from physics.errors import InputError
from physics.pytree import stack

BOX, BALL, GOAL = 0, 1, 2  # body indices of the level below, size s


def make_level(**box: object) -> Level:
    builder = LevelBuilder(capacity("s"))
    chassis = builder.box((1.5, 2.0), (0.4, 0.2), role=Role.NORMAL, **box)
    ball = builder.circle((1.5, 1.2), 0.3, angle=math.pi / 2, role=Role.GREEN)
    builder.circle((4.0, 3.0), 0.4, role=Role.BLUE)
    builder.joint(chassis, ball, (1.4, 2.0), motor=True, channel=2)
    builder.thruster(chassis, (1.9, 2.0), math.pi, power=1.0, channel=1)  # pushes left, so the flame is at the right
    builder.wall("floor", Role.RED)
    return jax.tree.map(jnp.asarray, builder.finish())


def colour_at(image: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    return tuple(int(value) for value in image[to_pixel((x, y), len(image))])


def driven(motor: float = 0.0, thruster: float = 0.0) -> Controls:
    return Controls(motor=jnp.array([motor]), thruster=jnp.array([thruster]))


def with_bodies(level: Level, **changes: object) -> Level:
    bodies = dataclasses.replace(level.scene.bodies, **changes)
    return dataclasses.replace(level, scene=dataclasses.replace(level.scene, bodies=bodies))


def turned(motion: Motion, body: int, by: float) -> Motion:
    return dataclasses.replace(motion, angle=motion.angle.at[body].add(by))


@pytest.mark.parametrize("size", [240, 480])
def test_roles_have_their_colours_where_the_bodies_are(size: int):
    level = make_level()
    image = render(level, level.start, size=size)
    assert image.shape == (size, size, 3)
    assert image.dtype == np.uint8
    assert colour_at(image, 1.5, 1.2) == ROLE_COLOURS[Role.GREEN]
    assert colour_at(image, 4.0, 3.0) == ROLE_COLOURS[Role.BLUE]
    assert colour_at(image, 1.75, 2.1) == ROLE_COLOURS[Role.NORMAL]
    assert colour_at(image, 2.5, 4.1) == PAPER


def test_walls_have_their_colours_all_around_the_room():
    level = dataclasses.replace(make_level(), wall_role=jnp.array([Role.RED, Role.GREEN, Role.BLUE, Role.NORMAL]))
    image = render(level, level.start).astype(int)
    places = {Role.RED: (2.5, 0.2), Role.GREEN: (-0.07, 2.5), Role.BLUE: (5.07, 2.5), Role.NORMAL: (2.5, 5.07)}
    for role, (x, y) in places.items():
        row, column = to_pixel((x, y))
        shown = image[row - 3 : row + 4, column - 3 : column + 4].mean((0, 1))
        shown = shown / shown.sum()  # walls are darker, but of the same hue
        distance = {other: np.abs(shown - np.array(c) / sum(c)).sum() for other, c in ROLE_COLOURS.items()}
        assert min(distance, key=distance.__getitem__) == role


def test_an_immovable_body_looks_darker_and_hatched():
    free, fixed = (render(level, level.start) for level in (make_level(), make_level(fixed=True)))
    row, column = to_pixel((1.7, 2.0))
    window = slice(row - 8, row + 9), slice(column - 4, column + 5)
    assert len(np.unique(free[window].reshape(-1, 3), axis=0)) == 1
    assert len(np.unique(fixed[window].reshape(-1, 3), axis=0)) > 3
    assert fixed[window].mean() < 0.9 * free[window].mean()


def test_what_is_inactive_does_not_appear():
    level = make_level()
    gone = with_bodies(level, active=jnp.zeros(3, bool))
    empty = render(gone, gone.start, controls=driven(1.0, 1.0))
    inside = empty[: to_pixel((0, 0.5))[0], to_pixel((0.05, 0))[1] : to_pixel((4.95, 0))[1]][to_pixel((0, 4.95))[0] :]
    assert inside.min() > 200  # neither bodies, nor the joint and the thruster that hang on them
    other = with_bodies(level, active=level.scene.bodies.active.at[BALL].set(False))
    assert colour_at(render(other, other.start), 1.5, 1.2) == PAPER
    assert colour_at(render(other, other.start), 4.0, 3.0) == ROLE_COLOURS[Role.BLUE]


def test_a_body_without_a_finite_position_is_left_out():
    level = make_level()
    broken = dataclasses.replace(level.start, pos=level.start.pos.at[:, BALL].set(jnp.nan))
    image = render(level, broken)
    assert colour_at(image, 1.5, 1.2) == PAPER
    assert colour_at(image, 4.0, 3.0) == ROLE_COLOURS[Role.BLUE]


def test_rotation_is_seen_on_a_circle_and_on_a_box():
    level = make_level()
    still = render(level, level.start)
    rolled = render(level, turned(level.start, GOAL, math.pi / 2))
    assert min(colour_at(still, 4.3, 3.0)) < 60  # the radius line points right ...
    assert colour_at(rolled, 4.3, 3.0) == ROLE_COLOURS[Role.BLUE]  # ... and after a quarter turn up
    assert min(colour_at(rolled, 4.0, 3.3)) < 60
    upright = render(level, turned(level.start, BOX, math.pi / 2))
    assert colour_at(still, 1.5, 2.35) == PAPER
    assert colour_at(upright, 1.5, 2.35) == ROLE_COLOURS[Role.NORMAL]


def test_a_firing_thruster_has_a_long_flame_opposite_to_its_push():
    level = make_level()
    stub, firing = render(level, level.start), render(level, level.start, controls=driven(thruster=1.0))
    assert np.array_equal(stub, render(level, level.start, controls=driven()))
    rows, columns = np.nonzero((stub != firing).any(-1))
    top, left = to_pixel((1.95, 2.15))
    bottom, right = to_pixel((2.55, 1.85))
    assert top <= rows.min() <= rows.max() <= bottom
    assert left <= columns.min() <= columns.max() <= right
    assert columns.max() - columns.min() > 15
    assert (firing == FLAME_COLOURS[1]).all(-1).sum() > (stub == FLAME_COLOURS[1]).all(-1).sum() + 20


def test_a_motor_shows_its_channel_and_which_way_it_turns():
    level = make_level()
    forward, backward = (render(level, level.start, controls=driven(motor)) for motor in (1.0, -1.0))
    assert colour_at(forward, 1.4, 2.0) == MOTOR_COLOURS[2]
    assert np.array_equal(forward, render(level, level.start))
    rows, columns = np.nonzero((forward != backward).any(-1))
    row, column = to_pixel((1.4, 2.0))
    assert len(rows)
    assert max(np.abs(rows - row).max(), np.abs(columns - column).max()) < 25
    head = to_pixel((1.28, 1.93)), to_pixel((1.52, 1.93))  # of a counter-clockwise and of a clockwise arrow
    assert tuple(forward[head[0]]) == tuple(backward[head[1]]) == MOTOR_COLOURS[2]
    assert tuple(forward[head[1]]) != MOTOR_COLOURS[2]


def test_bad_arguments_are_refused():
    level = make_level()
    with pytest.raises(InputError, match="picture size"):
        render(level, level.start, size=8)
    with pytest.raises(ValueError, match="single world"):
        render(stack([level]), stack([level.start]))


def test_a_sheet_holds_every_picture_and_its_caption():
    images = [np.full((48, 48, 3), value, np.uint8) for value in (10, 90, 170)]
    plain, captioned = sheet(images, 2), sheet(images, 2, ["one", "two", "three and far too long to fit"])
    assert plain.shape[1] == captioned.shape[1]
    assert captioned.shape[0] > plain.shape[0]
    for value in (10, 90, 170):
        assert (plain == value).all(-1).sum() == 48 * 48
    with pytest.raises(InputError, match="columns"):
        sheet(images, 0)
    with pytest.raises(ValueError, match="captions"):
        sheet(images, 2, ["one"])


def make_frames(count: int = 5, height: int = 32, width: int = 48) -> list[np.ndarray]:
    frames = np.full((count, height, width, 3), 250, np.uint8)
    for i in range(count):
        frames[i, 4:12, 6 * i : 6 * i + 6] = (200, 40, 40)
    return list(frames)


def test_a_gif_comes_back_as_it_was_written(tmp_path):
    frames, path = make_frames(), tmp_path / "new" / "clip.gif"
    video.save_gif(frames, path, fps=30)
    with Image.open(path) as clip:
        assert (clip.n_frames, clip.size, clip.info["loop"]) == (5, (48, 32), 0)
        durations = []
        for i, frame in enumerate(frames):
            clip.seek(i)
            durations.append(clip.info["duration"])
            assert np.abs(np.asarray(clip.convert("RGB")).astype(int) - frame).max() <= 8
    assert sum(durations) == 170  # 5 / 30 s to the nearest hundredth
    assert [file.name for file in path.parent.iterdir()] == ["clip.gif"]


def test_a_colour_of_one_frame_alone_survives_in_a_gif(tmp_path):
    level = make_level()
    still = render(level, level.start, size=240)
    frames = [video.overlay(still, f"step {i}") for i in range(20)]
    frames[7] = render(level, level.start, controls=driven(thruster=1.0), size=240)
    video.save_gif(frames, tmp_path / "clip.gif", 30)
    with Image.open(tmp_path / "clip.gif") as clip:
        clip.seek(7)
        shown = np.asarray(clip.convert("RGB")).astype(int)
    flame = (frames[7] == FLAME_COLOURS[1]).all(-1) & (frames[6] != frames[7]).any(-1)
    assert flame.sum() > 5
    assert np.abs(shown - frames[7])[flame].max() <= 16


def test_a_png_comes_back_as_it_was_written(tmp_path):
    frame = make_frames(1)[0]
    video.save_png(frame, tmp_path / "frame.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "frame.png")), frame)


@pytest.mark.parametrize("fps", [0, -1, 60, math.nan])
def test_a_gif_with_an_impossible_speed_is_refused(tmp_path, fps: float):
    with pytest.raises(InputError, match="frames per second"):
        video.save_video(make_frames(), tmp_path / "clip.gif", fps)


def test_mp4_is_written_where_ffmpeg_is(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    video.save_video(make_frames(height=33, width=47), tmp_path / "clip.mp4", 30)
    count, seconds = ffmpeg.count_frames_and_secs(str(tmp_path / "clip.mp4"))
    assert count == 5
    assert seconds == pytest.approx(5 / 30, abs=0.02)


def test_an_unknown_suffix_is_refused_and_says_what_works(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "_ffmpeg", lambda: "ffmpeg")
    with pytest.raises(InputError, match=r"\.gif or \.mp4"):
        video.save_video(make_frames(), tmp_path / "clip.avi", 30)
    monkeypatch.setattr(video, "_ffmpeg", lambda: None)
    for name in ("clip.avi", "clip.mp4", "clip"):
        with pytest.raises(InputError, match=r"wanted \.gif\. Install"):
            video.save_video(make_frames(), tmp_path / name, 30)
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_of_a_gif_whose_encoder_raises(tmp_path, monkeypatch):
    path = tmp_path / "clip.gif"
    path.write_text("the old one")

    def fail(_image, target, **_settings):
        target.write_text("half of it")
        raise RuntimeError("the encoder broke")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(RuntimeError, match="encoder broke"):
        video.save_video(make_frames(), path, 30)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("clip.gif", "the old one")]


def test_nothing_is_left_of_an_mp4_whose_encoder_fails(tmp_path, monkeypatch):
    program, folder = tmp_path / "ffmpeg", tmp_path / "films"
    program.write_text('#!/bin/sh\nfor last; do :; done\necho half > "$last"\necho the encoder broke >&2\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setattr(video, "_ffmpeg", lambda: str(program))
    with pytest.raises(InputError, match="encoder broke"):
        video.save_video(make_frames(), folder / "clip.mp4", 30)
    assert not list(folder.iterdir())


def test_a_place_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file to write"):
        video.save_png(make_frames(1)[0], tmp_path / "file" / "frame.png")


@pytest.mark.parametrize("corner", video.CORNERS)
def test_a_caption_is_written_in_its_corner_alone(corner: str):
    frame = np.full((240, 240, 3), 250, np.uint8)
    rows, columns = np.nonzero((video.overlay(frame, "step 7", corner) != frame).any(-1))
    assert frame.min() == 250
    assert (rows.max() < 120) == corner.startswith("top") != (rows.min() >= 120)
    assert (columns.max() < 120) == corner.endswith("left") != (columns.min() >= 120)


def test_frames_of_different_sizes_are_a_bug(tmp_path):
    with pytest.raises(ValueError, match="the same for all"):
        video.save_gif([*make_frames(1), *make_frames(1, height=30)], tmp_path / "clip.gif", 30)
    with pytest.raises(ValueError, match="no frames"):
        video.save_gif([], tmp_path / "clip.gif", 30)
