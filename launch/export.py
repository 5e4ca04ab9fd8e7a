"""Export an agent as one small file: `python -m launch.export RUN [--out FILE.npz]`.

The file holds the trained parameters and the settings of network and environment, nothing else; it is safe to
load. `python -m launch.evaluate FILE.npz` and `launch.play` take it in place of a run.
"""

from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from launch import agents, cli
from learners import weights
from learners.weights import Weights
from physics.errors import InputError


def main(argv: Sequence[str]) -> int:
    """Write the newest parameters of a run to a file."""
    parser = cli.Parser(prog="python -m launch.export", description=__doc__)
    parser.add_argument("run", help=agents.HELP)
    parser.add_argument("--out", help=f"file to write, ending in {weights.SUFFIX} (default: weights{weights.SUFFIX} in the run's folder)")
    arguments = parser.parse_args(argv)
    if arguments.out and not arguments.out.endswith(weights.SUFFIX):
        raise InputError("--out", found=arguments.out, wanted=f"a file name that ends in {weights.SUFFIX}")
    cli.cache_compilations()
    agent = agents.open_agent(arguments.run)
    out = Path(arguments.out) if arguments.out else (agent.run or Path()) / f"weights{weights.SUFFIX}"
    params = jax.tree.map(np.asarray, agent.params)
    weights.save(Weights(params, agent.network, agent.env, agent.progress.env_steps), out)
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    print(f"{count:,} parameters after {agent.progress.env_steps:,} steps; {out.stat().st_size:,} bytes written to {out}")
    return 0


if __name__ == "__main__":
    cli.run(main)
