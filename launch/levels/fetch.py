"""Downloads the package of Kinetix, and takes nothing of it but the published levels."""

import subprocess
import sys
import tempfile
from pathlib import Path

from envs import kinetix_levels
from physics.errors import InputError

INSTEAD = f"Download that wheel elsewhere, then {kinetix_levels.COMMAND} --wheel FILE"


def levels() -> Path:
    """Fetch the wheel and unpack its levels: the folder they are in. Nothing is installed."""
    wanted = f"{kinetix_levels.PACKAGE}=={kinetix_levels.VERSION}"
    with tempfile.TemporaryDirectory() as folder:
        _download(wanted, folder)
        wheels = sorted(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise InputError(f"pip download {wanted}", found=f"{len(wheels)} wheels", wanted="one wheel", fix=INSTEAD)
        return kinetix_levels.unpack(wheels[0])


def _download(wanted: str, folder: str) -> None:
    options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--no-input", "--quiet", "--dest", folder]
    command = [sys.executable, "-m", "pip", "download", *options, wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        complaint = [line for line in done.stderr.strip().splitlines() if not line.startswith("WARNING")]
        raise InputError(f"pip download {wanted}", found=complaint[-1] if complaint else f"status {done.returncode}", fix=INSTEAD)
