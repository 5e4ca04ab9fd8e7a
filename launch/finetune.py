"""Go on from a general agent on a few levels: `python -m launch.finetune RUN --level LEVEL [--level LEVEL ...] [--steps N] [--scratch]`.

The new run has the settings of RUN and begins with its newest parameters (or those of RUN@best, RUN@ITERATION); the optimiser is fresh, and
nothing but the named levels is played. With --scratch a second run, with the same settings and seed,
begins with random parameters, and both curves are drawn. Both are ordinary runs: they can be watched
with TensorBoard, resumed and evaluated. The same command, typed again, goes on where it was stopped.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from cluster.base import RunConfig
from cluster.checkpoint import NEWEST
from envs import files, holdout, kinetix_levels, sizes
from launch import agents, cli, config, curves, runs
from launch.curves import Curve
from physics.errors import InputError

CHANGES = Path(__file__).parent.parent / "configs" / "finetune.yaml"
SECTIONS = ("ppo", "optimizer", "run", "evaluate", "checkpoint")  # what words may set; the rest is RUN's
OWN = ("run.parent", "run.total_steps")  # said in other words
STEPS = 500_000
SUCCESS = "evaluate/handmade"  # of the levels that evaluate.holdout names: here those trained on
GOAL = 0.9  # success rate whose time is told


def main(argv: Sequence[str]) -> int:
    """Fine-tune, and train from scratch beside it if asked to; exit status as of `launch.train`."""
    parser = cli.Parser(prog="python -m launch.finetune", description=__doc__)
    parser.add_argument("run", help="the general agent: a run's folder or name; RUN@best or RUN@ITERATION for an older checkpoint")
    parser.add_argument("--level", action="append", required=True, help="id, level file, folder or group; may be given again")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"environment steps (default {STEPS})")
    parser.add_argument("--scratch", action="store_true", help="train as long from scratch as well, and draw both curves")
    parser.add_argument("words", nargs="*", metavar="KEY=VALUE", help="settings of the sections " + ", ".join(SECTIONS))
    arguments = parser.parse_intermixed_args(argv)
    if arguments.scratch:
        curves.check_available()
    cli.cache_compilations()
    parent, which = agents.open_checkpoint(arguments.run)
    tuned = settings(parent, arguments.level, arguments.steps, arguments.words, which)
    status = runs.go(tuned)
    if status or not runs.finished(tuned) or not arguments.scratch:
        return status
    scratch = from_scratch(tuned)
    status = runs.go(scratch)
    if status == 0 and runs.finished(scratch):
        _report(tuned, scratch)
    return status


def settings(parent: Path, levels: Sequence[str], steps: int, words: Sequence[str] = (), which: str = NEWEST) -> RunConfig:
    """Settings of the run that goes on from a checkpoint of `parent`: the parent's, but for the levels, the length and `words`."""
    strange = [word for word in words if word.split(".")[0] not in SECTIONS or word.split("=")[0] in OWN]
    if strange:
        raise InputError(
            f"launch.finetune with {', '.join(strange)}", wanted="settings of the sections " + ", ".join(SECTIONS),
            fix="Network and environment are those of RUN; --steps says how long.",
        )  # fmt: skip
    size = _size_for(levels, config.load([], base=parent / "config.yaml").env.size)
    chosen = holdout.choose(levels, size)
    name = "-".join([parent.resolve().name, *[Path(id).stem for id in chosen[:2]]]) + (f"-and-{len(chosen) - 2}" if len(chosen) > 2 else "")
    made = [
        "curriculum.kind=named", f"curriculum.levels={','.join(chosen)}", f"evaluate.holdout={','.join(chosen)}", f"env.size={size}",
        f"run.name={name}", f"run.parent={parent if which == NEWEST else f'{parent}@{which}'}", f"run.total_steps={steps}",
    ]  # fmt: skip
    return config.load([str(CHANGES), *made, *words], base=parent / "config.yaml")


def from_scratch(tuned: RunConfig) -> RunConfig:
    """The same run, begun with random parameters; `tuned` must have been started."""
    words = [f"run.name={tuned.run.name}-scratch", "run.parent="]
    return config.load(words, base=runs.place(tuned) / "config.yaml")


def _size_for(levels: Sequence[str], least: str) -> str:
    """The smallest size from `least` on in which all levels have room; of all shipped or published levels those that fit count."""
    order = list(sizes.SIZES)
    items = [item for item in levels if item not in (holdout.SHIPPED, kinetix_levels.GROUP)]
    needed = [holdout.own_size(id) for item in items for id in holdout.spelled_out(item)]
    return max([least, *needed], key=order.index)


def _report(tuned: RunConfig, scratch: RunConfig) -> None:
    """Both curves as picture and data in the folder of the fine-tuned run, and in words."""
    found = {"fine-tuned": curves.read(runs.place(tuned), SUCCESS), "from scratch": curves.read(runs.place(scratch), SUCCESS)}
    levels = tuned.evaluate.holdout.split(",")
    what = levels[0] if len(levels) == 1 else f"{len(levels)} levels"
    picture = runs.place(tuned) / "finetune.png"
    curves.draw(picture, found, f"{what}: {tuned.run.parent} fine-tuned, and the same from scratch", "success rate on the trained levels")
    content = {"levels": levels, "parent": tuned.run.parent, "seed": tuned.run.seed, "attempts": tuned.evaluate.attempts}
    with files.whole(picture.with_suffix(".json")) as target:
        target.write_text(json.dumps(content | {name: curve.as_dict() for name, curve in found.items()}, indent=2) + "\n")
    for name, curve in found.items():
        print(f"{name:<13}{_in_words(curve)}")
    print(f"written to {picture} and {picture.with_suffix('.json')}")


def _in_words(curve: Curve) -> str:
    steps = curve.reached(GOAL)
    goal = f"{GOAL:.0%} reached after {steps:,} steps" if steps is not None else f"{GOAL:.0%} not reached"
    return f"{curve.rate[0]:.0%} before, {curve.rate[-1]:.0%} after {curve.env_steps[-1]:,} steps; {goal}"


if __name__ == "__main__":
    cli.run(main)
