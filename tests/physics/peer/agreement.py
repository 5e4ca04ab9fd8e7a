"""Plays the published levels here and says how far that is from what the reference did."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import physics
from envs import actions
from envs.base import EnvConfig, EnvState, Level
from envs.env import Env
from tests.physics.peer import published

SIZES = ("s", "m", "l")
KINDS = ("zero", "full", "random")
TIMES = (15, 30, 60)  # physics steps: 1/4, 1/2 and 1 s
WORDS = {1: "solved", -1: "failed", 0: "neither"}

Arrays = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Agreement:
    """One size under one kind of action; arrays have one entry a level, distances `[levels, times]`."""

    size: str
    kind: str
    names: np.ndarray
    theirs: np.ndarray  # outcomes: see `WORDS`
    again: np.ndarray  # the reference's own, with noise on the start
    ours: np.ndarray
    apart: np.ndarray  # m, root mean square over bodies
    yardstick: np.ndarray  # m, the reference with noise from the reference without

    def differing(self) -> list[str]:
        """The levels whose outcome is not the reference's, in words."""
        found = zip(self.names, self.theirs, self.again, self.ours, strict=True)
        return [
            f"{self.size}/{name} under {self.kind}: {WORDS[theirs]} in the reference ({WORDS[again]} with noise), {WORDS[ours]} here"
            for name, theirs, again, ours in found
            if theirs != ours
        ]


@functools.partial(jax.jit, static_argnums=0)
def _episodes(env: Env, level: Level, sequence: jax.Array) -> jax.Array:
    """What the first episode of every world came to: 1, -1 or 0, under `sequence [steps, W, channels]`."""
    worlds = sequence.shape[1]

    def one(carry: tuple[EnvState, jax.Array, jax.Array], action: jax.Array) -> tuple[tuple[EnvState, jax.Array, jax.Array], None]:
        state, outcome, ended = carry
        state, step = env.step(state, action)
        outcome = jnp.where(ended, outcome, jnp.sign(step.reward))
        return (state, outcome, ended | step.terminated | step.truncated), None

    begin = (env.reset(level), jnp.zeros(worlds), jnp.zeros(worlds, bool))
    return lax.scan(one, begin, sequence)[0][1]


@functools.partial(jax.jit, static_argnums=0)
def _track(env: Env, level: Level, sequence: jax.Array) -> jax.Array:
    """Positions `[steps, 2, N, W]` after every physics step under `sequence [steps, W, channels]`; nothing ends here."""
    solver = env.config.solver
    prepared = physics.prepare(level.scene, solver.base_friction)

    def one(state: physics.State, action: jax.Array) -> tuple[physics.State, jax.Array]:
        after, _ = physics.step(prepared, state, actions.controls(level, action), solver)
        return after, after.motion.pos

    return lax.scan(one, physics.start(prepared, level.start), sequence)[1]


def compare(results: Arrays) -> list[Agreement]:
    """Play what the reference played and compare, size by size and kind by kind."""
    found = []
    for size in SIZES:
        part = {name.removeprefix(f"{size}/"): value for name, value in results.items() if name.startswith(f"{size}/")}
        found += _compare_size(size, part)
    return found


def _compare_size(size: str, found: Arrays) -> list[Agreement]:
    level = published.to_levels(found)
    outcome, positions = _play(size, level, found["actions"], int(found["frame_skip"]))
    # [runs, kinds, levels, steps, bodies, 2] of the reference, without its walls and in our order of axes
    reference = found["positions"][..., published.WALLS :, :].transpose(0, 1, 3, 5, 4, 2)
    free = np.asarray(level.scene.bodies.active & (level.scene.bodies.inverse_mass > 0))
    return [
        Agreement(
            size=size,
            kind=kind,
            names=found["name"],
            theirs=found["outcome"][0, k],
            again=found["outcome"][1, k],
            ours=outcome[k],
            apart=_apart(positions[k], reference[0, k], free),
            yardstick=_apart(reference[1, k], reference[0, k], free),
        )
        for k, kind in enumerate(KINDS)
    ]


def _play(size: str, level: Level, choices: np.ndarray, frame_skip: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes `[kinds, levels]` and positions `[kinds, steps, 2, N, levels]` under `choices [kinds, levels, steps, channels]`."""
    kinds, levels, steps, channels = choices.shape
    env = Env(EnvConfig(size=size, frame_skip=frame_skip, max_steps=steps, dense_reward=0.0))
    every = jax.tree.map(lambda leaf: jnp.concatenate([leaf] * kinds, axis=-1), level)
    sequence = choices.reshape(kinds * levels, steps, channels).swapaxes(0, 1)
    outcome = np.asarray(_episodes(env, every, sequence)).astype(int)
    held = np.repeat(sequence, frame_skip, axis=0)[: max(TIMES)]
    positions = np.asarray(_track(env, every, held))
    positions = positions.reshape(*positions.shape[:3], kinds, levels)
    return outcome.reshape(kinds, levels), np.moveaxis(positions, 3, 0)


def _apart(one: np.ndarray, other: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Root mean square distance `[levels, times]` over the bodies `free [N, W]` of positions `[steps, 2, N, W]`."""
    after = np.array(TIMES) - 1
    square = ((one[after] - other[after]) ** 2).sum(1)
    return np.sqrt((square * free).sum(1) / free.sum(0)).T


def table(agreements: Sequence[Agreement]) -> str:
    """Outcomes and distances, ours beside the reference's from itself, and which levels came out otherwise."""
    times = "".join(f"{step / 60:>16.2f} s" for step in TIMES)
    lines = [
        "Outcomes like the reference's and RMS distance of bodies from the reference, median (mean) over levels, mm;",
        "second line: the reference with 0.1 mm of noise on the start.",
        f"{'size':5}{'actions':10}{'outcomes':>10}{times}",
    ]
    for one in [*agreements, *(all_sizes(agreements, kind) for kind in KINDS)]:
        again = (one.again == one.theirs).sum()
        lines.append(f"{one.size:5}{one.kind:10}{(one.ours == one.theirs).sum():>5} / {len(one.names):<2}{_distances(one.apart)}")
        lines.append(f"{'':15}{again:>5} / {len(one.names):<2}{_distances(one.yardstick)}")
    return "\n".join([*lines, *(line for one in agreements for line in one.differing())])


def _distances(apart: np.ndarray) -> str:
    return "".join(f"{f'{median:.2f} ({mean:.2f})':>18}" for median, mean in zip(*_summary(apart), strict=True))


def _summary(apart: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 1000 * np.median(apart, axis=0), 1000 * np.mean(apart, axis=0)


def all_sizes(agreements: Sequence[Agreement], kind: str) -> Agreement:
    """The levels of every size together."""
    parts = [one for one in agreements if one.kind == kind]
    fields = ("names", "theirs", "again", "ours", "apart", "yardstick")
    return Agreement(size="all", kind=kind, **{name: np.concatenate([getattr(part, name) for part in parts]) for name in fields})
