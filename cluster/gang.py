"""A gang: several processes, each with its own devices, that train as one. They live and die together.

Every process runs the same loop on a mesh of all devices (`jax.distributed`); the first one alone writes
metrics, and all of them checkpoints. Where one is lost the others cannot go on, so `watch` ends them and
starts all of them anew, from the last checkpoint. Where they run is a `Place`: this machine, or those of a Ray cluster.
"""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import jax

from cluster import events
from cluster import mesh as meshes
from cluster.backend import Tell
from cluster.base import RunConfig
from physics.errors import InputError

INPUT_STATUS = 2  # exit status of a command that was given something wrong: it would be no better the next time
POLL_SECONDS = 0.2
Commands = Callable[[int, str], Sequence[Sequence[str]]]  # (starts before, coordinator) -> the command of every process


def join(config: RunConfig) -> None:
    """Become one of the gang that the settings name; must come before JAX touches a device. Nothing for a gang of one."""
    cluster, run = config.cluster, config.run
    if cluster.processes == 1:
        return
    wrong = {
        "cluster.backend": (cluster.backend, "local", cluster.backend == "local"),
        "cluster.process": (cluster.process, f"less than cluster.processes = {cluster.processes}", cluster.process < cluster.processes),
        "cluster.coordinator": (cluster.coordinator, "host:port, the same for all processes of a gang", _port(cluster.coordinator) > 0),
        "run.name": (run.name, "a name, the same for all processes of a gang", bool(run.name)),
        "run.devices": (run.devices, "0: a gang uses all devices of its processes", run.devices == 0),
    }
    for name, (found, wanted, good) in wrong.items():
        if not good:
            raise InputError(name, found=found, wanted=wanted)
    if cluster.process == 0:
        _check_free(cluster.coordinator)
    patience = round(cluster.heartbeat_seconds)  # with one that is silent, or does not end when the others do
    try:
        jax.distributed.initialize(
            cluster.coordinator, cluster.processes, cluster.process,
            heartbeat_timeout_seconds=patience, shutdown_timeout_seconds=patience, initialization_timeout=round(cluster.wait_minutes * 60),
        )  # fmt: skip
    except RuntimeError as error:
        raise InputError(
            f"gang at {cluster.coordinator}", found=str(error).splitlines()[0],
            wanted=f"{cluster.processes} processes that find each other",
            fix="Start all of them, with the same coordinator: a host and port of the first one's machine that is free.",
        ) from error  # fmt: skip
    meshes.meet()


def _port(address: str) -> int:
    """0 if there is none."""
    port = address.rpartition(":")[2] if ":" in address else ""
    return int(port) if port.isdecimal() else 0


def _check_free(coordinator: str) -> None:
    """The process would end without a word if it could not listen there."""
    try:
        with socket.socket() as found:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(("", _port(coordinator)))
    except (OSError, OverflowError) as error:
        raise InputError(
            "cluster.coordinator", found=f"{coordinator}, where this machine cannot listen ({error})", wanted="a port that is free",
            fix="Choose another one for all processes of the gang; launch.gang finds one by itself.",
        ) from error  # fmt: skip


def leads(config: RunConfig) -> bool:
    """Whether this process speaks and writes for its gang. Touches no device."""
    return config.cluster.process == 0


class Process(Protocol):
    """A process as `subprocess.Popen` has it."""

    def poll(self) -> int | None:
        """Exit status, if it has ended."""
        ...

    def send_signal(self, sig: int) -> None:
        """To the process, if it runs."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...

    def wait(self) -> Any:
        """Return when it has ended."""
        ...


class Place(Protocol):
    """Where the processes of a gang run."""

    def coordinator(self) -> str:
        """host:port at which the processes that are begun next can find each other."""
        ...

    def begin(self, number: int, command: Sequence[str]) -> tuple[Process, str]:
        """Start process `number`: it, and its name in words."""
        ...


class Here:
    """This machine."""

    def coordinator(self) -> str:
        """A port that is free."""
        return f"127.0.0.1:{free_port('127.0.0.1')}"

    def begin(self, number: int, command: Sequence[str]) -> tuple[Process, str]:
        """In a session of its own, so that Ctrl-C comes to the gang alone."""
        process = subprocess.Popen(list(command), start_new_session=True)
        return process, str(process.pid)


class Gang:
    """Processes that train as one."""

    def __init__(self, commands: Commands, place: Place, restarts: int, say: Callable[[str], None], tell: Tell) -> None:
        """`say` hears what happens, `tell` of every process that is lost; after `restarts` losses it ends."""
        self._commands = commands
        self._place = place
        self._restarts = restarts
        self._say = say
        self._tell = tell
        self._members: list[Process] = []
        self._wishes: list[int] = []  # signals that asked for an end

    def run(self) -> int:
        """Start all and watch; the exit status is 0 if all ended well."""
        before = {number: signal.signal(number, self._hear) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            return self._keep_going()
        finally:
            self._end()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, number: int, _: object) -> None:
        self._wishes.append(number)

    def _keep_going(self) -> int:
        for starts in range(self._restarts + 1):
            self._start(starts)
            number, status = self._watch()
            if status == 0:
                return 0
            self._end()
            why = f"signal {-status}" if status < 0 else f"status {status}"
            if not self._wishes:
                self._tell(events.LOST, f"process {number}", cause=why)
            if self._wishes or status == INPUT_STATUS or starts == self._restarts:
                return status if status > 0 else 1
            self._say(f"process {number} was lost ({why}); all are ended, and begin anew from the last checkpoint")
        return 1

    def _start(self, starts: int) -> None:
        commands = self._commands(starts, self._place.coordinator())
        begun = [self._place.begin(number, command) for number, command in enumerate(commands)]
        self._members = [process for process, _ in begun]
        self._say("started as processes " + ", ".join(name for _, name in begun))

    def _watch(self) -> tuple[int, int]:
        """Wait until all have ended well, or the first one has not: number and exit status. A wish to stop is passed on to all."""
        passed_on = 0
        while True:
            for wish in self._wishes[passed_on:]:
                self._pass_on(wish)
                passed_on += 1
            states = [member.poll() for member in self._members]
            failed = [(number, status) for number, status in enumerate(states) if status not in (None, 0)]
            if failed or all(status == 0 for status in states):
                return failed[0] if failed else (0, 0)
            time.sleep(POLL_SECONDS)

    def _end(self) -> None:
        """No process of the gang is left."""
        left = [member for member in self._members if member.poll() is None]
        for member in left:
            member.kill()
        for member in left:
            member.wait()
        self._members = []

    def _pass_on(self, number: int) -> None:
        """They stop together, at a checkpoint."""
        for member in self._members:
            if member.poll() is None:
                member.send_signal(number)


def free_port(host: str) -> int:
    """A port of this machine's address `host` at which nobody listens."""
    with socket.socket() as found:
        found.bind((host, 0))
        return found.getsockname()[1]
