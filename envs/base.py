"""The types of the task universe: roles, levels, the state of an episode, one step, settings.

Worlds are the last axis of every array here, as in `physics`; only observations are batch first.
"""

import dataclasses
import enum
from typing import Any

import jax

from physics.base import Motion, Scene, SolverConfig, State
from physics.prepare import Prepared
from physics.pytree import array, struct
from physics.settings import section, setting, validate

Array = jax.Array

MOTOR_CHANNELS = 4  # each drives every motor that is wired to it
THRUSTER_CHANNELS = 2
OBSERVATIONS = (
    "entities", "related_entities", "flat", "flat_padded", "pixels", "blind",
    "kinetix_entities", "kinetix_flat", "kinetix_flat_padded",
)  # fmt: skip


class Role(enum.IntEnum):
    """What a body, or a wall of the room, means to the task."""

    NORMAL = 0
    GREEN = 1  # must touch blue
    BLUE = 2
    RED = 3  # must not be touched by green


@struct
class Level:
    """A task: what is generated, saved, sampled and edited. Holds no solver state."""

    scene: Scene
    start: Motion
    role: Array = array("N", "int32")
    wall_role: Array = array("R", "int32")
    motor_channel: Array = array("J", "int32")
    motor_auto: Array = array("J", "bool")  # runs at full control whatever the agent does
    thruster_channel: Array = array("T", "int32")


@struct
class EnvState:
    """An episode in progress in every world."""

    level: Level
    prepared: Prepared
    physics: State
    steps: Array = array("", "int32")  # environment steps taken in this episode
    distance: Array = array("", unit="m")  # of green to blue, summed over pairs, after the last step


@struct
class Step:
    """What one environment step gave. `observation` is batch first, None where nobody looked; the rest is `[W]`."""

    observation: Any = None
    reward: Array = array("")
    terminated: Array = array("", "bool")  # the goal was reached or lost, or the physics broke
    truncated: Array = array("", "bool")  # time ran out: the episode did not end by itself
    solved: Array = array("", "bool")
    final_motion: Motion  # before the automatic reset: what a truncated episode is bootstrapped from


@dataclasses.dataclass(frozen=True)
class EnvConfig:
    """Settings of the environment."""

    size: str = setting("s", "slots of a level", choices=("s", "m", "l"))
    frame_skip: int = setting(2, "physics steps an environment step", least=1)
    max_steps: int = setting(256, "environment steps after which an episode is cut off", least=1)
    dense_reward: float = setting(0.2, "reward a metre that green comes closer to blue; 0 for the sparse reward alone", least=0)
    action: str = setting(
        "multi_discrete", "how the agent acts: a choice a channel, one choice for all, or a number a channel",
        choices=("multi_discrete", "discrete", "continuous"),
    )  # fmt: skip
    observation: str = setting("entities", "what the agent sees; kinetix_* as that benchmark shows it", choices=OBSERVATIONS)
    pixels: int = setting(125, "pixels a side of what is seen with observation=pixels", least=8, most=2048)
    solver: SolverConfig = section(SolverConfig, "constants of the physics solver")

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)
