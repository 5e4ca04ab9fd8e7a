"""Watch an agent play: `python -m launch.play RUN [LEVEL ...] --out clip.gif`.

RUN is a run or a weights file. A level is the id of a hand-made one (s/lift_off, kinetix/s/h2_one_wheel_car), a level file, random:SEED, or
a folder or group of levels (kinetix/s). Several levels play side by side; none named means all shipped
hand-made levels that fit the agent.
"""

from collections.abc import Sequence

import jax
import numpy as np

from cluster.roles.worker import RolloutWorker
from envs import holdout, render, video
from envs.base import Level
from envs.generate import Generator
from launch import agents, cli
from learners import record, rollout
from learners.base import Params
from learners.record import Recording
from physics.errors import InputError
from physics.pytree import concatenate, world

FRAMES_PER_SECOND = 15
HOLD_SECONDS = 1.0  # the last picture stays so long


def main(argv: Sequence[str]) -> int:
    """Play one episode of every level and save it as a clip."""
    parser = cli.Parser(prog="python -m launch.play", description=__doc__)
    parser.add_argument("run", help=agents.HELP)
    parser.add_argument("levels", nargs="*", metavar="LEVEL")
    parser.add_argument("--out", default="clip.gif", help="file to write, .gif or .mp4 (default clip.gif)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the agent's choices (default 0)")
    parser.add_argument("--untrained", action="store_true", help="show the agent as it was before training")
    parser.add_argument("--width", type=int, default=0, help="pixels of one level's picture (default: fits the number of levels)")
    arguments = parser.parse_args(argv)
    video.check_path(arguments.out)
    cli.cache_compilations()
    agent = agents.open_agent(arguments.run)
    names, levels = load_levels(arguments.levels, agent.evaluator.generate)
    params = agent.untrained if arguments.untrained else agent.params
    recording = _record(agent.evaluator.worker, params, levels, jax.random.key(arguments.seed))
    frames = draw(names, levels, recording, arguments.width or _fitting_width(len(names)))
    video.save_video(frames, arguments.out, FRAMES_PER_SECOND)
    print(f"{int(recording.solved.sum())} of {len(names)} solved; written to {arguments.out}")
    return 0


def load_levels(wanted: Sequence[str], generate: Generator) -> tuple[list[str], Level]:
    """Names and one batch of the levels that were asked for; `generate` draws random ones."""
    if not wanted:
        return holdout.load(holdout.fitting(generate.env.config.size), generate.env.capacity)
    batches = [_load_one(name, generate) for name in wanted]
    return [name for names, _ in batches for name in names], concatenate([levels for _, levels in batches])


def _load_one(name: str, generate: Generator) -> tuple[list[str], Level]:
    """What one word stands for, as names and a batch."""
    if name.startswith("random:"):
        seed = name.removeprefix("random:")
        if not seed.isdigit():
            raise InputError("level", found=name, wanted="random:SEED with a whole number, for example random:7")
        return [name], generate(jax.random.key(int(seed)), 1)
    return holdout.load(holdout.choose([name], generate.env.config.size), generate.env.capacity)


def _record(worker: RolloutWorker, params: Params, levels: Level, key: jax.Array) -> Recording:
    run = jax.jit(lambda params, levels, key: record.episodes(rollout.policy(worker.apply, params), worker.env, levels, key, worker.memory))
    return jax.tree.map(np.asarray, run(params, levels, key))


def draw(names: Sequence[str], levels: Level, recording: Recording, width: int) -> list[np.ndarray]:
    """Pictures of all levels side by side, one a moment; a level that is over keeps its last picture."""
    skip = round(30 / FRAMES_PER_SECOND)  # environment steps a frame: 30 a second
    columns = int(np.ceil(np.sqrt(len(names))))
    tiles: list[np.ndarray] = [np.zeros(0)] * len(names)
    frames = []
    for step in range(0, int(recording.length.max()) + skip, skip):
        for i, name in enumerate(names):
            tiles[i] = _tile(name, levels, recording, i, step, skip, width, tiles[i])
        frames.append(render.sheet(tiles, columns) if len(tiles) > 1 else tiles[0])
    return frames + [frames[-1]] * round(HOLD_SECONDS * FRAMES_PER_SECOND)


def _tile(name: str, levels: Level, recording: Recording, i: int, step: int, skip: int, width: int, before: np.ndarray) -> np.ndarray:
    """The picture of level `i` after `step` steps; `before` again if it was over already."""
    last = int(recording.length[i]) - 1
    if before.size and step - skip >= last:
        return before
    at = min(step, last)
    motion, controls = jax.tree.map(lambda leaf: leaf[at, ..., i], (recording.motion, recording.controls))
    picture = render.render(world(levels, i), motion, controls=controls, size=width)
    over = "" if step < last else "  solved" if recording.solved[i] else "  not solved"
    return video.overlay(picture, name.split("/")[-1] + over)


def _fitting_width(count: int) -> int:
    return {1: 480, 2: 360}.get(int(np.ceil(np.sqrt(count))), 240)


if __name__ == "__main__":
    cli.run(main)
