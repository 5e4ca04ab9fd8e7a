"""What is there for the compiler's sake.

XLA on a CPU has no fusion of kernels with several outputs: a value that several kernels read is
computed again in each of them, and a long chain of such values costs many times its arithmetic.
`optimization_barrier` does not stop it, as it is dissolved before fusion. A call that is not inlined
does: its operands must exist in memory, and returning them as they are copies nothing. On other platforms
`materialise` does nothing. With a loop that never runs, which does the same, the program of a step of size m
has 11,973 instructions instead of 10,196 and took about a sixth longer to compile.

It is called where a long expression is read more than once: stages of the narrow phase, finished rows,
and, in the sweeps, impulses and velocities after every visit. Measured on two cores at 2048 worlds, the
calls in the sweeps and in the correction of joints, with joints that read the difference of their bodies
in one sum, made a step 1.4, 2.2 and 1.9 times as fast at sizes s, m and l.

`Packed` keeps many arrays of one shape in one. Cutting the rows of contacts into colours is then one copy
a colour instead of one a field, and contacts come into the order of their slots in two kernels instead of six. As
equal programs are compiled once, the colours share their kernels, as do joints; slices share theirs where the
compiler does not know where they begin. With all that, and joints that find their bodies by index, a step of size l
had 259 different kernels instead of 491 (20 to 45 ms of processor time each, however little they do). What is repeated for
every colour or joint is traced once, under `jax.jit`: 1.4 s instead of 2.1 to 3.0 at size l.
"""

import contextlib
import functools
import itertools
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental.xla_metadata import set_xla_metadata

T = TypeVar("T")
_zero: ContextVar[jax.Array | None] = ContextVar("zero", default=None)


@contextlib.contextmanager
def one_zero(values: jax.Array) -> Iterator[None]:
    """Let every `cut` and `each` inside count from one zero made of `values`, which on a CPU the compiler does not see."""
    token = _zero.set(_nothing(values) if jax.default_backend() == "cpu" else None)
    try:
        yield
    finally:
        _zero.reset(token)


def materialise(values: T) -> T:
    """Return `values` unchanged; on a CPU each is computed exactly once."""
    if jax.default_backend() != "cpu":
        return values
    with set_xla_metadata(inlineable=False):
        return _as_they_are(values)


@jax.jit
def _as_they_are(values: T) -> T:
    return lax.optimization_barrier(values)  # without it JAX would see that nothing is done, and leave out the call


@dataclass(frozen=True)
class Packed(Generic[T]):
    """A struct whose arrays all end in the same axes, as one array `[fields, ...]`; an array with an axis more has several fields."""

    values: jax.Array
    structure: Any
    lengths: tuple[int, ...]  # of that axis of every array, 0 where there is none

    def open(self) -> T:
        """The struct again; its arrays are views that fuse into the kernels that read them."""
        ends = itertools.accumulate(max(1, length) for length in self.lengths)
        return jax.tree.unflatten(
            self.structure,
            [self.values[end - length : end] if length else self.values[end - 1] for end, length in zip(ends, self.lengths, strict=True)],
        )

    def of(self, values: jax.Array) -> "Packed[T]":
        """Other arrays of the same struct, for example some rows of these."""
        return Packed(values, self.structure, self.lengths)

    def each(self) -> list["Packed[T]"]:
        """Every row for itself, without the axis of rows."""
        return [self.of(values) for values in each(self.values)]


jax.tree_util.register_dataclass(Packed, data_fields=["values"], meta_fields=["structure", "lengths"])


def cut(values: jax.Array, parts: int, size: int, begin: int = 0) -> list[jax.Array]:
    """`parts` parts of the second axis, each of `size` and in memory of its own, the first from `begin` on."""
    part = functools.partial(lax.dynamic_slice_in_dim, values, slice_size=size, axis=1, allow_negative_indices=False)
    return [materialise(part(at)) for at in hidden(parts, size, begin)]


def each(values: jax.Array, axis: int = 1) -> list[jax.Array]:
    """The entries of an axis, each in memory of its own."""
    entry = functools.partial(lax.dynamic_index_in_dim, values, axis=axis, keepdims=False, allow_negative_indices=False)
    return [materialise(entry(i)) for i in hidden(values.shape[axis])]


def hidden(count: int, step: int = 1, begin: int = 0) -> Iterator[jax.Array]:
    """`begin` and so on by `step`, hidden inside `one_zero`: slices that begin there are equal programs and share one compiled copy."""
    zero = _zero.get()
    index = (jnp.zeros((), jnp.int32) if zero is None else zero) + begin  # a call of constants alone is folded, and would hide nothing
    for _ in range(count):
        yield index
        index = materialise(index + step)


def _nothing(values: jax.Array) -> jax.Array:
    """0, as no number is above 0 and not a number."""
    number = values.reshape(-1)[0]
    return materialise(((number != number) & (number > 0)).astype(jnp.int32))


def pack(struct: T) -> Packed[T]:
    """Put the arrays of a struct, `[rows, W]` or `[fields, rows, W]`, behind one another."""
    leaves, structure = jax.tree.flatten(struct)
    lengths = tuple(leaf.shape[0] if leaf.ndim > 2 else 0 for leaf in leaves)
    shape = jnp.broadcast_shapes(*(leaf.shape[-2:] for leaf in leaves))
    parts = [jnp.broadcast_to(leaf, (max(1, length), *shape)) for leaf, length in zip(leaves, lengths, strict=True)]
    return Packed(materialise(jnp.concatenate(parts)), structure, lengths)
