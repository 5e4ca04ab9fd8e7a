"""The solver of the reference engine: sequential impulses with Baumgarte's correction.

Ten Gauss-Seidel sweeps over velocities, warm-started, then jointed bodies are moved together and turned
back into their limits. Source: Catto, Iterative Dynamics with Temporal Coherence (GDC 2005) and Box2D 2;
the constants are the reference's, so that published levels play as they do there. What is pushed apart
keeps some of the speed of being pushed: bounces gain energy, and joints lose some when bodies are moved.
"""

import jax
import jax.numpy as jnp
from jax import lax

from physics import attach, integrate, joints, solve
from physics.base import Array, Impulses, Motion, SolverConfig
from physics.collide import Contact
from physics.contacts import Goal, Pair, Side, separating
from physics.joints import JointRows, Placed
from physics.materialise import materialise, pack
from physics.math2d import Twist, Vec, reciprocal
from physics.prepare import Prepared
from physics.solve import Problem


def margin(config: SolverConfig) -> float:
    """Only what overlaps is a contact."""
    return 0.0


def advance(problem: Problem, config: SolverConfig) -> tuple[Motion, Impulses]:
    """Solve one step: the motion at its end (padded) and the impulses for the next."""
    prepared, motion = problem.prepared, problem.motion
    falling = integrate.gravity(Twist(Vec.of(motion.vel), motion.omega), prepared, config.dt)
    rows = solve.touches(problem, falling, lambda contact, a, b, bounce: _wanted(contact, a, b, bounce, config))
    placed = joints.ends(prepared, motion)
    joint = _joint_rows(prepared, placed, config)
    one_by_one = joints.one_by_one(joint)
    now, active = solve.begin(problem, integrate.gravity(problem.driven, prepared, config.dt))
    now = solve.warm_start(prepared, rows, one_by_one, now)

    def sweep(_: int, now: solve.Solution) -> solve.Solution:
        pairs, walls = [Goal(row.open()[1]) for row in rows.colours], [Goal(wanted) for _, wanted in rows.walls]
        return solve.sweep(prepared, rows, one_by_one, pairs, walls, now)

    done = lax.fori_loop(0, config.sequential.iterations, sweep, now)
    pos, angle = _correct(prepared, placed, joint, motion, config)
    return integrate.positions(pos, angle, done.moving, config), solve.store(done, active)


def _wanted(contact: Contact, a: Side, b: Side, restitution: Array, config: SolverConfig) -> Pair:
    """Normal velocities: out of the overlap, and back from the impact."""
    rate, settings = config.sequential.contact_bias / config.dt, config.sequential
    first, second = (
        rate * jnp.maximum(depth - settings.slop, 0.0) - restitution * speed
        for depth, speed in zip(contact.depths, separating(contact, a, b), strict=True)
    )
    return first, second


def _over(prepared: Prepared, placed: Placed) -> Array:
    """How far a limit is violated, rad; signed."""
    found = prepared.scene.joints
    over = placed.error - jnp.clip(placed.error, found.lower, found.upper)
    return jnp.where(found.limited & ~found.fixed, over, 0.0)


def _joint_rows(prepared: Prepared, placed: Placed, config: SolverConfig) -> JointRows:
    """Rows whose biases close gaps. The row of a limit only stops: mending by velocity would fling bodies to the other limit."""
    fixed, over = prepared.scene.joints.fixed, _over(prepared, placed)
    rows = joints.prepare_rows(prepared, placed, placed.gap * config.sequential.joint_bias)
    bias = jnp.where(fixed, config.sequential.fixed_bias * placed.error, 0.0)
    on = prepared.joint_active & (fixed | (over != 0))
    return materialise(joints.with_angle_row(rows, on, bias, only_up=~fixed & (over <= 0), only_down=~fixed & (over >= 0)))


@jax.named_scope("joints.correct")
def _correct(prepared: Prepared, placed: Placed, rows: JointRows, motion: Motion, config: SolverConfig) -> tuple[Vec, Array]:
    """Move jointed bodies towards each other and turn them back into their limits, without touching velocities."""
    pos, angle, bodies = Vec.of(motion.pos), motion.angle, motion.angle.shape[0]
    if not rows.body_a.shape[0]:
        return pos, angle
    mass = attach.read(prepared.body_a, prepared.inverse_mass) + attach.read(prepared.body_b, prepared.inverse_mass)
    offset = placed.arm_b - placed.arm_a
    fields = pack((rows.body_a, rows.body_b, offset.x, offset.y, config.sequential.joint_projection * reciprocal(mass)))
    one_by_one = [fields.row(j) for j in range(mass.shape[0])]
    for _ in range(config.sequential.position_sweeps):
        for a, b, x, y, scale in (row.open() for row in one_by_one):
            gap = materialise((attach.difference_vec(a, b, pos) + Vec(x, y)) * scale)
            pos = materialise(pos - gap * (attach.sign(a, b, bodies) * prepared.inverse_mass))
    turn = min(config.sequential.limit_bias * config.dt, 1.0) * _over(prepared, placed) * rows.angle_mass
    back = attach.spread(rows.body_a, turn * rows.inertia_a, bodies) - attach.spread(rows.body_b, turn * rows.inertia_b, bodies)
    return pos, angle + back
