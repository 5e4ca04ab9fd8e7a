"""What happens to the roles of a run: a line each in `events.jsonl`, and counters for the curves.

    {"time": "2026-01-31T12:00:00+00:00", "what": "lost", "role": "worker 1", "iteration": 12, "cause": "..."}

`what` is started (with machine and process), lost, waiting, or recovered (with the seconds that it took). Lines are appended whole, so that
whoever reads along, or a process that is killed, never leaves half of one.
"""

import collections
import datetime
import json
import os
from pathlib import Path

LOST = "lost"


class Events:
    """The events of one run."""

    def __init__(self, path: Path) -> None:
        """The file is made with the first event."""
        self._path = path
        self._lost: collections.Counter[str] = collections.Counter()
        self._seconds = 0.0

    def __call__(self, what: str, role: str, seconds: float | None = None, **more: str | int) -> None:
        """Note an event, and whatever else is known of it."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        row = {"time": now, "what": what, "role": role, **more} | ({"seconds": round(seconds, 3)} if seconds is not None else {})
        self._append(json.dumps(row) + "\n")
        if what == LOST:
            self._lost[role.split()[0]] += 1
        self._seconds = seconds if seconds is not None else self._seconds

    def scalars(self) -> dict[str, float]:
        """How many of every role were lost since this process began, and what the last recovery took; nothing if none was."""
        if not self._lost:
            return {}
        counts = {f"cluster/lost_{role}": float(count) for role, count in self._lost.items()}
        return {**counts, "cluster/lost": float(self._lost.total()), "cluster/recovery_seconds": self._seconds}

    def _append(self, line: str) -> None:
        """One write to a file that is open for appending is not torn apart by others."""
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)
