"""What holds for any scene: hundreds of random worlds an example, of recipes that hypothesis draws.

Four promises, each for the worlds that it can be made for:

- whatever the scene and whatever drives it, every number stays finite and inside the clips, and what is immovable stays;
- no centre leaves the room, whatever the scene and whatever drives it (a body jointed to a wall is not held by that wall);
- undriven worlds of like densities without joints, in which nothing overlaps at the start, gain no energy beyond `GROWTH`.
  With `sequential` all but `SQUEEZED` do, as a light body pressed into the floor throws its load back (a test of its own); of those with
  joints all but `RARE`, as quick pendulums of small links under heavy weights do gain (the last test);
- where bodies overlap, mending it throws them apart, in a chain of bodies once a body: without joints, which may lever it, no
  more energy than that comes in, of the deepest overlap at the start or on the way.

Driven worlds gain energy without bound but the clips, as motors are strong whatever they turn.
"""

import dataclasses
import functools

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jax import lax

from physics.base import CEILING, FLOOR, ROOM_WIDTH, Capacity, Motion, Scene, SolverConfig
from physics.build import LEFT, Builder
from physics.diagnose import diagnose
from physics.prepare import Prepared
from tests.physics.random_worlds import Recipe, draw, full_controls
from tests.physics.scenes import CONFIGS, DEFAULT, GRAVITY, LARGE, MEDIUM, QUICK, SMALL, Run, in_every_world, prepare, run_batch

WORLDS = 256  # of an example; one size, so that it compiles once
STEPS = 60
FEW, ALL = 6, 40  # examples: of every run, and enough for 10,000 worlds
GROWTH = 0.02  # of the energy at the start and of what lifts all bodies by 10 cm: restitution at two points may add a little
BOUNCY = 0.8  # a body met `v dt` deep leaves at (restitution + contact_bias) v: with more than 1 - contact_bias it may gain by bouncing
APART = 0.005  # m; overlaps that no solver mends
RARE = 0.05  # of the jointed worlds
SQUEEZED = 0.01  # of the worlds without joints, with `sequential`
ROUNDING = 1e-6  # m
SEEDS = st.integers(0, 2**32 - 1)
SOFT = CONFIGS["soft"]
CASES = [
    pytest.param(MEDIUM, FEW, DEFAULT, id="m, sequential"),
    *[
        pytest.param(capacity, ALL, config, id=f"{name}, 10,000", marks=pytest.mark.slow)
        for capacity, config, name in (
            (SMALL, DEFAULT, "s, sequential"),
            (MEDIUM, DEFAULT, "m, sequential"),
            (LARGE, DEFAULT, "l, sequential"),
            (MEDIUM, SOFT, "m, soft"),
        )
    ],
]
every_case = pytest.mark.parametrize(("capacity", "examples", "config"), CASES)
look = jax.jit(diagnose, compiler_options=QUICK)


@functools.partial(jax.jit, compiler_options=QUICK)
def deepest(prepared: Prepared, motions: Motion) -> jax.Array:
    """The deepest overlap `[W]` of all steps `[steps, ..., W]` (m)."""
    return lax.map(lambda motion: diagnose(prepared, motion).penetration, motions).max(0)


# Density ratios up to 10; see `Recipe` for the units.
tame = st.builds(
    Recipe,
    seed=SEEDS,
    fastest=st.floats(0, 10),
    spin=st.floats(0, 20),
    uneven=st.floats(0, 0.5),
    thin=st.floats(0, 0.8),
    bouncy=st.floats(0, BOUNCY),
    crowded=st.floats(0, 0.5),
    jointed=st.floats(0, 1),
    to_walls=st.floats(0, 0.5),
    immovable=st.floats(0, 0.3),
)
wild = st.builds(
    Recipe,
    seed=SEEDS,
    fastest=st.floats(0, 100),
    spin=st.floats(0, 50),
    uneven=st.floats(0, 3),
    thin=st.floats(0, 0.99),
    bouncy=st.floats(0, 1),
    crowded=st.floats(0, 1),
    jointed=st.floats(0, 1),
    to_walls=st.floats(0, 1),
    immovable=st.floats(0, 0.6),
)


def for_all(examples: int, **given_values: st.SearchStrategy):
    """Run a check on so many examples: always the same ones, and nothing is written."""
    fixed = settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),  # a smaller recipe is no smaller scene, and looking for one takes minutes
    )

    def run(check) -> None:
        fixed(given(**given_values)(check))()

    return run


def masses(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Masses and inertias `[N, W]`; 0 of what is absent or immovable."""
    bodies = scene.bodies

    def inverted(values: np.ndarray) -> np.ndarray:
        return np.where(bodies.active & (values > 0), 1 / np.where(values > 0, values, 1), 0).astype(float)

    return inverted(bodies.inverse_mass), inverted(bodies.inverse_inertia)


def energy(scene: Scene, pos: np.ndarray, vel: np.ndarray, omega: np.ndarray) -> np.ndarray:
    """Kinetic energy and potential energy over the floor, `[..., W]`."""
    mass, inertia = masses(scene)
    height = pos[..., 1, :, :] - FLOOR
    return (0.5 * mass * (vel.astype(float) ** 2).sum(-3) + 0.5 * inertia * omega.astype(float) ** 2 + mass * GRAVITY * height).sum(-2)


def outside(pos: np.ndarray) -> np.ndarray:
    """How far positions `[..., 2, N, W]` are out of the room (m); negative inside."""
    x, y = pos[..., 0, :, :], pos[..., 1, :, :]
    return np.maximum.reduce([-x, x - ROOM_WIDTH, FLOOR - y, y - CEILING])


def undriven(capacity: Capacity, recipe: Recipe, config: SolverConfig):
    """(scene, motion at the start, what happened) of a recipe's worlds with all actuators off."""
    scene, motion = draw(capacity, WORLDS, recipe)
    return scene, motion, run_batch(scene, motion, STEPS, config=config)


@every_case
def test_nothing_breaks_whatever_the_scene(capacity, examples, config):
    @for_all(examples, recipe=wild, driven=st.booleans())
    def _check(recipe: Recipe, driven: bool) -> None:
        scene, motion = draw(capacity, WORLDS, recipe)
        done = run_batch(scene, motion, STEPS, full_controls(capacity, WORLDS, recipe.seed) if driven else None, config)
        for leaf in jax.tree.leaves((done.motion, done.state)):
            assert np.isfinite(leaf).all()
        assert np.abs(done.pos).max() <= config.max_position
        assert np.abs(done.vel).max() <= config.max_speed
        assert np.abs(done.omega).max() <= config.max_spin
        still = scene.bodies.active & (scene.bodies.inverse_mass == 0)
        assert not (np.abs(done.pos - motion.pos).max((0, 1)) * still).any()
        assert not (np.abs(done.angle - motion.angle).max(0) * still).any()


@every_case
def test_nothing_leaves_the_room(capacity, examples, config):
    @for_all(examples, recipe=wild, driven=st.booleans())
    def _check(recipe: Recipe, driven: bool) -> None:
        scene, motion = draw(capacity, WORLDS, recipe)
        done = run_batch(scene, motion, STEPS, full_controls(capacity, WORLDS, recipe.seed) if driven else None, config)
        moves = masses(scene)[0] > 0
        held = (scene.joints.active & (scene.joints.body_a >= capacity.bodies)).any(0)
        beyond = np.where(held, -1, np.where(moves, outside(done.pos), -1).max((0, 1)))
        assert beyond.max() <= ROUNDING, f"world {beyond.argmax()}"


@every_case
def test_energy_is_bounded(capacity, examples, config):
    @for_all(examples, recipe=tame, jointed=st.booleans())
    def _check(recipe: Recipe, jointed: bool) -> None:
        recipe = recipe if jointed else dataclasses.replace(recipe, jointed=0.0)
        scene, motion, done = undriven(capacity, recipe, config)
        depth = np.asarray(look(prepare(scene), motion).penetration)
        gain, scale = energy_gain(scene, motion, done)
        grew = (depth <= APART) & (gain > GROWTH * scale)
        squeezed = SQUEEZED if config.method == "sequential" else 0.0
        assert grew.mean() <= (RARE if jointed else squeezed), f"worlds {np.flatnonzero(grew)}"
        if not jointed:
            over = gain - GROWTH * scale - thrown(scene, np.maximum(depth, deepest(prepare(scene), done.motion)), config)
            assert over.max() <= 0, f"world {over.argmax()}"


def energy_gain(scene: Scene, motion: Motion, done: Run) -> tuple[np.ndarray, np.ndarray]:
    """Per world (J): the most that energy grew, and what it is measured by."""
    before = energy(scene, motion.pos, motion.vel, motion.omega)
    after = energy(scene, done.pos, done.vel, done.omega).max(0)
    return after - before, before + masses(scene)[0].sum(0) * GRAVITY * 0.1


def thrown(scene: Scene, depth: np.ndarray, config: SolverConfig) -> np.ndarray:
    """Per world (J): at most what mending overlaps so deep brings in."""
    if config.method == "soft":
        speed = np.where(depth > 0, config.soft.push_speed, 0.0)
    else:
        speed = config.sequential.contact_bias / config.dt * depth
    return 0.5 * masses(scene)[0].sum(0) * (speed * scene.bodies.active.sum(0)) ** 2


def grows(builder: Builder, config: SolverConfig) -> bool:
    """Whether a scene gains energy."""
    scene, motion = in_every_world([builder.finish()])
    gain, scale = energy_gain(scene, motion, run_batch(scene, motion, STEPS, config=config))
    return bool((gain > GROWTH * scale).any())


GAINS = pytest.mark.xfail(strict=True, reason="the ball, 36 times as heavy, presses the chip deep into the floor and is pushed out again")


@pytest.mark.parametrize("config", [pytest.param(DEFAULT, id="sequential", marks=GAINS), pytest.param(SOFT, id="soft")])
def test_a_chip_that_a_ball_falls_on_does_not_throw_it_higher(config):
    """The smallest scene found in which energy grows undriven and without joints: by a quarter, with ten sweeps."""
    builder = Builder(MEDIUM)
    builder.polygon([(0.136, 0.023), (-0.063, 0.055), (-0.073, -0.078)], at=(0.662, 0.651), angle=2.93, friction=0.65, restitution=0.62)
    builder.circle((0.673, 1.092), 0.384, friction=0.76, restitution=0.32)
    assert not grows(builder, config)


@pytest.mark.xfail(strict=True, reason="joints of a small light link under a weight 33 times as heavy put in energy when it turns quickly")
def test_a_quick_pendulum_with_a_light_link_gains_no_energy():
    """The smallest scene found in which energy grows undriven: two bodies, two joints, no contact."""
    builder = Builder(MEDIUM)
    link = builder.polygon([(0.079, -0.028), (-0.043, 0.107), (-0.036, -0.078)], at=(1.664, 2.388), angle=0.085)
    weight = builder.circle((1.7225, 2.2425), 0.336, vel=(-3.35, -0.62))
    builder.joint(LEFT, link, at=(1.689, 2.4645))
    builder.joint(link, weight, at=(1.7446, 2.3156))
    assert not grows(builder, DEFAULT)
