"""From settings to a Ray backend whose actors run, with the plan said before."""

from collections.abc import Callable

import jax

from cluster.base import RunConfig
from cluster.ray import connect, plan
from cluster.ray.backend import RayBackend


def backend(config: RunConfig, say: Callable[[str], None]) -> RayBackend:
    """The actors of a run; `InputError` if settings or cluster do not allow it."""
    jax.config.update("jax_platforms", "cpu")  # this process drives; devices are for the actors
    made = plan.make(config)
    say("\n".join(made.lines()))
    connect.connect(config.cluster, made)
    started = RayBackend(config, made, lambda what, role, **said: say(f"{what}: {role} {said.get('cause', '')}"))
    for need, about in zip(made.needs, started.wait_for_all(), strict=True):
        say(f"  {need.name:<22}runs on {about.machine} as process {about.process} with {about.devices}")
    return started
