"""Every configuration that is shipped is one that can be run."""

from pathlib import Path

import pytest

from cluster import parts
from launch import config

FILES = sorted(Path("configs").rglob("*.yaml"))
DEVICES = {"laptop": 2, "one_gpu": 1, "node_8_gpus": 7, "two_nodes_8_gpus": 12, "gang_two_nodes": 16}  # that play


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_of_settings_is_read(path):
    assert config.load([str(path)], base=config.DEFAULTS)


@pytest.mark.parametrize("name", DEVICES)
def test_settings_for_a_cluster_deal_worlds_evenly_to_its_devices(name):
    chosen = config.load([f"configs/cluster/{name}.yaml"], base=config.DEFAULTS)
    platform = "cpu" if name == "laptop" else "gpu"
    parts.check(chosen, DEVICES[name], platform)
    if chosen.cluster.topology == "colocated":
        assert chosen.cluster.processes * chosen.cluster.learner_devices == DEVICES[name]
    elif chosen.cluster.backend == "ray":
        assert chosen.cluster.workers * chosen.cluster.worker_devices == DEVICES[name]
        minibatches = chosen.ppo.minibatches(chosen.run.worlds, chosen.run.rollout_length, DEVICES[name])
        assert chosen.run.worlds // minibatches % chosen.cluster.learner_devices == 0
