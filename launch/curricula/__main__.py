"""Compare curricula: `python -m launch.curricula WHAT [key=value ...] [--out FILE.png]`.

WHAT is synthetic (a simulated learner in a universe of known difficulty: a table of how long every curriculum takes to a
skill, and with ablate=true what each mechanism of balance is worth) or real (the same steps of real training with every
curriculum and some seeds: zero-shot success; about an hour, and typed again it goes on where it was stopped). --out says
where the curves are drawn.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from launch import cli, config
from launch.curricula import real, synthetic

WHAT = {"synthetic": (synthetic.Synthetic, synthetic.run), "real": (real.Real, real.run)}  # settings, and what yields lines


def main(argv: Sequence[str]) -> int:
    """Print what was found."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = cli.Parser(prog="python -m launch.curricula", description=__doc__, epilog=_settings_text(), formatter_class=plain)
    parser.add_argument("what", choices=list(WHAT))
    parser.add_argument("words", nargs="*", metavar="key=value")
    parser.add_argument("--out", type=Path, metavar="FILE.png", help="draw the curves into this file")
    arguments = parser.parse_args(argv)
    cli.cache_compilations()
    schema, run = WHAT[arguments.what]
    for line in run(config.load(arguments.words, schema=schema), arguments.out):
        print(line, flush=True)
    return 0


def _settings_text() -> str:
    lines = []
    for what, (schema, _) in WHAT.items():
        lines.append(f"settings of {what}:")
        lines += [f"  {f'{key}={default}':<32}{meaning.help}" for key, default, meaning in config.settings(schema)]
    return "\n".join(lines)


if __name__ == "__main__":
    cli.run(main)
