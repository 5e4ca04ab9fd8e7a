"""Write pictures and films to files: PNG and GIF with pillow, MP4 with ffmpeg where it is installed.

It is here so that a clip of an episode can be kept and shown. What is in the pictures, and when they
are taken, is not its business (`envs.render`).
"""

import contextlib
import importlib
import math
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from envs import files
from physics.errors import InputError

FASTEST_GIF = 50.0  # frames a second; viewers slow down anything faster
PALETTE_PIXELS = 2_000_000  # at most about so many, of all frames, decide the common palette of a GIF
COLOURS = 255  # of a GIF; one more is left for pillow to mark what did not change
PLATE, TEXT = (38, 45, 56), (255, 255, 255)
PLATE_OPACITY = 0.78
CORNERS = ("top left", "top right", "bottom left", "bottom right")
NO_FFMPEG = 'Install ffmpeg for Python: pip install "imageio[ffmpeg]".'


def save_png(image: np.ndarray, path: str | Path) -> None:
    """Write the picture `[H, W, 3]` (uint8) as a PNG, making its folder; `InputError` if that cannot be."""
    _check([image])
    with files.whole(path) as target:
        Image.fromarray(image).save(target, format="PNG", optimize=True)


def save_gif(frames: Sequence[np.ndarray], path: str | Path, fps: float) -> None:
    """Write `frames` (each `[H, W, 3]`, uint8) as a GIF that repeats for ever, making its folder.

    Frames equal to the one before are stored as a longer pause. `InputError` if `fps` is above 50 or not
    above 0, or the file cannot be written.
    """
    _check(frames)
    if not 0 < fps <= FASTEST_GIF:
        fix = "Write .mp4, or fewer frames." if fps > FASTEST_GIF else ""
        raise InputError("frames per second of a GIF", found=fps, wanted=f"more than 0, at most {FASTEST_GIF:g}", fix=fix)
    # One palette for all: with one each, colours would flicker from frame to frame.
    palette = _palette(frames)
    images = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    with files.whole(path) as target:
        images[0].save(target, format="GIF", save_all=True, append_images=images[1:], duration=_durations(len(frames), fps), loop=0)


def check_path(path: str | Path) -> None:
    """Raise `InputError` if no film can be written under the suffix of `path`."""
    suffix = Path(path).suffix.lower()
    if suffix not in WRITERS or (suffix == ".mp4" and not _ffmpeg()):
        raise InputError("suffix of a video", found=suffix or str(path), wanted=_working_suffixes(), fix="" if _ffmpeg() else NO_FFMPEG)


def save_video(frames: Sequence[np.ndarray], path: str | Path, fps: float) -> None:
    """Write `frames` (each `[H, W, 3]`, uint8) in the format of the path's suffix, .gif or .mp4.

    `InputError` for any other suffix, for .mp4 where ffmpeg is not installed, and as for `save_gif`.
    """
    check_path(path)
    WRITERS[Path(path).suffix.lower()](frames, path, fps)


def overlay(frame: np.ndarray, text: str, corner: str = "bottom left") -> np.ndarray:
    """A copy of the picture `[H, W, 3]` with `text`, in white on a dark plate, in a corner; lines may break.

    At the bottom left a line hides nothing but floor.
    `InputError` if `corner` is not one of `CORNERS`.
    """
    if corner not in CORNERS:
        raise InputError("corner", found=corner, wanted="one of " + ", ".join(CORNERS))
    height, width = frame.shape[:2]
    size = max(10, height // 24)
    font, image = ImageFont.load_default(size), Image.fromarray(frame)
    left, top, right, bottom = ImageDraw.Draw(image).multiline_textbbox((0, 0), text, font)
    inside, margin = size // 2, size // 2
    wide, high = right - left + 2 * inside, bottom - top + 2 * inside
    x = margin if corner.endswith("left") else width - margin - wide
    y = margin if corner.startswith("top") else height - margin - high
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).rounded_rectangle((x, y, x + wide, y + high), size // 3, round(255 * PLATE_OPACITY))
    image.paste(PLATE, mask=mask)
    ImageDraw.Draw(image).multiline_text((x + inside - left, y + inside - top), text, TEXT, font)
    return np.asarray(image)


def _save_mp4(frames: Sequence[np.ndarray], path: str | Path, fps: float) -> None:
    _check(frames)
    if not fps > 0:
        raise InputError("frames per second", found=fps, wanted="more than 0")
    program = _ffmpeg()
    if program is None:
        raise InputError("suffix of a video", found=".mp4", wanted=_working_suffixes(), fix=NO_FFMPEG)
    height, width = (-(-side // 2) * 2 for side in frames[0].shape[:2])  # the codec wants even sides
    given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{fps:g}", "-i", "-"]
    made = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "18", "-movflags", "+faststart"]
    with files.whole(path) as target:
        _feed([program, "-y", "-loglevel", "error", *given, *made, str(target)], (_padded(frame, height, width) for frame in frames))


def _feed(command: list[str], frames: Iterable[np.ndarray]) -> None:
    """Run `command` with the bytes of `frames` on its standard input; `OSError` with its complaint if it fails."""
    # Not by way of imageio: it runs Python between fork and exec, which can deadlock beside JAX's threads.
    with tempfile.TemporaryFile() as complaint, subprocess.Popen(command, stdin=subprocess.PIPE, stderr=complaint) as process:
        with contextlib.suppress(BrokenPipeError), process.stdin as entry:  # type: ignore[union-attr]
            for frame in frames:
                entry.write(frame.tobytes())
        if process.wait():
            complaint.seek(0)
            raise OSError(complaint.read().decode(errors="replace").strip() or f"ffmpeg ended with status {process.returncode}")


def _padded(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    """`frame` with its last row and column repeated up to the given size."""
    return np.pad(frame, ((0, height - frame.shape[0]), (0, width - frame.shape[1]), (0, 0)), mode="edge")


WRITERS: dict[str, Callable[[Sequence[np.ndarray], str | Path, float], None]] = {".gif": save_gif, ".mp4": _save_mp4}


def _ffmpeg() -> str | None:
    """The program ffmpeg that the optional package imageio-ffmpeg brings, or None where there is none."""
    try:
        return importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        return None


def _working_suffixes() -> str:
    return " or ".join(suffix for suffix in WRITERS if suffix != ".mp4" or _ffmpeg())


def _check(frames: Sequence[np.ndarray]) -> None:
    if not len(frames):
        raise ValueError("no frames to write")
    for frame in frames:
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape != (*frames[0].shape[:2], 3):
            raise ValueError(f"frame {frame.dtype}{list(frame.shape)}: wanted uint8[H, W, 3], the same for all")


def _palette(frames: Sequence[np.ndarray]) -> Image.Image:
    """An image whose palette suits all frames: every frame counts, so that a short flame keeps its colour."""
    pixels = len(frames) * frames[0].shape[0] * frames[0].shape[1]
    stride = max(1, math.ceil(math.sqrt(pixels / PALETTE_PIXELS)))
    shown = np.concatenate([frame[::stride, ::stride] for frame in frames])
    return Image.fromarray(shown).quantize(COLOURS, method=Image.Quantize.MEDIANCUT)


def _durations(count: int, fps: float) -> list[int]:
    """Milliseconds of every frame, whole hundredths of a second as the format wants, true to `fps` on the whole."""
    ends = np.round(np.arange(count + 1) * 100 / fps).astype(int)
    return (10 * np.diff(ends)).tolist()
