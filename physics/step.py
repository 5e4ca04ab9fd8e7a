"""One physics step: the table of contents of the engine.

    prepared = physics.prepare(scene)                       # once per level
    state = physics.start(prepared, motion)                 # at reset
    state, touching = physics.step(prepared, state, controls, config)

Everything is batched with the worlds last. Stages carry Box2D's names.
"""

import jax
import jax.numpy as jnp
import numpy as np

from physics import actuators, collide, contacts, integrate, joints, schedule, solve
from physics.base import Array, Capacity, Controls, Impulses, Motion, SolverConfig, State, Touching
from physics.collide import Contact
from physics.contacts import Side
from physics.materialise import materialise
from physics.math2d import Vec
from physics.prepare import Prepared, capacity_of, pad
from physics.pytree import zeros

OPPOSITE_WALLS = ((0, 3), (1, 2))  # floor and ceiling, left and right: a body never touches both, so they share a slot


def start(prepared: Prepared, motion: Motion) -> State:
    """The state at the start of an episode: no stored impulses."""
    capacity = capacity_of(prepared.scene)
    worlds = motion.angle.shape[-1]
    return State(motion=motion, impulses=zeros(Impulses, worlds=worlds, **capacity.dims))


@jax.named_scope("physics.step")
def step(prepared: Prepared, state: State, controls: Controls, config: SolverConfig) -> tuple[State, Touching]:
    """Advance a batch of worlds by `config.dt`. `Touching` is of the start of the step, before bodies move."""
    capacity = capacity_of(prepared.scene)
    motion = pad(state.motion, capacity)
    pos, cos, sin = materialise((Vec.of(motion.pos), jnp.cos(motion.angle), jnp.sin(motion.angle)))
    vel = integrate.gravity(Vec.of(motion.vel), prepared.inverse_mass, prepared.scene.gravity, config)

    polygons = collide.place_polygons(prepared, pos, cos, sin)
    pair = collide.pairs(capacity, prepared, polygons, pos)
    wall = collide.walls(capacity, prepared, polygons, pos) if capacity.walls else []
    touch = collide.touching(capacity, prepared, pair, wall)

    shared, sides = _share_slots(prepared, wall)
    rows = _prepare_rows(capacity, prepared, motion, vel, pair, shared, config)
    omega = motion.omega
    if capacity.joints:
        omega = actuators.motors(prepared, motion, controls.motor, omega, config)
    if capacity.thrusters:
        vel, omega = actuators.thrusters(prepared, motion.angle, controls.thruster, vel, omega, config)

    begin, pair_active, wall_active = _begin(capacity, prepared, state.impulses, pair, shared, sides, vel, omega)
    done = solve.sweep(rows, prepared, solve.warm_start(rows, prepared, begin), config)
    angle = motion.angle
    if capacity.joints:
        pos, angle = joints.correct(rows.joint, prepared, pos, angle, config)
    moved = integrate.positions(pos, angle, done.vel, done.omega, config)
    return State(motion=_unpad(moved, capacity), impulses=_store(done, pair_active, wall_active, sides)), touch


def _unpad(motion: Motion, capacity: Capacity) -> Motion:
    return jax.tree.map(lambda leaf: leaf[..., : capacity.bodies, :], motion)


@jax.named_scope("step.share_slots")
def _share_slots(prepared: Prepared, wall: list[Contact]) -> tuple[list[tuple[Contact, Array, Array, Array]], Array | None]:
    """Merge opposite walls: per slot (contact, admitted, friction, restitution), and which wall each body is at."""
    slots, sides = [], []
    for near, far in OPPOSITE_WALLS if wall else ():
        other = wall[far].active[0] & prepared.wall_admitted[far]
        sides.append(other)
        contact = jax.tree.map(lambda a, b, other=other: jnp.where(other, b, a), wall[near], wall[far])
        material = [
            jnp.where(other, value[far], value[near])
            for value in (prepared.wall_admitted, prepared.wall_friction, prepared.wall_restitution)
        ]
        slots.append((contact, *material))
    return materialise(slots) if slots else [], jnp.stack(sides) if sides else None


@jax.named_scope("contacts.prepare_rows")
def _prepare_rows(
    capacity: Capacity, prepared: Prepared, motion: Motion, vel: Vec, pair: Contact, shared: list, config: SolverConfig
) -> solve.Rows:
    plan = schedule.make(capacity.even_bodies)
    body = Side(Vec.of(motion.pos), vel, motion.omega, prepared.inverse_mass, prepared.inverse_inertia)

    def side(rows: np.ndarray) -> Side:
        return materialise(jax.tree.map(lambda leaf: leaf[rows], body))

    first, second = side(plan.first), side(plan.second)
    pair_rows = contacts.prepare_rows(pair, first, second, prepared.admitted, prepared.friction, prepared.restitution, config)
    still = jax.tree.map(jnp.zeros_like, body)
    sign = jnp.array([-1.0, 1.0])[:, None, None]
    masses, inertias = [
        [sign * jnp.stack(halves) for halves in zip(*(solve.split_colours(plan, v) for v in values), strict=True)]
        for values in (
            (first.inverse_mass, second.inverse_mass),
            (first.inverse_inertia, second.inverse_inertia),
        )
    ]
    leaves, tree = jax.tree.flatten(pair_rows)
    per_leaf = [solve.split_colours(plan, leaf) for leaf in leaves]
    return solve.Rows(
        pair=[jax.tree.unflatten(tree, list(colour)) for colour in zip(*per_leaf, strict=True)],
        pair_mass=materialise(masses),
        pair_inertia=materialise(inertias),
        wall=[contacts.prepare_rows(slot[0], still, body, slot[1], slot[2], slot[3], config) for slot in shared],
        joint=joints.prepare_rows(prepared, motion, config),
    )


@jax.named_scope("step.begin")
def _begin(
    capacity: Capacity, prepared: Prepared, stored: Impulses, pair: Contact, shared: list, sides: Array | None, vel: Vec, omega: Array
) -> tuple[solve.Solution, Array, Array]:
    """Where the sweeps start from, and which contacts are active now (pairs `[2, K]`, walls `[2, 2, E]`)."""
    plan = schedule.make(capacity.even_bodies)
    impulse, pair_active = contacts.warm_start(stored.contact, stored.contact_active, pair, prepared.admitted)
    walls, wall_active = [], []
    for slot, (contact, admitted, _, _) in enumerate(shared):
        same = sides[slot] == stored.wall_side[slot]  # type: ignore[index]
        begin, active = contacts.warm_start(stored.wall[:, slot], stored.wall_active[:, slot] & same, contact, admitted)
        walls.append(begin)
        wall_active.append(active)
    per_row = [solve.split_colours(plan, value) for value in impulse]
    solution = solve.Solution(
        pair=[(a, b, c) for a, b, c in zip(*per_row, strict=True)],
        wall=walls,
        joint=joints.warm_start(prepared, stored.joint),
        vel=vel,
        omega=omega,
    )
    flags = jnp.stack(wall_active, axis=1) if wall_active else jnp.zeros_like(stored.wall_active)
    return solution, pair_active, flags


@jax.named_scope("step.store")
def _store(done: solve.Solution, pair_active: Array, wall_active: Array, sides: Array | None) -> Impulses:
    wall = jnp.stack([jnp.stack(impulse) for impulse in done.wall], axis=1) if done.wall else None
    shape = wall_active.shape[1:]
    return Impulses(
        contact=solve.join_colours(done.pair),
        contact_active=pair_active,
        wall=jnp.zeros((3, *shape)) if wall is None else wall,
        wall_active=wall_active,
        wall_side=jnp.zeros(shape, bool) if sides is None else sides,
        joint=jnp.stack(done.joint),
    )
