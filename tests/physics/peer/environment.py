"""Runs a script in the environment of the published reference, which `setup.sh` makes apart from the project's own."""

import os
import subprocess
from pathlib import Path

import pytest

VARIABLE = "FULCRUM_PEER_PYTHON"
FOLDER = Path(__file__).parent


def run(script: str, *arguments: Path) -> None:
    """Run a script of this folder to its end; the test is skipped if nobody has said which python has the reference."""
    python = os.environ.get(VARIABLE)
    if not python:
        pytest.skip(f"{VARIABLE} is not set: make the reference's environment with {FOLDER.name}/setup.sh and name its python")
    # -I: nothing of this project is on its path. The reference must not look for another device than ours.
    subprocess.run([python, "-I", FOLDER / script, *arguments], check=True, env=os.environ | {"JAX_PLATFORMS": "cpu"})
