"""Make every core count on a CPU.

XLA runs the small kernels of this engine on one core. With one host device a core, worlds are shared
out over devices and all cores work. Flags are read when JAX first touches a device, so both
functions must be called before; on a GPU they change nothing.
"""

import os
import re
from importlib.metadata import version

FLAG = "--xla_force_host_platform_device_count"
YNNPACK = "--xla_cpu_experimental_ynn_fusion_type"  # what XLA leaves to YNNPACK; it refuses to start with a flag it does not know


def use_all_cores() -> None:
    """Ask for one host device a core, unless the user has already said how many."""
    if FLAG not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = flags_with(_cores())


def use_quick_products() -> None:
    """Let XLA's own matrix products be used and not YNNPACK's, unless the user has said something about it.

    On two cores, 64 worlds of size s, a training iteration was 1.1 to 1.35 times as fast with the flat
    network and 1.06 times with the transformer. Only for the series of jaxlib this was measured with.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if YNNPACK not in flags and version("jaxlib").startswith("0.10."):
        os.environ["XLA_FLAGS"] = f"{flags} {YNNPACK}=".strip()


def flags_with(devices: int) -> str:
    """The XLA_FLAGS of this process, but with so many host devices."""
    flags = re.sub(rf"{FLAG}=\d+", "", os.environ.get("XLA_FLAGS", ""))
    return f"{flags} {FLAG}={devices}".strip()


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
