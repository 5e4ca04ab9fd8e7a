"""Measure a run zero-shot: `python -m launch.evaluate RUN [holdout=LEVELS] [evaluate.attempts=N ...]`.

Prints success rates on levels that training never saw, for the trained agent, beside the same agent
untrained and beside doing nothing; writes them to RUN/evaluation.json, those of other levels than the
shipped ones to a file named after them. LEVELS are names with commas between: ids, level files, folders
of such, shipped, a size, kinetix or kinetix/SIZE (fetched with python -m launch.levels import-kinetix).
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cluster import local
from cluster.base import Progress, RunConfig, RunState
from cluster.roles.evaluator import Report
from cluster.supervisor import Supervisor
from cluster.tracker import Several
from envs import files, holdout
from launch import cli, config
from learners import rollout
from physics.errors import InputError

COLUMNS = ("doing nothing", "untrained", "trained")


def main(argv: Sequence[str]) -> int:
    """Print the table of one run and write it beside the run."""
    parser = cli.Parser(prog="python -m launch.evaluate", description=__doc__)
    parser.add_argument("run", help="a run: its folder or its name under runs/")
    parser.add_argument(
        "words", nargs="*", metavar="evaluate.KEY=VALUE", help="settings of the evaluation; holdout= is short for evaluate.holdout="
    )
    arguments = parser.parse_args(argv)
    words = [f"evaluate.{word}" if word.startswith("holdout=") else word for word in arguments.words]
    strange = [word for word in words if not word.startswith("evaluate.")]
    if strange:
        raise InputError(f"launch.evaluate with {', '.join(strange)}", wanted="only settings of the section evaluate")
    cli.cache_compilations()
    folder = cli.open_run(arguments.run)
    settings = config.load(words, base=folder / "config.yaml")
    supervisor, state = _restore(settings, folder)
    fresh = supervisor.init()
    reports = {
        "doing nothing": supervisor.report(fresh, rollout.IDLE),
        "untrained": supervisor.report(fresh),
        "trained": supervisor.report(state),
    }
    Console().print(_table(folder, supervisor.progress, reports))
    out = folder / _file_name(settings.evaluate.holdout)
    _write(out, supervisor.progress, reports)
    print(f"written to {out}")
    return 0


def restore(folder: Path, words: Sequence[str] = ()) -> tuple[Supervisor, RunState]:
    """A run's roles and its newest checkpoint."""
    return _restore(config.load(words, base=folder / "config.yaml"), folder)


def _restore(settings: RunConfig, folder: Path) -> tuple[Supervisor, RunState]:
    supervisor = local.build(settings, local.build_roles(settings), folder, Several([]))
    return supervisor, supervisor.restore()


def _file_name(levels: str) -> str:
    """Where rates on these levels go: what is measured elsewhere must not take the place of the shipped levels."""
    name = re.sub(r"[^A-Za-z0-9_]+", "-", levels).strip("-")[:80]
    return "evaluation.json" if levels == holdout.SHIPPED else f"evaluation-{name}.json"


def _table(folder: Path, progress: Progress, reports: dict[str, Report]) -> Table:
    trained = reports["trained"]
    title = f"Zero-shot success of {folder} after {progress.env_steps:,} steps"
    table = Table(title=title, title_style="bold", caption=_caption(trained), caption_style="dim")
    table.add_column("level")
    for name in COLUMNS:
        table.add_column(name, justify="right", style="bold" if name == "trained" else "")
    for level in trained.handmade:
        table.add_row(level, *[f"{reports[name].handmade[level]:.0%}" for name in COLUMNS])
    table.add_section()
    means = {name: report.group_means() for name, report in reports.items()}
    if len(means["trained"]) > 1:
        for group, (_, count) in means["trained"].items():
            table.add_row(f"{group or 'others'}, mean of {count}", *[f"{means[name][group][0]:.1%}" for name in COLUMNS])
    table.add_row(f"hand-made, mean of {len(trained.handmade)}", *[f"{reports[name].handmade_mean:.1%}" for name in COLUMNS])
    table.add_row(f"random, mean of {trained.random_levels}", *[f"{reports[name].random:.1%}" for name in COLUMNS])
    return table


def _caption(report: Report) -> str:
    return f"{report.attempts} attempts at every hand-made level, {report.random_attempts} at every random one; actions are sampled"


def _write(path: Path, progress: Progress, reports: dict[str, Report]) -> None:
    content = {"env_steps": progress.env_steps} | {name.replace(" ", "_"): report.as_dict() for name, report in reports.items()}
    with files.whole(path) as target:
        target.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    cli.run(main)
