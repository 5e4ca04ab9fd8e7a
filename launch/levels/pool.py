"""What is in the pool of a run's curriculum: a table, the ancestors of a level, pictures, level files."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
from rich import box
from rich.console import Console
from rich.table import Table

from cluster import curriculum_view
from cluster.base import Progress, RunConfig
from cluster.checkpoint import Checkpoints
from curriculum import census, mix
from curriculum import pool as pools
from curriculum.base import POOLED, Look
from curriculum.census import Entry, Summary
from envs import files, level_file, sizes, video
from envs.base import Level
from envs.level_model import LevelModel, Pooled, count
from launch import agents, cli, config
from physics.errors import InputError
from physics.pytree import count_worlds, world, worlds

ORDERS = ("learnability", "success", "age", "edits", "episodes")
SHORT = 12  # digits of a hash that are shown
WIDTH = 110  # characters of the table where there is no terminal


@dataclasses.dataclass(frozen=True)
class Opened:
    """The pool of a run at one of its checkpoints."""

    run: Path
    settings: RunConfig
    progress: Progress
    look: Look
    entries: list[Entry]


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What a person may ask for."""
    command.add_argument("name", metavar="RUN", help="its folder or name; RUN@best or RUN@ITERATION for an older checkpoint")
    command.add_argument("--by", choices=ORDERS, default=ORDERS[0], help=f"what has most of it comes first (default {ORDERS[0]})")
    command.add_argument("--top", type=int, default=20, metavar="N", help="levels to show (default 20; 0 for all)")
    command.add_argument("--lineage", metavar="HASH", help="show this level and its ancestors instead; the first digits are enough")
    command.add_argument("--json", metavar="FILE", help="write what is known of the shown levels, and of the whole pool")
    command.add_argument("--out", metavar="FILE", help="write a picture of the shown levels, PNG, in the order of the table")
    command.add_argument("--export", metavar="FOLDER", help="write every shown level as a level file that says where it comes from")
    command.add_argument("--overwrite", action="store_true", help="with --export: also over files that hold something else")


def run(arguments: argparse.Namespace) -> int:
    """Show what is asked for, and write it; what is refused is refused before anything is written."""
    if arguments.top < 0:
        raise InputError("--top", found=arguments.top, wanted="how many levels, or 0 for all")
    if arguments.out:
        cli.check_png(arguments.out)
    cli.cache_compilations()
    opened = open_pool(arguments.name)
    if arguments.lineage is not None:
        shown = census.ancestry(opened.entries, _find(opened.entries, arguments.lineage))
    else:
        shown = _best(opened.entries, arguments.by, arguments.top)
    picture = curriculum_view.sheet(opened.look, [entry.slot for entry in shown]) if arguments.out else None
    exported = _exported(opened, shown, Path(arguments.export), arguments.overwrite) if arguments.export else {}
    whole = census.summary(opened.entries, count_worlds(opened.look))
    _print(opened, shown, whole, arguments.lineage is not None)
    if arguments.json:
        _write_json(arguments.json, opened, shown, whole)
    if picture is not None:
        video.save_png(picture, arguments.out)
        print(f"{count(len(shown), 'level')}; written to {arguments.out}")
    for path, model in exported.items():
        level_file.write_model(model, path)
    if exported:
        print(f"{count(len(exported), 'level file')} written to {arguments.export}")
    return 0


def open_pool(name: str) -> Opened:
    """The pool of a run at its newest checkpoint, or at the one that is named. Nothing but the pool is read."""
    folder, which = agents.open_checkpoint(name)
    settings = config.load([], base=folder / "config.yaml")
    chosen = settings.curriculum
    if chosen.kind not in POOLED:
        raise InputError(f"curriculum.kind of {folder}", found=chosen.kind, wanted=f"one that has a pool: {', '.join(POOLED)}")
    pool = jax.eval_shape(lambda: pools.empty(sizes.capacity(settings.env.size), chosen.pool_size))
    like = {"curriculum": {"pool": pool, "assignments": jax.ShapeDtypeStruct((), jnp.int32)}}
    found, progress = Checkpoints(folder / "checkpoints", settings.checkpoint).restore_part(like, which)
    pool, now = found["curriculum"]["pool"], found["curriculum"]["assignments"]
    if not pool.filled.any():
        raise InputError(
            f"pool of {folder} at iteration {progress.iteration}", found="no level", wanted="at least one",
            fix="Levels come in while the run trains: look at a later checkpoint.",
        )  # fmt: skip
    none = jnp.zeros(0)  # of the candidates, nothing is asked
    look = mix.look(pool, now, none, none)
    return Opened(folder, settings, progress, look, census.entries(pool, look, int(now)))


def _best(entries: Sequence[Entry], by: str, top: int) -> list[Entry]:
    """Those with most of something, what is not known last, of equal ones by their slots."""

    def rank(entry: Entry) -> float:
        value = getattr(entry, by)
        return 1.0 if value is None else -value

    return sorted(entries, key=rank)[: top or None]


def _find(entries: Sequence[Entry], digits: str) -> Entry:
    """The level whose hash begins with these digits."""
    found = [entry for entry in entries if entry.hash.startswith(digits.lower())]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError("--lineage", found=digits, wanted="more digits", fix=f"So begin the hashes of {len(found)} levels.")
    children = [entry.hash[:SHORT] for entry in entries if (entry.parent or "").startswith(digits.lower())]
    hint = f"It has left the pool; made from it: {', '.join(children[:8])}." if children else "--top 0 shows all."
    raise InputError("--lineage", found=digits, wanted="the hash of a level in the pool, or its first digits", fix=hint)


def _print(opened: Opened, shown: Sequence[Entry], whole: Summary, lineage: bool) -> None:
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    place = f"pool of {opened.run} ({opened.settings.curriculum.kind}) at iteration {opened.progress.iteration}"
    console.print(_table(f"Lineage of {shown[0].hash} in the {place}" if lineage else f"The {place}", shown))
    if lineage:
        print(_beginning(shown[-1]))
    shares = {"too easy": whole.too_easy, "learnable": whole.learnable, "too hard": whole.too_hard, "not played": whole.not_played}
    sorts = ", ".join(f"{share:.0%} {name}" for name, share in shares.items() if share)
    print(f"{whole.filled:,} of {whole.slots:,} slots: {sorts}; mean age {whole.age:.1f}; deepest lineage {whole.deepest}")


def _table(title: str, shown: Sequence[Entry]) -> Table:
    caption = "Success is by rolling counts, of so many episodes. Age and last played are in assignments."
    table = Table(title=title, caption=caption, title_style="bold", caption_style="dim", box=box.SIMPLE_HEAD, collapse_padding=True)
    for name in ("slot", "hash", "success", "of", "learn-\nability", "score", "age", "last\nplayed", "edits", "from"):
        table.add_column(name, justify="left" if name in ("hash", "from") else "right", no_wrap=True)
    for entry in shown:
        table.add_row(
            str(entry.slot), entry.hash[:SHORT], _number(entry.success, ".0%"), f"{entry.episodes:.1f}", _number(entry.learnability, ".3f"),
            _number(entry.score, ".3g"), str(entry.age), str(entry.last_played), str(entry.edits), _origin(entry),
        )  # fmt: skip
    return table


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _origin(entry: Entry) -> str:
    if entry.parent:
        return f"{entry.parent[:SHORT]}, {'in the pool' if entry.parent_in_pool else 'gone'}"
    return f"draw {entry.number} of {entry.key}" if entry.key else "-"


def _beginning(oldest: Entry) -> str:
    """Where a lineage that ends with `oldest` begins."""
    if oldest.parent:
        return f"{oldest.hash[:SHORT]} is {oldest.edits} edits from a drawn level; what lay between has left the pool."
    return f"{oldest.hash[:SHORT]} was drawn: number {oldest.number} of key {oldest.key}."


def _write_json(file: str, opened: Opened, shown: Sequence[Entry], whole: Summary) -> None:
    content = {
        "run": str(opened.run), "kind": opened.settings.curriculum.kind, **dataclasses.asdict(opened.progress),
        "summary": dataclasses.asdict(whole), "levels": [dataclasses.asdict(entry) for entry in shown],
    }  # fmt: skip
    with files.whole(file) as target:
        target.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
    print(f"{count(len(shown), 'level')}; written to {file}")


def _exported(opened: Opened, shown: Sequence[Entry], folder: Path, overwrite: bool) -> dict[Path, LevelModel]:
    """Of every shown level where it goes and what its file holds; `InputError` if something else is there."""
    levels = jax.device_get(worlds(opened.look.levels, jnp.asarray([entry.slot for entry in shown])))
    found = {}
    for i, entry in enumerate(shown):
        path = folder / f"{entry.hash[:SHORT]}.json"
        if not overwrite and path.exists() and not _holds(path, entry):
            raise InputError(
                "--export", found=f"{path}, which holds something else", wanted="a folder without it", fix="Or say --overwrite."
            )
        found[path] = _model(opened, entry, world(levels, i))
    return found


def _holds(path: Path, entry: Entry) -> bool:
    """Whether the file is this level and nothing would be lost: no solution was added to it."""
    try:
        model = level_file.read_model(path)
    except InputError:
        return False
    return model.pool is not None and model.pool.hash == entry.hash and model.solution is None


def _model(opened: Opened, entry: Entry, level: Level) -> LevelModel:
    known = {name: getattr(entry, name) for name in ("hash", "key", "number", "parent", "edits", "success", "episodes")}
    about = f"From the pool of a run's curriculum, after {opened.progress.env_steps:,} environment steps."
    name, size = level_file.name_for(entry.hash[:SHORT]), opened.settings.env.size
    model = level_file.to_model(level, name=name, description=about, size=size)
    return model.model_copy(update={"pool": Pooled(run=str(opened.run), iteration=opened.progress.iteration, **known)})
