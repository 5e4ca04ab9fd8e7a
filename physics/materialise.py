"""What is there for the compiler's sake.

XLA on a CPU has no fusion of kernels with several outputs: a value that several kernels read is
computed again in each of them, and a long chain of such values costs many times its arithmetic.
`optimization_barrier` does not stop it, as it is dissolved before fusion. A loop that never runs
does: its operands must exist in memory. On other platforms `materialise` does nothing. What the loop would
do must change every operand, or it is taken out of the loop: it exchanges them, the only one of its shape with
a copy of itself. Copies need no kernel; adding one to each takes 331 kernels instead of 289 at size m.

It is called where a long expression is read more than once: stages of the narrow phase, finished rows,
and, in the sweeps, impulses and velocities after every visit. Measured on two cores at 2048 worlds, the
calls in the sweeps and in the correction of joints, with joints that read the difference of their bodies
in one sum, made a step 1.4, 2.2 and 1.9 times as fast at sizes s, m and l.

The condition of such a loop is a number that the compiler cannot know. `one_condition` works it out once
for all loops inside; a condition of its own in every loop, with the comparison, made a step of size l 16 %
slower.

`Packed` keeps many arrays of one shape in one. Cutting the rows of contacts into colours is then one copy
a colour instead of one a field, and as equal programs are compiled once, the colours share their kernels,
as do joints; slices share theirs where the compiler does not know where they begin. With all that, and joints
that find their bodies by index, a step of size l had 320 different kernels instead of 491 (about 35 ms of processor
time each). `traced_once` spares tracing what repeats: 1.4 s instead of 2.1 to 3.0 at size l.
"""

import collections
import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
from jax import lax

T = TypeVar("T")
F = TypeVar("F", bound=Callable)
_never: ContextVar[jax.Array | None] = ContextVar("never", default=None)


@contextlib.contextmanager
def one_condition(values: Any) -> Iterator[None]:
    """Let every `materialise` inside share one condition, worked out from the first number of `values`."""
    with _condition(_impossible(jax.tree.leaves(values)[0])):
        yield


@contextlib.contextmanager
def _condition(never: jax.Array | None) -> Iterator[None]:
    token = _never.set(never)
    try:
        yield
    finally:
        _never.reset(token)


def traced_once(function: F) -> F:
    """Let calls on structs of the same shapes share one trace: for what is repeated for every colour or joint.

    Only `config`, given by name, is static. What is compiled is the same as without.
    """

    @functools.partial(jax.jit, static_argnames="config")
    def traced(never: jax.Array | None, *arguments: Any, config: Any) -> Any:
        with _condition(never):
            return function(*arguments) if config is None else function(*arguments, config=config)

    def call(*arguments: Any, config: Any = None) -> Any:
        return traced(_never.get(), *arguments, config=config)

    return functools.wraps(function)(call)  # type: ignore[return-value]


def _impossible(leaf: jax.Array) -> jax.Array:
    """False, but the compiler does not see it: no number is above 0 and not a number."""
    number = leaf.reshape(-1)[0].astype(jnp.float32)
    return (number != number) & (number > 0)


def _exchanged(leaves: list[jax.Array]) -> list[jax.Array]:
    """Every array in the place of the next one of its shape."""
    alike = collections.defaultdict(list)
    for leaf in leaves:
        alike[leaf.shape, leaf.dtype].append(leaf)
    following = {kind: itertools.cycle([*ring[1:], ring[0]]) for kind, ring in alike.items()}
    return [next(following[leaf.shape, leaf.dtype]) for leaf in leaves]


def _alone(leaves: list[jax.Array]) -> list[jax.Array]:
    """Those without their like."""
    count = collections.Counter((leaf.shape, leaf.dtype) for leaf in leaves)
    return [leaf for leaf in leaves if count[leaf.shape, leaf.dtype] == 1]


def materialise(values: T) -> T:
    """Return `values` unchanged; on a CPU each is computed exactly once."""
    leaves, structure = jax.tree.flatten(values)
    full = [leaf for leaf in leaves if leaf.size]
    if jax.default_backend() != "cpu" or not full:
        return values
    shared = _never.get()
    never = _impossible(full[0]) if shared is None else shared

    def body(carry: tuple[jax.Array, list[jax.Array]]) -> tuple[jax.Array, list[jax.Array]]:
        return carry[0], _exchanged(carry[1])

    _, kept = lax.while_loop(lambda carry: carry[0], body, (never, leaves + _alone(leaves)))
    return jax.tree.unflatten(structure, kept[: len(leaves)])


@dataclass(frozen=True)
class Packed(Generic[T]):
    """A struct whose arrays all have one shape, as one array `[fields, ...]`."""

    values: jax.Array
    structure: Any

    def open(self) -> T:
        """The struct again; its arrays are views that fuse into the kernels that read them."""
        return jax.tree.unflatten(self.structure, list(self.values))

    def cut(self, parts: int) -> list["Packed[T]"]:
        """The rows of every array in `parts` parts, one after the other, each in memory of its own."""
        return [Packed(values, self.structure) for values in cut(self.values, parts)]

    def each(self) -> list["Packed[T]"]:
        """Every row for itself, without the axis of rows."""
        return [Packed(values, self.structure) for values in each(self.values)]


jax.tree_util.register_dataclass(Packed, data_fields=["values"], meta_fields=["structure"])


def cut(values: jax.Array, parts: int) -> list[jax.Array]:
    """The second axis in `parts` equal parts, each in memory of its own."""
    size = values.shape[1] // parts
    return [materialise(lax.dynamic_slice_in_dim(values, begin, size, axis=1)) for begin in _hidden(parts, size)]


def each(values: jax.Array, axis: int = 1) -> list[jax.Array]:
    """The entries of an axis, each in memory of its own."""
    return [materialise(lax.dynamic_index_in_dim(values, i, axis, keepdims=False)) for i in _hidden(values.shape[axis], 1)]


def _hidden(count: int, step: int) -> Iterator[jax.Array]:
    """0, `step`, 2 `step`, ... hidden from the compiler: slices that begin there are equal programs and share one compiled copy."""
    index = materialise(jnp.zeros((), jnp.int32))
    for _ in range(count):
        yield index
        index = materialise(index + step)


def pack(struct: T) -> Packed[T]:
    """Stack the arrays of a struct."""
    leaves, structure = jax.tree.flatten(struct)
    return Packed(materialise(jnp.stack(jnp.broadcast_arrays(*leaves))), structure)
