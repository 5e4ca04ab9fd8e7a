"""The console: a live panel in a terminal, plain lines anywhere else.

It listens like any tracker and writes through rich, so that nothing else in `cluster` prints.
"""

from collections.abc import Mapping

from rich.console import Console as RichConsole
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from cluster.base import Progress, RunSettings
from cluster.tracker import View

SHOWN = {  # metric: (label, format)
    "train_success": ("success while training", "{:.1%}"),
    "train_success_pool": ("  on pool levels", "{:.1%}"),
    "train_success_fresh": ("  on fresh levels", "{:.1%}"),
    "pool_learnability": ("pool learnability", "{:.3f}"),
    "evaluate/random": ("zero-shot, random levels", "{:.1%}"),
    "evaluate/handmade": ("zero-shot, hand-made levels", "{:.1%}"),
    "reward": ("reward a step", "{:+.4f}"),
    "entropy": ("entropy", "{:.2f}"),
    "kl": ("kl", "{:.4f}"),
    "explained_variance": ("explained variance", "{:.2f}"),
    "poisoned_worlds": ("worlds that are not finite", "{:.2%}"),
    "skipped_updates": ("gradient steps skipped", "{:.0f}"),
}
TROUBLE = ("poisoned_worlds", "skipped_updates")  # shown only where there is any


class Console:
    """Shows the newest value of what matters, with progress and speed."""

    def __init__(self, settings: RunSettings, rich: RichConsole | None = None) -> None:
        """`rich` may be given for tests; by default standard output."""
        self._settings = settings
        self._rich = rich or RichConsole()
        self._latest: dict[str, float] = {}
        self._first: Progress | None = None
        self._live = Live(console=self._rich, auto_refresh=False, transient=False) if self._rich.is_terminal else None
        if self._live:
            self._live.start()

    def log(self, progress: Progress, scalars: Mapping[str, float]) -> None:
        """Refresh the panel, or write a line."""
        self._first = self._first or progress
        scalars = {name: value for name, value in scalars.items() if value or name not in TROUBLE}
        self._latest = {name: value for name, value in self._latest.items() if name not in TROUBLE} | scalars
        if self._live:
            self._live.update(self._panel(progress), refresh=True)
        else:
            self._rich.print(self._line(progress, scalars), highlight=False, soft_wrap=True)

    def show(self, progress: Progress, view: View) -> None:
        """Nothing: TensorBoard has them."""

    def close(self) -> None:
        """Leave the last panel on the screen."""
        if self._live:
            self._live.stop()

    def _left(self, progress: Progress) -> str:
        """Time to the end at the pace so far."""
        first = self._first or progress
        done, spent = progress.env_steps - first.env_steps, progress.seconds - first.seconds
        limit = self._settings.max_minutes * 60
        by_steps = (self._settings.total_steps - progress.env_steps) * spent / done if done else float("inf")
        left = min(by_steps, limit - progress.seconds) if limit else by_steps
        return _duration(left) if left < float("inf") else "?"

    def _line(self, progress: Progress, scalars: Mapping[str, float]) -> str:
        parts = [f"{_duration(progress.seconds)}", f"iteration {progress.iteration}", f"{progress.env_steps:,} steps"]
        if "steps_per_second" in scalars:
            parts.append(f"{scalars['steps_per_second']:,.0f}/s")
        shown = [f"{label.strip()} {form.format(scalars[name])}" for name, (label, form) in SHOWN.items() if name in scalars]
        return "  ".join([*parts, *shown])

    def _panel(self, progress: Progress) -> Table:
        settings = self._settings
        grid = Table.grid(padding=(0, 2))
        grid.add_column(justify="right", style="dim")
        grid.add_column(min_width=30)
        grid.add_row("run", f"[bold]{settings.name}[/bold]")
        share = progress.env_steps / settings.total_steps
        if settings.max_minutes:
            share = max(share, progress.seconds / (settings.max_minutes * 60))
        grid.add_row("progress", ProgressBar(total=1.0, completed=min(share, 1.0), width=40))
        speed = self._latest.get("steps_per_second", 0.0)
        grid.add_row("steps", f"{progress.env_steps:,}   {speed:,.0f}/s   iteration {progress.iteration}")
        grid.add_row("time", f"{_duration(progress.seconds)}   about {self._left(progress)} left")
        for name, (label, form) in SHOWN.items():
            if name in self._latest:
                grid.add_row(label, form.format(self._latest[name]))
        return grid


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
