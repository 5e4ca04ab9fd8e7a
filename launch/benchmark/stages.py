"""How the time of a compiled program divides into stages: JAX's profiler, read by named scope.

Every stage of the engine runs under `jax.named_scope`, which the compiler keeps with each operation.
The profiler says how long each operation took; adding up by scope gives the stages.
"""

import collections
import gzip
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import jax

OPERATION = re.compile(r'^\s*(?:ROOT )?%?([\w.\-]+) = .*metadata=\{op_name="([^"]*)"', re.MULTILINE)
NESTING = ("while", "call", "conditional")  # their time is that of the operations inside
OUTER = "physics.step/"


def divide(compiled: Any, arguments: tuple) -> dict[str, float]:
    """Seconds of one run a stage, summed over devices, longest first."""
    operations = dict(OPERATION.findall(compiled.as_text()))
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            jax.block_until_ready(compiled(*arguments))
        [trace] = Path(folder).rglob("*.trace.json.gz")
        events = json.loads(gzip.decompress(trace.read_bytes()))["traceEvents"]
    seconds: collections.Counter = collections.Counter()
    for event in events:
        name = event.get("name", "")
        if event.get("ph") == "X" and name in operations and not name.startswith(NESTING):
            seconds[_stage(operations[name])] += event["dur"] * 1e-6
    return dict(seconds.most_common())


def _stage(scope: str) -> str:
    """The innermost named scope inside a physics step; scopes have a dot, as in `solve.joints`."""
    inside = scope.partition(OUTER)[2]
    known = [part for part in inside.split("/") if "." in part]
    return known[-1] if known else "outside of stages"
