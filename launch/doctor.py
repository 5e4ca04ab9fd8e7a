"""Say whether this machine can run Fulcrum: `python -m launch.doctor [--gpu] [--runs FOLDER] [--address HOST:PORT]`.

Devices, versions, disk, the cache of compiled programs, the folder of runs and, if named, a Ray cluster. A line each;
exit status 1 if something that is needed is missing.
"""

import argparse
import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from launch import cli
from physics.errors import InputError

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "ray")
OPTIONAL = ("ray",)
LEAST_FREE_GIB = 5.0
ANSWER_SECONDS = 5.0
Line = tuple[str, bool, str]  # what, whether it will do, what was found and what to do


def main(argv: Sequence[str]) -> int:
    """Print what was found."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = cli.Parser(prog="python -m launch.doctor", description=__doc__, formatter_class=plain)
    parser.add_argument("--gpu", action="store_true", help="a GPU is needed")
    parser.add_argument("--runs", metavar="FOLDER", default="runs", help="folder that runs are to live in (default: runs)")
    parser.add_argument("--address", metavar="HOST:PORT", default=os.environ.get("RAY_ADDRESS", ""), help="a Ray cluster, or its dashboard")
    arguments = parser.parse_args(argv)
    healthy = True
    for what, good, found in examine(arguments.gpu, Path(arguments.runs), arguments.address):
        print(f"{'ok  ' if good else 'FAIL'}  {what:<18}{found}", flush=True)
        healthy &= good
    return 0 if healthy else 1


def examine(gpu: bool, runs: Path, address: str) -> Iterator[Line]:
    """Everything, in the order in which a run meets it."""
    good = sys.version_info >= (3, 11)
    yield "python", good, f"{sys.version.split()[0]} at {sys.executable}" + ("" if good else "; 3.11 or later is needed")
    yield from (_package(name) for name in PACKAGES)
    yield _safely("devices", lambda: _devices(gpu))
    yield _safely("runs folder", lambda: _folder(runs))
    yield _safely("compile cache", lambda: _folder(cli.cache_folder()))
    if address:
        yield _safely("cluster", lambda: _cluster(address))


def _package(name: str) -> Line:
    try:
        return name, True, importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return (
            name,
            name in OPTIONAL,
            "not installed" + ("; needed for cluster.backend=ray alone: launch/setup.sh cluster" if name in OPTIONAL else ""),
        )


def _safely(what: str, find: Callable[[], str]) -> Line:
    """A finding; what it raises is one too."""
    try:
        return what, True, find()
    except InputError as error:
        return what, False, str(error)
    except Exception as error:  # whatever a driver or a disk says is what the person wants to see
        return what, False, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"


def _devices(gpu: bool) -> str:
    import jax

    devices = jax.local_devices()
    found = f"{len(devices)} x {devices[0].device_kind} ({devices[0].platform})"
    if devices[0].platform == "cpu":
        cards = _cards()
        if gpu or cards:
            raise InputError(
                f"JAX sees no GPU, the driver sees {cards or 'none'}", found=found, wanted="a GPU",
                fix="Install the CUDA build with launch/setup.sh gpu, and look at JAX_PLATFORMS and CUDA_VISIBLE_DEVICES.",
            )  # fmt: skip
    limit = (devices[0].memory_stats() or {}).get("bytes_limit")
    return found + (f", {limit / 2**30:.1f} GiB each for JAX" if limit else "")


def _cards() -> str:
    """The GPUs that the driver sees; empty for none."""
    program = shutil.which("nvidia-smi")
    if program is None or os.environ.get("JAX_PLATFORMS") == "cpu":
        return ""
    done = subprocess.run([program, "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, timeout=60, check=False)
    return ", ".join(done.stdout.strip().splitlines()) if done.returncode == 0 else ""


def _folder(folder: Path) -> str:
    """A folder that can be written to, on a disk with room; nothing is left behind."""
    place = folder.absolute()
    there = next(parent for parent in (place, *place.parents) if parent.exists())
    free = shutil.disk_usage(there).free / 2**30
    probe = there / f".fulcrum-{uuid.uuid4().hex}"
    try:
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise InputError(str(place), found=f"{error.strerror}", wanted="a folder that can be written to", fix="Choose another.") from error
    if free < LEAST_FREE_GIB:
        raise InputError(f"disk of {place}", found=f"{free:.1f} GiB free", wanted=f"at least {LEAST_FREE_GIB:g} GiB", fix="Make room.")
    return f"{place}: can be written to, {free:.0f} GiB free" + ("" if there == place else ", will be made")


def _cluster(address: str) -> str:
    where = address.partition("://")[2] or address
    host, _, port = where.rstrip("/").rpartition(":")
    if not host or not port.isdigit():
        raise InputError("address of the cluster", found=address, wanted="HOST:PORT", fix="`ray start --head` prints it.")
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except OSError as error:
        raise InputError(
            f"cluster at {where}", found=f"nothing answers ({error})", wanted="a running Ray cluster",
            fix="Is it up, and is the port open? ./launch/local_cluster.sh start makes one here.",
        ) from error  # fmt: skip
    token = "with a token" if os.environ.get("RAY_AUTH_MODE") == "token" else "without a token"
    return f"{where} answers; would be asked {token}"


if __name__ == "__main__":
    cli.run(main)
