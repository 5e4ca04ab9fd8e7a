"""Structs: allocation and checks follow the declaration; worlds go last."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physics import pytree
from physics.base import Capacity, Impulses, Motion, Scene, State
from physics.errors import InputError

CAPACITY = Capacity(polygons=2, circles=1, joints=1, thrusters=0)


def filled(value: float) -> Motion:
    return jax.tree.map(lambda leaf: leaf + value, pytree.zeros(Motion, N=3))


def test_zeros_follow_declaration():
    scene = pytree.zeros(Scene, **CAPACITY.dims)
    assert scene.bodies.vertices.shape == (2, 4, 2)
    assert scene.bodies.collision.dtype == jnp.int32
    assert scene.joints.active.dtype == jnp.bool_
    assert scene.thrusters.anchor.shape == (2, 0)
    assert pytree.zeros(Impulses, worlds=5, **CAPACITY.dims).contact.shape == (3, 14, 5)  # 6 pairs, 4 bodies at 2 walls


def test_check_accepts_its_own_zeros():
    pytree.check(pytree.zeros(Scene, **CAPACITY.dims), **CAPACITY.dims)
    pytree.check(pytree.zeros(State, worlds=3, **CAPACITY.dims), worlds=3, **CAPACITY.dims)


@pytest.mark.parametrize("bad", [jnp.zeros((2, 4)), jnp.zeros((2, 3), jnp.int32), jnp.zeros((2, 3, 1))])
def test_check_names_the_nested_field(bad):
    state = pytree.zeros(State, **CAPACITY.dims)
    state = dataclasses.replace(state, motion=dataclasses.replace(state.motion, vel=bad))
    with pytest.raises(InputError, match=r"State\.motion\.vel: found .*, wanted 'float32\[2, 3\]'|wanted float32\[2, 3\]"):
        pytree.check(state, **CAPACITY.dims)


def test_stack_and_world_are_inverse():
    batch = pytree.stack([filled(1.0), filled(2.0)])
    assert batch.pos.shape == (2, 3, 2)
    assert pytree.count_worlds(batch) == 2
    np.testing.assert_array_equal(pytree.world(batch, 1).pos, filled(2.0).pos)


def test_worlds_concatenate_and_select():
    batch = pytree.stack([filled(float(i)) for i in range(3)])
    np.testing.assert_array_equal(pytree.worlds(batch, jnp.array([2, 0])).angle[0], [2.0, 0.0])
    np.testing.assert_array_equal(pytree.concatenate([batch, batch]).angle[0], [0, 1, 2, 0, 1, 2])
    other = jax.tree.map(lambda leaf: -leaf, batch)
    np.testing.assert_array_equal(pytree.select(jnp.array([True, False, True]), batch, other).angle[1], [0, -1, 2])


def test_structs_are_frozen_and_keyword_only():
    with pytest.raises(dataclasses.FrozenInstanceError):
        filled(0.0).pos = None  # type: ignore[misc]
    with pytest.raises(TypeError):
        Motion(jnp.zeros((2, 1)))  # type: ignore[call-arg]
