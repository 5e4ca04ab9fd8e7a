"""Reset and step: how episodes end and begin again, broken worlds, frame skip, and that worlds do not meet."""

import dataclasses
import functools

import jax
import numpy as np
import pytest
from levels_for_tests import (
    BALL,
    GOAL,
    MAX_STEPS,
    QUICK,
    SCALE,
    SMALL,
    WORLDS,
    batch,
    make_env,
    push_level,
    random_levels,
    reset,
    step,
    unicycle,
)

from envs import actions
from envs.base import EnvConfig, EnvState, Level, Role, Step
from envs.build import LevelBuilder
from physics import pytree
from physics.errors import InputError

FLIES_TO_GOAL, FLIES_AWAY, WHEEL, FALLS_ON_RED, STANDS = range(5)  # the first worlds of `levels`


def falls_on_red() -> Level:
    builder = LevelBuilder(SMALL)
    builder.circle((1.5, 0.75), 0.2, role=Role.GREEN, vel=(0, -3))
    builder.circle((4.0, 2.0), 0.2, role=Role.BLUE)
    builder.wall("floor", Role.RED)
    return builder.finish()


def stands() -> Level:
    """Nothing moves at all."""
    builder = LevelBuilder(SMALL)
    builder.circle((1.5, 1.5), 0.2, role=Role.GREEN, fixed=True)
    builder.circle((4.0, 2.0), 0.2, role=Role.BLUE, fixed=True)
    return builder.finish()


@functools.cache
def levels() -> Level:
    return batch([push_level(4.0), push_level(-1.0), unicycle(), falls_on_red(), stands()])


@functools.cache
def episode() -> tuple[list[EnvState], list[Step]]:
    """States before and after `MAX_STEPS + 2` steps with the wheel's motor on."""
    states, steps = [reset(levels())], []
    for _ in range(MAX_STEPS + 2):
        state, played = step(states[-1], [0, 0, 1, 0, 0, 0])
        states.append(state)
        steps.append(played)
    return states, steps


def flags(name: str, world: int) -> list[bool]:
    return [bool(getattr(played, name)[world]) for played in episode()[1]]


def of_world(value: object, world: int) -> list[np.ndarray]:
    return [np.asarray(leaf[..., world]) for leaf in jax.tree.leaves(value)]


def same(first: object, second: object, *where: int) -> bool:
    """Whether two batches are bit for bit the same in the worlds `where`."""
    return all(np.array_equal(a, b) for world in where for a, b in zip(of_world(first, world), of_world(second, world), strict=True))


def broken(state: EnvState, world: int, field: str, body: int = BALL) -> EnvState:
    """The state with a number that is none in one world."""
    motion = state.physics.motion
    motion = dataclasses.replace(motion, **{field: getattr(motion, field).at[..., body, world].set(np.nan)})
    return dataclasses.replace(state, physics=dataclasses.replace(state.physics, motion=motion))


def test_an_episode_starts_at_the_level():
    state = reset(levels())
    jax.tree.map(np.testing.assert_array_equal, state.physics.motion, levels().start)
    assert all(not np.any(leaf) for leaf in jax.tree.leaves(state.physics.impulses))
    assert state.steps.tolist() == [0] * WORLDS
    assert float(state.distance[FLIES_AWAY]) == pytest.approx(0.7, abs=1e-5)


@pytest.mark.parametrize("world", [FLIES_AWAY, WHEEL, STANDS])
def test_time_runs_out_at_max_steps(world: int):
    assert flags("truncated", world) == [False] * (MAX_STEPS - 1) + [True] + [False] * 2
    assert not any(flags("terminated", world))
    assert not any(flags("solved", world))


@pytest.mark.parametrize(("world", "solved"), [(FLIES_TO_GOAL, True), (FALLS_ON_RED, False)])
def test_goal_and_loss_terminate(world: int, solved: bool):
    terminated = flags("terminated", world)
    end = terminated.index(True)
    assert 1 < end < MAX_STEPS - 1
    assert flags("solved", world)[end] == solved
    assert not any(flags("truncated", world)[: end + 1])
    assert float(episode()[1][end].reward[world]) == pytest.approx(1 if solved else -1, abs=0.1)
    assert not any(flags("solved", world)[:end])


def test_an_episode_never_ends_in_both_ways():
    """The goal reached in the very last step is termination."""
    touches, never_touches = 0, 1
    state = reset(batch([push_level(gap=-0.01), stands()]))
    _, last = step(dataclasses.replace(state, steps=state.steps + MAX_STEPS - 1), 0)
    assert (bool(last.terminated[touches]), bool(last.truncated[touches])) == (True, False)
    assert (bool(last.terminated[never_touches]), bool(last.truncated[never_touches])) == (False, True)
    for played in episode()[1]:
        assert not np.any(played.terminated & played.truncated)


@pytest.mark.parametrize("world", range(5))
def test_steps_count_up_and_start_again(world: int):
    states, steps = episode()
    count = 0
    for state, played in zip(states[1:], steps, strict=True):
        count = 0 if bool(played.terminated[world] | played.truncated[world]) else count + 1
        assert int(state.steps[world]) == count


@pytest.mark.parametrize("world", range(5))
def test_the_next_episode_starts_exactly_as_the_first_did(world: int):
    states, steps = episode()
    ends = [i for i, played in enumerate(steps) if bool(played.terminated[world] | played.truncated[world])]
    assert ends
    for end in ends:
        assert same(states[end + 1], states[0], world)


@pytest.mark.parametrize("world", [FLIES_TO_GOAL, FLIES_AWAY, WHEEL, FALLS_ON_RED])
def test_the_final_motion_is_that_before_the_reset(world: int):
    states, steps = episode()
    moved = [played.final_motion for played in steps]
    for i, played in enumerate(steps):
        ended = bool(played.terminated[world] | played.truncated[world])
        assert same(moved[i], states[i + 1].physics.motion, world) == (not ended)
        if ended and world == FLIES_AWAY:  # -1 m/s for the whole of an episode
            assert float(moved[i].pos[0, BALL, world]) == pytest.approx(1.5 - MAX_STEPS / 60, abs=1e-4)


def test_what_is_seen_after_the_end_is_the_new_start():
    states, steps = episode()
    seen = jax.jit(make_env().observe, compiler_options=QUICK)(levels(), states[0].physics.motion)
    for world in (FLIES_TO_GOAL, WHEEL, FALLS_ON_RED):
        end = next(i for i, played in enumerate(steps) if bool(played.terminated[world] | played.truncated[world]))
        np.testing.assert_allclose(steps[end].observation.bodies[world], seen.bodies[world], atol=1e-6)
        assert not np.allclose(steps[end - 1].observation.bodies[world], seen.bodies[world], atol=1e-6)


def test_the_level_stays_the_same():
    jax.tree.map(np.testing.assert_array_equal, episode()[0][-1].level, levels())


@pytest.mark.parametrize("field", ["pos", "angle", "vel", "omega"])
def test_a_broken_world_ends_without_reward_and_recovers(field: str):
    state = episode()[0][2]
    (after, played), (well, unbroken) = step(broken(state, WHEEL, field), 0), step(state, 0)
    assert bool(played.terminated[WHEEL])
    assert not bool(played.truncated[WHEEL] | played.solved[WHEEL])
    assert float(played.reward[WHEEL]) == 0
    assert same(after, episode()[0][0], WHEEL)
    others = [world for world in range(WORLDS) if world != WHEEL]
    assert same(after, well, *others)
    for name in ("reward", "terminated", "final_motion"):
        assert same(getattr(played, name), getattr(unbroken, name), *others)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves((after, played.observation, played.reward)))
    again, following = step(after, 0)
    assert same(again, step(episode()[0][0], 0)[0], WHEEL)
    assert not bool(following.terminated[WHEEL])


def test_a_world_that_breaks_while_it_touches_the_goal_is_not_solved():
    state = reset(batch([push_level(gap=-0.01)]))
    _, well = step(state, 0)
    assert bool(well.solved[0])
    _, played = step(broken(state, 0, "omega", body=GOAL), 0)
    assert bool(played.terminated[0])
    assert not bool(played.solved[0])
    assert float(played.reward[0]) == 0


def test_a_world_that_breaks_in_its_last_step_is_not_cut_off():
    """A broken state must never be what a truncated episode is bootstrapped from."""
    state = dataclasses.replace(reset(levels()), steps=reset(levels()).steps + MAX_STEPS - 1)
    _, played = step(broken(state, STANDS, "vel"), 0)
    assert bool(played.terminated[STANDS])
    assert not bool(played.truncated[STANDS])


def test_frame_skip_holds_an_action_for_two_physics_steps():
    state = reset(batch([push_level(1.0), unicycle(), push_level(-2.0)]))
    action = [0, 0, 1, 0, 1, 1]
    between, first = step(state, action)
    once, second = step(between, action)
    twice, both = step(state, action, frame_skip=2)
    for one, two in zip(jax.tree.leaves(once.physics), jax.tree.leaves(twice.physics), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    np.testing.assert_allclose(first.reward + second.reward, both.reward, atol=1e-6)
    np.testing.assert_allclose(once.distance, twice.distance, atol=1e-6)
    assert set(twice.steps.tolist()) == {1}
    # The action must matter in the second frame for this to be a test.
    assert float(np.abs(step(between, 0)[0].physics.motion.omega - once.physics.motion.omega).max()) > 0.1


def test_the_first_frame_that_decides_counts():
    """Two frames a step: green touches blue in the first and red in the second, or nothing and then blue."""
    builder = LevelBuilder(SMALL, gravity=(0, 0))
    builder.box((2.5, 2.25), (0.3, 0.1), role=Role.BLUE, fixed=True, friction=0.0)
    builder.circle((2.5, 2.0), 0.155, role=Role.GREEN, vel=(6.0, 0.0), friction=0.0)
    builder.circle((2.5 + 0.155 + 0.3 + 0.05, 2.0), 0.3, role=Role.RED, fixed=True)
    state = reset(batch([builder.finish(), push_level(4.0, gap=0.05)]))
    _, played = step(state, 0, frame_skip=2)
    assert bool(played.solved[0])
    assert float(played.reward[0]) > 0.9
    # One frame at a time, and past the first, it is the red one that counts.
    moved = dataclasses.replace(state, physics=dataclasses.replace(state.physics, motion=step(state, 0)[1].final_motion))
    _, later = step(moved, 0)
    assert float(later.reward[0]) == pytest.approx(-1, abs=0.1)
    assert bool(played.solved[1])
    assert not bool(step(state, 0)[1].solved[1])


def test_worlds_do_not_know_of_each_other():
    some, order = random_levels("s", WORLDS), np.random.RandomState(0).permutation(WORLDS)
    action = np.asarray(actions.uniform(jax.random.key(3), WORLDS))
    state, mixed = reset(some), reset(pytree.worlds(some, order))
    for _ in range(3):
        (state, played), (mixed, shuffled) = step(state, action), step(mixed, action[order])
        np.testing.assert_allclose(played.reward[order], shuffled.reward, atol=1e-5)
        np.testing.assert_array_equal(played.terminated[order], shuffled.terminated)
        np.testing.assert_allclose(played.observation.bodies[order], shuffled.observation.bodies, atol=1e-4)
    np.testing.assert_allclose(pytree.worlds(state, order).physics.motion.pos, mixed.physics.motion.pos, atol=1e-4)


def scrambled(level: Level) -> Level:
    """The levels with other values in the inactive slots of bodies, joints and thrusters."""
    random, scene = np.random.RandomState(0), level.scene

    def noise(part: object, active: np.ndarray, keep: tuple = ("active", "body", "body_a", "body_b")) -> object:
        changed = {}
        for name, leaf in vars(part).items():
            if name not in keep and leaf.shape[-2] == active.shape[0]:
                other = random.uniform(0.1, 1.0, leaf.shape).astype(leaf.dtype) if leaf.dtype != bool else ~leaf
                changed[name] = np.where(active, leaf, other)
        return dataclasses.replace(part, **changed)

    there = scene.bodies.active
    scene = dataclasses.replace(
        scene,
        bodies=dataclasses.replace(
            noise(scene.bodies, there),
            radius=np.where(there[1:], scene.bodies.radius, 0.4),
            collision=np.where(there, scene.bodies.collision, 2),
        ),
        joints=noise(scene.joints, scene.joints.active),
        thrusters=noise(scene.thrusters, scene.thrusters.active),
    )
    start = dataclasses.replace(level.start, pos=np.where(there, level.start.pos, 2.0).astype(np.float32))
    role = np.where(there, level.role, random.randint(0, 4, level.role.shape)).astype(np.int32)
    return dataclasses.replace(level, scene=scene, start=start, role=role)


def test_empty_slots_change_nothing():
    """Whatever numbers are left in them: no motion, no touch, no distance, nothing seen."""
    made = [push_level(), falls_on_red(), stands()]
    some = batch([*made, *(pytree.world(random_levels("s", WORLDS), i) for i in range(WORLDS - len(made)))])
    other = scrambled(some)
    there = some.scene.bodies.active
    assert 0 < there.mean() < 1
    assert not np.array_equal(other.scene.bodies.inverse_mass, some.scene.bodies.inverse_mass)
    assert not np.array_equal(other.scene.joints.motor_speed, some.scene.joints.motor_speed)
    state, noisy = reset(some), reset(other)
    for _ in range(3):
        (state, first), (noisy, second) = step(state, 1), step(noisy, 1)
        jax.tree.map(np.testing.assert_array_equal, first.observation, second.observation)
        for name in ("reward", "terminated", "truncated", "solved"):
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        np.testing.assert_array_equal(np.where(there, first.final_motion.pos, 0), np.where(there, second.final_motion.pos, 0))


def test_dense_reward_of_a_step():
    before, after = episode()[0][:2]
    played = episode()[1][0]
    np.testing.assert_allclose(played.reward, SCALE * (before.distance - after.distance), atol=1e-6)
    assert float(played.reward[STANDS]) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("frame_skip", 0), ("max_steps", 0), ("dense_reward", -0.1), ("dense_reward", np.nan), ("size", "xl"), ("observation", "smell")],
)
def test_impossible_settings_are_refused(name: str, value: object):
    with pytest.raises(InputError, match=name):
        EnvConfig(**{name: value})
