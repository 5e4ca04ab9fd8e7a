"""The memory plan: its arithmetic against arrays that are really there, and a run that does not fit."""

import dataclasses

import jax
import pytest

from cluster import local, memory_plan
from cluster.local import Roles
from cluster.memory_plan import MemoryPlan
from physics.errors import InputError
from tests.tiny import build_roles, settings, supervisor

MILLION = (
    "run.worlds=1048576", "run.rollout_length=256", "run.block_worlds=131072", "ppo.minibatch_size=1048576", "env.size=l",
    "network.width=128", "network.entity_width=64",
)  # fmt: skip


@pytest.fixture(scope="module")
def roles() -> Roles:
    return build_roles()


@pytest.fixture(scope="module")
def plan(roles) -> MemoryPlan:
    return memory_plan.make(settings(6), roles)


def _bytes(value: object) -> int:
    return sum(leaf.nbytes for leaf in jax.tree.leaves(value))


def test_what_is_held_is_as_large_as_the_real_arrays(roles, plan, tmp_path):
    run = supervisor(tmp_path, roles, 6)
    run.begin()
    state = run.state()
    found = {
        "levels": _bytes(state.assignment) + _bytes(state.curriculum),
        "learner": _bytes(state.train),
        "worlds": _bytes(state.worlds) // 2,
    }
    _, rollout = roles.worker.collect(state.train.params, roles.worker.split(state.worlds), jax.random.key(0))
    assert plan.held == {**found, "rollout": _bytes(rollout) // 2}


def test_works_are_added_up_as_the_formulas_say(roles, plan):
    """Two blocks on two devices: playing needs the share of a device once more."""
    assert plan.playing == pytest.approx(plan.held["worlds"] + plan.held["rollout"], abs=2)
    twice = memory_plan.make(settings(6, "ppo.minibatch_size=64"), roles)
    assert twice.held == plan.held
    assert 0 < twice.learning - plan.learning < plan.learning
    assert plan.total == sum(plan.held.values()) + max(plan.playing, plan.learning)


def test_the_average_of_ppo_ewma_is_counted(roles, plan):
    chosen = settings(6, "ppo.ewma_decay=0.9")
    with_average = memory_plan.make(chosen, local.build_roles(chosen)).held["learner"]
    counters = 4 * 5  # updates, skipped, Adam's steps, the schedule's steps and rate; beside parameters and two moments
    assert with_average == plan.held["learner"] + (plan.held["learner"] - counters) // 3 + 4


def test_a_million_worlds_are_planned_without_being_made():
    chosen = settings(1, *MILLION)
    plan = memory_plan.make(chosen, local.build_roles(chosen))
    samples = 1048576 * 256 // 2  # a device
    assert plan.held["rollout"] > samples * (4 * 6 + 4 * 6)  # actions, and the numbers of a step, alone
    assert plan.held["rollout"] > 30 * 2**30
    with pytest.raises(InputError, match=r"memory of a device: found .*GiB.*Lower run.worlds or run.rollout_length: rollout alone needs"):
        dataclasses.replace(plan, available=16 * 2**30).check()


@pytest.mark.parametrize(
    ("largest", "way_out"), [("learning", "ppo.minibatch_size"), ("playing", "run.block_worlds"), ("rollout", "run.worlds")]
)
def test_a_run_that_does_not_fit_is_refused_with_the_setting_to_lower(largest, way_out):
    parts = {"levels": 1, "worlds": 1, "rollout": 1, "learner": 1, "playing": 1, "learning": 1} | {largest: 3 * 2**30}
    plan = MemoryPlan(
        held={name: parts[name] for name in ("levels", "worlds", "rollout", "learner")},
        playing=parts["playing"], learning=parts["learning"], available=2**30,
    )  # fmt: skip
    with pytest.raises(InputError, match=f"found '3.0 GiB', wanted at most 1.0 GiB. Lower {way_out}.*{largest} alone needs 3.0 GiB"):
        plan.check()
    dataclasses.replace(plan, available=4 * 2**30).check()
    dataclasses.replace(plan, available=None).check()


def test_a_cpu_has_its_share_of_the_memory_that_is_free(tmp_path, monkeypatch):
    file = tmp_path / "meminfo"
    file.write_text("MemTotal:       9000 kB\nMemFree:  10 kB\nMemAvailable:       4096 kB\n")
    monkeypatch.setattr(memory_plan, "MEMINFO", file)
    assert memory_plan.available(jax.local_devices()[:2]) == 2048 * 1024
    monkeypatch.setattr(memory_plan, "MEMINFO", tmp_path / "missing")
    assert memory_plan.available(jax.local_devices()) is None


def test_a_device_that_says_what_it_has_is_believed():
    class Device:
        platform = "gpu"

        def memory_stats(self) -> dict:
            return {"bytes_limit": 12345}

    assert memory_plan.available([Device()]) == 12345


def test_the_plan_is_printed_with_a_sum(plan):
    lines = dataclasses.replace(plan, available=3 * 2**30).lines()
    assert [line.split()[0] for line in lines] == [
        "memory",
        "levels",
        "worlds",
        "rollout",
        "learner",
        "playing",
        "or",
        "together",
        "available",
    ]
    assert lines[-1].endswith("3.0 GiB")
