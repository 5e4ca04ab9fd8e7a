"""A run small enough for tests: every role is real, only the numbers are small."""

from pathlib import Path

from cluster import local
from cluster.base import RunConfig, RunState
from cluster.checkpoint import Checkpoints
from cluster.crew import Crew
from cluster.local import LocalBackend, Roles
from cluster.profiler import Profiler
from cluster.supervisor import Supervisor
from cluster.tracker import JsonLines, Several
from launch import config

WORDS = [
    "run.worlds=8", "run.rollout_length=8", "run.rollouts_per_assignment=2", "run.devices=2", "run.block_worlds=4",
    "env.max_steps=12", "generate.filter_steps=4", "generate.proposals=2", "curriculum.pool_size=4", "curriculum.candidates=8",
    "curriculum.scout_attempts=2", "curriculum.refresh_every=2", "network.entity_width=8", "network.width=8", "network.depth=1",
    "ppo.minibatch_size=32", "ppo.epochs=2", "evaluate.every=2", "evaluate.attempts=1", "evaluate.random_levels=8",
    "evaluate.random_attempts=1", "checkpoint.every=1",
]  # fmt: skip
STEPS = 8 * 8  # environment steps of an iteration


def settings(iterations: int, *words: str) -> RunConfig:
    """The tiny run, so many iterations long."""
    return config.load([*WORDS, f"run.total_steps={iterations * STEPS}", *words])


def supervisor(folder: Path, roles: Roles, iterations: int, *words: str, after: int = 0) -> Supervisor:
    """A supervisor of the tiny run in `folder` that shares compiled roles with others."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = settings(iterations, *words)
    return Supervisor(
        settings=chosen.run,
        crew=Crew(LocalBackend(roles, chosen.run), chosen.run, chosen.cluster),
        tracker=JsonLines(folder / "metrics.jsonl", after),
        checkpoints=Checkpoints(folder / "checkpoints", chosen.checkpoint),
        profiler=Profiler(folder / "profile", chosen.run.profile, after=chosen.run.rollouts_per_assignment),
        evaluate_every=chosen.evaluate.every,
    )


def build_roles() -> Roles:
    """Roles of the tiny run."""
    return local.build_roles(settings(6))


def restored(run: Path) -> RunState:
    """The state of a run's newest checkpoint."""
    settings = config.load([], base=run / "config.yaml")
    supervisor = local.build(settings, LocalBackend(local.build_roles(settings), settings.run), run, Several([]))
    supervisor.restore()
    return supervisor.state()
