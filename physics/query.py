"""Questions about a scene that need no step: which bodies overlap where they stand."""

from physics.base import Motion, Scene, Touching
from physics.prepare import capacity_of, pad, prepare
from physics.step import find_contacts, touching


def overlaps(scene: Scene, motion: Motion) -> Touching:
    """Which bodies overlap each other and the walls, by geometry and collision mode; worlds last."""
    capacity, prepared = capacity_of(scene), prepare(scene)
    return touching(prepared, capacity, *find_contacts(prepared, capacity, pad(motion, capacity)))
