"""The hand-made levels that a general agent is measured on and never trains on, found by name.

    ids, levels = holdout.load(["s"], capacity("s"))                # all small shipped levels, as one batch
    ids, levels = holdout.load(["s/lift_off"], capacity("m"))
    ids, levels = holdout.load(["kinetix/s", "my/levels"], capacity("l"))

An item is the id of a level, a group (`shipped` or `handmade`, a size, `kinetix` or `kinetix/` and a size), a level file
or a folder of them, ours or Kinetix's. A shipped level's id is its size and its name; those of Kinetix
begin with `kinetix/` and must be fetched once (`kinetix_levels`). The files are data; what they mean is said
in `level_file` and `kinetix_file`.
"""

import dataclasses
import difflib
from collections.abc import Sequence
from pathlib import Path

from envs import json_place, kinetix_file, kinetix_levels, level_file, level_model, sizes
from envs.base import Level
from envs.level_model import LevelModel
from physics.base import Capacity
from physics.errors import InputError
from physics.prepare import capacity_of
from physics.pytree import stack

FOLDER = Path(__file__).parent / "levels"
SHIPPED = "shipped"
HANDMADE = "handmade"  # another word for it


@dataclasses.dataclass(frozen=True)
class Found:
    """A level that was read, and what is known of it."""

    level: Level  # no world axis
    model: LevelModel | None  # of a file of ours
    notes: list[str]  # what is otherwise here than where the file comes from, a sentence each


def groups() -> list[str]:
    """The names that stand for many levels."""
    kinetix = kinetix_levels.GROUP
    return [SHIPPED, HANDMADE, *sizes.SIZES, kinetix, *(f"{kinetix}/{size}" for size in sizes.SIZES)]


def names(group: str | None = None) -> list[str]:
    """Ids of all shipped levels, or of those of a group, sizes from small to large."""
    group = SHIPPED if group in (None, "", HANDMADE) else group
    first, _, size = group.rpartition("/")
    if group == kinetix_levels.GROUP:
        return kinetix_levels.ids()
    if first == kinetix_levels.GROUP and size in sizes.SIZES:
        return kinetix_levels.ids(size)
    if group != SHIPPED:
        sizes.capacity(group)
    chosen = list(sizes.SIZES) if group == SHIPPED else [group]
    return [f"{each}/{path.stem}" for each in chosen for path in sorted((FOLDER / each).glob("*.json"))]


def size_of(id: str) -> str:
    """The size in the id of a shipped or published level; empty for a file."""
    found = id.removeprefix(kinetix_levels.GROUP + "/").split("/")[0]
    known = found in sizes.SIZES and (id in kinetix_levels.ids(found) or (FOLDER / f"{id}.json").is_file())
    return found if known else ""


def fitting(size: str, group: str = SHIPPED) -> list[str]:
    """Ids of all levels of a group that fit into `size`: its own and those of smaller sizes."""
    room = sizes.up_to(size)
    return [id for id in names(group) if size_of(id) in room]


def choose(items: str | Sequence[str], size: str) -> list[str]:
    """Ids and files that `items` (a list, or a text with commas) stand for, to be played by an agent of a size.

    Of `shipped` (or `handmade`) and `kinetix` those that fit; anything else that is asked for must fit.
    """
    parts = [part.strip() for part in items.split(",") if part.strip()] if isinstance(items, str) else items
    chosen = []
    for item in parts:
        found = fitting(size, item) if item in (SHIPPED, HANDMADE, kinetix_levels.GROUP) else spelled_out(item)
        too_large = [id for id in found if size_of(id) not in ("", *sizes.up_to(size))]
        if too_large:
            raise InputError("level", found=too_large[0], wanted=f"one that fits an agent of size {size}")
        chosen += found
    for id in chosen:
        path(id)  # so that whatever is missing is said before anything runs
    return _some(chosen)


def spelled_out(item: str) -> list[str]:
    """The ids or files that an item stands for."""
    if item in groups():
        return names(item)
    if item not in names() and Path(item).is_dir():
        files = sorted(Path(item).glob("*.json"))
        if not files:
            raise InputError(f"folder {item}", found="no file that ends in .json", wanted="level files")
        return [str(file) for file in files]
    return [item]


def path(id: str) -> Path:
    """The file of a level; `InputError` names the near ids if there is none."""
    if id in kinetix_levels.ids():
        return kinetix_levels.path(id)
    if size_of(id):
        return FOLDER / f"{id}.json"
    if id.endswith(".json") or Path(id).is_file():
        return Path(id)
    known = [*names(), *kinetix_levels.ids()]
    near = difflib.get_close_matches(id, known, n=3) or [name for name in known if id and id in name][:3]
    fix = f"Did you mean {' or '.join(near)}?" if near else "All ids: " + (", ".join(names()) or "none")
    raise InputError("level", found=id, wanted="the id of a level or a level file", fix=fix)


def find(id: str, capacity: Capacity | None = None) -> Found:
    """A level and what is known of it, in slots of `capacity` or as many as its own size has."""
    file = path(id)
    return read(file, capacity)


def read(file: str | Path, capacity: Capacity | None = None) -> Found:
    """The level in a file, ours or Kinetix's, whatever its name."""
    document = json_place.decode(json_place.read_text(file, kinetix_file.MAX_BYTES), str(file))
    if kinetix_file.is_kinetix(document):
        found = kinetix_file.to_level(document, str(file), capacity)
        return Found(found.level, None, found.notes)
    if Path(file).stat().st_size > level_file.MAX_BYTES:
        level_file.read_model(file)  # says that it is too large
    model = level_model.parse(document, str(file))
    return Found(level_file.to_level(model, capacity, where=str(file)), model, [])


def own_size(id: str) -> str:
    """The size of a level: of its id, or the smallest in which the level of a file has room."""
    return size_of(id) or size_for(find(id).level)


def load(items: Sequence[str], capacity: Capacity) -> tuple[list[str], Level]:
    """The ids, groups spelled out, and their levels as one batch `[..., W]` in slots of `capacity`."""
    ids = _some([id for item in items for id in spelled_out(item)])
    return ids, stack([find(id, capacity).level for id in ids])


def size_for(level: Level) -> str:
    """The smallest size in which a level has room; `InputError` if there is none."""
    needed = capacity_of(level.scene)
    for size, room in sizes.SIZES.items():
        if all(needed.dims[letter] <= room.dims[letter] for letter in "PCJT"):
            return size
    raise InputError("level", found=f"{needed}", wanted=f"at most the slots of size {list(sizes.SIZES)[-1]}")


def _some(ids: list[str]) -> list[str]:
    if not ids:
        raise InputError("levels", found="none", wanted="at least one id or group that has levels")
    return ids
