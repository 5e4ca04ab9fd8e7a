"""The soft step of Box2D 3: sub-steps, soft constraints, a relaxing sweep, restitution at the end.

A step is collided once and solved in four parts. In each: gravity, warm start, one sweep in which errors
are mended by stiff damped springs, positions, and one sweep without them that takes the speed of mending
away again. Bodies about to touch are slowed so that they just do. Impacts bounce once, at the very end.
Source: Catto, Solver2D (box2d.org, 2024), and `b2SolverStage` of Box2D 3.

Against `sequential`: stacks sink and joints part several times less, and bounces gain no energy, at
1.5 to 2 times the time. Levels play a little differently than in the reference.
"""

import functools
import math
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from jax import lax

from physics import attach, integrate, joints, solve
from physics.base import Array, Impulses, Motion, SoftConfig, SolverConfig
from physics.collide import Contact, Reach
from physics.contacts import ContactRows, Goal, Pair, Rows3, Side, separating
from physics.joints import Linked
from physics.materialise import Packed, materialise
from physics.math2d import Twist, Vec, reciprocal, spin
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

    apart: Pair  # distance at the start of the step, m
    bounce: Pair  # speed to leave with, m/s; 0 where the impact is slow


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class JointRows:
    """What a visit reads of every joint, `[J, W]`."""

    link: Linked
    inverse_k: Rows3
    bias: Vec  # velocity that closes the gap, m/s
    angle_mass: Array  # 0 when nothing holds the angle
    angle_bias: Array  # rad/s
    angle_hold: Array  # see contacts.Goal
    lowest: Array  # bounds of the accumulated angular impulse
    highest: Array


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


def reach(config: SolverConfig) -> Reach:
    """Bodies this close may come to touch within the step; as they then stop without overlapping, near is touching."""
    return Reach(config.soft.margin, config.soft.touch)


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
    bounce = jnp.where(speed < -config.bounce_speed, -restitution * speed, 0.0)
    return Kept((-contact.depths[0], -contact.depths[1]), (bounce[0], bounce[1]))


def _start(kept: Kept) -> Pair:
    return kept.apart


def _length(config: SolverConfig) -> float:
    """Seconds of a sub-step."""
    return config.dt / config.soft.substeps


def _substep(problem: Problem, rows: Touches, now: Progress, config: SolverConfig) -> Progress:
    prepared, h = problem.prepared, _length(config)
    joint = _joint_rows(problem, now.moved, config, soft=True)
    falling = integrate.gravity(now.solution.moving, prepared, h)
    solution = solve.warm_start(problem, rows, [row.open().link for row in joint], replace(now.solution, moving=falling))
    solution = _visit_joints(prepared, joint, solution, spring(config.soft.joint_hertz, config.soft.joint_damping, h).hold)
    solution = solve.sweep_contacts(rows, *_goals(rows, now.apart, config, soft=True), solution)
    moved = materialise(now.moved + solution.moving * h)
    apart = solve.separations(rows, moved, _start)
    strongest = jax.tree.map(jnp.maximum, now.strongest, _normals(solution))
    solution = _visit_joints(prepared, _joint_rows(problem, moved, config, soft=False), solution, 1.0)
    solution = solve.sweep_contacts(rows, *_goals(rows, apart, config, soft=False), solution)
    return Progress(solution, moved, apart, jax.tree.map(jnp.maximum, strongest, _normals(solution)))


def _normals(solution: Solution) -> tuple[list[Pair], list[Pair]]:
    return [(i[0], i[1]) for i in solution.pair], [(i[0], i[1]) for i in solution.wall]


def _goals(rows: Touches, apart: tuple[list[Pair], list[Pair]], config: SolverConfig, soft: bool) -> tuple[list[Goal], list[Goal]]:
    """What a sweep works towards, from the distances now."""
    pairs = [_goal(packed.open()[0], at, config, soft) for packed, at in zip(rows.colours, apart[0], strict=True)]
    return pairs, [_goal(packed.open()[0], at, config, soft) for packed, at in zip(rows.walls, apart[1], strict=True)]


def _goal(row: ContactRows, apart: Pair, config: SolverConfig, soft: bool) -> Goal:
    """Close a gap but no further; mend an overlap, softly or, in the relaxing sweep, not at all."""
    settings, h = config.soft, _length(config)
    hertz = min(settings.contact_hertz, 0.25 / h)
    moving, still = spring(hertz, settings.contact_damping, h), spring(2 * hertz, settings.contact_damping, h)
    immovable = (row.inverse_mass[0] == 0) | (row.inverse_mass[1] == 0)
    rate, hold = jnp.where(immovable, still.rate, moving.rate), jnp.where(immovable, still.hold, moving.hold)

    def velocity(gap: Array) -> Array:
        mended = jnp.minimum(-rate * gap, settings.push_speed) if soft else 0.0
        return jnp.where(gap > 0, -gap / h, mended)

    wanted = (velocity(apart[0]), velocity(apart[1]))
    return Goal(wanted, (jnp.where(apart[0] > 0, 1.0, hold), jnp.where(apart[1] > 0, 1.0, hold))) if soft else Goal(wanted)


@jax.named_scope("joints.prepare_rows")
def _joint_rows(problem: Problem, moved: Twist, config: SolverConfig, soft: bool) -> list[Packed]:
    """Rows of all joints where the bodies are now; of two limits the nearer has the row."""
    prepared, motion, h = problem.prepared, problem.motion, _length(config)
    found, active = prepared.scene.joints, prepared.joint_active
    pos = Vec.of(motion.pos) + moved.vel
    placed = joints.ends(prepared, replace(motion, pos=pos.stacked(), angle=motion.angle + moved.omega))
    link = joints.link(prepared, placed)
    at_lower = placed.error - found.lower < found.upper - placed.error
    room = jnp.where(at_lower, placed.error - found.lower, found.upper - placed.error)
    inside = ~found.fixed & (room > 0)
    wrong = jnp.where(found.fixed, placed.error, jnp.where(at_lower, room, -room))
    mend = spring(config.soft.joint_hertz, config.soft.joint_damping, h) if soft else Spring(0.0, 1.0)
    rows = JointRows(
        link=link,
        inverse_k=_inverse_k(link, active),
        bias=placed.gap * mend.rate,
        angle_mass=jnp.where(active & (found.fixed | found.limited), reciprocal(link.inertia_a + link.inertia_b), 0.0),
        angle_bias=wrong * jnp.where(inside, 1 / h, mend.rate),  # inside, the speed that just reaches the limit
        angle_hold=jnp.where(inside, 1.0, mend.hold),
        lowest=jnp.where(~found.fixed & at_lower, 0.0, -jnp.inf),
        highest=jnp.where(~found.fixed & ~at_lower, 0.0, jnp.inf),
    )
    return joints.one_by_one(rows)


def _inverse_k(link: Linked, active: Array) -> Rows3:
    """Inverse (xx, xy, yy) of K = (1/m_a + 1/m_b) I + the levers' part, a symmetric 2 x 2 matrix; 0 when inactive."""
    mass, arm_a, arm_b = link.mass_a + link.mass_b, link.arm_a, link.arm_b
    xx = mass + link.inertia_a * arm_a.y**2 + link.inertia_b * arm_b.y**2
    yy = mass + link.inertia_a * arm_a.x**2 + link.inertia_b * arm_b.x**2
    xy = -link.inertia_a * arm_a.x * arm_a.y - link.inertia_b * arm_b.x * arm_b.y
    scale = jnp.where(active, reciprocal(xx * yy - xy * xy), 0.0)
    return yy * scale, -xy * scale, xx * scale


def _visit_joints(prepared: Prepared, joint: list[Packed], now: Solution, hold: float) -> Solution:
    moving, impulses = now.moving, []
    for packed, impulse in zip(joint, now.joint, strict=True):
        impulse, moving = _visit_joint(prepared, packed, impulse, moving, hold)
        impulses.append(impulse)
    return replace(now, joint=impulses, moving=moving)


@functools.partial(jax.jit, static_argnames="hold")
@jax.named_scope("solve.joints")
def _visit_joint(prepared: Prepared, packed: Packed, impulse: Rows3, moving: Twist, hold: float) -> tuple[Rows3, Twist]:
    """The point, a 2 x 2 block solved exactly (as `b2RevoluteJoint`), then the angle."""
    row: JointRows = packed.open()
    new = _impulse(row, impulse, moving, hold)
    added = (new[0] - impulse[0], new[1] - impulse[1], new[2] - impulse[2])
    return new, joints.apply(prepared, row.link, added, moving)


def _impulse(row: JointRows, impulse: Rows3, moving: Twist, hold: float) -> Rows3:
    link = row.link
    omega_a, omega_b = materialise((attach.read(link.body_a, moving.omega), attach.read(link.body_b, moving.omega)))
    apart = attach.difference_vec(link.body_a, link.body_b, moving.vel)
    wrong = materialise(apart + spin(omega_b, link.arm_b) - spin(omega_a, link.arm_a) + row.bias)
    xx, xy, yy = row.inverse_k
    point = Vec(impulse[0] - (xx * wrong.x + xy * wrong.y), impulse[1] - (xy * wrong.x + yy * wrong.y)) * hold
    point = materialise(point)
    added = Vec(point.x - impulse[0], point.y - impulse[1])
    turning = omega_b - omega_a + link.inertia_b * link.arm_b.cross(added) + link.inertia_a * link.arm_a.cross(added)
    wanted = row.angle_hold * (impulse[2] - row.angle_mass * (turning + row.angle_bias))
    return point.x, point.y, materialise(jnp.clip(wanted, row.lowest, row.highest))


@jax.named_scope("soft.restitution")
def _restitution(rows: Touches, now: Progress, config: SoftConfig) -> Solution:
    """Send points that were hit fast and hard back at their share of the speed."""

    def goal(kept: Kept, strongest: Pair) -> Goal:
        gate = [jnp.where((kept.bounce[i] > 0) & (strongest[i] > 0), 1.0, 0.0) for i in range(2)]
        return Goal(kept.bounce, gate=(gate[0], gate[1]))

    pairs = [goal(packed.open()[1], hit) for packed, hit in zip(rows.colours, now.strongest[0], strict=True)]
    walls = [goal(packed.open()[1], hit) for packed, hit in zip(rows.walls, now.strongest[1], strict=True)]
    # The two points of a contact share a bounce: one visit each would turn the body.
    return lax.fori_loop(0, config.bounce_sweeps, lambda _, now: solve.sweep_contacts(rows, pairs, walls, now), now.solution)
