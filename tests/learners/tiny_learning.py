"""Levels, worlds and a network that the tests of learners share, so that each program compiles once.

Holds no tests. In every level what to do is plain: fire or not, turn one way or the other. The agent's
network is the real one, only small.
"""

import functools
import math

import jax
import numpy as np

from cluster import mesh as meshes
from cluster.mesh import COPIED
from cluster.roles.worker import RolloutWorker
from envs.base import EnvConfig, Level, Role
from envs.build import LevelBuilder
from envs.env import Env
from envs.sizes import capacity
from learners import networks
from learners.base import Params
from learners.networks import NetworkConfig
from physics.base import Capacity
from physics.build import FLOOR
from physics.pytree import stack

SMALL = capacity("s")
WORLDS, BLOCK = 32, 16  # one block a device on two devices
LENGTH = 32  # steps of a rollout
MAX_STEPS = 24  # steps of an episode: less than a rollout, so that episodes are cut off within one
FIRST_THRUSTER = 4  # channel of the action

ENV = Env(EnvConfig(size="s", frame_skip=4, max_steps=MAX_STEPS))
NETWORK = networks.make(NetworkConfig(entity_width=16, width=32, depth=1), "entities")


def lift(x: float = 2.5, channel: int = 0, slots: Capacity = SMALL) -> Level:
    """Blue hangs above a green box: fire and go on firing; firing half of the time does not lift it."""
    builder = LevelBuilder(slots)
    box = builder.box((x, 0.6), (0.25, 0.2), role=Role.GREEN)
    builder.circle((x, 2.3), 0.3, role=Role.BLUE, fixed=True)
    builder.thruster(box, (x, 0.6), math.pi / 2, power=0.3, channel=channel)
    return builder.finish()


def wait(x: float = 2.5, channel: int = 0, slots: Capacity = SMALL) -> Level:
    """Red hangs low above a green box and blue rolls to it: do not fire."""
    builder = LevelBuilder(slots)
    box = builder.box((x, 0.6), (0.25, 0.2), role=Role.GREEN)
    builder.circle((x, 1.15), 0.25, role=Role.RED, fixed=True)
    builder.circle((x - 1.3, 0.6), 0.2, role=Role.BLUE, vel=(1.2, 0.0), omega=-6.0)
    builder.thruster(box, (x, 0.6), math.pi / 2, power=0.3, channel=channel)
    return builder.finish()


def turn(direction: int, channel: int = 0, x: float = 2.5, slots: Capacity = SMALL) -> Level:
    """A green beam turns about its middle, with blue on one side and red on the other: turn towards blue."""
    builder = LevelBuilder(slots, gravity=(0.0, 0.0))
    beam = builder.box((x, 2.5), (0.6, 0.05), role=Role.GREEN)
    for role, side in ((Role.BLUE, direction), (Role.RED, -direction)):
        builder.circle((x + 0.35, 2.5 + side * 0.35), 0.15, role=role, fixed=True)
    builder.joint(FLOOR, beam, (x, 2.5), motor=True, speed=0.5, channel=channel)
    return builder.finish()


def given() -> Level:
    """Green flies to blue whatever is done."""
    builder = LevelBuilder(SMALL, gravity=(0.0, 0.0))
    builder.circle((1.5, 2.5), 0.2, role=Role.GREEN, vel=(2.0, 0.0))
    builder.circle((2.5, 2.5), 0.3, role=Role.BLUE, fixed=True)
    return builder.finish()


def hopeless() -> Level:
    """Green lies on the floor, blue hangs on high, and nothing can be driven."""
    builder = LevelBuilder(SMALL)
    builder.circle((1.5, 0.6), 0.2, role=Role.GREEN)
    builder.circle((2.5, 4.0), 0.3, role=Role.BLUE, fixed=True)
    return builder.finish()


def tasks(shift: float = 0.0) -> list[Level]:
    """Sixteen levels of all four tasks, with different channels and places."""
    places = [(1.7 + 0.5 * i + shift, i) for i in range(4)]
    fire = [make(x, i % 2) for make in (lift, wait) for x, i in places]
    return fire + [turn(direction, i, x) for direction in (1, -1) for x, i in places]


@functools.cache
def mixed() -> Level:
    """One batch of all tasks."""
    return stack(tasks() * (WORLDS // 16))


@functools.cache
def worker(devices: int) -> RolloutWorker:
    """Plays `WORLDS` worlds on one or two devices, in the same blocks."""
    return RolloutWorker(ENV, NETWORK.apply, meshes.make(devices), WORLDS, LENGTH, BLOCK)


@functools.cache
def random_params() -> Params:
    """Parameters of the network at random, larger than those it begins with, as numpy arrays."""
    shapes = jax.eval_shape(lambda level: NETWORK.init(jax.random.key(0), ENV.observe(level, level.start)), mixed())
    random = np.random.RandomState(0)
    return jax.tree.map(lambda leaf: random.normal(0, 1 / math.sqrt(leaf.shape[0]), leaf.shape).astype(np.float32), shapes)


def steady_params(logits: np.ndarray) -> Params:
    """Parameters with which the policy has the same `logits [channels, choices]` in every state."""
    params = random_params()["params"]
    out = {"kernel": np.zeros_like(params["actor_out"]["kernel"]), "bias": np.float32(logits).reshape(-1)}
    return {"params": params | {"actor_out": out}}


def placed(params: Params, devices: int) -> Params:
    """Parameters on as many devices, as the learner holds them."""
    return meshes.put(params, meshes.make(devices), COPIED)
