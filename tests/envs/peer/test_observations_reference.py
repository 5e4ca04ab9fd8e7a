"""Kinetix' observations, as we make them, are what the published package makes of the same states.

FULCRUM_PEER_PYTHON=DIR/bin/python python -m pytest -m peer tests/envs/peer

`tests/physics/peer/setup.sh DIR` makes the environment.
"""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from envs.observations import observer
from envs.observations.kinetix.entities import KinetixEntities
from tests.physics.peer import environment, published

pytestmark = pytest.mark.peer

SCRIPT = Path(__file__).parent / "observe_reference.py"
SIZES = ("s", "m", "l")
CONTACT = 3  # of the attention masks
ROWS = {"circles": "circle_mask", "polygons": "polygon_mask", "joints": "joint_mask", "thrusters": "thruster_mask"}

Found = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Found:
    out = tmp_path_factory.mktemp("reference") / "observed.npz"
    environment.run(str(SCRIPT), out)
    return dict(np.load(out))


def part(found: Found, prefix: str) -> Found:
    return {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}


def observe(kind: str, found: Found, size: str, when: str = "after") -> Any:
    level = published.to_levels(part(found, f"{size}/{when}/"))
    return jax.tree.map(np.asarray, jax.jit(observer(kind))(level, level.start))


@pytest.mark.parametrize("size", SIZES)
def test_entities_are_those_of_the_reference(reference: Found, size: str):
    theirs, ours = part(reference, f"{size}/entities/"), observe("kinetix_entities", reference, size)
    for name, mask in ROWS.items():
        np.testing.assert_array_equal(getattr(ours, mask), theirs[mask], err_msg=mask)
        assert getattr(ours, name).shape == theirs[name].shape
        np.testing.assert_allclose(getattr(ours, name)[theirs[mask]], theirs[name][theirs[mask]], rtol=1e-5, atol=1e-5, err_msg=name)
    np.testing.assert_array_equal(ours.joint_indexes, theirs["joint_indexes"])
    used = theirs["thruster_mask"]
    np.testing.assert_array_equal(ours.thruster_indexes[used], theirs["thruster_indexes"][used])


@pytest.mark.parametrize("size", SIZES)
def test_attention_masks_are_those_of_the_reference(reference: Found, size: str):
    theirs, ours = reference[f"{size}/entities/attention_mask"], observe("kinetix_entities", reference, size).attention_mask
    np.testing.assert_array_equal(ours[:, :CONTACT], theirs[:, :CONTACT])
    before: KinetixEntities = observe("kinetix_entities", reference, size, "before")
    differing = before.attention_mask[:, CONTACT] != theirs[:, CONTACT]
    assert theirs[:, CONTACT].sum() >= 10
    assert differing.sum() <= 0.1 * theirs[:, CONTACT].sum(), "contacts are those of the beginning of the last step"


@pytest.mark.parametrize("size", SIZES)
def test_flat_rows_are_those_of_the_reference(reference: Found, size: str):
    np.testing.assert_allclose(observe("kinetix_flat", reference, size).features, reference[f"{size}/flat"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(observe("kinetix_flat_padded", reference, size).rows, reference[f"{size}/flat_padded"], rtol=1e-5, atol=1e-5)
