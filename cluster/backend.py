"""What a backend is: roles by name, and calls on them that give futures.

    worker 0, worker 1, ...   `roles.player.Player`, each with its part of the worlds
    learner                   `roles.trainer.Trainer`
    curriculum                `roles.curriculum.CurriculumService`
    evaluator                 `roles.evaluator.Evaluator`

A future may be passed on as an argument of another call. In one process it is the value itself.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from cluster.tracker import Tracker
from curriculum.base import Evaluate

ALL = "all roles"
LEARNER, CURRICULUM, EVALUATOR = "learner", "curriculum", "evaluator"
Future = Any
Tell = Callable[..., None]  # of what happened, to which role, and more by name; see `events.Events`


def worker(number: int) -> str:
    """Name of a rollout worker."""
    return f"worker {number}"


def nobody(*_: Any, **__: Any) -> None:
    """Who is told where nobody listens."""


class LostError(RuntimeError):
    """A role is gone: its process has died, it does not answer, or its results cannot be used."""

    def __init__(self, role: str, cause: str) -> None:
        """Both in words."""
        super().__init__(role, cause)
        self.role = role
        self.cause = cause

    def __str__(self) -> str:
        return f"{self.role}: {self.cause}"


class Backend(Protocol):
    """Runs the roles."""

    workers: Sequence[str]  # names of the rollout workers, in the order of their worlds
    tell: Tell  # told of what happens to roles

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

    def room(self) -> str:
        """In words, that more workers would find room than there are; empty if not."""
        ...

    def trackers(self, run: str) -> Sequence[Tracker]:
        """Who else is to be told of the numbers of a run."""
        ...

    def scalars(self) -> Mapping[str, float]:
        """Numbers of what the roles run on, to be noted with those of an iteration."""
        ...

    def where(self) -> str:
        """What the roles run on, in words."""
        ...

    def close(self) -> None:
        """End all roles."""
        ...
