"""Physics: how do bodies move? A batched rigid-body engine in JAX that knows no task."""

from physics.base import Capacity, Controls, Motion, Scene, SolverConfig, State
from physics.diagnose import Diagnosis, diagnose
from physics.prepare import Prepared, prepare
from physics.step import start, step

__all__ = [
    "Capacity", "Controls", "Diagnosis", "Motion", "Prepared", "Scene", "SolverConfig", "State",
    "diagnose", "prepare", "start", "step",
]  # fmt: skip
