"""This engine on the scenes: all of them side by side, as worlds of one batch, so that one program serves all."""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import physics
from launch.benchmark.quality.scene import Body, Joint, Scene
from launch.benchmark.quality.trajectory import FIELDS, Column, Trajectory
from physics import build, pytree
from physics.base import Capacity, Controls, Motion, SolverConfig, State
from physics.build import BodyRef, Builder
from physics.prepare import Prepared

WALLS = (build.FLOOR, build.LEFT, build.RIGHT, build.CEILING)
QUICK = {"xla_backend_optimization_level": 1}  # compiling takes longer here than running


def run(scenes: Sequence[Scene], config: SolverConfig, engine: str) -> Column:
    """Simulate every scene, each for as long as the longest takes."""
    room = _capacity(scenes)
    built = [_build(scene, room, config) for scene in scenes]
    stacked, motion = pytree.stack([made[0] for made in built]), pytree.stack([made[1] for made in built])
    motor = jnp.stack([made[2] for made in built], axis=-1)
    controls = Controls(motor=motor, thruster=jnp.zeros((room.thrusters, len(scenes))))
    steps = max(scene.steps for scene in scenes)
    recorded = jax.tree.map(np.asarray, _simulate(stacked, motion, controls, config, steps))
    return Column(engine, {scene.name: _pick(scene, recorded, room, world) for world, scene in enumerate(scenes)})


def _capacity(scenes: Sequence[Scene]) -> Capacity:
    """Slots that hold any of the scenes."""
    polygons = max(sum(bool(body.vertices) for body in scene.bodies) for scene in scenes)
    circles = max(sum(not body.vertices for body in scene.bodies) for scene in scenes)
    joints = max(len(scene.joints) for scene in scenes)
    return Capacity(polygons=polygons, circles=circles, joints=joints, thrusters=0)


def _build(scene: Scene, room: Capacity, config: SolverConfig) -> tuple[physics.Scene, Motion, np.ndarray]:
    """(scene, start, motor controls) of one world."""
    builder = Builder(room, scene.gravity)
    friction = scene.friction / (config.base_friction * 2**0.5)  # two equal ones combine to what the scene wants
    builder.wall_friction, builder.wall_restitution = [friction] * 4, [scene.restitution] * 4
    refs = [_add(builder, body, friction, scene.restitution) for body in scene.bodies]
    for joint in scene.joints:
        _pin(builder, refs, joint)
    motor = np.zeros(room.joints, np.float32)
    motor[: len(scene.joints)] = [joint.motor for joint in scene.joints]
    return *builder.finish(), motor


def _add(builder: Builder, body: Body, friction: float, restitution: float) -> BodyRef:
    material = {
        "density": body.density, "friction": friction, "restitution": restitution,
        "fixed": body.fixed, "vel": body.vel, "omega": body.omega,
    }  # fmt: skip
    if body.vertices:
        return builder.polygon(body.vertices, body.at, body.angle, **material)
    return builder.circle(body.at, body.radius, body.angle, **material)


def _pin(builder: Builder, refs: Sequence[BodyRef], joint: Joint) -> None:
    a, b = (refs[body] if body >= 0 else WALLS[-1 - body] for body in (joint.a, joint.b))
    builder.joint(a, b, at=joint.at, limits=joint.limits, motor=joint.motor)


@functools.partial(jax.jit, static_argnums=(3, 4), compiler_options=QUICK)
def _simulate(scene: physics.Scene, motion: Motion, controls: Controls, config: SolverConfig, steps: int) -> Motion:
    """The motion after every step, `[steps, ..., worlds]`."""
    prepared: Prepared = physics.prepare(scene, config.base_friction)

    def one(now: State, _: None) -> tuple[State, Motion]:
        after, _touching = physics.step(prepared, now, controls, config)
        return after, after.motion

    return lax.scan(one, physics.start(prepared, motion), None, length=steps)[1]


def _pick(scene: Scene, recorded: Motion, room: Capacity, world: int) -> Trajectory:
    """One scene's trajectory, bodies in the scene's order."""
    slots, polygons, circles = [], 0, room.polygons
    for body in scene.bodies:
        slots.append(polygons if body.vertices else circles)
        polygons, circles = polygons + bool(body.vertices), circles + (not body.vertices)
    cut = [np.asarray(getattr(recorded, field))[: scene.steps, ..., slots, world] for field in FIELDS]
    return Trajectory(*(np.moveaxis(leaf, 1, -1) if leaf.ndim == 3 else leaf for leaf in cut))
