"""Trajectories are the ones on record in `golden.json`: to the bit where the record was made, roughly anywhere else."""

import dataclasses
import json

import numpy as np
import pytest

from tests.physics import golden
from tests.physics.scenes import CONFIGS, Run

AGREE = 2e-3  # m; rounding grows to less than this in the steps on record
HOW = (
    "If the change was meant to change trajectories, write the record anew with `python -m tests.physics.golden` and commit it "
    "with the change; if it was not (a refactoring, a faster kernel said to compute the same), something is wrong."
)
every_scene = pytest.mark.parametrize("name", golden.SCENES)
every_method = pytest.mark.parametrize("method", CONFIGS)


@pytest.fixture(scope="module")
def record() -> dict:
    return json.loads(golden.FILE.read_text())


@pytest.fixture(scope="module")
def runs() -> dict:
    """Trajectories by method and scene, each made once."""
    return {}


def trajectory(runs: dict, method: str, name: str) -> Run:
    key = f"{method}/{name}"
    if key not in runs:
        runs[key] = golden.simulate(name, CONFIGS[method])
    return runs[key]


@every_scene
@every_method
def test_positions_are_those_on_record(method, name, record, runs):
    found = golden.coarse(name, trajectory(runs, method, name))
    expected = record["scenes"][f"{method}/{name}"]["positions"]
    assert found.keys() == expected.keys(), f"{name} has other steps on record. {HOW}"
    for step, positions in expected.items():
        np.testing.assert_allclose(found[step], positions, atol=AGREE, err_msg=f"{name} after {step} steps. {HOW}")


@every_scene
@every_method
def test_bits_are_those_on_record(method, name, record, runs):
    here = golden.fingerprint()
    if here != record["fingerprint"]:
        changed = [key for key in here if here[key] != record["fingerprint"].get(key)]
        pytest.skip(f"the record was made with another {', '.join(changed)}")
    found = golden.bits(trajectory(runs, method, name))
    assert found == record["scenes"][f"{method}/{name}"]["bits"], f"{name} is not the same to the bit. {HOW}"


def test_the_record_holds_the_scenes_there_are(record):
    assert record["scenes"].keys() == {f"{method}/{name}" for method in CONFIGS for name in golden.SCENES}, HOW


def test_a_difference_in_the_last_bit_is_seen(runs):
    done = trajectory(runs, next(iter(CONFIGS)), "stack")
    vel = np.array(done.vel)
    vel[199, 0, 0, 0] = np.nextafter(vel[199, 0, 0, 0], np.float32(9))
    other = Run(dataclasses.replace(done.motion, vel=vel), done.touching, done.state)
    assert golden.bits(other) != golden.bits(done)
