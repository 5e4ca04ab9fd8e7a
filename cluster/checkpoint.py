"""Checkpoints: everything a run needs to go on, written by Orbax behind a small interface.

A state is copied before `save` returns and written while training goes on. Orbax writes to a temporary
folder and renames it, so a run that is killed while it saves finds its last whole checkpoint. Arrays and
counters travel together. Nothing in the folder is changed before the first `save`: who only reads, as an
evaluation beside a training does, leaves no trace.
"""

import contextlib
import dataclasses
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import jax
import orbax.checkpoint as ocp
from jax.experimental import multihost_utils

from cluster import stored
from cluster.base import CheckpointConfig, Progress
from cluster.retention import Retention
from physics.errors import InputError

NEWEST, BEST = "newest", "best"  # names of checkpoints, besides their iterations
ROOM = 1.1  # a checkpoint is begun if the disk has so many times its size free
DAMAGED = ".damaged"  # suffix of a checkpoint that was set aside
OS_ERROR = re.compile(r"os_error_code='(\d+)'")  # in what TensorStore, which writes the arrays, says of a disk
LOG = logging.getLogger("fulcrum")

T = TypeVar("T")


class Checkpoints:
    """The checkpoints of one run, in `folder`, on a local disk or on one that all processes share."""

    def __init__(self, folder: Path, config: CheckpointConfig) -> None:
        """Nothing is read or made yet."""
        logging.getLogger("absl").setLevel(logging.CRITICAL)  # Orbax reports every file, and failures that are raised as well
        self._folder = folder.absolute()
        self._retention = Retention(self._folder, config)
        self._manager: ocp.CheckpointManager | None = None
        self.damaged: list[int] = []  # newer checkpoints that could not be read when an older one was

    def latest(self) -> int | None:
        """Iteration of the newest checkpoint; None if there is none."""
        return max(self._iterations(), default=None)

    def due(self, progress: Progress) -> bool:
        """Whether it is time for a checkpoint, by iterations, by minutes or because nothing was as good before."""
        return self._retention.due(progress)

    def overdue(self, progress: Progress) -> bool:
        """Whether it is time by minutes, which come at any iteration."""
        return self._retention.overdue(progress)

    def following(self, progress: Progress) -> int:
        """The next iteration at which a checkpoint is due by iterations."""
        return self._retention.following(progress)

    def note(self, progress: Progress, scalars: Mapping[str, float]) -> None:
        """Take note of an evaluation's measures, which may decide what is kept."""
        self._retention.note(progress, scalars)

    def save(self, state: Any, progress: Progress) -> None:
        """Begin to write a checkpoint; `state` may be donated at once. `wait` returns when it is on disk."""
        if self._manager and self._manager.latest_step() == progress.iteration:
            return
        with self._writing():
            manager = self._manager or self._open()
            if manager.latest_step() == progress.iteration:
                return
            manager.wait_until_finished()  # one at a time; an error in the writing of the one before is raised here
            self._check_room(stored.size(state))
            parts = ocp.args.Composite(
                state=ocp.args.StandardSave(stored.plain(state)), progress=ocp.args.JsonSave(dataclasses.asdict(progress))
            )
            if not manager.save(progress.iteration, args=parts):
                raise RuntimeError(f"checkpoint {progress.iteration} was not begun: there is a newer one")
        self._retention.saved(progress)

    def wait(self) -> None:
        """Return when everything that was saved is on disk; `InputError` if the disk would not take it."""
        if self._manager:
            with self._writing():
                self._manager.wait_until_finished()

    def restore(self, like: Any, which: str = NEWEST) -> tuple[Any, Progress]:
        """A checkpoint: (state placed and shaped as `like`, counters). `which` is `newest`, `best` or an iteration.

        Of the newest, a damaged one is passed over with a warning, and set aside at the next `save`. `InputError` if
        there is none, or if none fits: all are damaged, or were made with other settings.
        """
        self.wait()
        state, progress = self._first(self._candidates(which), lambda iteration: self._read(iteration, like))
        self._retention.saved(progress)
        return state, progress

    def restore_part(self, like: Any, which: str = NEWEST) -> tuple[Any, Progress]:
        """As `restore`, but a part alone: (numpy arrays, counters).

        `like` has the names that lead to it, as `{"curriculum": {"pool": ...}}`, and shapes; the rest is not read.
        """
        return self._first(self._candidates(which), lambda iteration: self._read_part(iteration, like))

    def close(self) -> None:
        """Finish writing and let go of the folder."""
        if self._manager:
            self._manager.close()
            self._manager = None

    def _iterations(self) -> list[int]:
        """Of all whole checkpoints."""
        return list(ocp.utils.checkpoint_steps(self._folder)) if self._folder.is_dir() else []

    def _candidates(self, which: str) -> list[int]:
        """Those that `which` means, the first choice first."""
        there = sorted(self._iterations(), reverse=True)
        if which == NEWEST:
            return there
        best = self._retention.best(there)
        wanted = best if which == BEST else int(which) if which.isdecimal() else None
        if wanted in there:
            return [wanted]
        names = [*([] if best is None else [BEST]), *map(str, there)]
        raise InputError(
            f"checkpoint in {self._folder}", found=which, wanted=f"one of {', '.join(names)}" if names else "any; there is none",
            fix="The best is known where checkpoint.best names a measure before training." if which == BEST else "",
        )  # fmt: skip

    def _first(self, iterations: Sequence[int], read: Callable[[int], T]) -> T:
        """What `read` finds in the first of these checkpoints that it can read."""
        failures: dict[int, Exception] = {}
        for iteration in iterations:
            try:
                found = read(iteration)
            except Exception as error:
                failures[iteration] = error
                continue
            self._pass_over(failures, iteration)
            return found
        raise self._unreadable(failures)

    def _open(self) -> ocp.CheckpointManager:
        """Make the folder ours: damaged checkpoints are set aside, and what a killed run left half written is removed."""
        if jax.process_index() == 0:
            for iteration in self.damaged:
                self._set_aside(self._folder / str(iteration))
        if self.damaged and jax.process_count() > 1:
            multihost_utils.sync_global_devices("damaged checkpoints are set aside")
        self.damaged = []
        options = ocp.CheckpointManagerOptions(preservation_policy=self._retention, cleanup_tmp_directories=True, create=True)
        self._manager = ocp.CheckpointManager(self._folder, options=options)
        return self._manager

    def _set_aside(self, place: Path) -> None:
        target = place.with_name(place.name + DAMAGED)
        while target.exists():
            target = target.with_name(target.name + DAMAGED)
        place.rename(target)

    def _read(self, iteration: int, like: Any) -> tuple[Any, Progress]:
        with self._reader(ocp.StandardCheckpointHandler()) as manager:
            parts = ocp.args.Composite(state=ocp.args.StandardRestore(stored.wanted(like)), progress=ocp.args.JsonRestore())
            found = manager.restore(iteration, args=parts)
        return stored.placed(found["state"], like), Progress(**found["progress"])

    def _read_part(self, iteration: int, like: Any) -> tuple[Any, Progress]:
        wanted = stored.wanted(like)
        state = ocp.args.PyTreeRestore(wanted, ocp.checkpoint_utils.construct_restore_args(wanted), partial_restore=True)
        with self._reader(ocp.PyTreeCheckpointHandler()) as manager:
            _check_shapes(manager.item_metadata(iteration)["state"].tree, wanted)  # Orbax lets pass what is missing or of another shape
            found = manager.restore(iteration, args=ocp.args.Composite(state=state, progress=ocp.args.JsonRestore()))
        return found["state"], Progress(**found["progress"])

    def _reader(self, handler: ocp.CheckpointHandler) -> ocp.CheckpointManager:
        """Changes nothing in the folder; `handler` reads the state."""
        handlers = {"state": handler, "progress": ocp.JsonCheckpointHandler()}
        return ocp.CheckpointManager(self._folder, options=ocp.CheckpointManagerOptions(read_only=True), item_handlers=handlers)

    def _pass_over(self, failures: dict[int, Exception], iteration: int) -> None:
        self.damaged = sorted(failures)
        if failures:
            self.close()  # the next `save` opens the folder anew
        for number, error in failures.items():
            LOG.warning(
                "checkpoint %s is damaged (%s); going on from checkpoint %d. It is kept as %s%s.",
                self._folder / str(number), _short(error), iteration, number, DAMAGED,
            )  # fmt: skip

    def _unreadable(self, failures: dict[int, Exception]) -> InputError:
        if not failures:
            return InputError(
                f"checkpoint in {self._folder}", found="none", wanted="at least one",
                fix="Start the run anew under another name: it was stopped before its first checkpoint.",
            )  # fmt: skip
        newest, error = next(iter(failures.items()))
        others = f", nor can {', '.join(map(str, sorted(failures)[:-1]))}" if len(failures) > 1 else ""
        return InputError(
            f"checkpoint {self._folder / str(newest)} cannot be read ({_short(error)}){others}",
            fix="If the code has changed, use the version that wrote it; if the files are damaged, start the run anew under another name.",
        )  # fmt: skip

    def _check_room(self, size: int) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < size * ROOM:
            raise self._unwritable(f"the disk has {free / 2**20:.1f} MiB free, a checkpoint takes {size / 2**20:.1f} MiB")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Say what the disk refuses; any other error is a bug and stays what it is."""
        try:
            yield
        except Exception as error:
            code = OS_ERROR.search(str(error))
            if isinstance(error, OSError) or code:
                raise self._unwritable(os.strerror(int(code[1])) if code else _short(error)) from error
            raise

    def _unwritable(self, why: str) -> InputError:
        whole = self._iterations()
        fix = "Make room, or let the folder be written to, "
        fix += f"and go on with --resume: checkpoint {max(whole)} is whole." if whole else "or choose another run.folder."
        return InputError(f"checkpoint in {self._folder} cannot be written ({why})", fix=fix)


def _short(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0][:200]}"


def _check_shapes(written: Any, wanted: Any) -> None:
    """`ValueError` names the first array that is not written as it is wanted."""
    there = _shapes(written)
    for name, shape in _shapes(wanted).items():
        if there.get(name) != shape:
            raise ValueError(f"{name} is {there.get(name, 'missing')}, not {shape}")


def _shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    paths = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="."): tuple(leaf.shape) for path, leaf in paths}
