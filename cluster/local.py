"""The in-process backend: all roles in this process, on its devices. Imports no Ray."""

from pathlib import Path

import jax

import curriculum
from cluster import mesh as meshes
from cluster.base import RunConfig
from cluster.checkpoint import Checkpoints
from cluster.profiler import Profiler
from cluster.roles.curriculum import CurriculumService
from cluster.roles.evaluator import Evaluator
from cluster.roles.learner import Learner
from cluster.roles.worker import RolloutWorker
from cluster.supervisor import Roles, Supervisor
from cluster.tracker import Tracker
from envs import holdout, sizes
from envs.base import EnvConfig
from envs.env import Env
from envs.generate import Generator, GeneratorConfig
from envs.generate.edit import EditConfig, Editor
from learners import networks, optimizer
from learners.evaluate import EvaluateConfig
from learners.networks import NetworkConfig
from physics.errors import InputError

EVALUATED_WORLDS, EVALUATED_WORLDS_GPU = 128, 2048  # that a device plays at the same time where no run says how many


def check(config: RunConfig) -> None:
    """Refuse, before anything starts, settings that do not fit each other or this machine's devices."""
    run = config.run
    mesh = meshes.make(run.devices)
    block = meshes.block_size(run.worlds, mesh.size, sizes.capacity(config.env.size), run.block_worlds)
    config.ppo.minibatches(run.worlds, run.rollout_length, run.worlds // block)
    networks.make(config.network, config.env.observation, config.env.action)
    holdout.choose(config.evaluate.holdout, config.env.size)
    if config.curriculum.levels:
        holdout.choose(config.curriculum.levels, config.env.size)
    held, wanted = run.rollouts_per_assignment * run.rollout_length, 2 * config.env.max_steps
    if run.stagger and held < wanted:
        raise InputError(
            f"run.stagger with levels that are held for {held} steps",
            wanted=f"at least {wanted} = 2 x env.max_steps: a first episode that does not count, and a whole one after it",
            fix=f"Set run.rollouts_per_assignment={-(-wanted // run.rollout_length)}.",
        )  # fmt: skip


def build_roles(config: RunConfig) -> Roles:
    """The roles of a run, wired together."""
    check(config)
    run = config.run
    mesh = meshes.make(run.devices)
    env = Env(config.env)
    generate = Generator(env, config.generate)
    editor = Editor(EditConfig(), config.generate)
    chooser = curriculum.make(config.curriculum, generate, lambda key, levels: editor(key, levels)[0], env.capacity)
    network = networks.make(config.network, config.env.observation, config.env.action)
    blocks = run.worlds // meshes.block_size(run.worlds, mesh.size, env.capacity, run.block_worlds)
    minibatches = config.ppo.minibatches(run.worlds, run.rollout_length, blocks)
    steps = run.iterations * config.ppo.epochs * minibatches
    worker = RolloutWorker(
        env, network.apply, mesh, run.worlds, run.rollout_length, run.block_worlds, run.stagger, config.ppo.advantages,
        memory=config.network.memory,
    )  # fmt: skip
    return Roles(
        worker=worker,
        learner=Learner(env, network, optimizer.make(config.optimizer, steps), config.ppo, mesh),
        curriculum=CurriculumService(chooser),
        evaluator=Evaluator(worker, generate, config.evaluate),
    )


def build_evaluator(env: EnvConfig, network: NetworkConfig, generate: GeneratorConfig, evaluate: EvaluateConfig) -> Evaluator:
    """An evaluator without a run, for parameters that come from a file."""
    holdout.choose(evaluate.holdout, env.size)
    mesh, rules = meshes.make(), Env(env)
    worlds = mesh.size * (EVALUATED_WORLDS if jax.default_backend() == "cpu" else EVALUATED_WORLDS_GPU)
    made = networks.make(network, env.observation, env.action)
    worker = RolloutWorker(rules, made.apply, mesh, worlds, length=1, memory=network.memory)
    return Evaluator(worker, Generator(rules, generate), evaluate)


def build(config: RunConfig, roles: Roles, folder: Path, tracker: Tracker) -> Supervisor:
    """A supervisor for the run in `folder`."""
    return Supervisor(
        settings=config.run,
        roles=roles,
        tracker=tracker,
        checkpoints=Checkpoints(folder / "checkpoints", config.checkpoint),
        profiler=Profiler(folder / "profile", config.run.profile, after=config.run.rollouts_per_assignment),
        evaluate_every=config.evaluate.every,
        checkpoint_every=config.checkpoint.every,
    )
