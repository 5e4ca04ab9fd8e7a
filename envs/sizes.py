"""The three sizes of levels: slots for free bodies, joints and thrusters inside the four walls."""

from typing import Any, TypeVar

import numpy as np

from envs.base import Level
from physics.base import Capacity
from physics.errors import InputError
from physics.prepare import capacity_of
from physics.pytree import Declared, declarations

T = TypeVar("T")

SIZES = {
    "s": Capacity(polygons=1, circles=2, joints=1, thrusters=1),
    "m": Capacity(polygons=2, circles=3, joints=2, thrusters=2),
    "l": Capacity(polygons=8, circles=4, joints=6, thrusters=2),
}


def capacity(size: str) -> Capacity:
    """The slots of a named size; `InputError` if there is none of that name."""
    if size not in SIZES:
        raise InputError("size", found=size, wanted="one of " + ", ".join(SIZES))
    return SIZES[size]


def name(capacity: Capacity) -> str:
    """The size that has these slots: the inverse of `capacity`."""
    return next(size for size, slots in SIZES.items() if slots == capacity)


def up_to(size: str) -> list[str]:
    """The sizes whose levels fit into the slots of `size`, itself the last."""
    capacity(size)
    return list(SIZES)[: list(SIZES).index(size) + 1]


def fit(level: Level, wanted: Capacity) -> Level:
    """A level, or a batch `[..., W]`, moved into as many slots or more: the same task with more empty slots, as numpy arrays."""
    now = capacity_of(level.scene)
    if any(now.dims[letter] > wanted.dims[letter] for letter in "PCJTVR"):
        raise InputError("level", found=f"{now}", wanted=f"at most {wanted}")
    places = {letter: np.arange(size) for letter, size in now.dims.items()}
    places["N"] = np.concatenate([places["P"], wanted.polygons + places["C"]])
    renumbered = np.concatenate([places["N"], wanted.bodies + places["R"]])  # by old number, of bodies and of walls after them

    def move(value: T) -> T:
        moved: dict[str, Any] = {}
        for name, declared in declarations(type(value)).items():
            leaf = getattr(value, name)
            if not isinstance(declared, Declared):
                moved[name] = move(leaf)
                continue
            leaf = renumbered[leaf] if name in ("body", "body_a", "body_b") else np.asarray(leaf)
            moved[name] = _placed(leaf.astype(declared.dtype), declared, places, wanted)
        return type(value)(**moved)

    return move(level)


def _placed(leaf: np.ndarray, declared: Declared, places: dict[str, np.ndarray], wanted: Capacity) -> np.ndarray:
    """An array in the shape of `wanted`, zero where a slot is new."""
    if not declared.axes:
        return leaf
    grown = np.zeros((*declared.shape(wanted.dims), *leaf.shape[len(declared.axes) :]), leaf.dtype)
    grown[np.ix_(*[np.arange(int(axis)) if axis.isdigit() else places[axis] for axis in declared.axes])] = leaf
    return grown
