"""Train in several processes of this machine as one: `python -m launch.gang N [FILE.yaml ...] [key=value ...] [--resume RUN]`.

N processes run launch.train on a mesh of all their devices. Where one is lost all are ended and go on from the last
checkpoint, by default five times (--restarts). run.name must be given. Where the processes are on several machines,
start each there as launch.train with cluster.processes=N cluster.process=I cluster.coordinator=HOST:PORT, and all of
them again with --resume RUN when one was lost.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cluster.events import Events
from cluster.gang import Gang
from launch import cli, config
from physics.errors import InputError


def main(argv: Sequence[str]) -> int:
    """Train until the end, whoever is lost on the way."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = cli.Parser(prog="python -m launch.gang", description=__doc__, formatter_class=plain)
    parser.add_argument("processes", type=int, metavar="N")
    parser.add_argument("words", nargs="*", metavar="FILE.yaml | key=value")
    parser.add_argument("--resume", metavar="RUN")
    parser.add_argument("--restarts", type=int, default=5, metavar="K", help="losses after which it gives up (default: 5)")
    arguments = parser.parse_intermixed_args(argv)
    if arguments.processes < 2:
        raise InputError("N", found=arguments.processes, wanted="at least 2 processes", fix="For one: python -m launch.train.")
    folder = cli.open_run(arguments.resume) if arguments.resume else _folder(arguments.words)

    def commands(starts: int, coordinator: str) -> list[list[str]]:
        again = ["--resume", str(folder)]
        if arguments.resume:
            words = [*again, *arguments.words]
        else:  # what a run was begun with is in its config.yaml
            words = again if starts and (folder / "config.yaml").exists() else arguments.words
        gang = [f"cluster.processes={arguments.processes}", f"cluster.coordinator={coordinator}"]
        train = [sys.executable, "-m", "launch.train", *words, *gang]
        return [[*train, f"cluster.process={number}"] for number in range(arguments.processes)]

    def tell(what: str, role: str, cause: str) -> None:
        if folder.is_dir():  # or it was lost before there was a run
            Events(folder / "events.jsonl")(what, role, cause=cause)

    return Gang(commands, arguments.restarts, lambda line: print(f"gang: {line}", flush=True), tell).run()


def _folder(words: Sequence[str]) -> Path:
    settings = config.load(words, base=config.DEFAULTS)
    if not settings.run.name:
        raise InputError("run.name", found="none", wanted="a name, the same for all processes of a gang", fix="Give run.name=NAME.")
    return Path(settings.run.folder) / settings.run.name


if __name__ == "__main__":
    cli.run(main)
