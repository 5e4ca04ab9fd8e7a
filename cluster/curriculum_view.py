"""What a person sees of a curriculum: distributions over its pool, and a sheet of the levels that there is most to learn from."""

from collections.abc import Sequence

import jax
import numpy as np

from cluster.tracker import View
from curriculum.base import Look
from envs import pictures
from physics.pytree import world, worlds

SHOWN = 16  # levels on the sheet
WIDTH = 180  # pixels of one of them


def make(look: Look) -> View:
    """Empty slots and levels of which nothing is known yet count for nothing."""
    known = np.asarray(look.filled) & (np.asarray(look.episodes) > 0)
    scouted = np.asarray(look.candidate_episodes) > 0
    values = {
        "pool_success": np.asarray(look.rate)[known],
        "pool_learnability": np.asarray(look.learnability)[known],
        "pool_age": np.asarray(look.age)[np.asarray(look.filled)],
        "pool_edits": np.asarray(look.depth)[np.asarray(look.filled)],
        "candidate_success": np.asarray(look.candidate_rate)[scouted],
    }
    histograms = {f"curriculum/{name}": found for name, found in values.items() if found.size}
    best = np.argsort(-np.where(known, np.asarray(look.learnability), -np.inf), kind="stable")[: min(SHOWN, known.sum())]
    return View(histograms, {"curriculum/most_learnable": sheet(look, best)} if known.any() else {})


def sheet(look: Look, slots: Sequence[int] | np.ndarray) -> np.ndarray:
    """The levels in `slots`, in that order, each with its success rate, the episodes that it rests on and its edits, if any."""
    chosen = np.asarray(slots)
    levels, *known = jax.device_get(worlds((look.levels, look.rate, look.episodes, look.depth), chosen))
    names = [_caption(*numbers) for numbers in zip(*(each.tolist() for each in known), strict=True)]
    return pictures.sheet(names, [world(levels, i) for i in range(len(names))], WIDTH)


def _caption(rate: float, episodes: float, edits: int) -> str:
    known = f"p = {rate:.2f} of {episodes:.1f}" if episodes else "not played yet"
    return known + (f", {edits} edit{'s' * (edits > 1)}" if edits else "")
