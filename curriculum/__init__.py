"""Curriculum: which levels next? Knows no network and no process. One file an algorithm."""

from curriculum.accel import Accel
from curriculum.balance import Balance
from curriculum.base import Curriculum, CurriculumConfig, Edit, Generate
from curriculum.named import Named
from curriculum.plr import Plr
from curriculum.robust_plr import RobustPlr
from curriculum.sfl import Sfl
from curriculum.sgs import Sgs
from curriculum.uniform import Uniform
from physics.base import Capacity

__all__ = ["Curriculum", "CurriculumConfig", "make"]


def make(config: CurriculumConfig, generate: Generate, edit: Edit, capacity: Capacity) -> Curriculum:
    """The curriculum that a configuration names. Each takes what it needs of a way to draw levels and one to edit them."""
    if config.kind == "uniform":
        return Uniform(config, generate, capacity)
    if config.kind == "named":
        return Named(config, capacity)
    if config.kind == "plr":
        return Plr(config, generate, capacity)
    if config.kind == "robust_plr":
        return RobustPlr(config, generate, capacity)
    if config.kind == "accel":
        return Accel(config, generate, edit, capacity)
    if config.kind == "sgs":
        return Sgs(config, generate, capacity)
    if config.kind == "balance":
        return Balance(config, generate, edit, capacity)
    return Sfl(config, generate, capacity)
