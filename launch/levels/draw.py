"""Draw levels: of the generators, or near a level that is there; as a picture, or as files that know where they come from."""

from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from envs import holdout, level_file, sizes
from envs.base import Level
from envs.env import Env
from envs.generate import Generator
from envs.generate.edit import NAMES, EditConfig, Editor
from envs.level_model import Origin
from envs.pictures import MOST
from launch import config
from physics.errors import InputError
from physics.pytree import repeat, stack, world


def drawn(words: Sequence[str], count: int, seed: int, near: str | None) -> tuple[str, list[Level], list[Origin]]:
    """(size, levels, where each comes from); `words` are settings, and `near` is the level to edit, if any."""
    if not 1 <= count <= MOST:
        raise InputError("--count", found=count, wanted=f"1 to {MOST}")
    settings = config.load(words)
    key = jax.random.key(seed)
    said = [word for word in words if not word.startswith("env.")]
    if near is None:
        size = settings.env.size
        batch, numbers = Generator(Env(settings.env), settings.generate).numbered(key, count)
        origins = [Origin(seed=seed, number=int(number), settings=said) for number in numbers]
    else:
        size = holdout.own_size(near)
        parents = repeat(stack([holdout.find(near, sizes.capacity(size)).level]), count)
        batch, made = Editor(EditConfig(), settings.generate)(key, parents)
        counts = np.asarray(made)
        edits = [[f"{name} x{times}" if times > 1 else name for name, times in zip(NAMES, row, strict=True) if times] for row in counts.T]
        origins = [Origin(seed=seed, number=i, settings=said, parent=near, edits=each) for i, each in enumerate(edits)]
    batch = jax.tree.map(np.asarray, batch)
    return size, [world(batch, i) for i in range(count)], origins


def names(origins: Sequence[Origin]) -> list[str]:
    """A name for every level, that a file may have."""
    return [f"{'near' if origin.parent else 'random'}_{origin.seed}_{origin.number}" for origin in origins]


def save(folder: str, size: str, levels: Sequence[Level], origins: Sequence[Origin]) -> list[Path]:
    """A file a level in `folder`; `InputError` before anything is written if one is there already."""
    paths = [Path(folder) / f"{name}.json" for name in names(origins)]
    for path in paths:
        if path.exists():
            raise InputError("--folder", found=f"{path}, which is there already", wanted="a folder without it")
    for path, level, origin in zip(paths, levels, origins, strict=True):
        about = f"Made from {origin.parent}." if origin.parent else f"Level {origin.number} of seed {origin.seed}."
        model = level_file.to_model(level, name=path.stem, description=about, size=size)
        level_file.write_model(model.model_copy(update={"origin": origin}), path)
    return paths
