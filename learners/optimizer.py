"""The optimiser: Adam with gradient clipping and, if wanted, a learning rate that falls to zero."""

import dataclasses

import optax

from physics.settings import setting, validate


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """Settings of the optimiser."""

    learning_rate: float = setting(3e-4, "step size of Adam", above=0)
    anneal: bool = setting(False, "let the learning rate fall linearly to zero over the run")
    epsilon: float = setting(1e-5, "Adam's epsilon", above=0)
    max_grad_norm: float = setting(0.5, "gradients are scaled down to this norm", above=0)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)


def make(config: OptimizerConfig, steps: int) -> optax.GradientTransformation:
    """The optimiser of a run of `steps` gradient steps."""
    rate = optax.linear_schedule(config.learning_rate, 0.0, steps) if config.anneal else config.learning_rate
    return optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.adam(rate, eps=config.epsilon))
