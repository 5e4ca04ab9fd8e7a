"""What a compiled program asks of a device, and how much of what the device could do at best that is."""

from typing import Any

# Dense matrix products, operations a second, by a part of the device's name: as JAX does float32 there by default (TF32
# where there is such a thing), and bfloat16. From the makers' data sheets. A device that is not here has no known peak.
PEAKS = {
    "H100 PCIe": {"float32": 378e12, "bfloat16": 756e12},
    "H100": {"float32": 494.7e12, "bfloat16": 989.4e12},
    "H200": {"float32": 494.7e12, "bfloat16": 989.4e12},
    "A100": {"float32": 156e12, "bfloat16": 312e12},
    "L4": {"float32": 60e12, "bfloat16": 121e12},
    "TPU v4": {"bfloat16": 275e12},
    "TPU v5 lite": {"bfloat16": 197e12},
    "TPU v5": {"bfloat16": 459e12},
    "TPU v6 lite": {"bfloat16": 918e12},
}


def share(flops_per_step: float | None, steps_per_s: float, kind: str, precision: str) -> float | None:
    """The share of a device's peak that a speed on it is; None where either is not known."""
    known = next((speeds for name, speeds in PEAKS.items() if name in kind), {})
    best = known.get(precision)
    return round(flops_per_step * steps_per_s / best, 5) if flops_per_step and best else None


def flops(program: Any) -> float | None:
    """Floating-point operations of a lowered or compiled program, loops once; None where the backend does not say."""
    found = program.cost_analysis()
    found = found[0] if isinstance(found, list) else found
    return float(found["flops"]) if found and "flops" in found else None


def memory_mb(device: Any, compiled: Any) -> float | None:
    """Most memory in use on a JAX device so far, in millions of bytes; where it does not say, what a program asks for."""
    told = device.memory_stats()
    if told and "peak_bytes_in_use" in told:
        return round(told["peak_bytes_in_use"] / 1e6, 1)
    asked = compiled.memory_analysis()
    if asked is None:
        return None
    kept = asked.argument_size_in_bytes + asked.output_size_in_bytes - asked.alias_size_in_bytes
    return round((kept + asked.temp_size_in_bytes) / 1e6, 1)
