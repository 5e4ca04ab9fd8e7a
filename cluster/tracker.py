"""Where metrics go: JSON lines, TensorBoard, and whoever else listens.

A tracker is told the iteration, the environment steps and a flat dict of numbers; now and then also
distributions and pictures. After a resume the lines past the restored iteration are dropped, so that
curves have neither gaps nor repeats.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from tensorboardX import SummaryWriter

from cluster.base import Progress
from envs import files, video


@dataclasses.dataclass(frozen=True)
class View:
    """What says more than a number, by name: distributions `[n]` and pictures `[H, W, 3]` (uint8)."""

    histograms: Mapping[str, np.ndarray]
    pictures: Mapping[str, np.ndarray]


class Tracker(Protocol):
    """Takes note of numbers."""

    def log(self, progress: Progress, scalars: Mapping[str, float]) -> None:
        """Note scalars that belong to a moment of the run."""
        ...

    def show(self, progress: Progress, view: View) -> None:
        """Note distributions and pictures that belong to a moment of the run."""
        ...

    def close(self) -> None:
        """Flush and let go."""
        ...


class JsonLines:
    """One JSON object a line in `metrics.jsonl`."""

    def __init__(self, path: Path, after: int) -> None:
        """Open for appending; lines past iteration `after` are dropped."""
        if path.exists():
            _drop_after(path, after)
        self._file = path.open("a")

    def log(self, progress: Progress, scalars: Mapping[str, float]) -> None:
        """Append a line and flush it."""
        row = {"iteration": progress.iteration, "env_steps": progress.env_steps, "seconds": round(progress.seconds, 3)}
        self._file.write(json.dumps(row | {name: _short(value) for name, value in scalars.items()}) + "\n")
        self._file.flush()

    def show(self, progress: Progress, view: View) -> None:
        """Nothing: a line holds numbers alone."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_lines(path: Path) -> list[dict]:
    """The rows of a `metrics.jsonl`; a last line cut off by a kill is left out."""
    rows = []
    for line in path.read_text().splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows


def _drop_after(path: Path, iteration: int) -> None:
    rows = [row for row in read_lines(path) if row["iteration"] <= iteration]
    with files.whole(path) as target:
        target.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _short(value: float) -> float:
    return float(f"{value:.6g}")


class TensorBoard:
    """Event files that TensorBoard reads; the axis is environment steps."""

    def __init__(self, folder: Path, after: int) -> None:
        """Events past `after` environment steps, from before a resume, are hidden."""
        # The suffix keeps a run that is resumed within the second from writing over its own file.
        self._writer = SummaryWriter(str(folder), purge_step=after + 1 if after else None, filename_suffix=f".{after:015}")

    def log(self, progress: Progress, scalars: Mapping[str, float]) -> None:
        """Write one point a curve."""
        for name, value in scalars.items():
            tag = name if "/" in name else f"train/{name}"
            self._writer.add_scalar(tag, float(np.float32(value)), progress.env_steps)
        self._writer.flush()

    def show(self, progress: Progress, view: View) -> None:
        """Write histograms and images."""
        for name, values in view.histograms.items():
            self._writer.add_histogram(name, values, progress.env_steps)
        for name, picture in view.pictures.items():
            self._writer.add_image(name, picture, progress.env_steps, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        """Flush and close."""
        self._writer.close()


class Pictures:
    """The newest picture of every name as a PNG in the run's folder."""

    def __init__(self, folder: Path) -> None:
        """Nothing is written yet."""
        self._folder = folder

    def log(self, progress: Progress, scalars: Mapping[str, float]) -> None:
        """Nothing: numbers are no pictures."""

    def show(self, progress: Progress, view: View) -> None:
        """Write them over those of before; `a/b` becomes `a_b.png`."""
        for name, picture in view.pictures.items():
            video.save_png(picture, self._folder / f"{name.replace('/', '_')}.png")

    def close(self) -> None:
        """Nothing is open."""


class Several:
    """Passes everything on to several trackers."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        """In the order given."""
        self._trackers = trackers

    def log(self, progress: Progress, scalars: Mapping[str, float]) -> None:
        """Tell everyone."""
        for tracker in self._trackers:
            tracker.log(progress, scalars)

    def show(self, progress: Progress, view: View) -> None:
        """Show everyone."""
        for tracker in self._trackers:
            tracker.show(progress, view)

    def close(self) -> None:
        """Close everyone."""
        for tracker in self._trackers:
            tracker.close()
