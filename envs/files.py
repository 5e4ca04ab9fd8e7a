"""Files that appear whole or not at all: written beside their place, then renamed into it."""

import contextlib
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
