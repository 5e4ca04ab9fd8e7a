"""The solver of the reference engine: sequential impulses with Baumgarte's correction.

Ten Gauss-Seidel sweeps over velocities, warm-started; a visit of a joint also moves its bodies together.
Source: Catto, Iterative Dynamics with Temporal Coherence (GDC 2005) and Box2D 2. The constants and the
rules of joints are the reference's, so that published levels play as they do there. What is pushed apart
keeps some of the speed of being pushed, so bounces gain energy; bodies moved without their velocities
lose some, so swings die away.
"""

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import lax

from physics import attach, integrate, joints, solve
from physics.base import Array, Impulses, Motion, SolverConfig
from physics.collide import Contact, Reach
from physics.contacts import Goal, Pair, Rows3, Side, separating
from physics.joints import Linked
from physics.materialise import Packed, materialise
from physics.math2d import Twist, Vec, reciprocal, spin
from physics.prepare import Prepared
from physics.solve import Problem, Solution

RUNAWAY = 1e4  # m/s; the rule of joints need not converge, and this keeps it from overflowing where it does not


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class JointRows:
    """What a visit reads of every joint, `[J, W]`."""

    link: Linked
    offset: Vec  # of the ends, less that of the bodies' centres, m
    stiffness: Array  # share of the velocity error that a visit takes out; 0 when inactive
    total_mass: Array  # inverse, of both bodies together
    angle_mass: Array  # 0 when nothing holds the angle
    angle_bias: Array  # rad/s
    over: Array  # how far a limit is violated, rad; 0 for a fixed joint


def reach(config: SolverConfig) -> Reach:
    """Only what overlaps is a contact."""
    return Reach()


def advance(problem: Problem, config: SolverConfig) -> tuple[Motion, Impulses]:
    """Solve one step: the motion at its end (padded) and the impulses for the next."""
    prepared, motion = problem.prepared, problem.motion
    falling = integrate.gravity(Twist(Vec.of(motion.vel), motion.omega), prepared, config.dt)
    rows = solve.touches(problem, falling, lambda contact, a, b, bounce: _wanted(contact, a, b, bounce, config))
    joint = _joint_rows(prepared, motion, config)
    now, active = solve.begin(problem, integrate.gravity(problem.driven, prepared, config.dt))
    now = solve.warm_start(problem, rows, [row.open().link for row in joint], now)

    def sweep(_: int, carry: tuple[Solution, Vec]) -> tuple[Solution, Vec]:
        now, pos = _visit_joints(prepared, joint, *carry, config)
        pairs, walls = [Goal(row.open()[1]) for row in rows.colours], [Goal(row.open()[1]) for row in rows.walls]
        return solve.sweep_contacts(rows, pairs, walls, now), pos

    done, pos = lax.fori_loop(0, config.sequential.iterations, sweep, (now, Vec.of(motion.pos)))
    return integrate.positions(pos, motion.angle, done.moving, config), solve.store(done, active)


def _wanted(contact: Contact, a: Side, b: Side, restitution: Array, config: SolverConfig) -> Pair:
    """Normal velocities: out of the overlap, and back from the impact."""
    rate, settings = config.sequential.contact_bias / config.dt, config.sequential
    wanted = rate * jnp.maximum(contact.depths - settings.slop, 0.0) - restitution * separating(contact, a, b)
    return wanted[0], wanted[1]


@jax.named_scope("joints.prepare_rows")
def _joint_rows(prepared: Prepared, motion: Motion, config: SolverConfig) -> list[Packed]:
    found, settings, active = prepared.scene.joints, config.sequential, prepared.joint_active
    placed = joints.ends(prepared, motion)
    link = joints.link(prepared, placed)
    over = jnp.where(found.limited & ~found.fixed, placed.error - jnp.clip(placed.error, found.lower, found.upper), 0.0)
    rows = JointRows(
        link=link,
        offset=placed.arm_b - placed.arm_a,
        stiffness=jnp.where(active, settings.joint_stiffness, 0.0),
        total_mass=link.mass_a + link.mass_b,
        angle_mass=jnp.where(active & (found.fixed | (over != 0)), reciprocal(link.inertia_a + link.inertia_b), 0.0),
        angle_bias=jnp.where(found.fixed, settings.fixed_bias * placed.error, settings.limit_bias * over),
        over=over,
    )
    return joints.one_by_one(rows)


def _visit_joints(prepared: Prepared, joint: list[Packed], now: Solution, pos: Vec, config: SolverConfig) -> tuple[Solution, Vec]:
    moving, impulses = now.moving, []
    for packed, impulse in zip(joint, now.joint, strict=True):
        impulse, moving, pos = _visit_joint(prepared, packed, impulse, moving, pos, config=config)
        impulses.append(impulse)
    return Solution(now.pair, now.wall, impulses, moving), pos


@functools.partial(jax.jit, static_argnames="config")
@jax.named_scope("solve.joints")
def _visit_joint(
    prepared: Prepared, packed: Packed, impulse: Rows3, moving: Twist, pos: Vec, config: SolverConfig
) -> tuple[Rows3, Twist, Vec]:
    """Bring the velocities of a joint's two bodies together, and move them towards each other."""
    row: JointRows = packed.open()
    gap = materialise(attach.difference_vec(row.link.body_a, row.link.body_b, pos) + row.offset)
    added = _impulse(row, gap, moving, config)
    moving = joints.apply(prepared, row.link, added, moving)
    shift = materialise(gap * (config.sequential.joint_projection * reciprocal(row.total_mass)))
    sign = attach.sign(row.link.body_a, row.link.body_b, prepared.inverse_mass.shape[0])
    pos = materialise(pos - shift * (sign * prepared.inverse_mass))
    return materialise((impulse[0] + added[0], impulse[1] + added[1], impulse[2] + added[2])), moving, pos


def _impulse(row: JointRows, gap: Vec, moving: Twist, config: SolverConfig) -> Rows3:
    """The reference's rule: the mass that counts is that along the velocity error, which is taken where the ends would meet."""
    link = row.link
    omega_a, omega_b = attach.read(link.body_a, moving.omega), attach.read(link.body_b, moving.omega)
    omega_a, omega_b = materialise((omega_a, omega_b))
    meets = gap * reciprocal(row.total_mass)
    apart = attach.difference_vec(link.body_a, link.body_b, moving.vel)
    wrong = apart + spin(omega_b, link.arm_b - meets * link.mass_b) - spin(omega_a, link.arm_a + meets * link.mass_a)
    wrong = materialise(Vec(jnp.clip(wrong.x, -RUNAWAY, RUNAWAY), jnp.clip(wrong.y, -RUNAWAY, RUNAWAY)))
    unit = wrong * reciprocal(wrong.length())
    inverse = row.total_mass + link.inertia_a * link.arm_a.cross(unit) ** 2 + link.inertia_b * link.arm_b.cross(unit) ** 2
    point = materialise((wrong + gap * config.sequential.joint_bias) * (-row.stiffness * reciprocal(inverse)))
    turning = omega_b - omega_a + link.inertia_b * link.arm_b.cross(point) + link.inertia_a * link.arm_a.cross(point)
    outward = (row.over == 0) | (turning * row.over > 0)  # a violated limit acts only on what moves further out
    return point.x, point.y, materialise(jnp.where(outward, -row.angle_mass * (turning + row.angle_bias), 0.0))
