"""What a curriculum costs, measured at a tiny size."""

import numpy as np
import pytest

from curriculum.hashing import hash_levels
from envs import sizes
from launch.benchmark import curriculum
from launch.benchmark.curriculum import CurriculumBenchmark
from physics.errors import InputError


def test_every_kind_and_pool_is_a_row_with_its_share_of_an_iteration():
    config = CurriculumBenchmark(kinds="uniform,sfl", pools="8,12", worlds=4, steps=10, steps_per_s=100.0, rounds=1)
    rows = list(curriculum.run(config, profile=False))
    assert [(row["what"].split()[-1], row["pool"]) for row in rows] == [("uniform", 8), ("sfl", 8), ("uniform", 12), ("sfl", 12)]
    for row in rows:
        seconds = (row["assign_ms"] + row["record_ms"]) / 1000
        assert row["share"] == pytest.approx(seconds / (seconds + 4 * 10 / 100), abs=1e-3)


def test_levels_of_the_pool_all_differ():
    hashes = np.asarray(hash_levels(curriculum.distinct(sizes.capacity("s"), 600)))
    assert len({tuple(pair) for pair in hashes.T}) == 600


@pytest.mark.parametrize("words", [{"kinds": "sfl,named"}, {"pools": "10,0"}, {"pools": "many"}])
def test_what_cannot_be_measured_is_refused(words: dict):
    with pytest.raises(InputError):
        CurriculumBenchmark(**words)
