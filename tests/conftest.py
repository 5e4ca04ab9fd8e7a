"""What all tests share: two CPU devices (so that sharing out is tested) and compiled programs kept between runs."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", os.path.join(tempfile.gettempdir(), "hypothesis"))  # not in the repository
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"

from launch import cli
from physics import devices

devices.use_quick_products()  # as all commands do, with which tests compare
cli.cache_compilations()

MAPPINGS = 20_000  # of memory, a few for every compiled program; a process may have 65,530
LONGEST = ("test_train.py", "test_gymnasium.py", "test_gymnax.py", "test_invariants.py", "test_golden.py")
SHORT_PROGRAMS = ("learners", "curriculum")  # folders whose tests run short programs that take long to compile


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files that take long first, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(autouse=True, scope="module")
def _quick_compilation(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let XLA leave short programs as they are."""
    import jax

    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", before or request.path.parent.name in SHORT_PROGRAMS)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture(autouse=True, scope="module")
def _room_for_programs() -> Iterator[None]:
    """Drop all compiled programs when there are very many: past the limit of mappings a process is aborted."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and len(maps.read_bytes().splitlines()) > MAPPINGS:
        import jax

        jax.clear_caches()
