"""The search finds what solves a level, keeps what is steady, and does not claim what it has not found."""

import numpy as np
import pytest

from envs import holdout, search
from envs.actions import CHOICES
from envs.base import Role
from envs.build import LevelBuilder
from envs.search import Played, Round, SearchConfig
from envs.sizes import capacity
from physics.errors import InputError
from physics.pytree import repeat, stack

PLAYERS = 64
CONFIG = SearchConfig(players=PLAYERS, rounds=6)


def played(solved: list[bool], count: list[int], nearest: list[float], actions: np.ndarray | None = None) -> Played:
    steps = np.zeros((256, len(CHOICES), len(solved)), np.int8) if actions is None else actions
    return Played(steps, np.array(solved), np.array(count), np.array(nearest))


def test_a_solution_that_is_found_solves_the_level_when_it_is_played():
    level = holdout.find("s/lift_off", capacity("s")).level
    rounds: list[Round] = []
    found = search.solve(level, "s", CONFIG, report=rounds.append)
    assert found
    again = search.play(repeat(stack([level]), PLAYERS), np.repeat(search.held(found.actions)[..., None], PLAYERS, axis=-1), "s")
    assert again.solved.all()
    assert (again.count == len(found.actions)).all()
    assert found.steadiness >= search.STEADY
    assert [each.attempts for each in rounds] == [PLAYERS * number for number in range(1, len(rounds) + 1)]
    assert rounds[-1].solved > 0
    assert not found.actions[:, [0, 1, 2, 3, 5]].any(), "what drives nothing stays at rest"


def test_the_same_seed_finds_the_same():
    level = holdout.find("s/unicycle_left", capacity("s")).level
    first, again = (search.solve(level, "s", CONFIG, seed=5) for _ in range(2))
    assert first
    assert again
    np.testing.assert_array_equal(first.actions, again.actions)


def test_of_a_level_that_cannot_be_solved_nothing_is_claimed():
    """Green hangs from the room, blue too: the thruster of a third body changes nothing. No player wins, and it is told how near it got."""
    builder = LevelBuilder(capacity("s"))
    box = builder.box((1.0, 0.7), (0.3, 0.2))
    builder.thruster(box, (1.0, 0.6), 0.0, power=0.01)
    builder.circle((2.0, 4.0), 0.2, role=Role.GREEN, fixed=True)
    builder.circle((4.0, 4.0), 0.2, role=Role.BLUE, fixed=True)
    rounds: list[Round] = []
    assert search.solve(builder.finish(), "s", SearchConfig(players=PLAYERS, rounds=2), report=rounds.append) is None
    assert [each.solved for each in rounds] == [0, 0]
    assert rounds[-1].nearest == pytest.approx(2.0)


def test_solving_is_better_than_coming_near_and_sooner_better_than_later():
    scores = played([True, True, False, False], [200, 40, 10, 256], [0.5, 0.5, 0.01, 3.0]).scores()
    assert list(np.argsort(-scores)) == [1, 0, 2, 3]


def test_chances_move_towards_what_the_elite_did_while_it_played_and_none_dies_out():
    even = search._even()
    np.testing.assert_allclose(even.sum(-1), 1)
    assert even[0, 4].tolist() == [0.5, 0.5, 0]
    actions = np.zeros((256, len(CHOICES), 2), np.int8)
    actions[:100, 0] = 2
    moved = search._towards(even, played([True, True], [100, 50], [0, 0], actions), learning=0.5)
    np.testing.assert_allclose(moved.sum(-1), 1)
    assert moved[:100, 0, 2] == pytest.approx(2 / 3, abs=1e-9)  # half of the way from a third to one
    np.testing.assert_allclose(moved[100:], even[100:])  # when nobody plays any more, nothing is learned
    for _ in range(50):
        moved = search._towards(moved, played([True, True], [100, 50], [0, 0], actions), learning=0.5)
    assert moved[:100, 0, 1].min() > 0.015
    assert (moved[:, 4, 2] == 0).all()


def test_players_follow_the_chances_and_hold_their_actions():
    import jax
    import jax.numpy as jnp

    chances = search._even()
    chances[:, 1] = [0.1, 0.2, 0.7]
    actions = np.asarray(search._drawer(512)(jnp.asarray(chances), jax.random.key(0)))
    shares = [(actions[:, 1] == choice).mean() for choice in range(3)]
    np.testing.assert_allclose(shares, [0.1, 0.2, 0.7], atol=0.02)
    assert actions[:, 4].max() == 1
    changes = (np.diff(actions[:, 0].astype(int), axis=0) != 0).mean()
    assert 0.01 < changes < 0.15


def test_a_solution_that_hangs_on_a_hair_is_told_from_a_steady_one():
    level = holdout.find("s/lift_off", capacity("s")).level
    thrust = np.zeros((256, len(CHOICES)), np.int8)
    thrust[:, 4] = 1
    assert search.steadiness(level, thrust, "s", players=PLAYERS) in (0.0, 1.0)
    nothing = np.zeros((1, len(CHOICES)), np.int8)
    assert search.steadiness(level, nothing, "s", players=PLAYERS) == 0


@pytest.mark.parametrize("wrong", [{"players": 1}, {"rounds": 0}, {"elite": 0.0}, {"learning": 2.0}])
def test_impossible_settings_are_refused_by_name(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        SearchConfig(**wrong)
