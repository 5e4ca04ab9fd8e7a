"""The trainer: holds what is learnt and changes it with the programs of a learner."""

import jax

from cluster import streams
from cluster.base import RunSettings
from cluster.roles.learner import Learner
from learners.base import Params, Rollout, TrainState


class Trainer:
    """A learner and its state."""

    def __init__(self, learner: Learner, settings: RunSettings) -> None:
        """Nothing is held before `begin` or `load`."""
        self._learner = learner
        self._run = jax.random.key(settings.seed)
        self._train: TrainState | None = None

    def begin(self, params: Params | None = None) -> None:
        """The state of a run that has not begun; with the parameters of another run, if given."""
        learner = self._learner
        self._train = learner.init(streams.key(self._run, streams.INIT)) if params is None else learner.take_over(params)

    def load(self, train: TrainState) -> None:
        """Go on from a checkpoint."""
        self._train = self._learner.place(train)

    def state(self) -> TrainState:
        """What is held; the next update consumes it."""
        if self._train is None:
            raise RuntimeError("a trainer was asked for what it has learnt before it began")
        return self._train

    def params(self) -> Params:
        """The present parameters; the next update consumes them."""
        return self.state().params

    def export(self) -> Params:
        """The present parameters, for whoever does not share this trainer's devices."""
        return self.params()

    def update(self, iteration: int, *rollouts: Rollout) -> tuple[Params, dict[str, float]]:
        """Learn from the rollouts of all players, in the order of their worlds: (parameters, metrics)."""
        key = streams.key(self._run, streams.UPDATE, iteration)
        self._train, found = self._learner.update(self.state(), self._learner.receive(rollouts), key)
        return self._train.params, {name: float(value) for name, value in jax.device_get(found).items()}
