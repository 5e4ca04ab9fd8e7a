"""What all commands share: from words to arguments, and from an `InputError` to one line and exit status 2."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from physics import devices
from physics.errors import InputError

REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR)  # a disk's


def run(main: Callable[[Sequence[str]], int]) -> NoReturn:
    """Call a command's `main` as a program."""
    devices.use_all_cores()
    devices.use_quick_products()
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 2
    except OSError as error:
        status = _refused(error)
    sys.exit(status)


def _refused(error: OSError) -> int:
    """One line for what a disk refuses and a broken pipe's status; anything else is a bug."""
    if isinstance(error, BrokenPipeError):  # whoever reads has had enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or leaving would try to write once more
        return 1
    if error.errno not in REFUSALS:
        raise error
    place = f"{error.filename} cannot be written" if error.filename else "a file of the run cannot be written"
    print(f"error: {place}: {error.strerror}. Make room, or choose a folder that can be written to.", file=sys.stderr)
    return 2


class Parser(argparse.ArgumentParser):
    """Argument errors become `InputError`, so that all bad input ends the same way."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing and leaving."""
        raise InputError(message, fix=f"See {self.prog} --help.")


def check_png(out: str) -> None:
    """Refuse a picture that would not be a PNG."""
    if Path(out).suffix.lower() != ".png":
        raise InputError("--out", found=out, wanted="a file that ends in .png")


def cache_folder() -> Path:
    """Where compiled programs are kept."""
    return Path(os.environ.get("FULCRUM_CACHE") or Path.home() / ".cache" / "fulcrum") / "compiled"


def cache_compilations() -> None:
    """Keep compiled programs between runs, in `$FULCRUM_CACHE` or the user's cache folder."""
    import jax

    jax.config.update("jax_compilation_cache_dir", str(cache_folder()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
    # The CPU loader warns of tuning flags that do not matter at every cached program; errors still show.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def open_run(name: str) -> Path:
    """The folder of a run, given as a path or as a name under runs/; `InputError` if there is none."""
    for folder in (Path(name), Path("runs") / name):
        if (folder / "config.yaml").is_file():
            return folder
    near = sorted(path.parent.name for path in Path("runs").glob("*/config.yaml"))
    fix = "Runs here: " + ", ".join(near[-8:]) + "." if near else "No run has been started here yet: python -m launch.train."
    raise InputError(f"there is no run '{name}': no config.yaml in {name} or runs/{name}", fix=fix)
