"""What an engine answers: where the bodies of every scene were, 60 times a second, and files of that."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from physics.errors import InputError

FIELDS = ("pos", "angle", "vel", "omega")


@dataclasses.dataclass(frozen=True)
class Trajectory:
    """Motion of one scene after each step; the start is in the scene."""

    pos: np.ndarray  # [steps, bodies, 2] m, of centres of mass
    angle: np.ndarray  # [steps, bodies] rad
    vel: np.ndarray  # [steps, bodies, 2] m/s
    omega: np.ndarray  # [steps, bodies] rad/s


@dataclasses.dataclass(frozen=True)
class Column:
    """One engine's answers, by name of scene. A scene that it cannot do is missing."""

    engine: str
    trajectories: Mapping[str, Trajectory]


def save(column: Column, path: Path) -> None:
    """Write a column as .npz: `engine`, and an array `scene/field` for each."""
    arrays = {f"{name}/{field}": getattr(done, field) for name, done in column.trajectories.items() for field in FIELDS}
    with path.open("wb") as target:
        np.savez_compressed(target, engine=np.array(column.engine), **arrays)


def load(path: Path) -> Column:
    """Read what `save`, or the runner of another engine, has written."""
    if not path.is_file():
        raise InputError("trajectories", found=str(path), wanted="a file that a runner has written")
    with np.load(path) as arrays:
        names = dict.fromkeys(key.partition("/")[0] for key in arrays.files if "/" in key)
        done = {name: Trajectory(*(arrays[f"{name}/{field}"].astype(float) for field in FIELDS)) for name in names}
        return Column(str(arrays["engine"]), done)
