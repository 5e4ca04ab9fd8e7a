"""The optimiser: Adam with gradient clipping and a learning rate that may rise, then fall, over the run.

How many steps were taken is part of its state, and so is the learning rate of the last one: a resumed
run goes on at the same place of the schedule.
"""

import dataclasses
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from learners.base import Array, Params
from physics.settings import setting, validate

FALL = {  # share of the learning rate that is left when a share `x` of the way after the warm-up is behind
    "constant": lambda x: jnp.ones_like(x),
    "linear": lambda x: 1 - x,
    "cosine": lambda x: 0.5 * (1 + jnp.cos(math.pi * x)),
}


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """Settings of the optimiser."""

    learning_rate: float = setting(3e-4, "step size of Adam; the largest, where it changes", above=0)
    schedule: str = setting("constant", "how the learning rate falls to zero over run.total_steps, if at all", choices=tuple(FALL))
    warmup: float = setting(0.0, "share of the run in which the learning rate rises to its largest", least=0, most=1)
    epsilon: float = setting(1e-5, "Adam's epsilon", above=0)
    max_grad_norm: float = setting(0.5, "gradients are scaled down to this norm", above=0)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)

    def rate(self, step: Array, steps: int) -> Array:
        """Learning rate of gradient step `step`, counted from 0, of `steps`."""
        warm = round(self.warmup * steps)
        rise = jnp.minimum((step + 1.0) / max(warm, 1), 1.0)
        behind = jnp.clip((step - warm) / max(steps - warm, 1), 0.0, 1.0)
        return self.learning_rate * rise * FALL[self.schedule](behind)


class Scheduled(NamedTuple):
    """State of the learning rate."""

    step: Array  # int, gradient steps taken
    learning_rate: Array  # of the last one


def make(config: OptimizerConfig, steps: int) -> optax.GradientTransformation:
    """The optimiser of a run of `steps` gradient steps. Its state names a `learning_rate`, that of the last step."""
    adam = optax.scale_by_adam(eps=config.epsilon)
    return optax.chain(optax.clip_by_global_norm(config.max_grad_norm), adam, _descend(config, steps))


def _descend(config: OptimizerConfig, steps: int) -> optax.GradientTransformation:
    """Scale by the learning rate, downwards."""

    def init(params: Params) -> Any:
        del params
        return Scheduled(step=jnp.zeros((), jnp.int32), learning_rate=jnp.zeros(()))

    def update(updates: Params, state: Any, params: Params | None = None) -> tuple[Params, Any]:
        del params
        rate = config.rate(state.step, steps)
        changes = jax.tree.map(lambda leaf: -rate * leaf, updates)
        return changes, Scheduled(step=state.step + 1, learning_rate=rate)

    return optax.GradientTransformation(init, update)
