"""The scaling model against numbers worked out by hand."""

import dataclasses

import pytest

from cluster.scaling import GIB, Job, Machines, predict, reduce_seconds
from physics.errors import InputError

JOB = Job(
    worlds=1000, steps=64_000, scouted=6_000, evaluated=2_000, gradient_steps=10, levels=250, drawn=125, level_bytes=400,
    parameter_bytes=1_000_000, rollout_bytes=8 * GIB, world_bytes=2 * GIB, learner_bytes=3 * GIB, pool_bytes=GIB, learning_bytes=16 * GIB,
)  # fmt: skip
MACHINES = Machines(
    play_us=10, learn_us=5, draw_us=1000, count_us=200, gpus_per_node=4, memory_gib=64, link_gbyte=100, network_gbit=80, latency_us=50,
    store_gbyte=2, store_gib=100,
)  # fmt: skip


def test_one_gpu_does_everything_in_turn():
    found = predict(JOB, MACHINES, 1)
    assert found.busy_s == pytest.approx(
        {"players": 0.72, "learner": 0.32, "network": 0, "curriculum service": 0.125 + 0.05}
    )  # 72,000 x 10 us; 64,000 x 5 us; 125 drawn in 1 ms and 250 counted in 0.2 ms
    assert found.iteration_s == pytest.approx(1.215)
    assert found.steps_per_s == pytest.approx(64_000 / 1.215)
    assert found.network_gbit == 0
    assert found.memory_gib["every GPU"] == pytest.approx(3 + 1 + 10 + 16 + 3e6 / GIB)
    assert (found.nodes, found.saturates) == (1, "players")


def test_eight_gpus_of_two_machines_add_up_gradients_over_the_network():
    found = predict(JOB, MACHINES, 8)
    one = 2 * 7 / 8 * 1e6 / 10e9 + 2 * 3 * 50e-6  # ring at 80 Gbit/s, and a tree three deep there and back
    assert found.busy_s == pytest.approx({"players": 0.09, "learner": 0.04, "network": 10 * one, "curriculum service": 0.175})
    assert found.saturates == "curriculum service", "it alone does not get faster"
    assert found.network_gbit == pytest.approx(10 * 1.75e6 * 8 / 1e9 / found.iteration_s)
    assert found.memory_gib["every GPU"] == pytest.approx(4 + 10 / 8 + 2 + 3e6 / GIB)
    assert found.nodes == 2


def test_gpus_of_one_machine_use_its_links():
    assert reduce_seconds(1e9, 4, MACHINES) == pytest.approx(2 * 3 / 4 * 1e9 / 100e9 + 4 * 50e-6)
    assert reduce_seconds(1e9, 1, MACHINES) == 0


def test_split_moves_rollouts_of_far_players_to_the_learner():
    split = dataclasses.replace(MACHINES, topology="split", learner_gpus=2)
    found = predict(JOB, split, 10)  # 8 players on 3 machines, 2 of them beside the learner
    received = 8 * GIB * 6 / 8
    assert found.nodes == 3
    assert found.busy_s == pytest.approx(
        {
            "players": 70_000 * 10e-6 / 8, "learner": 0.16, "network": received / 10e9 + 10 * (1e6 / 100e9 + 2 * 50e-6),
            "object store": 2 * 8 * GIB / 2e9, "curriculum service": 0.175,
        }
    )  # fmt: skip
    assert found.iteration_s == pytest.approx(sum(found.busy_s.values()))
    assert found.network_gbit == pytest.approx(received * 8e-9 / found.iteration_s)
    assert found.memory_gib == pytest.approx({"a player": 2 * 10 / 8 + 1e6 / GIB, "a learner": 3 + (8 + 16) / 2 + 3e6 / GIB})
    assert found.store_gib == 16
    assert found.saturates == "object store"


def test_with_lag_the_slowest_decides_and_the_store_holds_more():
    lagging = dataclasses.replace(MACHINES, topology="split", max_lag=3, store_gbyte=1000, network_gbit=8000)
    found = predict(JOB, lagging, 2)
    assert found.iteration_s == pytest.approx(0.7)
    assert found.saturates == "players"
    assert found.store_gib == 5 * 8
    assert predict(JOB, dataclasses.replace(lagging, store_gib=39), 2).saturates == "object store"


def test_memory_that_does_not_suffice_comes_first():
    assert predict(JOB, dataclasses.replace(MACHINES, memory_gib=29), 1).saturates == "memory"
    assert predict(JOB, dataclasses.replace(MACHINES, memory_gib=29), 2).saturates == "players"


def test_a_figure_out_of_bounds_is_refused():
    with pytest.raises(InputError, match="network_gbit: found 0, wanted more than 0"):
        Machines(network_gbit=0)
