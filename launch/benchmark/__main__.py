"""Measure speed on this machine: `python -m launch.benchmark WHAT [key=value ...] [--profile]`.

One JSON line a case. WHAT is physics (the engine alone, physics steps a second over all worlds).
--profile adds how the time of a step divides into stages. Machines differ and are shared: compare
only what ran beside each other.
"""

import argparse
import json
from collections.abc import Sequence

from launch import cli, config
from launch.benchmark import physics

WHAT = {"physics": (physics.PhysicsBenchmark, physics.run)}


def main(argv: Sequence[str]) -> int:
    """Print a line a case."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = cli.Parser(prog="python -m launch.benchmark", description=__doc__, epilog=_settings_text(), formatter_class=plain)
    parser.add_argument("what", choices=list(WHAT))
    parser.add_argument("words", nargs="*", metavar="key=value")
    parser.add_argument("--profile", action="store_true", help="add the share of every stage")
    arguments = parser.parse_args(argv)
    schema, run = WHAT[arguments.what]
    for row in run(config.load(arguments.words, schema=schema), arguments.profile):
        print(json.dumps(row), flush=True)
    return 0


def _settings_text() -> str:
    lines = []
    for what, (schema, _) in WHAT.items():
        lines.append(f"settings of {what}:")
        lines += [f"  {f'{key}={default}':<32}{meaning.help}" for key, default, meaning in config.settings(schema)]
    return "\n".join(lines)


if __name__ == "__main__":
    cli.run(main)
