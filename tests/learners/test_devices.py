"""One device, two and four learn the same. Four need a process of their own: the tests' has two."""

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import json, sys
sys.path.insert(0, {folder!r})
import jax, numpy as np
from linear_policy import PARTS, update, weights
found = {{devices: update(weights(0), rate=0.1, config=PARTS, devices=devices) for devices in (1, 2, 4)}}
apart = lambda a, b: max(float(np.abs(a[name] - b[name]).max()) for name in a)
print(json.dumps([len(jax.devices()), apart(found[1][0], found[2][0]), apart(found[1][0], found[4][0]), apart(found[1][0], weights(0)),
    max(abs(found[1][1][name] - found[4][1][name]) for name in found[1][1])]))
"""


def test_one_device_two_and_four_take_the_same_steps():
    """Eight gradient steps. Sums are added up in another order: equal to 1e-6, where weights moved by more than 1e-3."""
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu", "PYTHONPATH": os.getcwd()}
    program = PROGRAM.format(folder=str(Path(__file__).parent))
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, **flags}, timeout=240)
    assert found.returncode == 0, found.stderr
    devices, two, four, moved, metrics = json.loads(found.stdout)
    assert devices == 4
    assert moved > 1e-3
    assert two < 1e-6
    assert four < 1e-6
    assert metrics < 1e-5
