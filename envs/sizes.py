"""The three sizes of levels: slots for free bodies, joints and thrusters inside the four walls."""

from physics.base import Capacity
from physics.errors import InputError

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
