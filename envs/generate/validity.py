"""What a level must be to be worth playing. `faults` names what is wrong, for metrics; worlds last."""

import jax
import jax.numpy as jnp

from envs import actions, reward
from envs.base import Array, Level, Role
from physics import query
from physics.attach import is_at
from physics.base import CEILING, FLOOR, ROOM_WIDTH
from physics.prepare import Prepared, linked, prepare


def faults(level: Level) -> dict[str, Array]:
    """Fault -> `[W]`, whether a level has it."""
    prepared = prepare(level.scene)
    return {
        "not finite": ~_finite(level),
        "no green or no blue": ~(_present(level, Role.GREEN) & _present(level, Role.BLUE)),
        "neither green nor blue can move": ~(_moves(level, prepared, Role.GREEN) | _moves(level, prepared, Role.BLUE)),
        "nothing to control": ~_controllable(level, prepared),
        "decided at the start": reward.sparse(level, query.overlaps(level.scene, level.start)) != 0,
        "body outside of the room": _outside(level),
        "joint or thruster without its body": _loose(level),
    }


def valid(level: Level) -> Array:
    """`[W]`: whether a level has no fault."""
    return ~jnp.any(jnp.stack(list(faults(level).values())), axis=0)


def within_reach(level: Level) -> Array:
    """`[W]`: whether green or blue, or something that joints link it to, has a motor or thruster that obeys the agent.

    Where it is not, one of them can be pushed by other bodies at most.
    """
    prepared = prepare(level.scene)
    bodies, joints, thrusters = level.role.shape[0], level.scene.joints, level.scene.thrusters
    moves = prepared.inverse_mass[:bodies] > 0
    pushed = jnp.any(is_at(thrusters.body, bodies) & thrusters.active[:, None], axis=0)
    motors = prepared.joint_active & actions.driven_motors(level)
    turned = jnp.any((is_at(joints.body_a, bodies) | is_at(joints.body_b, bodies)) & motors[:, None], axis=0)
    nodes = bodies + max(1, level.wall_role.shape[0])
    free = jnp.concatenate([moves, jnp.zeros((nodes - bodies, moves.shape[-1]), bool)])
    passes = joints.active & _has(free, joints.body_a) & _has(free, joints.body_b)  # what cannot move passes nothing on
    links = linked(joints.body_a, joints.body_b, passes, nodes)[:bodies, :bodies]
    driven = jnp.any(links & ((pushed | turned) & moves)[None], axis=1)
    return jnp.any(driven & ((level.role == Role.GREEN) | (level.role == Role.BLUE)) & level.scene.bodies.active, axis=0)


def _has(flags: Array, index: Array) -> Array:
    """Per entry of `index [..., W]`, whether that node has its flag of `flags [nodes, W]`."""
    return jnp.any(is_at(index, flags.shape[0]) & flags, axis=-2)


def _finite(level: Level) -> Array:
    values = [leaf for leaf in jax.tree.leaves(level) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return jnp.stack([jnp.all(jnp.isfinite(leaf), axis=tuple(range(leaf.ndim - 1))) for leaf in values]).all(axis=0)


def _present(level: Level, role: Role) -> Array:
    bodies = jnp.any(level.scene.bodies.active & (level.role == role), axis=0)
    return bodies | jnp.any(level.wall_role == role, axis=0)


def _moves(level: Level, prepared: Prepared, role: Role) -> Array:
    return jnp.any((prepared.inverse_mass[: level.role.shape[0]] > 0) & (level.role == role), axis=0)


def _controllable(level: Level, prepared: Prepared) -> Array:
    """Whether the agent drives a motor or a thruster that moves something."""
    motors = prepared.joint_active & actions.driven_motors(level)
    pushed = [jnp.any((prepared.thruster_body == n) & (prepared.inverse_mass[n] > 0), axis=0) for n in range(level.role.shape[0])]
    return jnp.any(motors, axis=0) | jnp.any(jnp.stack(pushed), axis=0)


def _outside(level: Level) -> Array:
    x, y = level.start.pos
    outside = (x < 0) | (x > ROOM_WIDTH) | (y < FLOOR) | (y > CEILING)
    return jnp.any(level.scene.bodies.active & outside, axis=0)


def _loose(level: Level) -> Array:
    """Whether something active names a body that is not there, or a joint the same body twice."""
    active, joints, thrusters = level.scene.bodies.active, level.scene.joints, level.scene.thrusters
    bodies, walls = active.shape[0], level.wall_role.shape[0]
    nodes = jnp.concatenate([active, jnp.ones((max(walls, 1), active.shape[-1]), bool)])
    joined = _has(nodes, joints.body_a) & _has(nodes, joints.body_b) & (joints.body_a != joints.body_b)
    carried = _has(nodes, thrusters.body) & (thrusters.body < bodies)
    return jnp.any(joints.active & ~joined, axis=0) | jnp.any(thrusters.active & ~carried, axis=0)
