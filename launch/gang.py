"""Train in several processes of this machine as one: `python -m launch.gang N [FILE.yaml ...] [key=value ...] [--resume RUN]`.

N processes run launch.train on a mesh of all their devices. Where one is lost all are ended and go on from the last
checkpoint, by default five times (--restarts). run.name must be given.

On several machines of a Ray cluster: launch.train with cluster.backend=ray cluster.topology=colocated cluster.processes=N.
Without Ray, start each process on its machine as launch.train with cluster.processes=N cluster.process=I
cluster.coordinator=HOST:PORT, and all of them again with --resume RUN when one was lost.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cluster.events import Events
from cluster.gang import Gang, Here, Place
from launch import cli, config
from physics.errors import InputError

RESTARTS = 5


def main(argv: Sequence[str]) -> int:
    """Train until the end, whoever is lost on the way."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = cli.Parser(prog="python -m launch.gang", description=__doc__, formatter_class=plain)
    parser.add_argument("processes", type=int, metavar="N")
    parser.add_argument("words", nargs="*", metavar="FILE.yaml | key=value")
    parser.add_argument("--resume", metavar="RUN")
    parser.add_argument("--restarts", type=int, default=RESTARTS, metavar="K", help="losses after which it gives up (default: 5)")
    arguments = parser.parse_intermixed_args(argv)
    if arguments.processes < 2:
        raise InputError("N", found=arguments.processes, wanted="at least 2 processes", fix="For one: python -m launch.train.")
    begun = cli.open_run(arguments.resume) if arguments.resume else None
    return drive(arguments.words, begun, arguments.processes, Here(), arguments.restarts)


def drive(words: Sequence[str], begun: Path | None, processes: int, place: Place, restarts: int = RESTARTS) -> int:
    """Let so many processes run launch.train with these words, or go on with the run that was `begun`; exit status as of it."""
    folder = begun or _folder(words)

    def commands(starts: int, coordinator: str) -> list[list[str]]:
        again = starts and (folder / "config.yaml").exists()  # which has what it was begun with
        given = ["--resume", str(folder), *(words if begun else [])] if begun or again else words
        gang = ["cluster.backend=local", f"cluster.processes={processes}", f"cluster.coordinator={coordinator}"]
        train = [sys.executable, "-m", "launch.train", *given, *gang]
        return [[*train, f"cluster.process={number}"] for number in range(processes)]

    def tell(what: str, role: str, cause: str) -> None:
        if folder.is_dir():  # or it was lost before there was a run
            Events(folder / "events.jsonl")(what, role, cause=cause)

    return Gang(commands, place, restarts, lambda line: print(f"gang: {line}", flush=True), tell).run()


def _folder(words: Sequence[str]) -> Path:
    settings = config.load(words, base=config.DEFAULTS)
    if not settings.run.name:
        raise InputError("run.name", found="none", wanted="a name, the same for all processes of a gang", fix="Give run.name=NAME.")
    return Path(settings.run.folder) / settings.run.name


if __name__ == "__main__":
    cli.run(main)
