"""One physics step: the table of contents of the engine.

    prepared = physics.prepare(scene)                       # once per level
    state = physics.start(prepared, motion)                 # at reset
    state, touching = physics.step(prepared, state, controls, config)

Everything is batched with the worlds last. Stages carry Box2D's names.
"""

import dataclasses
from types import ModuleType

import jax

from physics import actuators, room, sequential, soft
from physics.base import Capacity, Controls, Impulses, Motion, SolverConfig, State, Touching
from physics.find import find_contacts, touching
from physics.materialise import one_zero
from physics.prepare import Prepared, capacity_of, pad
from physics.pytree import zeros
from physics.solve import Problem

SOLVERS: dict[str, ModuleType] = {"sequential": sequential, "soft": soft}  # each has `reach` and `advance`


def start(prepared: Prepared, motion: Motion) -> State:
    """The state at the start of an episode: no stored impulses."""
    capacity = capacity_of(prepared.scene)
    worlds = motion.angle.shape[-1]
    return State(motion=motion, impulses=zeros(Impulses, worlds=worlds, **capacity.dims))


@jax.named_scope("physics.step")
def step(prepared: Prepared, state: State, controls: Controls, config: SolverConfig) -> tuple[State, Touching]:
    """Advance a batch of worlds by `config.dt`. `Touching` is of the start of the step, before bodies move."""
    capacity, solver = capacity_of(prepared.scene), SOLVERS[config.method]
    motion = pad(state.motion, capacity)
    found = find_contacts(prepared, capacity, motion, solver.reach(config))
    driven = actuators.drive(prepared, capacity, motion, controls, config)
    with one_zero(motion.angle):
        moved, impulses = solver.advance(Problem(prepared, capacity, motion, driven, found, state.impulses), config)
    moved = dataclasses.replace(moved, pos=room.hold(prepared, moved.pos))
    return State(motion=_unpad(moved, capacity), impulses=impulses), touching(prepared, capacity, found)


def _unpad(motion: Motion, capacity: Capacity) -> Motion:
    return jax.tree.map(lambda leaf: leaf[..., : capacity.bodies, :], motion)
