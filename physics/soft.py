"""The soft step of Box2D 3: sub-steps, soft constraints, a relaxing sweep, restitution at the end.

A step is collided once and solved in four parts. In each: gravity, warm start, one sweep in which errors
are mended by stiff damped springs, positions, and one sweep without them that takes the speed of mending
away again. Bodies about to touch are slowed so that they just do. Impacts bounce once, at the very end.
Source: Catto, Solver2D (box2d.org, 2024), and `b2SolverStage` of Box2D 3.

Against `sequential`: stacks sink and joints part several times less, and bounces gain no energy, at
about twice the work. Levels play a little differently than in the reference.
"""

import math
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from jax import lax

from physics import integrate, joints, solve
from physics.base import Array, Impulses, Motion, SoftConfig, SolverConfig
from physics.collide import Contact
from physics.contacts import ContactRows, Goal, Pair, Side, separating
from physics.joints import Placed
from physics.materialise import materialise
from physics.math2d import Twist, Vec
from physics.prepare import Prepared
from physics.solve import Problem, Solution, Touches


@dataclass(frozen=True)
class Spring:
    """A soft constraint: errors are mended at `rate` (1/s), impulses are multiplied by `hold`."""

    rate: float
    hold: float


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Kept:
    """What is kept of each contact point beside its rows."""

    apart: Pair  # distance at the start of the step plus slop, m
    bounce: Pair  # speed to leave with, m/s; 0 where the impact is slow


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Progress:
    """What the sub-steps change."""

    solution: Solution
    moved: Twist  # since the start of the step: m, rad
    apart: tuple[list[Pair], list[Pair]]  # distances now, per colour and per wall
    strongest: tuple[list[Pair], list[Pair]]  # largest normal impulses so far


def spring(hertz: float, damping: float, h: float) -> Spring:
    """A spring for sub-steps of `h` s that is stable however stiff (as `b2MakeSoft`)."""
    omega = 2 * math.pi * hertz
    share = 2 * damping + h * omega
    stiffness = h * omega * share
    return Spring(omega / share, stiffness / (1 + stiffness))


def margin(config: SolverConfig) -> float:
    """Bodies this close may come to touch within the step."""
    return config.soft.margin


def advance(problem: Problem, config: SolverConfig) -> tuple[Motion, Impulses]:
    """Solve one step: the motion at its end (padded) and the impulses for the next."""
    before = Twist(Vec.of(problem.motion.vel), problem.motion.omega)
    rows = solve.touches(problem, before, lambda contact, a, b, bounce: _keep(contact, a, b, bounce, config.soft))
    begun, active = solve.begin(problem, problem.driven)
    nothing = jax.tree.map(jnp.zeros_like, before)
    calm = jax.tree.map(jnp.zeros_like, ([(i[0], i[1]) for i in begun.pair], [(i[0], i[1]) for i in begun.wall]))
    now = Progress(begun, nothing, solve.separations(rows, nothing, _start), calm)
    done = lax.fori_loop(0, config.soft.substeps, lambda _, now: _substep(problem, rows, now, config), now)
    bounced = _restitution(rows, done, config.soft)
    end = Twist(Vec.of(problem.motion.pos), problem.motion.angle) + done.moved
    return integrate.clipped(end.vel, end.omega, bounced.moving, config), solve.store(bounced, active)


def _keep(contact: Contact, a: Side, b: Side, restitution: Array, config: SoftConfig) -> Kept:
    speed = separating(contact, a, b)
    bounce = [jnp.where(s < -config.bounce_speed, -restitution * s, 0.0) for s in speed]
    return Kept((-contact.depths[0] + config.slop, -contact.depths[1] + config.slop), (bounce[0], bounce[1]))


def _start(kept: Kept) -> Pair:
    return kept.apart


def _substep(problem: Problem, rows: Touches, now: Progress, config: SolverConfig) -> Progress:
    prepared, h = problem.prepared, config.dt / config.soft.substeps
    motion = problem.motion
    place = Twist(Vec.of(motion.pos), motion.angle) + now.moved
    placed = joints.ends(prepared, Motion(pos=place.vel.stacked(), angle=place.omega, vel=motion.vel, omega=motion.omega))
    stiff, relaxed = _joint_rows(prepared, placed, config)
    falling = integrate.gravity(now.solution.moving, prepared, h)
    solution = solve.warm_start(prepared, rows, stiff, replace(now.solution, moving=falling))
    hold = spring(config.soft.joint_hertz, config.soft.joint_damping, h).hold
    solution = solve.sweep(prepared, rows, stiff, *_goals(rows, now.apart, config, soft=True), solution, hold)
    moved = materialise(now.moved + solution.moving * h)
    apart = solve.separations(rows, moved, _start)
    strongest = jax.tree.map(jnp.maximum, now.strongest, _normals(solution))
    solution = solve.sweep(prepared, rows, relaxed, *_goals(rows, apart, config, soft=False), solution)
    return Progress(solution, moved, apart, jax.tree.map(jnp.maximum, strongest, _normals(solution)))


def _normals(solution: Solution) -> tuple[list[Pair], list[Pair]]:
    return [(i[0], i[1]) for i in solution.pair], [(i[0], i[1]) for i in solution.wall]


def _goals(rows: Touches, apart: tuple[list[Pair], list[Pair]], config: SolverConfig, soft: bool) -> tuple[list[Goal], list[Goal]]:
    """What a sweep works towards, from the distances now."""
    pairs = [_goal(packed.open()[0], at, config, soft) for packed, at in zip(rows.colours, apart[0], strict=True)]
    return pairs, [_goal(row, at, config, soft) for (row, _), at in zip(rows.walls, apart[1], strict=True)]


def _goal(row: ContactRows, apart: Pair, config: SolverConfig, soft: bool) -> Goal:
    """Close a gap but no further; mend an overlap, softly or, in the relaxing sweep, not at all."""
    settings, h = config.soft, config.dt / config.soft.substeps
    hertz = min(settings.contact_hertz, 0.25 / h)
    moving, still = spring(hertz, settings.contact_damping, h), spring(2 * hertz, settings.contact_damping, h)
    immovable = (row.inverse_mass[0] == 0) | (row.inverse_mass[1] == 0)
    rate, hold = jnp.where(immovable, still.rate, moving.rate), jnp.where(immovable, still.hold, moving.hold)

    def velocity(gap: Array) -> Array:
        mended = jnp.minimum(-rate * gap, settings.push_speed) if soft else 0.0
        return jnp.where(gap > 0, -gap / h, mended)

    wanted = (velocity(apart[0]), velocity(apart[1]))
    return Goal(wanted, (jnp.where(apart[0] > 0, 1.0, hold), jnp.where(apart[1] > 0, 1.0, hold))) if soft else Goal(wanted)


def _joint_rows(prepared: Prepared, placed: Placed, config: SolverConfig) -> tuple[list, list]:
    """Rows of the sweep that mends and of the one that relaxes. Of two limits the nearer has the row."""
    h, found = config.dt / config.soft.substeps, prepared.scene.joints
    soft = spring(config.soft.joint_hertz, config.soft.joint_damping, h)
    at_lower = placed.error - found.lower < found.upper - placed.error
    room = jnp.where(at_lower, placed.error - found.lower, found.upper - placed.error)
    inside = ~found.fixed & (room > 0)
    closing = jnp.where(at_lower, room, -room) / h  # the speed that just reaches the limit
    violated = jnp.where(found.fixed, placed.error, jnp.where(at_lower, room, -room)) * soft.rate
    on = prepared.joint_active & (found.fixed | found.limited)

    def rows(stiff: bool) -> list:
        base = joints.prepare_rows(prepared, placed, placed.gap * (soft.rate if stiff else 0.0))
        bias = jnp.where(inside, closing, violated if stiff else 0.0)
        hold = jnp.where(inside, 1.0, soft.hold if stiff else 1.0)
        only_up, only_down = ~found.fixed & at_lower, ~found.fixed & ~at_lower
        return joints.one_by_one(joints.with_angle_row(base, on, bias, only_up, only_down, hold))

    return rows(True), rows(False)


@jax.named_scope("soft.restitution")
def _restitution(rows: Touches, now: Progress, config: SoftConfig) -> Solution:
    """Send points that were hit fast and hard back at their share of the speed."""

    def goal(kept: Kept, strongest: Pair) -> Goal:
        gate = [jnp.where((kept.bounce[i] > 0) & (strongest[i] > 0), 1.0, 0.0) for i in range(2)]
        return Goal(kept.bounce, gate=(gate[0], gate[1]))

    pairs = [goal(packed.open()[1], hit) for packed, hit in zip(rows.colours, now.strongest[0], strict=True)]
    walls = [goal(kept, hit) for (_, kept), hit in zip(rows.walls, now.strongest[1], strict=True)]
    # The two points of a contact share a bounce: one visit each would turn the body.
    return lax.fori_loop(0, config.bounce_sweeps, lambda _, now: solve.sweep_contacts(rows, pairs, walls, now), now.solution)
