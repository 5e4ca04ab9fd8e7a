"""Gymnasium's own checks, and what its users rely on beyond them."""

import warnings

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env  # noqa: E402

from envs.adapters.gymnasium import FulcrumEnv, FulcrumVectorEnv, as_gymnasium  # noqa: E402
from envs.spaces import Box, Discrete, MultiDiscrete, Struct  # noqa: E402
from physics.errors import InputError  # noqa: E402

LEVEL = "envs.adapters.gymnasium:fulcrum/Level-v0"


@pytest.mark.parametrize("settings", [{}, {"action": "continuous", "observation": "flat"}], ids=["entities", "continuous, flat"])
def test_gymnasium_finds_nothing_to_complain_about(settings):
    env = gymnasium.make(LEVEL, level="s/lift_off", render_mode="rgb_array", **settings).unwrapped
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*infinity.*|.*symmetric and normalized.*")
        check_env(env)


def test_an_episode_ends_where_its_last_state_is_seen():
    env = FulcrumEnv("s/lift_off", render_mode="rgb_array", max_steps=3)
    first, _ = env.reset(seed=0)
    for step in range(3):
        seen, reward, terminated, truncated, info = env.step(np.array([0, 0, 0, 0, 1, 1]))
        assert truncated == (step == 2)
    assert not terminated
    assert not info["solved"]
    assert np.abs(seen["bodies"] - first["bodies"]).max() > 1e-3
    assert isinstance(reward, float)
    assert env.render().shape == (480, 480, 3)


def test_random_levels_follow_from_the_seed_and_change_with_every_reset():
    env = FulcrumEnv()
    first, second = (env.reset(seed=seed)[0]["bodies"] for seed in (5, None))
    assert np.abs(first - second).max() > 0.01
    np.testing.assert_array_equal(env.reset(seed=5)[0]["bodies"], first)
    np.testing.assert_array_equal(env.reset()[0]["bodies"], second)


def test_many_worlds_take_the_levels_in_turn_and_start_again_by_themselves():
    many = FulcrumVectorEnv(5, level=["s/lift_off", "s/unicycle_left"], max_steps=3)
    first, _ = many.reset(seed=0)
    assert many.observation_space.contains(first)
    np.testing.assert_array_equal(first["bodies"][[0, 1]], first["bodies"][[2, 3]])
    assert np.abs(first["bodies"][0] - first["bodies"][1]).max() > 0.01
    for step in range(3):
        seen, _, _, truncated, info = many.step(many.action_space.sample())
        assert truncated.tolist() == [step == 2] * 5
    np.testing.assert_array_equal(seen["bodies"], first["bodies"])
    assert info["_final_obs"].all()
    assert np.abs(info["final_obs"]["bodies"] - first["bodies"]).max() > 1e-3


def test_worlds_of_a_vector_are_registered():
    many = gymnasium.make_vec(LEVEL, num_envs=2, vectorization_mode="vector_entry_point", level="s/lift_off")
    assert isinstance(many.unwrapped, FulcrumVectorEnv)


def test_stepping_before_the_first_reset_says_so():
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
        FulcrumEnv("s/lift_off").step(np.zeros(6, int))


def test_what_is_unknown_is_refused():
    with pytest.raises(InputError, match="lift_off"):
        FulcrumEnv("s/lift_of").reset()
    with pytest.raises(InputError, match="num_envs"):
        FulcrumVectorEnv(0)


def test_spaces_are_translated():
    space = as_gymnasium(Struct({"a": Box((2,), -1, 1), "b": Discrete(3), "c": MultiDiscrete((2, 3)), "d": Box((4,), 0, 1, np.bool_)}))
    assert isinstance(space["a"], gymnasium.spaces.Box)
    assert space["b"].n == 3
    assert space["c"].nvec.tolist() == [2, 3]
    assert space["d"].shape == (4,)
