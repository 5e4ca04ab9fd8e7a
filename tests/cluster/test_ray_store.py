"""What is said of the object store, against a store that is filled by hand."""

import logging
import time

import numpy as np
import pytest

from tests.cluster.on_ray import place

ray = pytest.importorskip("ray")
store = pytest.importorskip("cluster.ray.store")

pytestmark = pytest.mark.ray

MB = 2**20


@pytest.fixture
def small(monkeypatch):
    """A cluster with room for 80 MB."""
    with place() as env:
        monkeypatch.setenv("RAY_TMPDIR", env["RAY_TMPDIR"])
        ray.init(
            address="local",
            num_cpus=1,
            include_dashboard=False,
            object_store_memory=80 * MB,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        yield
        ray.shutdown()


def said(least: float, most: float) -> dict[str, float]:
    """Wait until so many bytes are held: it is known a little later."""
    for _ in range(100):
        found = store.scalars()
        if least <= found["cluster/store_bytes"] <= most:
            return found
        time.sleep(0.1)
    pytest.fail(f"found {found}")


@pytest.mark.usefixtures("small")
def test_the_store_says_what_it_holds_and_what_went_to_disk():
    assert said(0, 0)["cluster/spilled_bytes"] == 0
    held = [ray.put(np.ones(20 * MB, np.uint8)) for _ in range(2)]
    assert said(40 * MB, 41 * MB)["cluster/spilled_bytes"] == 0
    held += [ray.put(np.ones(20 * MB, np.uint8)) for _ in range(4)]
    found = said(20 * MB, 80 * MB)
    assert found["cluster/store_bytes"] + found["cluster/spilled_bytes"] >= 120 * MB
    held.clear()
    said(0, 0)
