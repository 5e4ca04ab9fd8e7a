"""Curricula compared over real runs: pairs of seeds, their intervals, and the table."""

import math

import numpy as np

from launch.curricula import real
from launch.curves import Curve


def _group(*finals: float) -> list[Curve]:
    return [Curve("run", [0, 100], [0.0, final]) for final in finals]


def test_a_curriculum_is_compared_in_pairs_of_the_same_seed():
    found = real.compare({"uniform": _group(0.1, 0.2, 0.3), "sfl": _group(0.15, 0.26, 0.34)})
    gain = np.array([0.05, 0.06, 0.04])
    assert math.isclose(found["sfl"].gain, gain.mean())
    assert math.isclose(found["sfl"].spread, 4.303 * gain.std(ddof=1) / math.sqrt(3))
    assert found["sfl"].significant
    assert not found["uniform"].significant


def test_one_seed_is_never_significant():
    found = real.compare({"uniform": _group(0.1), "sfl": _group(0.9)})
    assert math.isinf(found["sfl"].spread)
    assert not found["sfl"].significant


def test_the_table_says_every_seed_the_mean_and_what_is_significant():
    found = real.compare({"uniform": _group(0.1, 0.2, 0.3), "sfl": _group(0.15, 0.26, 0.34), "plr": _group(0.3, 0.2, 0.1)})
    lines = real.table({"random levels": found})
    assert lines[0] == "| curriculum | random levels | more than uniform |"
    assert lines[2] == "| uniform | **20.0%** (10.0%, 20.0%, 30.0%) | |"
    assert lines[3] == "| sfl | **25.0%** (15.0%, 26.0%, 34.0%) | +5.0 ± 2.5 points, significant |"
    assert "significant" not in lines[4]


def test_runs_differ_in_curriculum_and_seed_alone(tmp_path):
    config = real.Real(folder=str(tmp_path))
    one, other = (real.settings(config, kind, seed) for kind, seed in (("uniform", 0), ("sfl", 2)))
    assert (one.curriculum.kind, other.curriculum.kind) == ("uniform", "sfl")
    assert (one.run.seed, other.run.seed) == (0, 2)
    assert (one.ppo, one.optimizer, one.network, one.evaluate) == (other.ppo, other.optimizer, other.network, other.evaluate)
