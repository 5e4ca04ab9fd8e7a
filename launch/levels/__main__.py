"""Look at levels and at pools of them, draw, check, convert and fetch them: `python -m launch.levels WHAT ...`.

A LEVEL is an id (s/lift_off, kinetix/s/h2_one_wheel_car), a group (shipped, a size s, m or l, kinetix,
kinetix/SIZE), a level file of Fulcrum or of Kinetix, or a folder of such files.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from envs import holdout, kinetix_levels, kinetix_writer, level_file, pictures, video
from envs.level_model import count
from launch import cli
from launch.levels import draw, facts, fetch, measure, pool
from physics.errors import InputError

FORMATS = ("kinetix", "fulcrum")


def main(argv: Sequence[str]) -> int:
    """Do one of the commands."""
    arguments = _parser().parse_args(argv)
    return arguments.run(arguments)


def _parser() -> cli.Parser:
    plain = argparse.RawDescriptionHelpFormatter
    parser = cli.Parser(prog="python -m launch.levels", description=__doc__, formatter_class=plain)
    commands = parser.add_subparsers(metavar="WHAT", required=True)

    def add(name: str, run: object, meaning: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=meaning, description=meaning)
        command.set_defaults(run=run)
        return command

    command = add("list", _list, "one level a line, its id first")
    command.add_argument("levels", nargs="*", metavar="LEVEL", help="default: shipped, and kinetix once it is fetched")
    command = add("show", _show, "what is in a level")
    command.add_argument("levels", nargs="+", metavar="LEVEL")
    command = add("render", _render, "draw levels side by side, with a legend, as PNG")
    command.add_argument("levels", nargs="+", metavar="LEVEL")
    command.add_argument("--out", default="levels.png", help="file to write (default levels.png)")
    command.add_argument("--width", type=int, default=240, help="pixels of one level's picture (default 240)")
    command.add_argument("--columns", type=int, default=0, help="pictures beside each other (default: about a square)")
    command = add("validate", _validate, "say of every file whether it is a level; exit status 1 if one is not")
    command.add_argument("files", nargs="+", metavar="FILE")
    command = add("export", _export, "write a level as a file of Kinetix or of Fulcrum")
    command.add_argument("level", metavar="LEVEL")
    command.add_argument("--format", choices=FORMATS, required=True)
    command.add_argument("--out", required=True, metavar="FILE")
    command = add("draw", _draw, "draw random levels, or edit one, as a picture or as files")
    command.add_argument("words", nargs="*", metavar="KEY=VALUE", help="env.size=m, generate.morphology_share=1, generate.floor_red=0.5")
    command.add_argument("--near", metavar="LEVEL", help="levels near this one, by edits, instead of random ones")
    command.add_argument("--count", type=int, default=16, help="levels (default 16)")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--out", metavar="FILE", help="picture to write, PNG (default levels.png, unless --folder is given)")
    command.add_argument("--folder", metavar="FOLDER", help="write every level as a file that says where it comes from")
    pool.add_arguments(add("pool", pool.run, "what is in the pool of a run's curriculum, and where it comes from"))
    command = add("import-kinetix", _import, f"fetch the {len(kinetix_levels.ids())} levels that Kinetix was published with, once")
    command.add_argument("--wheel", metavar="FILE", help="the package's wheel, where this machine cannot download it")
    command = add("check", _check, "how often doing nothing and acting at random solve levels")
    command.add_argument("levels", nargs="*", metavar="LEVEL", help="default: shipped")
    command.add_argument("--attempts", type=int, default=100, help="random attempts at every level (default 100)")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--markdown", action="store_true", help="as a table of a page, with themes and solutions")
    return parser


def _ids(items: Sequence[str]) -> list[str]:
    return [id for item in items for id in holdout.spelled_out(item)]


def _list(arguments: argparse.Namespace) -> int:
    fetched = kinetix_levels.present()
    ids = _ids(arguments.levels or [holdout.SHIPPED, *([kinetix_levels.GROUP] if fetched else [])])
    wide = max(map(len, ids))
    for id in ids:
        missing = not fetched and id in kinetix_levels.ids()
        print(f"{id:<{wide}}  {'not fetched' if missing else facts.line(holdout.find(id))}")
    if not fetched:
        print(f"{len(kinetix_levels.ids())} published levels of Kinetix can be fetched: {kinetix_levels.COMMAND}", file=sys.stderr)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    for id in _ids(arguments.levels):
        print("\n".join(facts.lines(id, holdout.find(id))))
    return 0


def _render(arguments: argparse.Namespace) -> int:
    cli.check_png(arguments.out)
    ids = _ids(arguments.levels)
    levels = [holdout.find(id).level for id in ids]
    video.save_png(pictures.sheet(ids, levels, arguments.width, arguments.columns), arguments.out)
    print(f"{count(len(ids), 'level')}; written to {arguments.out}")
    return 0


def _draw(arguments: argparse.Namespace) -> int:
    out = arguments.out or (None if arguments.folder else "levels.png")
    if out:
        cli.check_png(out)
    cli.cache_compilations()
    size, levels, origins = draw.drawn(arguments.words, arguments.count, arguments.seed, arguments.near)
    if arguments.folder:
        print(f"{len(draw.save(arguments.folder, size, levels, origins))} files written to {arguments.folder}")
    if out:
        video.save_png(pictures.sheet(draw.names(origins), levels, 240), out)
        print(f"{len(levels)} levels of size {size}; written to {out}")
    return 0


def _validate(arguments: argparse.Namespace) -> int:
    bad = 0
    for item in arguments.files:
        for file in holdout.spelled_out(item) if Path(item).is_dir() else [item]:
            try:
                found = holdout.read(file)
                print(f"{file}: valid, {facts.line(found)}")
                print("".join(f"  {note}\n" for note in found.notes), end="")
            except InputError as error:
                bad += 1
                print(f"{error}")
    return 1 if bad else 0


def _export(arguments: argparse.Namespace) -> int:
    found = holdout.find(arguments.level)
    if arguments.format == "kinetix":
        for note in kinetix_writer.write(found.level, arguments.out):
            print(note)
    elif found.model:
        level_file.write_model(found.model, arguments.out)
    else:
        name = level_file.name_for(arguments.level)
        level_file.write(found.level, arguments.out, name, f"Converted from a Kinetix file, {name}.", holdout.size_for(found.level))
    print(f"written to {arguments.out}")
    return 0


def _import(arguments: argparse.Namespace) -> int:
    if not arguments.wheel and kinetix_levels.present():
        print(f"already in {kinetix_levels.folder()}")
        return 0
    folder = kinetix_levels.unpack(arguments.wheel) if arguments.wheel else fetch.levels()
    print(f"{len(kinetix_levels.ids())} levels in {folder}; use them as kinetix, kinetix/s, kinetix/m and kinetix/l")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    if arguments.attempts < 1:
        raise InputError("--attempts", found=arguments.attempts, wanted="at least 1")
    cli.cache_compilations()
    ids = _ids(arguments.levels or [holdout.SHIPPED])
    show = measure.markdown if arguments.markdown else measure.table
    for line in show(measure.rates(ids, arguments.attempts, arguments.seed), arguments.attempts):
        print(line)
    return 0


if __name__ == "__main__":
    cli.run(main)
