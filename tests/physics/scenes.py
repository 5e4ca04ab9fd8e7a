"""Scenes and the runner that the tests of physics share, so that each shape of scene compiles once.

Holds no tests. `run` goes in chunks of a fixed length: any number of steps is one compilation.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import physics
from physics import pytree
from physics.base import Capacity, Controls, Motion, Scene, SolverConfig, State, Touching
from physics.build import BodyRef, Builder

CHUNK = 10  # steps a compiled call
DT = 1 / 60
GRAVITY = 9.81
SMALL = Capacity(polygons=1, circles=2, joints=1, thrusters=1)  # the shapes that levels have
MEDIUM = Capacity(polygons=2, circles=3, joints=2, thrusters=2)
LARGE = Capacity(polygons=8, circles=4, joints=6, thrusters=2)
OPEN = Capacity(polygons=2, circles=3, joints=2, thrusters=2, walls=0)  # as MEDIUM, without the room
DEFAULT = SolverConfig()
CONFIGS = {"sequential": DEFAULT, "soft": SolverConfig(method="soft")}  # what holds for every way of solving is tested with each of these

QUICK = {"xla_backend_optimization_level": 0}  # compiling takes longer here than running


@functools.partial(jax.jit, static_argnums=3, compiler_options=QUICK)
def _chunk(prepared: physics.Prepared, state: State, controls: Controls, config: SolverConfig) -> tuple[State, tuple[Motion, Touching]]:
    def one(now: State, _: None) -> tuple[State, tuple[Motion, Touching]]:
        after, touching = physics.step(prepared, now, controls, config)
        return after, (after.motion, touching)

    return lax.scan(one, state, None, length=CHUNK)


prepare = jax.jit(physics.prepare, compiler_options=QUICK)


class Run:
    """What happened: `[steps, ..., W]` arrays; with `world`, one world's."""

    def __init__(self, motion: Motion, touching: Touching, state: State) -> None:
        """Keep the trajectory as numpy arrays."""
        self.pos, self.vel, self.angle, self.omega = motion.pos, motion.vel, motion.angle, motion.omega
        self.motion, self.touching, self.state = motion, touching, state


def run_batch(scene: Scene, motion: Motion, steps: int, controls: Controls | None = None, config: SolverConfig = DEFAULT) -> Run:
    """Step a batch (worlds last) at least `steps` times; the trajectory is cut to `steps`."""
    prepared = prepare(scene)
    state = physics.start(prepared, motion)
    worlds = motion.angle.shape[-1]
    if controls is None:
        controls = Controls(
            motor=jnp.zeros((scene.joints.motor.shape[0], worlds)), thruster=jnp.zeros((scene.thrusters.power.shape[0], worlds))
        )
    parts = []
    for _ in range(-(-steps // CHUNK)):
        state, part = _chunk(prepared, state, controls, config)
        parts.append(part)
    motion, touching = jax.tree.map(lambda *leaves: np.concatenate(leaves)[:steps], *parts)
    return Run(motion, touching, state)


def run(builder: Builder, steps: int, motor: Any = 0.0, thruster: Any = 0.0, config: SolverConfig = DEFAULT) -> Run:
    """Step one scene; the trajectory has no world axis: `pos [steps, 2, N]`."""
    scene, motion = (pytree.stack([part]) for part in builder.finish())
    capacity = builder.capacity
    controls = Controls(motor=_column(motor, capacity.joints), thruster=_column(thruster, capacity.thrusters))
    done = run_batch(scene, motion, steps, controls, config)
    return Run(*jax.tree.map(lambda leaf: leaf[..., 0], (done.motion, done.touching, done.state)))


def _column(values: Any, count: int) -> jax.Array:
    return jnp.broadcast_to(jnp.asarray(values, jnp.float32), (count,))[:, None]


def corners_of(builder: Builder, ref: BodyRef) -> np.ndarray:
    """World corners `[V, 2]` of a polygon at the start."""
    scene, motion = builder.finish()
    angle, row = float(motion.angle[ref.slot]), np.asarray(scene.bodies.vertices[:, :, ref.slot]).T
    return turned(row, angle) + np.asarray(motion.pos[:, ref.slot])


def turned(points: np.ndarray, angle: float) -> np.ndarray:
    """Points `[..., 2]` turned counter-clockwise."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(points) @ np.array([[cos, sin], [-sin, cos]])


def collision(capacity: Capacity = OPEN) -> Builder:
    """Two polygons and two discs that meet in the middle, away from walls."""
    builder = Builder(capacity, gravity=(0, 0))
    builder.box((2, 2.5), (0.3, 0.2), vel=(2, 0), density=2, restitution=0.4, angle=0.3)
    builder.polygon([(0, 0), (0.6, 0), (0, 0.5)], at=(3.2, 2.3), vel=(-1, 0.2), omega=1.0)
    builder.circle((2.6, 3.4), 0.25, vel=(0, -2), restitution=0.8)
    builder.circle((2.4, 1.2), 0.15, vel=(0.3, 3))
    return builder


def random_scene(capacity: Capacity, seed: int) -> tuple[Scene, Motion]:
    """A full scene: every slot used, shapes of all kinds, motors, limits, welds, overlaps."""
    random, builder = np.random.RandomState(seed), Builder(capacity)
    refs = []
    for slot in range(capacity.polygons):
        at, angle, vel = random.uniform(0.7, 4.3, 2), random.uniform(0, 6), random.uniform(-2, 2, 2)
        corners = random_polygon(random, 3 if slot % 2 else capacity.vertices, 0.1, 0.4)
        refs.append(builder.polygon(corners, at, angle, vel=vel, omega=random.uniform(-3, 3), restitution=random.uniform(0, 0.6)))
    for slot in range(capacity.circles):
        refs.append(builder.circle(random.uniform(0.7, 4.3, 2), random.uniform(0.08, 0.35), fixed=slot == 1))
    for slot in range(capacity.joints):
        a, b = refs[slot % len(refs)], refs[(slot + 1) % len(refs)]
        limits = (-0.5, 0.7) if slot % 3 == 1 else None
        builder.joint(a, b, at=random.uniform(1, 4, 2), motor=slot % 2 == 0, limits=limits, fixed=slot % 3 == 2)
    for slot in range(capacity.thrusters):
        builder.thruster(refs[slot], at=random.uniform(1, 4, 2), angle=random.uniform(0, 6), power=2.0)
    return builder.finish()


def random_polygon(random: np.random.RandomState, count: int, smallest: float, largest: float) -> np.ndarray:
    """A convex polygon `[count, 2]`, counter-clockwise: points on an ellipse."""
    turn = (np.arange(count) + random.uniform(-0.3, 0.3, count)) * 2 * np.pi / count
    return np.stack([np.cos(turn), np.sin(turn)], 1) * random.uniform(smallest, largest, 2)


def in_every_world(scenes: list[tuple[Scene, Motion]]) -> tuple[Scene, Motion]:
    """Single-world scenes side by side."""
    return pytree.stack([scene for scene, _ in scenes]), pytree.stack([motion for _, motion in scenes])
