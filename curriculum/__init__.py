"""Curriculum: which levels next? Knows no network and no process. One file an algorithm."""

from curriculum.base import Curriculum, CurriculumConfig, Edit, Generate
from curriculum.named import Named
from curriculum.sfl import Sfl
from curriculum.uniform import Uniform
from physics.base import Capacity

__all__ = ["Curriculum", "CurriculumConfig", "make"]


def make(config: CurriculumConfig, generate: Generate, edit: Edit, capacity: Capacity) -> Curriculum:
    """The curriculum that a configuration names. Each takes what it needs of a way to draw levels and one to edit them."""
    if config.kind == "uniform":
        return Uniform(config, generate, capacity)
    if config.kind == "named":
        return Named(config, capacity)
    return Sfl(config, generate, capacity)
