"""From settings to a Ray backend whose actors run, and what is said of the plan."""

from collections.abc import Callable

import jax

from cluster.base import RunConfig
from cluster.ray import connect, plan
from cluster.ray.backend import RayBackend


def backend(config: RunConfig, say: Callable[[str], None]) -> RayBackend:
    """The actors of a run; `InputError` if settings or cluster do not allow it."""
    jax.config.update("jax_platforms", "cpu")  # this process drives; devices are for the actors
    made = plan.make(config)
    connect.connect(config.cluster, made)  # before JAX starts threads here, as Ray forks
    started = RayBackend(config, made)
    say("\n".join(made.lines(plan.in_words(config, *plan.traffic(config)))))
    started.wait_for_all(lambda what, role, **more: say(f"  {role:<22}{what}  {'  '.join(str(value) for value in more.values())}"))
    return started
