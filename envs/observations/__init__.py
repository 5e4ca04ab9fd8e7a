"""What the agent sees. The functions here are the one place that turns worlds-last into batch-first."""

from collections.abc import Callable
from typing import Any

from envs.base import Level
from envs.observations import entities, flat
from physics.base import Motion
from physics.errors import InputError

Observation = Any  # a pytree of batch-first arrays
Observe = Callable[[Level, Motion], Observation]

KINDS: dict[str, Observe] = {"entities": entities.observe, "flat": flat.observe}


def observer(kind: str) -> Observe:
    """The observation function of a named kind."""
    if kind not in KINDS:
        raise InputError("observation", found=kind, wanted="one of " + ", ".join(KINDS))
    return KINDS[kind]
