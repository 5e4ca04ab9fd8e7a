"""A gang: several processes, each with its own devices, that train as one. They live and die together.

Every process runs the same loop on a mesh of all devices (`jax.distributed`); the first one alone writes
metrics, and all of them checkpoints. Where one is lost the others cannot go on, so `watch` ends them and
starts all of them anew, from the last checkpoint. It knows nothing of Ray: it needs commands to run.
"""

import dataclasses
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence

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
        "cluster.coordinator": (cluster.coordinator, "host:port, the same for all processes of a gang", ":" in cluster.coordinator),
        "run.name": (run.name, "a name, the same for all processes of a gang", bool(run.name)),
        "run.devices": (run.devices, "0: a gang uses all devices of its processes", run.devices == 0),
    }
    for name, (found, wanted, good) in wrong.items():
        if not good:
            raise InputError(name, found=found, wanted=wanted)
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


def leads(config: RunConfig) -> bool:
    """Whether this process speaks and writes for its gang. Touches no device."""
    return config.cluster.process == 0


@dataclasses.dataclass
class Member:
    """A process of a gang."""

    number: int
    process: subprocess.Popen


class Gang:
    """Processes on this machine that train as one."""

    def __init__(self, commands: Commands, restarts: int, say: Callable[[str], None], tell: Tell) -> None:
        """`say` hears what happens, `tell` of every process that is lost; after `restarts` losses it ends."""
        self._commands = commands
        self._restarts = restarts
        self._say = say
        self._tell = tell
        self._members: list[Member] = []
        self._stopped = False

    def run(self) -> int:
        """Start all and watch; the exit status is 0 if all ended well."""
        before = {number: signal.signal(number, self._pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            return self._keep_going()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _keep_going(self) -> int:
        for starts in range(self._restarts + 1):
            self._start(starts)
            lost = self._watch()
            if lost is None:
                return 0
            status = lost.process.returncode
            self._end()
            why = f"signal {-status}" if status < 0 else f"status {status}"
            if not self._stopped:
                self._tell(events.LOST, f"process {lost.number}", cause=why)
            if self._stopped or status == INPUT_STATUS or starts == self._restarts:
                return status if status > 0 else 1
            self._say(f"process {lost.number} was lost ({why}); all are ended, and begin anew from the last checkpoint")
        return 1

    def _start(self, starts: int) -> None:
        coordinator = f"127.0.0.1:{_free_port()}"
        self._members = [
            Member(number, subprocess.Popen(list(command), start_new_session=True))
            for number, command in enumerate(self._commands(starts, coordinator))
        ]
        self._say("started as processes " + ", ".join(str(member.process.pid) for member in self._members))

    def _watch(self) -> Member | None:
        """Wait until all have ended well, or the first one has not: that one."""
        while True:
            states = [(member, member.process.poll()) for member in self._members]
            failed = [member for member, status in states if status not in (None, 0)]
            if failed:
                return failed[0]
            if all(status == 0 for _, status in states):
                return None
            time.sleep(POLL_SECONDS)

    def _end(self) -> None:
        """No process of the gang is left."""
        for member in self._members:
            if member.process.poll() is None:
                member.process.kill()
        for member in self._members:
            member.process.wait()

    def _pass_on(self, number: int, _: object) -> None:
        """A wish to stop is one to all: they stop together, at a checkpoint."""
        self._stopped = True
        for member in self._members:
            if member.process.poll() is None:
                os.kill(member.process.pid, number)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
