"""Files and folders that appear whole or not at all: written beside their place, then renamed into it."""

import contextlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from physics.errors import InputError


@contextlib.contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """A place to write to: it takes the place of `path` if all goes well and is removed if not.

    Folders that are missing are made. `InputError` where nothing can be written.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.stem}-{uuid.uuid4().hex}{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise InputError("file to write", found=str(path), wanted="a place that can be written to", fix=f"{error}.") from error
    finally:
        with contextlib.suppress(OSError):  # it was renamed, or never came to be
            temporary.unlink()


@contextlib.contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """An empty folder to fill: it takes the place of `path`, and of what was there, if all goes well."""
    target = Path(path)
    temporary, old = (target.with_name(f".{target.name}-{uuid.uuid4().hex}") for _ in range(2))
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if target.exists():
            target.replace(old)
        temporary.replace(target)
    except OSError as error:
        raise InputError("folder to write", found=str(path), wanted="a place that can be written to", fix=f"{error}.") from error
    finally:
        for remains in (temporary, old):
            shutil.rmtree(remains, ignore_errors=True)
