"""What is there for the compiler's sake.

XLA on a CPU has no fusion of kernels with several outputs: a value that several kernels read is
computed again in each of them, and a long chain of such values costs many times its arithmetic.
`optimization_barrier` does not stop it, as it is dissolved before fusion. A loop that never runs
does: its operands must exist in memory. On other platforms `materialise` does nothing.

It is called where a long expression is read more than once: stages of the narrow phase, finished rows,
and, in the sweeps, impulses and velocities after every visit. Measured on two cores at 2048 worlds, the
calls in the sweeps and in the correction of joints, with joints that read the difference of their bodies
in one sum, made a step 1.4, 2.2 and 1.9 times as fast at sizes s, m and l.
"""

from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import lax

T = TypeVar("T")


def _changed(leaf: jax.Array) -> jax.Array:
    return ~leaf if leaf.dtype == jnp.bool_ else leaf + jnp.ones((), leaf.dtype)


def materialise(values: T) -> T:
    """Return `values` unchanged; on a CPU each is computed exactly once."""
    full = [leaf for leaf in jax.tree.leaves(values) if leaf.size]
    if jax.default_backend() != "cpu" or not full:
        return values
    probe = full[0].reshape(-1)[0].astype(jnp.float32)
    never = (probe > 1e37).astype(jnp.int32)  # unknown to the compiler, false at run time

    def body(carry: tuple[jax.Array, T]) -> tuple[jax.Array, T]:
        return carry[0] - 1, jax.tree.map(_changed, carry[1])

    return lax.while_loop(lambda carry: carry[0] > 0, body, (never, values))[1]
