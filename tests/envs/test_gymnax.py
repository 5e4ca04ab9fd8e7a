"""The gymnax shape of the environment: one world does what the batch does, and mapping it is the batch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from levels_for_tests import QUICK

from envs import holdout
from envs.adapters.gymnax import EnvParams, GymnaxEnv
from envs.adapters.one_world import of_batched
from envs.base import EnvConfig
from physics import pytree

LEVELS, STEPS = ["s/lift_off", "s/unicycle_left", "s/push_the_ball"], 12
KEYS = jax.random.split(jax.random.key(0), len(LEVELS))


@pytest.fixture(scope="module")
def env() -> GymnaxEnv:
    return GymnaxEnv(EnvConfig(size="s", max_steps=8))


@pytest.fixture(scope="module")
def params(env) -> EnvParams:
    """A level for each world, worlds first."""
    each = [env.params(level) for level in LEVELS]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)


@pytest.fixture(scope="module")
def actions() -> np.ndarray:
    """Actions `[steps, worlds, channels]`."""
    return np.random.RandomState(0).randint(0, 2, (STEPS, len(LEVELS), 6)).astype(np.int32)


def rollout(env: GymnaxEnv, params: EnvParams, actions: np.ndarray) -> tuple:
    reset = jax.jit(jax.vmap(env.reset), compiler_options=QUICK)
    step = jax.jit(jax.vmap(env.step), compiler_options=QUICK)
    seen, state = reset(KEYS, params)
    steps = []
    for action in actions:
        observation, state, *rest = step(KEYS, state, action)
        steps.append((observation, state.physics.motion, *rest))
    return seen, jax.device_get(jax.tree.map(lambda *leaves: jnp.stack(leaves), *steps))


@pytest.fixture(scope="module")
def mapped(env, params, actions) -> tuple:
    return rollout(env, params, actions)


def test_mapping_gives_what_the_batch_gives(env, mapped, actions):
    _, levels = holdout.load(LEVELS, env.env.capacity)
    state = env.env.reset(levels)
    step = jax.jit(env.env.step, compiler_options=QUICK)
    first, (seen, motion, reward, terminated, truncated, info) = mapped
    np.testing.assert_allclose(first.bodies, env.env.observe(levels, levels.start).bodies, atol=1e-6)
    for i, action in enumerate(actions):
        state, expected = step(state, action)
        np.testing.assert_allclose(motion.pos[i], np.moveaxis(np.asarray(state.physics.motion.pos), -1, 0), atol=1e-5)
        np.testing.assert_allclose(seen.bodies[i], expected.observation.bodies, atol=1e-4)
        np.testing.assert_allclose(reward[i], expected.reward, atol=1e-5)
        np.testing.assert_array_equal(terminated[i], expected.terminated)
        np.testing.assert_array_equal(truncated[i], expected.truncated)
        np.testing.assert_array_equal(info["solved"][i], expected.solved)
    assert truncated.any()  # the episodes of eight steps ended


def test_one_world_alone_goes_as_among_others(env, mapped, actions):
    params = env.params(LEVELS[1])
    step = jax.jit(env.step, compiler_options=QUICK)
    _, state = jax.jit(env.reset, compiler_options=QUICK)(KEYS[1], params)
    for i, action in enumerate(actions[:6]):
        observation, state, reward, *_ = step(KEYS[1], state, action[1])
        np.testing.assert_allclose(observation.bodies, mapped[1][0].bodies[i, 1], atol=1e-4)
        np.testing.assert_allclose(reward, mapped[1][2][i, 1], atol=1e-5)


def test_the_end_is_seen_beside_the_new_start(mapped):
    first, (seen, _, _, terminated, truncated, info) = mapped
    step, world = np.argwhere(terminated | truncated)[0]
    np.testing.assert_allclose(seen.bodies[step, world], first.bodies[world], atol=1e-6)
    assert np.abs(info["final_observation"].bodies[step, world] - first.bodies[world]).max() > 1e-4


def test_spaces_hold_what_happens(env, mapped, actions):
    first, _ = mapped
    one = jax.tree.map(lambda leaf: leaf[0], jax.device_get(first))
    assert env.observation_space().contains(one)
    assert env.action_space().contains(actions[0, 0])
    assert env.num_actions == 6


def test_without_params_the_first_level_is_played(env):
    seen, state = jax.jit(env.reset, compiler_options=QUICK)(KEYS[0])
    first = env.params(holdout.fitting("s")[0])
    np.testing.assert_array_equal(state.level.start.pos, first.level.start.pos)
    assert seen.body_mask.ndim == 1


def test_maps_inside_maps_are_one_batch():
    calls = []

    def batched(x: jax.Array, y: jax.Array) -> jax.Array:
        calls.append(x.shape)
        return x + y.sum(0)

    x, y = jnp.arange(6.0).reshape(2, 3), jnp.arange(10.0).reshape(2, 5)
    found = jax.vmap(jax.vmap(of_batched(batched), in_axes=(0, None)))(x, y)
    assert calls[-1] == (6,)
    np.testing.assert_allclose(found, np.asarray(x) + np.asarray(y).sum(1)[:, None])


def test_a_world_of_params_is_a_level(env):
    level = env.params("s/lift_off").level
    _, levels = holdout.load(["s/lift_off"], env.env.capacity)
    for found, expected in zip(jax.tree.leaves(level), jax.tree.leaves(pytree.world(levels, 0)), strict=True):
        np.testing.assert_array_equal(found, expected)
