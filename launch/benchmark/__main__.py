"""Measure on this machine: `python -m launch.benchmark WHAT [key=value ...] [--profile] [--json]`.

WHAT is physics (speed of the engine alone, physics steps a second over all worlds), env (environment
steps a second with observations, and levels a second of the generator), train (environment steps a second
of rollout and update together, and where they go), curriculum (what handing out levels and recording how
they went costs): one JSON line a case; cluster (what actors cost: the same run in one process and under Ray)
or quality (how right bodies move, beside theory and other engines): a table. --profile adds how the time of
a physics step divides into stages. Machines differ and are shared: compare only speeds that ran beside each other.
"""

import argparse
import json
from collections.abc import Sequence

from launch import cli, config
from launch.benchmark import cluster, curriculum, env, physics, train
from launch.benchmark.quality import table

WHAT = {  # settings, what yields rows, and what makes lines of them, if not JSON
    "physics": (physics.PhysicsBenchmark, physics.run, None),
    "env": (env.EnvBenchmark, env.run, None),
    "train": (train.TrainBenchmark, train.run, None),
    "curriculum": (curriculum.CurriculumBenchmark, curriculum.run, None),
    "cluster": (cluster.ClusterBenchmark, cluster.run, cluster.show),
    "quality": (table.QualityBenchmark, table.run, table.show),
}


def main(argv: Sequence[str]) -> int:
    """Print what was measured."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = cli.Parser(prog="python -m launch.benchmark", description=__doc__, epilog=_settings_text(), formatter_class=plain)
    parser.add_argument("what", choices=list(WHAT))
    parser.add_argument("words", nargs="*", metavar="key=value")
    parser.add_argument("--profile", action="store_true", help="add the share of every stage")
    parser.add_argument("--json", action="store_true", help="one JSON line a row instead of a table")
    arguments = parser.parse_args(argv)
    schema, run, show = WHAT[arguments.what]
    rows = run(config.load(arguments.words, schema=schema), arguments.profile)
    for line in show(rows) if show and not arguments.json else map(json.dumps, rows):
        print(line, flush=True)
    return 0


def _settings_text() -> str:
    lines = []
    for what, (schema, _, _) in WHAT.items():
        lines.append(f"settings of {what}:")
        lines += [f"  {f'{key}={default}':<32}{meaning.help}" for key, default, meaning in config.settings(schema)]
    return "\n".join(lines)


if __name__ == "__main__":
    cli.run(main)
