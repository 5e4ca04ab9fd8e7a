"""What the agent can do. Every kind of action is a module with `SPACE`, `nothing`, `uniform` and `controls`.

Level files and recorded solutions speak multi-discrete, whose functions stand here as well.
"""

from types import ModuleType

from envs.actions import continuous, discrete, multi_discrete
from envs.actions.channels import CHANNELS, driven, driven_motors
from envs.actions.multi_discrete import CHOICES, controls, nothing, uniform
from physics.errors import InputError

__all__ = ["CHANNELS", "CHOICES", "KINDS", "controls", "driven", "driven_motors", "kind", "nothing", "uniform"]

KINDS: dict[str, ModuleType] = {"multi_discrete": multi_discrete, "discrete": discrete, "continuous": continuous}


def kind(name: str) -> ModuleType:
    """The module of a named kind of action."""
    if name not in KINDS:
        raise InputError("action", found=name, wanted="one of " + ", ".join(KINDS))
    return KINDS[name]
