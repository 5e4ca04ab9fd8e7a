"""The engine plays the published hand-made levels as the reference does.

FULCRUM_PEER_PYTHON=DIR/bin/python python -m pytest -m peer tests/physics/peer -s

`setup.sh DIR` makes the environment. How well it can agree: contacts are chaotic, so the reference
differs from itself too when 0.1 mm of noise is put on the start; the table shows both.
"""

import sys

import numpy as np
import pytest

from tests.physics.peer import agreement, environment
from tests.physics.peer.agreement import KINDS, Agreement

pytestmark = pytest.mark.peer

LEVELS = 74
LEAST_ALIKE = 216  # outcomes of 222
FARTHEST = 0.01  # m, median after a second


@pytest.fixture(scope="module")
def agreements(tmp_path_factory: pytest.TempPathFactory) -> list[Agreement]:
    """What the reference and we made of the same levels under the same actions; printed as a table."""
    out = tmp_path_factory.mktemp("reference") / "played.npz"
    environment.run("play_reference.py", out)
    found = agreement.compare(dict(np.load(out)))
    sys.stdout.write("\n" + agreement.table(found) + "\n")
    return found


def test_all_published_levels_were_played(agreements: list[Agreement]):
    for kind in KINDS:
        assert len(agreement.all_sizes(agreements, kind).names) == LEVELS


def test_outcomes_are_those_of_the_reference(agreements: list[Agreement]):
    differing = [line for one in agreements for line in one.differing()]
    assert LEVELS * len(KINDS) - len(differing) >= LEAST_ALIKE, "\n".join(differing)


@pytest.mark.parametrize("kind", KINDS)
def test_bodies_are_where_the_reference_has_them_after_a_second(agreements: list[Agreement], kind: str):
    assert np.median(agreement.all_sizes(agreements, kind).apart[:, -1]) <= FARTHEST


def test_outcomes_are_not_all_alike(agreements: list[Agreement]):
    """Were nothing ever solved or failed, agreement would be worth nothing."""
    for outcome in (-1, 0, 1):
        assert sum((one.theirs == outcome).sum() for one in agreements) >= 20
