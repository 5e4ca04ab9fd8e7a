"""The random generator: millions of levels, each with a green thing, a blue thing and a way to act.

The distribution is the published one. Three of its faults are mended: a level always has a working
actuator, joint limits hold at the start (they are measured from the pose at start), and positions
are proposed several times at every size, so that bodies seldom overlap at the start.
"""

import dataclasses
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jax import lax

from envs.base import Array, Level, Role
from envs.generate import draft as drafts
from envs.generate import slots
from envs.generate.config import GeneratorConfig
from envs.generate.dice import Dice
from envs.generate.draft import Draft
from physics.base import Capacity
from physics.pytree import cast, select
from physics.query import overlaps

T = TypeVar("T")


FREE, JOINED, NOTHING = range(3)  # what a step of the plan adds


class Plan(NamedTuple):
    """What to add, one entry a step; drawn first, so that one compiled step serves them all."""

    add: Array  # FREE, JOINED or NOTHING
    may_fix: Array  # a free body may be immovable
    force_motor: Array  # the joint must be a motor
    thruster: Array  # a thruster is added after the body


def sample(key: Array, capacity: Capacity, config: GeneratorConfig) -> Level:
    """Draw one level (no world axis)."""
    k_plan, k_steps, k_slots = jax.random.split(key, 3)
    dice = Dice(k_plan, 4 + capacity.bodies + capacity.thrusters)
    chances = [config.floor_green, config.floor_blue, config.floor_red]
    floor, _ = dice.choose(jnp.array([1.0 - sum(chances), *chances]))
    plan, swap = _plan(dice, floor, capacity, config), dice.chance(0.5)

    def follow(now: Draft, step: tuple[Array, Plan]) -> tuple[Draft, None]:
        return _add(now, *step, capacity, config), None

    keys = jax.random.split(k_steps, plan.add.shape[0])
    now, _ = lax.scan(follow, drafts.empty(capacity, floor), (keys, plan))
    return cast(drafts.finish(_permute(_swap_roles(now, swap), k_slots, capacity), capacity))


def _plan(dice: Dice, floor: Array, capacity: Capacity, config: GeneratorConfig) -> Plan:
    """Two free bodies, something to control (motor, thruster or both), the other slots, more thrusters."""
    fill, more = max(0, capacity.bodies - 3), max(0, capacity.thrusters - 1)
    # Of green and blue at least one can move: the first is the only one where the floor is the other.
    first_moves = dice.chance(0.5) | (floor == Role.GREEN) | (floor == Role.BLUE)
    control = dice.whole(3)
    weights = jnp.array([config.add_free, config.add_connected, config.add_nothing])
    filled = jnp.array([dice.choose(weights)[0] for _ in range(fill)], jnp.int32)
    jointed = jnp.where(control != 1, JOINED, FREE)
    add = jnp.concatenate([jnp.array([FREE, FREE]), jointed[None], filled, jnp.full(more, NOTHING)])
    steps = add.shape[0]
    small = capacity.bodies <= 3  # with three bodies none is immovable
    may_fix = jnp.ones(steps, bool).at[0].set(~first_moves).at[1].set(first_moves) & (not small)
    extra = jnp.array([dice.chance(config.add_thruster) for _ in range(more)], bool)
    thruster = jnp.zeros(steps, bool).at[2].set(control != 0).at[steps - more :].set(extra)
    return Plan(add, may_fix, jnp.zeros(steps, bool).at[2].set(True), thruster)


def _add(now: Draft, key: Array, plan: Plan, capacity: Capacity, config: GeneratorConfig) -> Draft:
    """One step of the plan: propose bodies, keep the one that overlaps least, then perhaps a thruster."""
    key_body, key_thruster = jax.random.split(key)
    polygons = capacity.polygons

    def propose(key: Array) -> tuple[Draft, Array]:
        free = drafts.add_free(now, key, polygons, plan.may_fix, config)
        joined, hidden = drafts.add_connected(now, key, polygons, plan.force_motor, config)
        return select(plan.add == JOINED, joined, free), hidden & (plan.add == JOINED)

    options, hidden = jax.vmap(propose)(jax.random.split(key_body, config.proposals))
    body = select(plan.add == NOTHING, now, _least_overlap(options, config.hidden_cost * hidden, capacity))
    return select(plan.thruster, drafts.add_thruster(body, key_thruster, polygons, config), body)


def _least_overlap(options: Draft, cost: Array, capacity: Capacity) -> Draft:
    """Of drafts along the first axis, the one with the fewest overlapping bodies."""
    levels = jax.vmap(lambda option: drafts.finish(option, capacity), out_axes=-1)(options)
    touching = overlaps(levels.scene, levels.start)
    count = jnp.sum(touching.pairs, axis=0) + jnp.sum(touching.walls, axis=(0, 1))
    best = jnp.argmin(count + cost)
    return jax.tree.map(lambda leaf: leaf[best], options)


def _swap_roles(now: Draft, wanted: Array) -> Draft:
    """Exchange green and blue if wanted (half of the time, but never over a coloured floor: so published)."""
    swap = wanted & (now.floor == Role.NORMAL)
    green, blue = now.role == Role.GREEN, now.role == Role.BLUE
    swapped = jnp.where(green, int(Role.BLUE), jnp.where(blue, int(Role.GREEN), now.role))
    return now._replace(role=jnp.where(swap, swapped, now.role))


def _permute(now: Draft, key: Array, capacity: Capacity) -> Draft:
    """Shuffle the slots of every kind, so that a slot's number means nothing."""
    counts = (capacity.polygons, capacity.circles, capacity.joints, capacity.thrusters)
    polygons, circles, joint, thruster = map(_shuffled, jax.random.split(key, 4), counts)
    body = jnp.concatenate([polygons, capacity.polygons + circles])
    fields = ("half", "triangle", "pos", "angle", "role", "fixed", "active")
    joints, thrusters = _moved(now.joints, joint), _moved(now.thrusters, thruster)
    ends = [slots.read(body, index[:, None]) for index in (joints.body_a, joints.body_b, thrusters.body)]
    return now._replace(
        **{name: slots.move(getattr(now, name), body) for name in fields},
        joints=dataclasses.replace(joints, body_a=ends[0], body_b=ends[1]),
        motor_channel=slots.move(now.motor_channel, joint),
        thrusters=dataclasses.replace(thrusters, body=ends[2]),
        thruster_channel=slots.move(now.thruster_channel, thruster),
    )


def _shuffled(key: Array, count: int) -> Array:
    """Where every slot goes: its rank among random numbers."""
    numbers = jax.random.uniform(key, (count,))
    earlier = jnp.arange(count)[:, None] > jnp.arange(count)  # of equal numbers the first comes first
    before = (numbers < numbers[:, None]) | (earlier & (numbers == numbers[:, None]))
    return jnp.sum(before, axis=1)


def _moved(value: T, place: Array) -> T:
    return jax.tree.map(lambda leaf: slots.move(leaf, place), value)
