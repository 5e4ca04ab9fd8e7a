"""Networks: encoder, then heads. `make` builds the one that a configuration names."""

import dataclasses

from flax import linen as nn

from learners.networks.deepset import DeepSet
from learners.networks.flat import Flat
from learners.networks.heads import ActorCritic
from physics.errors import InputError
from physics.settings import setting, validate

ACTION = "multi_discrete"  # what the heads choose
OBSERVATIONS_OF = {"deepset": ("entities", "related_entities"), "flat": ("flat", "kinetix_flat")}  # the first is what is usual


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """Settings of the network."""

    kind: str = setting("deepset", "encoder; deepset reads entities, flat reads flat observations", choices=("deepset", "flat"))
    entity_width: int = setting(64, "width of the layers that look at one entity", least=1)
    width: int = setting(128, "width of the layers that look at the whole level", least=1)
    depth: int = setting(2, "layers between encoder and each head", least=1)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)


def make(config: NetworkConfig, observation: str, action: str = ACTION) -> nn.Module:
    """The actor-critic of a configuration; `InputError` if it does not read this kind of observation or does not act so."""
    if action != ACTION:
        raise InputError(
            "env.action", found=action, wanted=f"{ACTION}, which is how policies act; the others are for users of the environment",
            fix=f"Set env.action={ACTION}.",
        )  # fmt: skip
    readable = OBSERVATIONS_OF[config.kind]
    if observation not in readable:
        raise InputError(
            "network.kind", found=f"{config.kind} with env.observation={observation}", wanted="env.observation=" + " or ".join(readable),
            fix=f"Set env.observation={readable[0]} or choose another network.kind.",
        )  # fmt: skip
    encoder = DeepSet(config.entity_width) if config.kind == "deepset" else Flat(config.width)
    return ActorCritic(encoder=encoder, width=config.width, depth=config.depth)
