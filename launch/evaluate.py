"""Measure an agent zero-shot: `python -m launch.evaluate RUN [holdout=LEVELS] [evaluate.attempts=N ...]`.

RUN is a run or a weights file. Prints success rates on levels that training never saw, for the trained agent,
sampled and greedy, beside an untrained one and beside doing nothing; writes all that was found to
RUN/evaluation.json and, as curves, to RUN/tensorboard/evaluate. Of other levels than the shipped ones the file is
named after them; that of a weights file stands beside it and begins with its name. LEVELS are names with commas
between: ids, level files, folders of such, shipped (or handmade), a size, kinetix or kinetix/SIZE (fetched with
python -m launch.levels import-kinetix). Attempts and random levels are as published, whatever the run's settings.
"""

import dataclasses
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from cluster.tracker import TensorBoard
from envs import files, holdout
from launch import agents, cli
from launch.agents import Agent
from learners import rollout, weights
from learners.report import Measured, Report, Summary

IDLE, UNTRAINED, GREEDY, TRAINED = COLUMNS = "doing nothing", "untrained", "greedy", "trained"
DETAILS = ("95 %", "once", "return", "steps")  # of the trained agent, sampled
WIDTH = 110  # characters of the table where there is no terminal


def main(argv: Sequence[str]) -> int:
    """Print the table of one agent and write it beside the agent."""
    parser = cli.Parser(prog="python -m launch.evaluate", description=__doc__)
    parser.add_argument("run", help=agents.HELP)
    parser.add_argument(
        "words", nargs="*", metavar="evaluate.KEY=VALUE", help="settings of the evaluation; holdout= is short for evaluate.holdout="
    )
    arguments = parser.parse_args(argv)
    words = [f"evaluate.{word}" if word.startswith("holdout=") else word for word in arguments.words]
    cli.cache_compilations()
    agent = agents.open_agent(arguments.run, words)
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    reports = measure(agent, console)
    console.print(_table(agent, reports))
    out = _place(agent)
    _write(out, agent, reports)
    print(f"written to {out}")
    if agent.run:
        _draw(agent.run / "tensorboard" / "evaluate", agent, reports)
    return 0


def measure(agent: Agent, console: Console) -> dict[str, Report]:
    """A report a column. To compare with, one attempt of the untrained agent at every random level is enough: there are many."""
    plan = {
        IDLE: (agent.untrained, rollout.IDLE, 1),
        UNTRAINED: (agent.untrained, rollout.SAMPLED, 1),
        GREEDY: (agent.params, rollout.GREEDY, 1),
        TRAINED: (agent.params, rollout.SAMPLED, None),
    }
    reports = {}
    for name, (params, way, random_attempts) in plan.items():
        with console.status(f"measuring: {name}"):
            reports[name] = agent.evaluator.report(params, agent.key, way, random_attempts)
    return reports


def _place(agent: Agent) -> Path:
    """Where rates on these levels go: what is measured elsewhere must not take the place of the shipped levels."""
    name = _file_name(agent.settings.evaluate.holdout)
    return agent.run / name if agent.run else Path(f"{agent.name.removesuffix(weights.SUFFIX)}-{name}")


def _file_name(levels: str) -> str:
    slug = _slug(levels)
    return "evaluation.json" if slug == holdout.SHIPPED else f"evaluation-{slug}.json"


def _slug(levels: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]+", "-", levels).strip("-")[:80]
    return holdout.SHIPPED if name == holdout.HANDMADE else name


def _table(agent: Agent, reports: dict[str, Report]) -> Table:
    trained = reports[TRAINED]
    unseen = agent.settings.curriculum.kind != "named"
    title = f"{'Zero-shot success' if unseen else 'Success'} of {agent.name} after {agent.progress.env_steps:,} steps"
    style: dict[str, Any] = {"title_style": "bold", "caption_style": "dim", "box": box.SIMPLE_HEAD}
    table = Table(title=title, caption=_caption(trained), collapse_padding=True, **style)  # so that the longest names fit into `WIDTH`
    table.add_column("level", overflow="fold")
    for name in (*COLUMNS, *DETAILS):
        table.add_column(name, justify="right", style="bold" if name == TRAINED else "dim" if name in DETAILS else "")
    _add_levels(table, {name: report.handmade for name, report in reports.items()})
    _add_sums(table, "hand-made", {name: report.handmade for name, report in reports.items()})
    table.add_section()
    if trained.random:
        _add_sums(table, "random", {name: report.random for name, report in reports.items() if report.random})
    return table


def _add_levels(table: Table, found: dict[str, Measured]) -> None:
    trained = found[TRAINED]
    interval = trained.interval()
    for i, level in enumerate(trained.names):
        bounds = f"{interval[0][i]:.0%}-{interval[1][i]:.0%}" if interval else ""
        details = bounds, "yes" if trained.successes[i] else "", f"{trained.mean_return[i]:.2f}", f"{trained.mean_length[i]:.0f}"
        table.add_row(level, *[f"{found[name].rates[i]:.0%}" for name in COLUMNS], *details)
    table.add_section()


def _add_sums(table: Table, what: str, found: dict[str, Measured]) -> None:
    """Means of groups, of sizes where they are something else, and of all."""
    groups, sizes = ({name: split(each) for name, each in found.items()} for split in (Measured.by_group, Measured.by_size))
    shown = [(group or "others", {name: sums[group] for name, sums in groups.items()}) for group in groups[TRAINED]]
    if [each.levels for each in sizes[TRAINED].values()] != [each.levels for each in groups[TRAINED].values()]:
        shown += [(f"size {size}", {name: sums[size] for name, sums in sizes.items()}) for size in sizes[TRAINED]]
    everything = {name: each.summary() for name, each in found.items()}
    for label, row in [*(shown if len(shown) > 1 else []), (what, everything)]:
        table.add_row(f"{label}, mean of {row[TRAINED].levels}", *[f"{row[name].success:.1%}" for name in COLUMNS], *_details(row[TRAINED]))


def _details(found: Summary) -> tuple[str, ...]:
    low, high = found.interval
    return f"{low:.1%}-{high:.1%}", f"{found.solved_once:.1%}", f"{found.mean_return:.2f}", f"{found.mean_length:.0f}"


def _caption(report: Report) -> str:
    of_random = f", {report.random.attempts} at every random one (untrained: 1)" if report.random else ""
    return (
        f"{report.handmade.attempts} attempts at every hand-made level{of_random}. "
        "Doing nothing and acting greedily are the same at every attempt, so one is made. 95 % interval, solved at least once, "
        "return and steps are those of the trained agent, whose actions are sampled as in training."
    )


def _write(path: Path, agent: Agent, reports: dict[str, Report]) -> None:
    content = {
        "agent": agent.name,
        "version": weights.producer(),
        "env_steps": agent.progress.env_steps,
        "evaluate": dataclasses.asdict(agent.settings.evaluate),
        "env": dataclasses.asdict(agent.env),
        "network": dataclasses.asdict(agent.network),
        "generate": dataclasses.asdict(agent.settings.generate),
    }
    content |= {name.replace(" ", "_"): report.as_dict() for name, report in reports.items()}
    with files.whole(path) as target:
        target.write_text(json.dumps(content, indent=1) + "\n")


def _draw(folder: Path, agent: Agent, reports: dict[str, Report]) -> None:
    """Points at the step of the checkpoint. A folder of their own, as a training may be writing to the one above."""
    levels, board = _slug(agent.settings.evaluate.holdout), TensorBoard(folder, 0)
    for name in (UNTRAINED, GREEDY, TRAINED):
        board.log(agent.progress, reports[name].curves(f"evaluate/{levels}/{name}"))
    board.close()


if __name__ == "__main__":
    cli.run(main)
