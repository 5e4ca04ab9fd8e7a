"""A gang on the machines of a Ray cluster: every process of it beside an actor that starts, watches and ends it."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError

from cluster import gang
from cluster.base import RunConfig
from cluster.ray import connect
from cluster.ray import plan as plans
from cluster.ray.plan import Need
from physics.errors import InputError

DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux


class Machines:
    """Where a gang runs. Every start has new actors, on whatever machines there are then."""

    def __init__(self, config: RunConfig, say: Callable[[str], None]) -> None:
        """Join or start the cluster; `InputError` if it could never hold the gang. The plan is said."""
        self._cluster = config.cluster
        self._plan = plans.gang(config)
        self._keepers: list[Any] = []
        connect.connect(config.cluster, self._plan)
        say("\n".join(self._plan.lines("gradients travel between processes, rollouts stay where they are played")))

    def coordinator(self) -> str:
        """Where the processes that are begun next find each other; returns when there is a place for all."""
        deadline = time.monotonic() + self._cluster.wait_minutes * 60
        while True:
            self._keepers = [_keeper(need) for need in self._plan.needs]
            asked = [keeper.free_address.remote() for keeper in self._keepers]
            try:
                return ray.get(asked, timeout=max(0.0, deadline - time.monotonic()))[0]
            except GetTimeoutError as error:
                raise InputError(
                    f"a gang of {len(asked)} waited {self._cluster.wait_minutes:g} minutes for room on the cluster",
                    fix="Go on with --resume when the cluster has its machines again.",
                ) from error  # fmt: skip
            except RayActorError:  # its machine is gone meanwhile
                for keeper in self._keepers:
                    ray.kill(keeper)

    def begin(self, number: int, command: Sequence[str]) -> tuple["RemoteProcess", str]:
        """Start process `number`: it, and where it runs."""
        process = RemoteProcess(self._keepers[number], self._cluster.heartbeat_seconds)
        return process, process.begin(command)


def _keeper(need: Need) -> Any:
    env = {"env_vars": need.env}
    return ray.remote(_Keeper).options(num_cpus=need.cpus, num_gpus=need.gpus, scheduling_strategy="SPREAD", runtime_env=env).remote()


class RemoteProcess:
    """As `subprocess.Popen`, on another machine. If nothing is heard of it, it was killed."""

    def __init__(self, keeper: Any, patience: float) -> None:
        """`patience` in seconds."""
        self._keeper = keeper
        self._patience = patience
        self._status: int | None = None

    def begin(self, command: Sequence[str]) -> str:
        """Run a command of Python, given with its interpreter: where."""
        return self._ask("begin", list(command[1:])) or "lost"

    def poll(self) -> int | None:
        """Exit status, if it has ended. What it has printed since is printed here."""
        if self._status is None:
            self._status, text = self._ask("look") or (-signal.SIGKILL, "")
            sys.stdout.write(text)
            sys.stdout.flush()
        return self._status

    def send_signal(self, sig: int) -> None:
        """To the process, if it runs."""
        self._ask("send_signal", sig)

    def kill(self) -> None:
        """The actor, and the process dies with it."""
        ray.kill(self._keeper)

    def wait(self) -> None:
        """Return when it has ended."""
        with contextlib.suppress(RayError):
            ray.get(self._keeper.look.remote(), timeout=self._patience)

    def _ask(self, method: str, *args: Any) -> Any:
        """None if there is no answer."""
        try:
            return ray.get(getattr(self._keeper, method).remote(*args), timeout=self._patience)
        except RayError:
            return None


class _Keeper:
    """The actor."""

    def free_address(self) -> str:
        """A host and port of this machine at which nobody listens."""
        host = ray.util.get_node_ip_address()
        return f"{host}:{gang.free_port(host)}"

    def begin(self, words: list[str]) -> str:
        """Run Python with these words, with this actor's devices and modules."""
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        die_too = lambda: ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)  # noqa: E731
        self._process = subprocess.Popen(
            [sys.executable, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0, preexec_fn=die_too
        )
        assert self._process.stdout
        self._printed: Any = self._process.stdout
        os.set_blocking(self._printed.fileno(), False)
        return f"{self._process.pid} on {socket.gethostname()}"

    def look(self) -> tuple[int | None, str]:
        """Exit status, if it has ended, and what was printed since the last look."""
        status = self._process.poll()
        return status, (self._printed.read() or b"").decode(errors="replace")

    def send_signal(self, sig: int) -> None:
        """To the process, if it runs."""
        self._process.send_signal(sig)
