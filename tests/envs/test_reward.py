"""What earns a reward and what does not: every rule as a small level, all levels in one batch."""

import dataclasses
import functools
import itertools

import jax
import numpy as np
import pytest
from levels_for_tests import BALL, GOAL, QUICK, SCALE, SMALL, WORLDS, batch, push_level, reset, step

from envs import reward
from envs.base import EnvState, Level, Role, Step
from envs.build import LevelBuilder
from physics.base import FLOOR, ROOM_WIDTH

NORMAL, GREEN, BLUE, RED = Role
HERE, TOUCHING, APART = (2.5, 2.0), (2.85, 2.0), (4.3, 3.0)  # centres of balls of radius 0.2
ON_FLOOR, AT_LEFT, AT_RIGHT, AT_CEILING = (2.5, FLOOR + 0.15), (0.15, 2.0), (ROOM_WIDTH - 0.15, 2.0), (2.5, 4.85)


def balls(first: Role, second: Role, at: tuple = HERE, second_at: tuple = TOUCHING, box: Role = NORMAL, box_at: tuple = (0.8, 3.5),
          modes: tuple = (1, 1), walls: dict | None = None) -> Level:  # fmt: skip
    """Two balls, which touch unless told otherwise, and a box; all immovable, of any roles."""
    builder = LevelBuilder(SMALL, gravity=(0, 0))
    builder.box(box_at, (0.2, 0.2), fixed=True)
    builder.circle(at, 0.2, role=GREEN, fixed=True, collision=modes[0])
    builder.circle(second_at, 0.2, role=BLUE, fixed=True, collision=modes[1])
    for name, role in (walls or {}).items():
        builder.wall(name, role)
    return dataclasses.replace(builder.finish(), role=np.array([box, first, second], np.int32))


def jointed() -> Level:
    """A green ball pinned to a blue box that it overlaps: they never push each other, but they touch."""
    builder = LevelBuilder(SMALL)
    box = builder.box((2.5, 2.0), (0.4, 0.2), role=BLUE)
    builder.joint(box, builder.circle((2.5, 2.0), 0.3, role=GREEN), (2.5, 2.0))
    return builder.finish()


def without(level: Level, body: int) -> Level:
    active = np.array(level.scene.bodies.active)
    active[body] = False
    bodies = dataclasses.replace(level.scene.bodies, active=active)
    return dataclasses.replace(level, scene=dataclasses.replace(level.scene, bodies=bodies))


RULES: dict[str, tuple[Level, int]] = {
    "green touches blue": (balls(GREEN, BLUE), 1),
    "blue touches green": (balls(BLUE, GREEN), 1),
    "green touches red": (balls(GREEN, RED, box=BLUE), -1),
    "green and blue apart": (balls(GREEN, BLUE, second_at=APART), 0),
    "red comes first": (balls(GREEN, BLUE, box=RED, box_at=(2.15, 2.0)), -1),
    "blue touches red": (balls(BLUE, RED, box=GREEN), 0),
    "blue touches blue": (balls(BLUE, BLUE, box=GREEN), 0),
    "green touches green": (balls(GREEN, GREEN, box=BLUE), 0),
    "green touches normal": (balls(GREEN, NORMAL, box=BLUE), 0),
    "green box touches blue ball": (balls(NORMAL, BLUE, at=APART, box=GREEN, box_at=(2.5, 2.0)), 1),
    "green on blue floor": (balls(GREEN, NORMAL, at=ON_FLOOR, walls={"floor": BLUE}), 1),
    "blue on green floor": (balls(BLUE, NORMAL, at=ON_FLOOR, walls={"floor": GREEN}), 1),
    "green on red floor": (balls(GREEN, BLUE, at=ON_FLOOR, walls={"floor": RED}), -1),
    "red on green floor": (balls(RED, BLUE, at=ON_FLOOR, walls={"floor": GREEN}), -1),
    "green on normal floor": (balls(GREEN, BLUE, at=ON_FLOOR, second_at=APART), 0),
    "blue on red floor": (balls(GREEN, BLUE, second_at=ON_FLOOR, walls={"floor": RED}), 0),
    "red on blue floor": (balls(GREEN, RED, second_at=ON_FLOOR, walls={"floor": BLUE}), 0),
    "green above blue floor": (balls(GREEN, NORMAL, walls={"floor": BLUE}), 0),
    "blue ball, but the floor is red": (balls(GREEN, BLUE, ON_FLOOR, (2.85, ON_FLOOR[1]), walls={"floor": RED}), -1),
    "green box on red floor": (balls(NORMAL, BLUE, box=GREEN, box_at=(1, FLOOR + 0.15), walls={"floor": RED}), -1),
    "blue wall at the left": (balls(GREEN, NORMAL, at=AT_LEFT, walls={"left": BLUE}), 1),
    "red wall at the right": (balls(GREEN, BLUE, at=AT_RIGHT, walls={"right": RED, "left": BLUE}), -1),
    "red ceiling": (balls(GREEN, BLUE, at=AT_CEILING, walls={"ceiling": RED, "floor": BLUE}), -1),
    "absent blue": (without(balls(GREEN, BLUE), GOAL), 0),
    "absent green": (without(balls(GREEN, BLUE), BALL), 0),
    "absent red": (without(balls(RED, GREEN, box=BLUE, box_at=(3.2, 2.0)), BALL), 1),
    "absent green on blue floor": (without(balls(GREEN, NORMAL, at=ON_FLOOR, walls={"floor": BLUE}), BALL), 0),
    "joined bodies touch": (jointed(), 1),
    "modes 0 and 0 never touch": (balls(GREEN, BLUE, modes=(0, 0)), 0),
    "modes 0 and 1 never touch": (balls(GREEN, BLUE, modes=(0, 1)), 0),
    "modes 0 and 2 touch": (balls(GREEN, BLUE, modes=(0, 2)), 1),
    "mode 0 touches walls": (balls(GREEN, BLUE, at=ON_FLOOR, second_at=APART, modes=(0, 1), walls={"floor": BLUE}), 1),
}


@functools.cache
def first_step() -> tuple[EnvState, Step]:
    assert len(RULES) <= WORLDS
    return step(reset(batch([level for level, _ in RULES.values()])), 0)


@pytest.mark.parametrize("rule", RULES)
def test_rule(rule: str):
    wanted = RULES[rule][1]
    world, (_, played) = list(RULES).index(rule), first_step()
    # Nothing moves, or hardly, so the dense part is almost nothing.
    assert float(played.reward[world]) == pytest.approx(wanted, abs=0.01)
    assert bool(played.terminated[world]) == (wanted != 0)
    assert bool(played.solved[world]) == (wanted == 1)
    assert not bool(played.truncated[world])


def play_until_end(level: Level) -> tuple[list[float], np.ndarray, bool]:
    """Rewards of the first episode, the last motion's positions `[2, N]` before the reset, whether it was solved."""
    state, rewards = reset(batch([level])), []
    while True:
        state, played = step(state, 0)
        rewards.append(float(played.reward[0]))
        if bool(played.terminated[0] | played.truncated[0]):
            return rewards, np.asarray(played.final_motion.pos[..., 0]), bool(played.solved[0])


def apart(pos: np.ndarray) -> float:
    return float(np.hypot(*(pos[:, BALL] - pos[:, GOAL])))


@pytest.mark.parametrize(("speed", "ends_with"), [(4.0, 1), (1.0, 0), (-2.0, 0)])
def test_dense_rewards_add_up_to_the_distance_gained(speed: float, ends_with: int):
    level = push_level(speed)
    rewards, last, solved = play_until_end(level)
    gained = apart(np.asarray(level.start.pos)) - apart(last)
    assert abs(gained) > 0.1
    assert solved == (ends_with == 1)
    assert sum(rewards) == pytest.approx(ends_with + SCALE * gained, abs=1e-5)


def test_the_step_that_ends_the_episode_is_paid_for_its_distance_too():
    """A ball that touches its goal and flies off: the one step of the episode takes it a thirtieth of a metre away."""
    rewards, _, solved = play_until_end(push_level(speed=-2.0, gap=-0.01))
    assert solved
    assert rewards == [pytest.approx(1 - SCALE * 2 / 60, abs=1e-5)]


@pytest.fixture(scope="module")
def distance() -> object:
    return jax.jit(reward.distance, compiler_options=QUICK)


def test_distance_sums_pairs_and_walls(distance):
    level = balls(GREEN, GREEN, at=(1.0, 2.0), second_at=(4.0, 3.0), box=BLUE, box_at=(2.0, 1.0), walls={"ceiling": BLUE, "left": BLUE})
    wanted = np.hypot(1, 1) + np.hypot(2, 2) + (5 - 2) + (5 - 3) + 1 + 4
    levels = batch([level])
    assert np.allclose(distance(levels, levels.start), wanted, atol=1e-5)


def test_distance_from_green_walls_and_without_absent_bodies(distance):
    level = balls(GREEN, BLUE, at=(1.0, 2.0), second_at=(4.0, 3.0), box=BLUE, box_at=(2.0, 1.0), walls={"floor": GREEN})
    levels = batch([level, without(level, BALL), without(level, GOAL), without(without(level, BALL), GOAL)])
    floor = {"box": 1 - FLOOR, "goal": 3 - FLOOR}
    pairs = {"box": np.hypot(1, 1), "goal": np.hypot(3, 1)}
    wanted = [sum(floor.values()) + sum(pairs.values()), sum(floor.values()), floor["box"] + pairs["box"], floor["box"]]
    assert np.allclose(distance(levels, levels.start)[:4], wanted, atol=1e-5)


def test_red_plays_no_part_in_the_distance(distance):
    levels = batch([balls(GREEN, BLUE, second_at=APART, box=role) for role in (NORMAL, RED)])
    near, far = distance(levels, levels.start)[:2]
    assert near == far


def test_two_walls_never_count(distance):
    """A green and a blue wall always touch at the corner: no episode may end by it, and nothing is between them."""
    level = balls(NORMAL, NORMAL, walls={"floor": GREEN, "left": BLUE})
    levels = batch([level])
    assert np.allclose(distance(levels, levels.start), 0)
    assert not bool(step(reset(levels), 0)[1].terminated[0])


def test_rules_cover_every_pair_of_roles():
    """A rule that a role was forgotten in would pass unseen."""
    covered = {frozenset((int(level.role[BALL]), int(level.role[GOAL]))) for level, _ in RULES.values()}
    for a, b in itertools.combinations(Role, 2):
        if NORMAL not in (a, b):
            assert frozenset((int(a), int(b))) in covered
