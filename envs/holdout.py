"""The shipped hand-made levels: what a general agent is measured on and never trains on.

    ids, levels = holdout.load(["s"], capacity("s"))       # all small levels, as one batch
    ids, levels = holdout.load(["s/lift_off"], capacity("m"))

A level's id is its size and its name. The files are data; what they mean is said in `level_file`.
"""

import difflib
from collections.abc import Sequence
from pathlib import Path

from envs import level_file, sizes
from envs.base import Level
from physics.base import Capacity
from physics.errors import InputError
from physics.pytree import stack

FOLDER = Path(__file__).parent / "levels"


def names(size: str | None = None) -> list[str]:
    """Ids of all shipped levels, or of those of one size, sizes from small to large."""
    if size is not None:
        sizes.capacity(size)
    chosen = [size] if size is not None else list(sizes.SIZES)
    return [f"{each}/{path.stem}" for each in chosen for path in sorted((FOLDER / each).glob("*.json"))]


def fitting(size: str) -> list[str]:
    """Ids of all shipped levels that fit into `size`: its own and those of smaller sizes."""
    sizes.capacity(size)
    order = list(sizes.SIZES)
    return [id for smaller in order[: order.index(size) + 1] for id in names(smaller)]


def path(id: str) -> Path:
    """The file of a level; `InputError` names the near ids if there is none."""
    known = names()
    if id not in known:
        near = difflib.get_close_matches(id, known, n=3) or [name for name in known if id and id in name][:3]
        fix = f"Did you mean {' or '.join(near)}?" if near else "All ids: " + (", ".join(known) or "none")
        raise InputError("level", found=id, wanted="the id of a shipped level", fix=fix)
    return FOLDER / f"{id}.json"


def load(ids_or_sizes: Sequence[str], capacity: Capacity) -> tuple[list[str], Level]:
    """The ids, sizes spelled out, and their levels as one batch `[..., W]` in slots of `capacity`."""
    ids = [id for item in ids_or_sizes for id in (names(item) if item in sizes.SIZES else [item])]
    if not ids:
        raise InputError("levels", found="none", wanted="at least one id or size that has levels")
    return ids, stack([level_file.read(path(id), capacity) for id in ids])
