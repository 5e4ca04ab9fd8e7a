"""The roles as Ray actors. Nothing large comes to this process but what a checkpoint holds."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
import ray
from ray.actor import ActorHandle
from ray.exceptions import RayActorError, RayError, RayTaskError

from cluster import backend as backends
from cluster.backend import LostError, Tell
from cluster.base import RunConfig
from cluster.ray import connect, store
from cluster.ray import plan as plans
from cluster.ray.gauges import Gauges
from cluster.ray.host import Host
from cluster.ray.plan import Need, Plan
from cluster.tracker import Tracker
from curriculum.base import Array, Evaluate
from envs.base import Level
from envs.outcome import Outcome
from physics.errors import InputError
from physics.pytree import count_worlds

SLOW_START = 20.0  # seconds to start from which on it is said that resources are missing
LOOK_SECONDS = 5.0  # between two looks at the object store, each of about 7 ms


@dataclasses.dataclass
class Seat:
    """An actor that runs, or is to run as soon as there is room for it."""

    need: Need
    actor: ActorHandle
    begun: float
    about: ray.ObjectRef
    started: bool = False
    said: bool = False  # that it waits
    known: bool = False  # where it runs
    ended: str = ""  # why it was ended from here


@dataclasses.dataclass(frozen=True)
class Pending:
    """A call that was begun."""

    ref: ray.ObjectRef
    role: str = ""
    seat: Seat | None = None


class RayBackend:
    """Runs the roles of a plan."""

    def __init__(self, config: RunConfig, plan: Plan) -> None:
        """Start all actors."""
        self._config = config
        self._cluster = config.cluster
        self.plan = plan
        self.tell: Tell = backends.nobody
        self.workers: Sequence[str] = plan.workers
        self._seats: dict[str, Seat] = {}
        self._looked = -LOOK_SECONDS
        self._take_seats(plan)

    def _take_seats(self, plan: Plan) -> None:
        self.plan, self.workers, self._seats = plan, plan.workers, {}
        for need in plan.needs:
            self._take_seat(need)

    def _take_seat(self, need: Need) -> None:
        options: dict[str, Any] = {"num_cpus": need.cpus, "num_gpus": need.gpus, "max_restarts": 0, "runtime_env": {"env_vars": need.env}}
        kind: Any = ray.remote(concurrency_groups={"health": 1})(Host)  # type: ignore[call-overload]
        actor = kind.options(**options).remote(self._config, need.roles, need.share)
        seat = Seat(need, actor, time.monotonic(), actor.about.remote())
        self._seats |= dict.fromkeys(need.roles, seat)

    def wait_for_all(self, tell: Tell) -> None:
        """Return when all actors run; `tell` hears where."""
        self.tell = tell
        for seat in self._all():
            self.result(Pending(seat.about, seat.need.roles[0], seat))
            seat.known = False  # the run's own record is yet to come

    def _all(self) -> list[Seat]:
        return list({id(seat): seat for seat in self._seats.values()}.values())

    def call(self, role: str, method: str, *args: Any, returns: int = 1) -> Any:
        """Begin a call. What it needs of other calls goes from actor to actor."""
        seat = self._seats[role]
        given = [arg.ref if isinstance(arg, Pending) else arg for arg in args]
        refs: Any = seat.actor.call.options(num_returns=returns).remote(role, method, *given)
        return tuple(Pending(ref, role, seat) for ref in refs) if returns > 1 else Pending(refs, role, seat)

    def put(self, value: Any) -> Pending:
        """A value in the object store."""
        return Pending(ray.put(jax.device_get(value)))

    def ready(self, future: Pending) -> bool:
        """Whether it is there, or will never be."""
        return bool(ray.wait([future.ref], timeout=0, fetch_local=False)[0])

    def result(self, future: Pending) -> Any:
        """Wait for a value, and see meanwhile that all actors are alive."""
        begun = time.monotonic()
        while not ray.wait([future.ref], timeout=self._cluster.heartbeat_seconds, fetch_local=False)[0]:
            self._see_to_starting()
            self._see_to_living()
            if future.seat and future.seat.started and time.monotonic() - begun > self._cluster.call_minutes * 60:
                self._end(future.seat, f"busy with one call for more than {self._cluster.call_minutes:g} minutes")
        try:
            value = ray.get(future.ref)
            self._tell_of(future.seat)
            return value
        except RayError as error:
            raise self._who(error, future) from error

    def _tell_of(self, seat: Seat | None) -> None:
        """Say where an actor runs, once."""
        if seat and not seat.known and seat.need.roles[0] in self._seats:
            about = ray.get(seat.about)
            seat.known = seat.started = True
            self.tell("started", seat.need.name, machine=about.machine, process=about.process, devices=about.devices)

    def _who(self, error: RayError, future: Pending) -> Exception:
        """Who is lost, of all who had a part in a call that failed."""
        cause = error.cause if isinstance(error, RayTaskError) else error
        if isinstance(cause, InputError):
            return cause
        if isinstance(cause, LostError):  # by whoever called it
            ended = self._seats[cause.role].ended if cause.role in self._seats else ""
            return LostError(cause.role, ended or cause.cause)
        seat = future.seat
        if isinstance(cause, RayActorError):
            named = [s for s in self._all() if s.actor._actor_id.hex() == _actor_of(cause)]
            seat = named[0] if named else seat
        role = seat.need.roles[0] if seat else future.role
        if isinstance(error, RayTaskError) and not isinstance(cause, RayError) and role in (backends.LEARNER, backends.CURRICULUM):
            return RuntimeError(f"{role}: {cause!r}\n{error}")  # it would fail again
        return LostError(role, (seat.ended if seat else "") or _in_words(cause))

    def _see_to_starting(self) -> None:
        """Say so if there is no room for an actor, and stop if there is none for long."""
        for seat in self._all():
            seat.started = seat.started or bool(ray.wait([seat.about], timeout=0)[0])
            waited = time.monotonic() - seat.begun
            if not seat.started and waited > SLOW_START and not seat.said:
                seat.said = True
                self.tell("waiting", seat.need.name, cause=f"{SLOW_START:g} seconds for {_room(seat.need)}")
            if not seat.started and waited > self._cluster.regroup_seconds:
                self._go_on_with_fewer(seat)
            if not seat.started and waited > self._cluster.wait_minutes * 60:
                raise InputError(
                    f"{seat.need.name} waited {self._cluster.wait_minutes:g} minutes for {_room(seat.need)}",
                    fix="Go on with --resume when the cluster has them again.",
                )  # fmt: skip

    def _go_on_with_fewer(self, waiting: Seat) -> None:
        fewer = plans.possible(self._config, connect.machines())
        if fewer and len(fewer.workers) < len(self.workers):
            raise LostError(backends.ALL, f"there is no room for {waiting.need.name}: going on with {len(fewer.workers)} workers")

    def trackers(self, run: str) -> Sequence[Tracker]:
        """Those that watch the cluster."""
        return [Gauges(run)]

    def _see_to_living(self) -> None:
        """End actors that do not answer: what is waited for then fails, and they are replaced."""
        seats = [seat for seat in self._all() if seat.started and not seat.ended]
        answers: dict[Any, Seat] = {seat.actor.alive.remote(): seat for seat in seats}
        spoken, silent = ray.wait(list(answers), num_returns=len(answers), timeout=self._cluster.heartbeat_seconds)
        for ref in silent:
            self._end(answers[ref], f"did not answer for {self._cluster.heartbeat_seconds:g} seconds")
        for ref in spoken:
            try:
                ray.get(ref)
            except RayError as error:
                self._end(answers[ref], _in_words(error))

    def _end(self, seat: Seat, why: str) -> None:
        seat.ended = seat.ended or why
        ray.kill(seat.actor)

    def scout(self, params: Pending) -> Evaluate:
        """The workers, asked by whoever holds this; each plays a part of the levels."""
        return Scouts([(name, self._seats[name].actor) for name in self.workers], [params.ref])

    def replace(self, lost: LostError) -> None:
        """Workers and evaluator hold nothing that cannot be given to them again."""
        if lost.role == backends.ALL:
            raise lost
        need = self._seats[lost.role].need
        if len(need.roles) > 1 or lost.role in (backends.LEARNER, backends.CURRICULUM):
            raise lost
        self._end(self._seats[lost.role], lost.cause)
        self._take_seat(need)

    def restart(self, lost: LostError) -> None:
        """New actors for all that are gone; the others are told by their next call what to go on with, and keep their programs.

        With another number of workers than before, where there is room for more or fewer, all actors are new.
        """
        wanted = plans.possible(self._config, connect.machines()) or self.plan
        if lost.role == backends.ALL or len(wanted.workers) != len(self.workers):
            for seat in self._all():
                self._end(seat, lost.cause)
            self._take_seats(wanted)
            return
        self._end(self._seats[lost.role], lost.cause)
        self._see_to_living()
        for seat in self._all():
            if seat.ended:
                self._take_seat(seat.need)

    def room(self) -> str:
        """Whether some of the workers that were done without would find room now."""
        if self._config.cluster.topology == "colocated" or len(self.workers) == self._cluster.workers:
            return ""
        found = plans.possible(self._config, connect.machines())
        more = found and len(found.workers) > len(self.workers)
        return f"there is room for {len(found.workers)} workers" if found and more else ""

    def scalars(self) -> Mapping[str, float]:
        """How full the object store is, every few seconds: while this process asks, no actor has work."""
        now = time.monotonic()
        if now < self._looked + LOOK_SECONDS:
            return {}
        self._looked = now
        return store.scalars()

    def where(self) -> str:
        """Machines and actors."""
        return f"Ray, {len(self._all())} actors on {len(connect.machines())} machines"

    def close(self) -> None:
        """End the actors, and the cluster if it was started for this run."""
        for seat in self._all():
            self._end(seat, "the run is over")
        ray.shutdown()


class Scouts:
    """Plays levels with rollout workers, from wherever the curriculum is."""

    def __init__(self, workers: list[tuple[str, ActorHandle]], params: list[ray.ObjectRef]) -> None:
        """`params` in a list, so that they are not fetched to where this is called."""
        self._workers = workers
        self._params = params

    def __call__(self, key: Array, levels: Level) -> Outcome:
        """One whole episode of every level."""
        data, levels = jax.device_get((jax.random.key_data(key), levels))
        each = -(-count_worlds(levels) // len(self._workers))
        calls = []
        for i, (name, actor) in enumerate(self._workers):
            part = jax.tree.map(lambda leaf, first=i * each: leaf[..., first : first + each], levels)
            if count_worlds(part):
                calls.append((name, actor.call.remote(name, "scout", self._params[0], part, data, i * each)))
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *[_scouted(name, ref) for name, ref in calls])


def _scouted(name: str, ref: ray.ObjectRef) -> Outcome:
    try:
        return ray.get(ref)
    except RayError as error:
        cause = error.cause if isinstance(error, RayTaskError) else error
        raise LostError(name, _in_words(cause)) from None


def _room(need: Need) -> str:
    gpus = f"{need.gpus} GPUs and " if need.gpus else ""
    return f"a process with {gpus}{need.cpus:g} CPUs of one machine"


def _actor_of(error: RayActorError) -> str:
    found = getattr(error, "actor_id", None)
    return found if isinstance(found, str) else found.hex() if found is not None else ""


def _in_words(error: BaseException | None) -> str:
    """What Ray says at length, without names and numbers of its own."""
    words = " ".join(str(error).split())
    said = words.partition("The actor is dead because ")[2] or words
    return f"{type(error).__name__}: {said[:300]}"
