"""The Ray backend: every role an actor. The only place that imports Ray, which reads its environment when it is imported."""

import importlib.util
import os

from physics.errors import InputError

if importlib.util.find_spec("ray") is None:
    raise InputError(
        "cluster.backend=ray", found="no Ray in this Python", wanted="the package ray",
        fix="`source launch/setup.sh cluster` installs it; cluster.backend=local needs none.",
    )  # fmt: skip

os.environ.setdefault("RAY_worker_niceness", "0")  # it would put actors behind everyone else; here they are what the machine is for
os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")  # of a lost actor every value fails, and asking for one of them is enough
