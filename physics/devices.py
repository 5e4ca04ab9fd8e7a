"""Make every core count on a CPU.

XLA runs the small kernels of this engine on one core. With one host device a core, worlds are shared
out over devices and all cores work. The flag is read when JAX first touches a device, so
`use_all_cores` must be called before; on a GPU it changes nothing.
"""

import os
import re

FLAG = "--xla_force_host_platform_device_count"


def use_all_cores() -> None:
    """Ask for one host device a core, unless the user has already said how many."""
    if FLAG not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = flags_with(_cores())


def flags_with(devices: int) -> str:
    """The XLA_FLAGS of this process, but with so many host devices."""
    flags = re.sub(rf"{FLAG}=\d+", "", os.environ.get("XLA_FLAGS", ""))
    return f"{flags} {FLAG}={devices}".strip()


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
