"""Find out whether a level can be solved: `python -m launch.solve LEVEL ... [--out FILE] [--clip FILE]`.

A LEVEL is an id (s/lift_off), a group, a level file or a folder. Many players try at once and learn from the
best of them. --out writes the level with the solution that was found, --clip shows it. None found does not
mean that there is none: exit status 1 says that the budget was spent.
"""

import argparse
import time
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from envs import holdout, level_file, search, sizes, video
from envs.base import EnvConfig, Level
from envs.env import Env
from envs.level_model import LevelModel
from envs.search import Found, Round, SearchConfig
from launch import cli, play
from learners import record
from physics.errors import InputError
from physics.pytree import stack

CLIP_WIDTH = 480  # pixels


def main(argv: Sequence[str]) -> int:
    """Search a solution of every level; 0 if all have one."""
    arguments = _parser().parse_args(argv)
    ids = [id for item in arguments.levels for id in holdout.spelled_out(item)]
    if len(ids) > 1 and (arguments.out or arguments.clip):
        raise InputError("--out and --clip", found=f"{len(ids)} levels", wanted="one level")
    if arguments.clip:
        video.check_path(arguments.clip)
    config = SearchConfig(players=arguments.players, rounds=arguments.rounds)
    cli.cache_compilations()
    found = [_solve(id, config, arguments.seed) for id in ids]
    if found[0] and arguments.out:
        level_file.write_model(_with_solution(ids[0], found[0]), arguments.out)
        print(f"written to {arguments.out}")
    if found[0] and arguments.clip:
        _save_clip(ids[0], found[0], arguments.clip)
        print(f"written to {arguments.clip}")
    return 0 if all(found) else 1


def _parser() -> cli.Parser:
    plain = argparse.RawDescriptionHelpFormatter
    parser = cli.Parser(prog="python -m launch.solve", description=__doc__, formatter_class=plain)
    default = SearchConfig()
    parser.add_argument("levels", nargs="+", metavar="LEVEL")
    parser.add_argument("--players", type=int, default=default.players, help=f"episodes at the same time (default {default.players})")
    parser.add_argument("--rounds", type=int, default=default.rounds, help=f"rounds before giving up (default {default.rounds})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", metavar="FILE", help="write the level with its solution, as JSON; may be the file that was read")
    parser.add_argument("--clip", metavar="FILE", help="show the solution, .gif or .mp4")
    return parser


def _solve(id: str, config: SearchConfig, seed: int) -> Found | None:
    size, level = _load(id)
    console = Console()
    columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[news]}"), TimeElapsedColumn()]
    begin = time.perf_counter()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(id, total=config.rounds, news="compiling")

        def report(round_: Round) -> None:
            progress.update(task, completed=round_.number, news=_news(round_))

        found = search.solve(level, size, config, seed, report)
    console.print(_verdict(id, found, config, time.perf_counter() - begin), highlight=False, soft_wrap=True)
    return found


def _news(round_: Round) -> str:
    news = f"{round_.attempts:,} attempts, {round_.solved} of the last solved it"
    return news if round_.steadiness else f"{news}, green came within {round_.nearest:.2f} m"


def _verdict(id: str, found: Found | None, config: SearchConfig, seconds: float) -> str:
    if not found:
        tried = f"{config.players * config.rounds:,} attempts, {seconds:.0f} s"
        return f"{id}: no solution in {tried}. There may be one: try --rounds or --seed."
    steady = f"solves it from {found.steadiness:.0%} of starts a hundredth of a millimetre off"
    return f"{id}: solved in {len(found.actions)} steps; {steady}; {found.attempts:,} attempts, {seconds:.0f} s"


def _load(id: str) -> tuple[str, Level]:
    """Size and level, in the slots of that size."""
    size = holdout.own_size(id)
    return size, holdout.find(id, sizes.capacity(size)).level


def _with_solution(id: str, found: Found) -> LevelModel:
    """The contents of a file: as they were read, where it was ours."""
    solution = level_file.compress(found.actions)
    model = holdout.find(id).model
    if model:
        return model.model_copy(update={"solution": [(action, count) for action, count in solution]})
    size, level = _load(id)
    return level_file.to_model(level, name=level_file.name_for(id), description=f"Converted from {id}.", size=size, solution=solution)


def _save_clip(id: str, found: Found, path: str) -> None:
    size, level = _load(id)
    env = Env(EnvConfig(size=size))
    levels, actions = stack([level]), jnp.asarray(search.held(found.actions), jnp.int32)[:, None]
    recording = jax.tree.map(np.asarray, jax.jit(record.replay, static_argnums=0)(env, levels, actions))
    video.save_video(play.draw([id], levels, recording, CLIP_WIDTH), path, play.FRAMES_PER_SECOND)


if __name__ == "__main__":
    cli.run(main)
