"""Random streams by name: every use of chance in a run has its own, derived from the run's key.

`key(run, ASSIGN, 7)` is the same in a run that was never interrupted and in one that was resumed.
"""

import jax

INIT, ASSIGN, COLLECT, UPDATE, REFRESH, CURRICULUM, EVALUATE, STAGGER = range(8)


def key(run: jax.Array, stream: int, step: int = 0) -> jax.Array:
    """The key of a stream at a step."""
    return jax.random.fold_in(jax.random.fold_in(run, stream), step)
