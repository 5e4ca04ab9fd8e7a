"""Batches of random levels: what a key and a number give, and that none is solved by doing nothing."""

import dataclasses
import math

import jax
import numpy as np
import pytest
from levels_for_tests import QUICK, WORLDS, faults_of, random_levels, reset, step, within_reach

from envs.base import EnvConfig, Level, Role
from envs.build import LevelBuilder
from envs.env import Env
from envs.generate import Generator, GeneratorConfig
from envs.generate.filters import CHUNK, FIRST, MOST, draw_one
from envs.sizes import SIZES, capacity
from physics.build import FLOOR
from physics.pytree import stack, worlds

STEPS = 16  # of doing nothing: half a second, in which much falls to the floor
BLUE_FLOORS = 0.3  # the share of floors that solve a level if green falls on them
COUNT = 150  # so that twice as many need more than one chunk, and no whole number of them
ENV = Env(EnvConfig(size="s"))


class Given(Generator):
    """A generator whose candidates are given, to see what is kept of them."""

    def __init__(self, levels: Level, solved: list[bool], steps: int = STEPS) -> None:
        super().__init__(ENV, GeneratorConfig(filter_steps=steps))
        self.given = (levels, np.array(solved))

    def candidates(self, key: object, count: int, first: int = 0) -> tuple[Level, np.ndarray]:
        return jax.tree.map(lambda leaf: leaf[..., first : first + count], self.given)


ALL = MOST * COUNT
GENERATOR = Generator(ENV, GeneratorConfig(filter_steps=STEPS, floor_blue=BLUE_FLOORS))


def same(first: object, second: object) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


@pytest.fixture(scope="module")
def candidates() -> tuple[Level, np.ndarray]:
    """The levels that `COUNT` ones are chosen from, and which of them are solved by doing nothing."""
    return jax.tree.map(np.asarray, GENERATOR.candidates(jax.random.key(0), ALL))


@pytest.fixture(scope="module")
def kept() -> Level:
    return jax.tree.map(np.asarray, GENERATOR(jax.random.key(0), COUNT))


def solved_by_nothing(level: Level) -> np.ndarray:
    """What happens if every level is played, `WORLDS` at a time, without doing anything."""
    found = []
    count = level.role.shape[1]
    for first in range(0, count, WORLDS):
        some = worlds(level, np.arange(first, first + WORLDS) % count)
        state, solved, over = reset(some), np.zeros(WORLDS, bool), np.zeros(WORLDS, bool)
        for _ in range(STEPS):
            # Time does not run out: the environment of these tests would cut episodes off sooner.
            state, played = step(dataclasses.replace(state, steps=state.steps * 0), 0, frame_skip=ENV.config.frame_skip)
            solved |= np.asarray(played.solved) & ~over
            over |= np.asarray(played.terminated)
        found.append(solved)
    return np.concatenate(found)[:count]


def test_the_number_of_levels_is_that_asked_for(candidates, kept):
    assert ALL % CHUNK != 0
    assert kept.role.shape == (3, COUNT)
    assert candidates[0].role.shape == (3, ALL)
    assert candidates[1].shape == (ALL,)


def test_the_same_key_gives_the_same_levels_whatever_the_number(candidates):
    """Also past the first chunk, whose levels must not come again in the second."""
    few, solved = GENERATOR.candidates(jax.random.key(0), 20)
    assert same(few, jax.tree.map(lambda leaf: leaf[..., :20], candidates[0]))
    assert same(solved, candidates[1][:20])
    places = candidates[0].start.pos.reshape(-1, ALL)
    assert len(np.unique(places, axis=1).T) == ALL


def test_another_key_gives_other_levels(candidates):
    other = np.asarray(GENERATOR.candidates(jax.random.key(1), 20)[0].start.pos)
    assert not np.any(other == candidates[0].start.pos[..., :20], axis=(0, 1)).any()


def test_levels_are_those_of_the_distribution(candidates):
    """The levels that the other tests judge come from the same keys, though not out of the same program."""
    wanted = random_levels("s", ALL, floor_blue=BLUE_FLOORS)
    for (path, found), other in zip(jax.tree.leaves_with_path(candidates[0]), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(found, other, rtol=1e-4, atol=1e-5, err_msg=str(path))


def test_what_doing_nothing_solves_is_what_playing_it_says(candidates):
    played = solved_by_nothing(candidates[0])
    assert 0.03 < played.mean() < 0.3
    # Compiled apart, the two may round a hair's breadth of contact differently.
    assert (played != candidates[1]).mean() < 0.005


def test_kept_levels_are_not_solved_by_doing_nothing(candidates, kept):
    assert (~candidates[1]).sum() >= COUNT, "or solved ones would have to be kept"
    assert solved_by_nothing(kept).mean() < 0.01


def test_kept_levels_are_the_first_candidates_that_nothing_solves(candidates, kept):
    level, solved = candidates
    assert solved[:COUNT].any(), "or nothing is dropped"
    assert same(kept, jax.tree.map(lambda leaf: leaf[..., ~solved][..., :COUNT], level))


def test_more_are_drawn_where_too_few_of_the_first_are_worthy():
    levels = random_levels("s", 4)
    found = Given(levels, [True, True, False, False])(jax.random.key(0), 2)
    assert math.ceil(FIRST * 2) < 4
    assert same(found, jax.tree.map(lambda leaf: leaf[..., [2, 3]], levels))


def test_solved_levels_stay_where_no_others_are_left():
    """Two are asked for, but one alone of the four candidates is not solved: the first of the others fills up."""
    levels = random_levels("s", 4)
    found = Given(levels, [True, True, False, True])(jax.random.key(0), 2)
    assert same(found, jax.tree.map(lambda leaf: leaf[..., [2, 0]], levels))


def test_without_a_filter_all_levels_are_kept():
    levels = random_levels("s", 4)
    assert same(Given(levels, [True] * 4, steps=0)(jax.random.key(0), 4), levels)


def test_numbers_say_which_levels_were_kept_and_draw_them_again(candidates, kept):
    levels, numbers = GENERATOR.numbered(jax.random.key(0), COUNT)
    assert same(levels, kept)
    assert numbers.tolist() == np.flatnonzero(~candidates[1])[:COUNT].tolist()
    some = np.array([3, 100, 7])
    assert same(GENERATOR.again(jax.random.key(0), numbers[some]), jax.tree.map(lambda leaf: leaf[..., some], kept))


def test_what_nothing_drives_can_be_pushed_at_most():
    """A box with a thruster, and a green ball that it might push; the same with the two joined, and with green fixed to it by the room."""

    def level(joined: bool, by_way_of: str = "joint") -> Level:
        builder = LevelBuilder(capacity("m"))
        box = builder.box((1.5, 1.0), (0.3, 0.2))
        ball = builder.circle((2.0, 1.0), 0.2, role=Role.GREEN)
        builder.circle((4.0, 1.0), 0.2, role=Role.BLUE)
        builder.thruster(box, (1.2, 1.0), 0.0)
        if joined and by_way_of == "joint":
            builder.joint(box, ball, (1.8, 1.0))
        elif joined:
            builder.joint(FLOOR, box, (1.5, 1.0))
            builder.joint(FLOOR, ball, (2.0, 1.0))
        return builder.finish()

    levels = stack([level(False), level(True), level(True, by_way_of="room")])
    assert within_reach(levels).tolist() == [False, True, False]


def test_shares_of_bodies_that_walk_or_drive_leave_the_random_levels_as_they_are():
    def drawn(share: float) -> np.ndarray:
        config = GeneratorConfig(morphology_share=share)
        draw = jax.jit(jax.vmap(lambda key: draw_one(key, capacity("s"), config).start.pos), compiler_options=QUICK)
        return np.asarray(draw(jax.random.split(jax.random.key(0), CHUNK)))

    some, plain, bodies = drawn(0.5), drawn(0.0), drawn(1.0)
    is_plain, is_body = (np.all(some == other, axis=(1, 2)) for other in (plain, bodies))
    assert (is_plain ^ is_body).all()
    assert 0.4 < is_body.mean() < 0.6


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_ten_thousand_levels_are_all_valid(size):
    """So controllable, and undecided at the start, whatever `faults` names."""
    levels = Generator(Env(EnvConfig(size=size)), GeneratorConfig())(jax.random.key(1), 10_000)
    for first in range(0, 10_000, 2_500):
        some = jax.tree.map(lambda leaf, first=first: np.asarray(leaf)[..., first : first + 2_500], levels)
        assert not {name: int(wrong.sum()) for name, wrong in faults_of(some).items() if wrong.any()}
