"""What a backend is: roles by name, and calls on them that give futures.

    worker 0, worker 1, ...   `roles.player.Player`, each with its part of the worlds
    learner                   `roles.trainer.Trainer`
    curriculum                `roles.curriculum.CurriculumService`
    evaluator                 `roles.evaluator.Evaluator`

A future may be passed on as an argument of another call. In one process it is the value itself.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from curriculum.base import Evaluate

LEARNER, CURRICULUM, EVALUATOR = "learner", "curriculum", "evaluator"
Future = Any


def worker(number: int) -> str:
    """Name of a rollout worker."""
    return f"worker {number}"


class LostError(RuntimeError):
    """A role is gone: its process has died, it does not answer, or its results cannot be used."""

    def __init__(self, role: str, cause: str) -> None:
        """Both in words."""
        super().__init__(role, cause)
        self.role = role
        self.cause = cause

    def __str__(self) -> str:
        return f"{self.role}: {self.cause}"


Tell = Callable[..., None]  # told of what happens to roles; see `events.Events.add`


class Backend(Protocol):
    """Runs the roles."""

    @property
    def workers(self) -> Sequence[str]:
        """Names of the rollout workers, in the order of their worlds."""
        ...

    def call(self, role: str, method: str, *args: Any, returns: int = 1) -> Any:
        """Begin a call: its future, or that of each of several values that it returns."""
        ...

    def put(self, value: Any) -> Future:
        """A value as a future, for several calls to share."""
        ...

    def result(self, future: Future) -> Any:
        """Wait for a value; raises `LostError` if whoever makes it is gone."""
        ...

    def ready(self, future: Future) -> bool:
        """Whether `result` would not wait."""
        ...

    def scout(self, params: Future) -> Evaluate:
        """What plays levels with the workers, shared out over them, for the curriculum to call."""
        ...

    def replace(self, lost: LostError) -> None:
        """Begin to put another in the place of a role that is gone; raises `lost` if only all roles together can go on."""
        ...

    def restart(self, lost: LostError) -> None:
        """End all roles and begin them anew, with nothing held; raises `lost` where that cannot be done."""
        ...

    def where(self) -> str:
        """What the roles run on, in words."""
        ...

    def close(self) -> None:
        """End all roles."""
        ...
