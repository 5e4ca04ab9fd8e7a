"""Plane vectors as a pair of arrays.

Components are kept apart, not stacked: XLA fuses arithmetic on them into one vectorised loop,
where a stacked axis would put a concatenation into every kernel.
"""

from dataclasses import dataclass
from typing import Any, Self

import jax
import jax.numpy as jnp

Array = jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Vec:
    """A batch of plane vectors: `x` and `y` have the same shape."""

    x: Any  # an array, or a plain number that all elements share
    y: Any

    @classmethod
    def of(cls, stacked: Array) -> Self:
        """From an array whose first axis is (x, y)."""
        return cls(stacked[0], stacked[1])

    def stacked(self) -> Array:
        """To an array whose first axis is (x, y)."""
        return jnp.stack([self.x, self.y])

    def __add__(self, other: "Vec") -> "Vec":
        return Vec(self.x + other.x, self.y + other.y)

    def __sub__(self, other: "Vec") -> "Vec":
        return Vec(self.x - other.x, self.y - other.y)

    def __neg__(self) -> "Vec":
        return Vec(-self.x, -self.y)

    def __mul__(self, factor: Array | float) -> "Vec":
        return Vec(self.x * factor, self.y * factor)

    __rmul__ = __mul__

    def __getitem__(self, index: object) -> "Vec":
        return Vec(self.x[index], self.y[index])  # type: ignore[index]

    def reshape(self, *shape: int) -> "Vec":
        """Both components reshaped."""
        return Vec(self.x.reshape(shape), self.y.reshape(shape))

    def dot(self, other: "Vec") -> Array:
        """Inner product."""
        return self.x * other.x + self.y * other.y

    def cross(self, other: "Vec") -> Array:
        """Cross product: its one component, out of the plane."""
        return self.x * other.y - self.y * other.x

    def turned(self, cos: Array, sin: Array) -> "Vec":
        """Rotated counter-clockwise by the angle with this cosine and sine."""
        return Vec(cos * self.x - sin * self.y, sin * self.x + cos * self.y)

    def length(self) -> Array:
        """Euclidean length."""
        return jnp.sqrt(self.dot(self))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Twist:
    """How bodies move, or how far they have moved: linear and angular, of the same shape."""

    vel: Vec
    omega: Array

    def __add__(self, other: "Twist") -> "Twist":
        return Twist(self.vel + other.vel, self.omega + other.omega)

    def __sub__(self, other: "Twist") -> "Twist":
        return Twist(self.vel - other.vel, self.omega - other.omega)

    def __mul__(self, factor: Array | float) -> "Twist":
        return Twist(self.vel * factor, self.omega * factor)

    def __getitem__(self, index: object) -> "Twist":
        return Twist(self.vel[index], self.omega[index])  # type: ignore[index]

    def reshape(self, *shape: int) -> "Twist":
        """All components reshaped."""
        return Twist(self.vel.reshape(*shape), self.omega.reshape(shape))


def tangent(normal: Vec) -> Vec:
    """The direction along a face that belongs to its normal: clockwise of it."""
    return Vec(normal.y, -normal.x)


def spin(omega: Array, arm: Vec) -> Vec:
    """Velocity of the point at `arm` from the centre of a body that turns at `omega` (rad/s)."""
    return Vec(-omega * arm.y, omega * arm.x)


def where(condition: Array, yes: Vec, no: Vec) -> Vec:
    """Elementwise choice between two vectors."""
    return Vec(jnp.where(condition, yes.x, no.x), jnp.where(condition, yes.y, no.y))


def reciprocal(value: Array) -> Array:
    """1 / value, and 0 where value is 0."""
    zero = value == 0
    return jnp.where(zero, 0.0, 1.0 / jnp.where(zero, 1.0, value))
