"""Networks: encoder, then a memory if asked for, then heads. `make` builds the one that a configuration names."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from flax import linen as nn

from envs.observations.relations import RELATIONS
from learners import distributions
from learners.networks.deepset import DeepSet
from learners.networks.flat import Flat
from learners.networks.heads import ActorCritic
from learners.networks.pixels import Pixels
from learners.networks.rows import Rows
from learners.networks.transformer import Transformer
from physics.errors import InputError
from physics.settings import setting, validate

PRECISIONS = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}
ALL = RELATIONS[0]


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """Settings of the network."""

    kind: str = setting(
        "deepset", "encoder; deepset and transformer read entities, flat one row, rows padded rows, pixels pictures",
        choices=("deepset", "transformer", "flat", "rows", "pixels"),
    )  # fmt: skip
    entity_width: int = setting(64, "width of the layers that look at one entity or row", least=1)
    width: int = setting(128, "width of the layers that look at the whole level", least=1)
    depth: int = setting(2, "layers between encoder and each head", least=1)
    memory: int = setting(0, "units of a GRU between encoder and heads, which remembers what was seen in an episode; 0 for none", least=0)
    precision: str = setting("float32", "in which layers compute; parameters, values and losses are float32", choices=tuple(PRECISIONS))
    layers: int = setting(2, "transformer: layers of attention and messages", least=1)
    heads: int = setting(8, "transformer: heads of attention, split evenly over the relations", least=1)
    attention_width: int = setting(32, "transformer: width of queries, keys and values over all heads", least=1)
    expansion: int = setting(0, "transformer: hidden width of the layer after attention in entity widths; 0 for no hidden layer", least=0)
    relations: str = setting(",".join(RELATIONS), f"transformer: along what heads look, with commas; {ALL} alone needs no related_entities")
    channels: int = setting(16, "pixels: channels of the first convolution; the second has twice as many", least=1)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)
        for name in self.looks_along:
            if name not in RELATIONS:
                raise InputError("relations", found=name, wanted="with commas between: " + ", ".join(RELATIONS))
        if self.heads % len(self.looks_along):
            raise InputError("heads", found=self.heads, wanted=f"a multiple of the {len(self.looks_along)} relations")
        if self.attention_width % self.heads:
            raise InputError("attention_width", found=self.attention_width, wanted=f"a multiple of the {self.heads} heads")

    @property
    def looks_along(self) -> tuple[str, ...]:
        """The relations by name."""
        return tuple(self.relations.split(","))

    @property
    def readable(self) -> tuple[str, ...]:
        """Observations that the encoder reads; the first is what is usual."""
        related = ("related_entities",)
        return {
            "deepset": ("entities", *related),
            "transformer": ("entities", *related) if set(self.looks_along) == {ALL} else related,
            "flat": ("flat", "kinetix_flat", "blind"),
            "rows": ("flat_padded", "kinetix_flat_padded"),
            "pixels": ("pixels",),
        }[self.kind]


def make(config: NetworkConfig, observation: str, action: str = "multi_discrete") -> nn.Module:
    """The actor-critic of a configuration for a kind of action; `InputError` if it does not read this kind of observation."""
    distributions.kind(action)
    readable = config.readable
    if observation not in readable:
        raise InputError(
            "network.kind", found=f"{config.kind} with env.observation={observation}", wanted="env.observation=" + " or ".join(readable),
            fix=f"Set env.observation={readable[0]} or choose another network.kind.",
        )  # fmt: skip
    dtype = PRECISIONS[config.precision]
    encoder = ENCODERS[config.kind](config, dtype)
    return ActorCritic(encoder=encoder, width=config.width, depth=config.depth, action=action, dtype=dtype, memory=config.memory)


def _transformer(config: NetworkConfig, dtype: Any) -> nn.Module:
    return Transformer(
        width=config.entity_width, layers=config.layers, heads=config.heads, attention_width=config.attention_width,
        expansion=config.expansion, relations=config.looks_along, dtype=dtype,
    )  # fmt: skip


ENCODERS: dict[str, Callable[[NetworkConfig, Any], nn.Module]] = {
    "deepset": lambda config, dtype: DeepSet(config.entity_width, dtype),
    "transformer": _transformer,
    "flat": lambda config, dtype: Flat(config.width, dtype),
    "rows": lambda config, dtype: Rows(config.entity_width, dtype),
    "pixels": lambda config, dtype: Pixels(config.channels, config.width, dtype),
}
