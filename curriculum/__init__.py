"""Curriculum: which levels next? Knows no network and no process. One file an algorithm."""

from curriculum.base import Curriculum, CurriculumConfig, Generate
from curriculum.named import Named
from curriculum.sfl import Sfl
from curriculum.uniform import Uniform
from physics.base import Capacity

__all__ = ["Curriculum", "CurriculumConfig", "make"]


def make(config: CurriculumConfig, generate: Generate, capacity: Capacity) -> Curriculum:
    """The curriculum that a configuration names."""
    if config.kind == "uniform":
        return Uniform(generate)
    if config.kind == "named":
        return Named(config, capacity)
    return Sfl(config, generate, capacity)
