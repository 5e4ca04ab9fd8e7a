"""Proof of learning on whole levels: five hand-made ones from scratch, each alone, and levels never seen after a thousand random ones.

All are runs of the same programs with the same settings: levels are data.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np
import pytest

from cluster import local
from cluster.base import Progress, RunState
from cluster.checkpoint import Checkpoints
from cluster.profiler import Profiler
from cluster.roles.curriculum import CurriculumService
from cluster.roles.evaluator import Evaluator
from cluster.supervisor import Roles, Supervisor
from curriculum import CurriculumConfig
from curriculum.base import Curriculum
from curriculum.named import Named
from curriculum.uniform import Uniform
from envs.base import Level
from launch import config
from physics.pytree import count_worlds, repeat, worlds

pytestmark = pytest.mark.learns

SETTINGS = config.load(
    [
        "run.worlds=256", "run.rollout_length=64", "run.devices=2", "optimizer.learning_rate=1e-3", "ppo.minibatch_size=2048",
        "ppo.entropy_weight=0.03", "run.total_steps=655360", "evaluate.holdout=s/lift_off", "evaluate.attempts=1",
        "evaluate.random_levels=1", "evaluate.random_attempts=1",
    ]
)  # fmt: skip
LEVELS = (
    "s/unicycle_right",  # a wheel with a motor
    "s/push_the_ball",  # a wheel with a motor, and something to push
    "s/tip_the_tray",  # a motor that holds, and tips in time
    "s/lift_off",  # a thruster
    "s/pump_the_swing",  # a thruster on a swing, to be fired in time with it
)
ATTEMPTS, SEED = 256, 1
DRAWN, UNSEEN = 1000, 512
GAIN = 0.08  # of held-out levels more than untrained; what is solved untrained is solved by chance


@pytest.fixture(scope="module")
def roles() -> Roles:
    """Their programs compile once."""
    return local.build_roles(SETTINGS)


class Ear:
    """A tracker that asks the run to stop, once, whenever training went well."""

    def __init__(self) -> None:
        self.heard = False

    def log(self, progress: Progress, scalars: Mapping[str, float]) -> None:
        self.heard = self.heard or scalars.get("level_success_lowest", 0.0) > 0.9

    def close(self) -> None:
        pass

    def __call__(self) -> bool:
        heard, self.heard = self.heard, False
        return heard


def supervisor(roles: Roles, curriculum: Curriculum, held_out: Level, folder: Path, ear: Ear) -> Supervisor:
    """A run on what `curriculum` hands out."""
    return Supervisor(
        settings=SETTINGS.run,
        roles=dataclasses.replace(
            roles,
            curriculum=CurriculumService(curriculum),
            evaluator=Evaluator(roles.worker, lambda key, count: worlds(held_out, np.arange(count)), SETTINGS.evaluate),  # type: ignore[arg-type]
        ),
        tracker=ear,
        profiler=Profiler(folder / "profile", 0, after=0),
        checkpoints=Checkpoints(folder, SETTINGS.checkpoint),
        evaluate_every=10**9,
        checkpoint_every=10**9,
    )


def success(run: Supervisor, state: RunState, levels: Level) -> np.ndarray:
    """Whether each level is solved in one attempt of its own."""
    return run.roles.worker.evaluate(state.train.params, levels, jax.random.key(SEED)).outcome.successes


@pytest.mark.parametrize("level", LEVELS)
def test_a_hand_made_level_is_learnt_from_scratch_and_solved_nine_times_of_ten(level: str, roles: Roles, tmp_path: Path):
    named = Named(CurriculumConfig(kind="named", levels=level, refresh_every=1), roles.worker.env.capacity)
    attempts = repeat(named.levels, ATTEMPTS)
    ear = Ear()
    run = supervisor(roles, named, named.levels, tmp_path, ear)
    state, rates = run.init(), []
    rates.append(success(run, state, attempts).mean())
    assert rates[0] < 0.5, "or there is nothing to learn"
    while not run.over():
        state = run.run(state, ear)
        rates.append(success(run, state, attempts).mean())
        if rates[-1] > 0.9:
            return
    pytest.fail(f"{level}: {rates} after {run.progress.env_steps:,} steps")


def test_training_on_a_thousand_random_levels_teaches_to_solve_random_levels_never_seen(roles: Roles, tmp_path: Path):
    generate = roles.evaluator.generate
    drawn, unseen = generate(jax.random.key(10), DRAWN), generate(jax.random.key(11), UNSEEN)

    def of_the_drawn(key: jax.Array, count: int) -> Level:
        return worlds(drawn, jax.random.randint(key, (count,), 0, DRAWN))

    run = supervisor(roles, Uniform(CurriculumConfig(refresh_every=1), of_the_drawn, roles.worker.env.capacity), unseen, tmp_path, Ear())
    state = run.init()
    attempts = repeat(unseen, 2)
    before = success(run, state, attempts).reshape(UNSEEN, 2).mean(1)
    state = run.run(state)
    after = success(run, state, attempts).reshape(UNSEEN, 2).mean(1)
    error = (after - before).std() / np.sqrt(count_worlds(unseen))
    assert (after - before).mean() > GAIN
    assert (after - before).mean() > 4 * error, "by far more than chance"
