"""Structs of arrays whose fields declare their axes, dtype and unit.

One declaration has four readers: `zeros` allocates from it, `check` validates against it, people
read it as documentation, and pyright sees ordinary dataclass fields. Every array may carry one
extra axis at the very end, the worlds; a single scene has none, and `stack` adds it.

Functions that rearrange worlds are compiled: leaf by leaf, JAX would compile every leaf's operation.
It knows nothing of physics. Letters of axes are listed in `physics.base`.
"""

import dataclasses
import functools
import typing
from collections.abc import Sequence
from typing import Any, TypeVar, dataclass_transform

import jax
import jax.numpy as jnp
import numpy as np

from physics.errors import InputError

T = TypeVar("T")

_ARRAY = "fulcrum_array"


@dataclasses.dataclass(frozen=True)
class Declared:
    """What a field says of its array: axis names, dtype and unit."""

    axes: tuple[str, ...]
    dtype: Any
    unit: str

    def shape(self, dims: dict[str, int]) -> tuple[int, ...]:
        """The array's shape for the given sizes of letters; digits in `axes` stand for themselves."""
        return tuple(int(axis) if axis.isdigit() else dims[axis] for axis in self.axes)


def array(axes: str = "", dtype: Any = jnp.float32, unit: str = "") -> Any:
    """Declare a field that holds an array, for example `array("2 N", unit="m")`."""
    return dataclasses.field(metadata={_ARRAY: Declared(tuple(axes.split()), dtype, unit)})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(array,))
def struct(cls: type[T]) -> type[T]:
    """Make `cls` a frozen, keyword-only dataclass that JAX treats as a pytree of its fields."""
    made = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    names = [field.name for field in dataclasses.fields(made)]  # type: ignore[arg-type]
    return jax.tree_util.register_dataclass(made, data_fields=names, meta_fields=[])


def declarations(cls: type) -> dict[str, Declared | type]:
    """Field name -> its `Declared` array, or the struct class nested there."""
    hints = typing.get_type_hints(cls)
    fields = dataclasses.fields(cls)
    return {field.name: field.metadata.get(_ARRAY, hints[field.name]) for field in fields}


def zeros(cls: type[T], *, worlds: int | None = None, **dims: int) -> T:
    """Allocate a `cls` of zeros; `dims` gives the size of each letter, `worlds` the last axis if any."""
    tail = () if worlds is None else (worlds,)
    values = {}
    for name, declared in declarations(cls).items():
        if isinstance(declared, Declared):
            values[name] = jnp.zeros(declared.shape(dims) + tail, declared.dtype)
        else:
            values[name] = zeros(declared, worlds=worlds, **dims)
    return cls(**values)


def check(value: Any, *, worlds: int | None = None, path: str = "", **dims: int) -> None:
    """Raise `InputError` naming the first field whose shape or dtype is not what was declared."""
    tail = () if worlds is None else (worlds,)
    for name, declared in declarations(type(value)).items():
        where = f"{path}.{name}" if path else f"{type(value).__name__}.{name}"
        found = getattr(value, name)
        if not isinstance(declared, Declared):
            check(found, worlds=worlds, path=where, **dims)
            continue
        shape, dtype = declared.shape(dims) + tail, np.dtype(declared.dtype)
        if tuple(found.shape) != shape or found.dtype != dtype:
            raise InputError(where, found=f"{found.dtype}{list(found.shape)}", wanted=f"{dtype}{list(shape)}")


def cast(value: T) -> T:
    """The struct with every array in its declared dtype, so that equal structs share compiled programs."""
    changed = {}
    for name, declared in declarations(type(value)).items():
        leaf = getattr(value, name)
        strong = isinstance(declared, Declared)
        changed[name] = jax.lax.convert_element_type(leaf, declared.dtype) if strong else cast(leaf)
    return dataclasses.replace(value, **changed)  # type: ignore[type-var]


def stack(values: Sequence[T]) -> T:
    """Put single-world structs side by side along a new last axis, the worlds. Numpy leaves stay numpy."""

    def join(*leaves: Any) -> Any:
        return (np if isinstance(leaves[0], np.ndarray) else jnp).stack(leaves, axis=-1)

    return jax.tree.map(join, *values)


def world(value: T, index: int | jax.Array) -> T:
    """The single world `index` of a batch: the inverse of `stack`."""
    return jax.tree.map(lambda leaf: leaf[..., index], value)


@jax.jit
def worlds(value: T, indices: jax.Array) -> T:
    """The worlds `indices`, in that order, of a batch."""
    return jax.tree.map(lambda leaf: jnp.take(leaf, indices, axis=-1), value)


@functools.partial(jax.jit, static_argnums=1)
def repeat(value: T, times: int) -> T:
    """Every world `times` times, repeats next to each other."""
    return jax.tree.map(lambda leaf: jnp.repeat(leaf, times, axis=-1), value)


@jax.jit
def concatenate(values: Sequence[T]) -> T:
    """Join batches along the worlds."""
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves, axis=-1), *values)


def select(condition: jax.Array, yes: T, no: T) -> T:
    """Per world: `yes` where `condition [W]` holds, else `no`."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def count_worlds(value: Any) -> int:
    """Size of the last axis of a batch."""
    return jax.tree.leaves(value)[0].shape[-1]
