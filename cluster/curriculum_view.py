"""What a person sees of a curriculum: distributions over its pool, and a sheet of the levels that there is most to learn from."""

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
    return View(histograms, {"curriculum/most_learnable": sheet(look, known)} if known.any() else {})


def sheet(look: Look, known: np.ndarray) -> np.ndarray:
    """The most learnable of the levels that are `known [M]`, best first, with their success rate and what it rests on."""
    ranked = np.argsort(-np.where(known, np.asarray(look.learnability), -np.inf), kind="stable")[: min(SHOWN, known.sum())]
    levels = jax.device_get(worlds(look.levels, ranked))
    rate, episodes = np.asarray(look.rate), np.asarray(look.episodes)
    names = [f"p = {rate[slot]:.2f} of {episodes[slot]:.0f}" for slot in ranked]
    return pictures.sheet(names, [world(levels, i) for i in range(len(ranked))], WIDTH)
