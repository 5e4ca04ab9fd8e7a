"""Checkpoints: everything a run needs to go on, written by Orbax behind a small interface.

Orbax writes to a temporary folder and renames it, so a run that is killed while it saves finds its
last whole checkpoint. Arrays and counters travel together.
"""

import dataclasses
import logging
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from cluster.base import CheckpointConfig, Progress
from physics.errors import InputError


class Checkpoints:
    """The checkpoints of one run, in `folder`."""

    def __init__(self, folder: Path, config: CheckpointConfig) -> None:
        """Open the folder, made if missing."""
        logging.getLogger("absl").setLevel(logging.ERROR)  # Orbax reports every file at lower levels
        self._folder = folder.absolute()
        options = ocp.CheckpointManagerOptions(max_to_keep=config.keep, cleanup_tmp_directories=True, create=True)
        self._manager = ocp.CheckpointManager(self._folder, options=options)

    def latest(self) -> int | None:
        """Iteration of the newest checkpoint; None if there is none."""
        return self._manager.latest_step()

    def save(self, state: Any, progress: Progress) -> None:
        """Begin to write a checkpoint; `wait` returns when it is on disk."""
        if self.latest() == progress.iteration:
            return
        parts = ocp.args.Composite(state=ocp.args.StandardSave(state), progress=ocp.args.JsonSave(dataclasses.asdict(progress)))
        self._manager.save(progress.iteration, args=parts)

    def wait(self) -> None:
        """Return when everything that was saved is on disk; raises if the writing failed."""
        self._manager.wait_until_finished()

    def restore(self, like: Any) -> tuple[Any, Progress]:
        """The newest checkpoint: (state placed and shaped as `like`, counters).

        `InputError` if there is none, if it is damaged, or if it was made with other settings.
        """
        step = self.latest()
        if step is None:
            raise InputError(
                f"checkpoint in {self._folder}", found="none", wanted="at least one",
                fix="Start the run anew under another name: it was stopped before its first checkpoint.",
            )  # fmt: skip
        abstract = jax.tree.map(_abstract, like)
        parts = ocp.args.Composite(state=ocp.args.StandardRestore(abstract), progress=ocp.args.JsonRestore())
        try:
            restored = self._manager.restore(step, args=parts)
            progress = Progress(**restored["progress"])
        except Exception as error:
            raise InputError(
                f"checkpoint {self._folder / str(step)} cannot be read ({type(error).__name__}: {_first_line(error)})",
                fix="Remove that folder to go on from the checkpoint before it; if the code has changed, use the version that wrote it.",
            ) from error
        return restored["state"], progress

    def close(self) -> None:
        """Finish writing and let go of the folder."""
        self._manager.close()


def _abstract(leaf: jax.Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ["no message"]
    return lines[0][:200]
