"""Every kind of curriculum in a whole run: levels come in, and a run that was stopped goes on as if it had not been."""

import dataclasses

import jax
import numpy as np
import pytest

from cluster import mesh as meshes
from cluster.base import CheckpointConfig
from cluster.checkpoint import Checkpoints
from cluster.local import Roles
from cluster.parts import Parts
from curriculum.base import KINDS
from launch.curricula.synthetic import KEEN
from tests.tiny import build_roles, settings, supervisor

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shared() -> Roles:
    """Worker, learner and evaluator are compiled once for all kinds."""
    return build_roles()


@pytest.mark.parametrize("kind", KINDS)
def test_six_iterations_are_three_and_three(kind, shared, tmp_path):
    words = [f"curriculum.kind={kind}", "evaluate.every=9"]
    if kind == "balance":  # keen, so that edits come in within three assignments
        words += [f"curriculum.{name}={value}" for name, value in KEEN.items()]

    def roles() -> Roles:
        return dataclasses.replace(shared, curriculum=Parts(settings(6, *words), meshes.make(2)).service())

    whole = supervisor(tmp_path / "whole", roles(), 6, *words)
    whole.begin()
    whole.run()
    first = supervisor(tmp_path / "parts", roles(), 3, *words)
    first.begin()
    first.run()
    second = supervisor(tmp_path / "parts", roles(), 6, *words, after=3)
    second.restore()
    second.run()
    states = [jax.tree.map(np.asarray, jax.device_get(run.state().curriculum)) for run in (whole, second)]
    jax.tree.map(np.testing.assert_array_equal, *states)
    if kind != "uniform":
        pool = states[0].pool
        assert pool.filled.all()
        assert pool.total_episodes.sum() > 0
        found = Checkpoints(tmp_path / "parts" / "checkpoints", CheckpointConfig()).restore_part({"curriculum": {"pool": pool}})[0]
        jax.tree.map(np.testing.assert_array_equal, found["curriculum"]["pool"], pool)
    if kind in ("accel", "balance"):
        assert states[0].pool.depth.max() > 0, "edits came in"
