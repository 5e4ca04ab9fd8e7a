"""The rollout: what is kept is what was seen and done, and devices make no difference."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import value_gaps
from jax.sharding import NamedSharding
from scripted_env import FLOWN, ScriptedEnv, keys, positions, value_of_place
from tiny_learning import BLOCK, ENV, LENGTH, MAX_STEPS, NETWORK, WORLDS, mixed, placed, random_params, tasks, worker

from cluster.mesh import SHARED
from envs import actions
from envs import outcome as outcomes
from envs.outcome import Outcome
from learners import rollout
from learners.base import Rollout, Worlds, join_blocks, over_blocks, split_blocks
from learners.distributions import MultiDiscrete
from learners.ppo import PPOConfig
from physics.pytree import stack

SOLVED = 0.5  # rewards above it are of solved episodes: a step closer earns far less
KEPT = ("action", "log_prob", "value", "reward", "terminated", "truncated", "final_value", "last_value")


@functools.cache
def played(devices: int, seed: int = 0) -> tuple[Rollout, Rollout, Outcome, Outcome]:
    """Two rollouts after each other, and what their levels gave: after the first and then after the second."""
    at_work, params = worker(devices), placed(random_params(), devices)
    worlds = at_work.assign(mixed(), jax.random.key(0))
    worlds, first = at_work.collect(params, worlds, jax.random.key(seed))
    worlds, after_first = at_work.take_outcome(worlds)
    worlds, second = at_work.collect(params, worlds, jax.random.key(seed + 1))
    _, after_second = at_work.take_outcome(worlds)
    return *jax.tree.map(np.asarray, (first, second)), after_first, after_second


def worlds_last(leaf: np.ndarray) -> np.ndarray:
    """`[blocks, ..., W]` -> `[..., blocks W]`."""
    moved = np.moveaxis(np.asarray(leaf), 0, -2)
    return moved.reshape(*moved.shape[:-2], -1)


def test_shapes_are_blocks_then_steps_then_worlds_last():
    first = played(2)[0]
    blocks = WORLDS // BLOCK
    assert first.reward.shape == first.log_prob.shape == (blocks, LENGTH, BLOCK)
    assert first.action.shape == (blocks, LENGTH, actions.CHANNELS, BLOCK)
    assert first.motion.pos.shape == (blocks, LENGTH, 2, ENV.capacity.bodies, BLOCK)
    assert first.level.role.shape == (blocks, ENV.capacity.bodies, BLOCK)
    assert first.last_value.shape == (blocks, BLOCK)


def test_all_kinds_of_ends_are_in_what_is_tested_here():
    first = played(2)[0]
    assert (first.terminated & (first.reward > SOLVED)).any()
    assert (first.terminated & (first.reward < -SOLVED)).any()
    assert first.truncated.any()
    assert not (first.terminated & first.truncated).any()


def test_blocks_hold_the_levels_in_order():
    jax.tree.map(np.testing.assert_array_equal, jax.tree.map(worlds_last, played(2)[0].level), mixed())


def test_every_episode_begins_at_the_start_of_its_level_and_goes_on_from_there():
    first, start = played(2)[0], mixed().start
    ended = worlds_last(first.terminated | first.truncated)
    for name in ("pos", "angle", "vel", "omega"):
        motion, begin = worlds_last(getattr(first.motion, name)), getattr(start, name)
        at_start = (motion == begin).reshape(LENGTH, -1, WORLDS).all(1)
        assert at_start[0].all()
        assert at_start[1:][ended[:-1]].all()
    pos = worlds_last(first.motion.pos)
    moved = np.abs(pos[1:] - pos[:-1]).reshape(LENGTH - 1, -1, WORLDS).max(1)
    assert moved[~ended[:-1]].max() < 1, "nothing jumps within an episode"


def test_the_kept_probability_and_value_are_those_of_the_kept_motion_and_action():
    @jax.jit
    def again(kept: Rollout) -> tuple[jax.Array, jax.Array]:
        seen = jax.vmap(ENV.observe, (None, 0))(kept.level, kept.motion)
        choice, value = jax.vmap(NETWORK.apply, (None, 0))(random_params(), seen)
        return choice.log_prob(jnp.swapaxes(kept.action, 1, 2)), value

    first = played(2)[0]
    log_prob, value = jax.vmap(again)(first)
    np.testing.assert_allclose(first.log_prob, log_prob, atol=2e-5)
    np.testing.assert_allclose(first.value, value, atol=2e-5)
    assert first.log_prob.std() > 0.1
    assert first.value.std() > 0.03


def test_the_last_value_is_that_of_the_state_the_next_rollout_goes_on_from():
    first, second, *_ = played(2)
    ended = (first.terminated | first.truncated)[:, -1]
    assert 0 < ended.sum() < WORLDS
    np.testing.assert_allclose(first.last_value, np.where(ended, 0, second.value[:, 0]), atol=1e-5)


def test_episodes_are_cut_off_after_as_many_steps_and_go_on_across_rollouts():
    first, second, *_ = played(2)
    both = {name: np.concatenate([worlds_last(getattr(part, name)) for part in (first, second)]) for name in ("terminated", "truncated")}
    steps = np.zeros(WORLDS, int)
    for terminated, truncated in zip(both["terminated"], both["truncated"], strict=True):
        steps += 1
        np.testing.assert_array_equal(truncated, (steps == MAX_STEPS) & ~terminated)
        steps[terminated | truncated] = 0


def count_again(*parts: Rollout) -> list[dict[str, np.ndarray]]:
    """Outcomes after each rollout, counted step by step. Counts begin anew, the episode in progress goes on."""
    running, found = np.zeros(WORLDS), []
    for part in parts:
        counts = {name: np.zeros(WORLDS) for name in ("episodes", "successes", "total_return", "best_return")}
        reward, ended = worlds_last(part.reward), worlds_last(part.terminated | part.truncated)
        for t, world in np.ndindex(LENGTH, WORLDS):
            running[world] += reward[t, world]
            if ended[t, world]:
                counts["episodes"][world] += 1
                counts["successes"][world] += reward[t, world] > SOLVED
                counts["total_return"][world] += running[world]
                counts["best_return"][world] = max(counts["best_return"][world], running[world])
                running[world] = 0
        found.append(counts | {"running_return": running.copy()})
    return found


def test_outcomes_count_episodes_successes_and_returns():
    first, second, *given = played(2)
    for outcome, expected in zip(given, count_again(first, second), strict=True):
        assert expected["episodes"].sum() > expected["successes"].sum() > 0
        assert (expected["best_return"] > 0).any()
        assert (expected["best_return"] == 0).any()
        for name, value in expected.items():
            np.testing.assert_allclose(getattr(outcome, name), value, atol=1e-4, err_msg=name)


def test_outcomes_say_how_far_the_critic_was_from_what_happened():
    first, second, *given = played(2)
    for outcome, part in zip(given, (first, second), strict=True):
        expected = value_gaps.count(jax.tree.map(worlds_last, part), np.ones((LENGTH, WORLDS), bool))
        assert expected["positive_advantage"].min() >= 0
        assert expected["positive_advantage"].max() > 0.1
        value_gaps.agree(outcome, expected)


def test_advantages_are_those_that_the_learner_is_told_to_estimate():
    words = ["..T..S", ".L...."]
    env, level = ScriptedEnv(words), stack(tasks()[:2])
    worlds = Worlds(env=env.reset(level), outcome=outcomes.none(2))
    estimate = PPOConfig(discount=0.5, trace=0.25).advantages
    worlds, kept = jax.jit(lambda: rollout.collect(value_of_place, None, env, worlds, keys(2), 6, estimate))()
    expected = value_gaps.count(kept, np.ones((6, 2), bool), 0.5, 0.25)
    value_gaps.agree(worlds.outcome, expected)
    assert expected["positive_advantage"][0] != value_gaps.count(kept, np.ones((6, 2), bool))["positive_advantage"][0]


def test_one_device_and_two_play_the_same():
    """Random numbers belong to worlds. The same blocks are played by the same program, so equal to rounding."""
    for one, two in zip(played(1)[:2], played(2)[:2], strict=True):
        for name in KEPT:
            np.testing.assert_allclose(getattr(one, name), getattr(two, name), atol=1e-5, err_msg=name)
        np.testing.assert_allclose(one.motion.pos, two.motion.pos, atol=1e-5)
    for one, two in zip(played(1)[2:], played(2)[2:], strict=True):
        np.testing.assert_allclose(one.total_return, two.total_return, atol=1e-5)


def test_worlds_with_the_same_level_draw_their_own_numbers():
    action = np.moveaxis(played(2)[0].action, 2, 1).reshape(2, actions.CHANNELS, -1, BLOCK)
    twins = action[0], action[1]  # the batch holds every level twice, one copy in each block
    assert (twins[0] != twins[1]).mean() > 0.05


def test_the_same_key_plays_the_same_and_another_does_not():
    first, again, other = played(2)[0], played.__wrapped__(2)[0], played(2, seed=5)[0]
    for name in KEPT:
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert (first.action != other.action).mean() > 0.05


def test_channels_that_drive_nothing_are_never_used():
    first = played(2)[0]
    driven = np.asarray(actions.driven(mixed()))  # [W, channels]
    used = worlds_last(first.action).any(0).T
    assert not used[~driven].any()
    assert used[driven].all()


def test_worlds_stay_where_they_are():
    """Were they somewhere else after taking outcomes, say, the next rollout would be compiled anew."""
    at_work = worker(2)
    begun = at_work.assign(mixed(), jax.random.key(0))
    played_on, _ = at_work.collect(placed(random_params(), 2), at_work.assign(mixed(), jax.random.key(0)), jax.random.key(9))
    cleared, _ = at_work.take_outcome(played_on)
    for leaf in jax.tree.leaves((begun, played_on, cleared)):
        shared_out = NamedSharding(leaf.sharding.mesh, SHARED)
        assert leaf.sharding.is_equivalent_to(shared_out, leaf.ndim)
        assert len(leaf.sharding.device_set) == 2


def test_the_final_value_is_that_of_the_state_that_was_cut_off():
    """Worlds: cut off twice, solved then cut off, lost, going on. The value is where the first body is."""
    words = ["..T..T", ".S...T", "L.....", "......"]
    env, level = ScriptedEnv(words), stack(tasks()[:4])
    worlds = Worlds(env=env.reset(level), outcome=outcomes.none(4))
    worlds, kept = jax.jit(lambda: rollout.collect(value_of_place, None, env, worlds, keys(4), 6))()
    np.testing.assert_array_equal(kept.value, positions(words))
    expected = np.zeros((6, 4))
    expected[2, 0] = expected[5, 0] = 3 * FLOWN
    expected[5, 1] = 4 * FLOWN
    np.testing.assert_array_equal(kept.final_value, expected)
    np.testing.assert_array_equal(kept.last_value, [0, 0, 5 * FLOWN, 6 * FLOWN])
    np.testing.assert_array_equal(kept.truncated.T, [[letter == "T" for letter in word] for word in words])
    np.testing.assert_array_equal(kept.terminated.T, [[letter in "SL" for letter in word] for word in words])
    assert worlds.outcome.episodes.tolist() == [2, 2, 1, 0]
    assert worlds.outcome.successes.tolist() == [0, 1, 0, 0]


@functools.partial(jax.jit, static_argnums=2)
def decide(way: int, logits: np.ndarray, draws: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Decisions of a network that thinks the same of every world and values each by its number."""

    def think(_: object, seen: jax.Array) -> tuple[MultiDiscrete, jax.Array]:
        return MultiDiscrete(jnp.broadcast_to(logits, (seen.shape[0], *logits.shape))), seen

    return rollout.policy(think, None, way)(jnp.arange(draws, dtype=jnp.float32), keys(draws))


def test_ways_to_act_are_by_chance_by_the_likeliest_choice_and_not_at_all():
    raw = np.random.RandomState(0).normal(size=MultiDiscrete.OUTPUTS).astype(np.float32)
    logits = np.asarray(MultiDiscrete.of(raw, None, np.array([True] * 4 + [True, False])).logits)
    draws = 4000
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    for way in (rollout.SAMPLED, rollout.GREEDY, rollout.IDLE):
        action, log_prob, value = map(np.asarray, decide(way, logits, draws))
        often = np.stack([(action == choice).mean(0) for choice in range(3)], -1)
        wanted = {rollout.SAMPLED: p, rollout.GREEDY: np.eye(3)[logits.argmax(-1)], rollout.IDLE: np.eye(3)[np.zeros(6, int)]}[way]
        np.testing.assert_allclose(often, wanted, atol=5 * 0.5 / np.sqrt(draws) if way == rollout.SAMPLED else 0)
        chosen = np.take_along_axis(np.log(np.maximum(p, 1e-30))[None], action[..., None], axis=-1)
        np.testing.assert_allclose(log_prob, chosen.sum((1, 2)), atol=1e-5)
        np.testing.assert_array_equal(value, np.arange(draws))


def test_dealing_worlds_to_blocks_can_be_undone():
    value = {"a": np.arange(24).reshape(2, 12), "b": np.arange(12)}
    blocks = split_blocks(value, 3)
    assert blocks["a"].shape == (3, 2, 4)
    np.testing.assert_array_equal(blocks["a"][1], value["a"][:, 4:8])
    np.testing.assert_array_equal(blocks["b"], value["b"].reshape(3, 4))
    jax.tree.map(np.testing.assert_array_equal, join_blocks(blocks), value)


def test_blocks_are_worked_on_one_after_the_other_and_put_back_in_their_place():
    value = {"changed": jnp.arange(12.0).reshape(3, 4), "kept": jnp.arange(3)}
    given = jnp.array([10.0, 20.0, 30.0])

    def work(block, more):
        return {"changed": block["changed"] + more, "kept": block["kept"]}, block["changed"].sum() * more

    blocks, found = jax.jit(functools.partial(over_blocks, work))(value, given)
    np.testing.assert_array_equal(blocks["changed"], value["changed"] + given[:, None])
    np.testing.assert_array_equal(blocks["kept"], value["kept"])
    np.testing.assert_array_equal(found, value["changed"].sum(1) * given)
