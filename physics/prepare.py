"""What is worked out once per level so that a step need not: who may collide, combined materials,
face normals, and which body each joint and thruster acts on.

The rules of admission: two bodies meet if one of them has collision mode 2 or both have mode 1 or
more; they push each other only if no chain of joints links them and not both are immovable. Who
merely *touches* (rewards) is decided by mode and activity alone.
"""

import jax
import jax.numpy as jnp
import numpy as np

from physics import attach, schedule
from physics.base import Array, Bodies, Capacity, Motion, Scene
from physics.math2d import Vec, reciprocal
from physics.pytree import array, struct


@struct
class Prepared:
    """A scene and everything derived from it that stays the same in an episode."""

    scene: Scene
    inverse_mass: Array = array("E", unit="1/kg")  # 0 where inactive or immovable
    inverse_inertia: Array = array("E", unit="1/(kg m2)")
    normals: Array = array("2 V P")  # outward, body frame; face i goes from vertex i to i + 1
    admitted: Array = array("K", "bool")  # may push each other
    touchable: Array = array("K", "bool")  # may count as touching
    friction: Array = array("K")
    restitution: Array = array("K")
    wall_admitted: Array = array("R E", "bool")
    wall_touchable: Array = array("R N", "bool")
    wall_friction: Array = array("R E")
    wall_restitution: Array = array("R E")
    joint_active: Array = array("J", "bool")
    body_a: Array = array("J", "int32")  # the bodies that each active joint acts on; -1 for a wall
    body_b: Array = array("J", "int32")
    thruster_body: Array = array("T", "int32")  # -1 where there is nothing to push


def capacity_of(scene: Scene) -> Capacity:
    """The static slots of a scene, read off its array shapes."""
    bodies = scene.bodies
    return Capacity(
        polygons=bodies.vertices.shape[2],
        circles=bodies.radius.shape[0],
        joints=scene.joints.body_a.shape[0],
        thrusters=scene.thrusters.body.shape[0],
        vertices=bodies.vertices.shape[1],
        walls=scene.walls.friction.shape[0],
    )


def pad(motion: Motion, capacity: Capacity) -> Motion:
    """The motion of `N` bodies with as many still ones added as make `E`."""
    extra = capacity.even_bodies - capacity.bodies
    if not extra:
        return motion
    return jax.tree.map(lambda leaf: jnp.concatenate([leaf, jnp.zeros_like(leaf[..., :extra, :])], axis=-2), motion)


@jax.named_scope("prepare")
def prepare(scene: Scene, base_friction: float = 0.4) -> Prepared:
    """Derive, for a batch of scenes (worlds last), what every step will use."""
    capacity = capacity_of(scene)
    bodies, joints = scene.bodies, scene.joints
    plan = schedule.make(capacity.even_bodies)
    count, extra = capacity.bodies, capacity.even_bodies - capacity.bodies
    worlds = scene.gravity.shape[-1]

    def padded(value: Array) -> Array:
        return jnp.concatenate([value, jnp.zeros((extra, worlds), value.dtype)]) if extra else value

    active, mode = padded(bodies.active), padded(bodies.collision)
    inverse_mass = padded(jnp.where(bodies.active, bodies.inverse_mass, 0.0))
    inverse_inertia = padded(jnp.where(bodies.active, bodies.inverse_inertia, 0.0))
    nodes = count + max(capacity.walls, 1)
    joint_active = acting_joints(scene, nodes)
    links = linked(joints.body_a, joints.body_b, joint_active, nodes)
    first, second = plan.first, plan.second
    real = jnp.asarray((first < count) & (second < count))[:, None]
    clipped_first, clipped_second = np.minimum(first, count - 1), np.minimum(second, count - 1)
    touchable = real & active[first] & active[second] & _modes_meet(mode[first], mode[second])
    movable = (inverse_mass[first] > 0) | (inverse_mass[second] > 0)
    friction, restitution = padded(bodies.friction), padded(bodies.restitution)
    wall_touchable = jnp.broadcast_to(bodies.active, (capacity.walls, count, worlds))  # walls have mode 2
    wall_free = wall_touchable & (bodies.inverse_mass > 0) & ~links[count : count + capacity.walls, :count]
    body_a, body_b = (jnp.where(joint_active & (body < count), body, -1) for body in (joints.body_a, joints.body_b))
    return Prepared(
        scene=scene,
        inverse_mass=inverse_mass,
        inverse_inertia=inverse_inertia,
        normals=_normals(bodies),
        admitted=touchable & movable & ~links[clipped_first, clipped_second],
        touchable=touchable,
        friction=_combined_friction(friction[first], friction[second], base_friction),
        restitution=jnp.minimum(restitution[first], restitution[second]),
        wall_admitted=jnp.concatenate([wall_free, jnp.zeros((capacity.walls, extra, worlds), bool)], 1),
        wall_touchable=wall_touchable,
        wall_friction=_combined_friction(scene.walls.friction[:, None], friction, base_friction),
        wall_restitution=jnp.minimum(scene.walls.restitution[:, None], restitution),
        joint_active=joint_active,
        body_a=body_a,
        body_b=body_b,
        thruster_body=_thruster_body(scene, active),
    )


def _thruster_body(scene: Scene, active: Array) -> Array:
    thrusters = scene.thrusters
    present = jnp.any(attach.is_at(thrusters.body, active.shape[0]) & active, axis=-2)
    return jnp.where(thrusters.active & present, thrusters.body, -1)


def _modes_meet(a: Array, b: Array) -> Array:
    return (a == 2) | (b == 2) | ((a > 0) & (b > 0))


def _combined_friction(a: Array, b: Array, base: float) -> Array:
    """The reference's rule: root of the sum of squares."""
    return base * jnp.sqrt(a * a + b * b)


def acting_joints(scene: Scene, nodes: int) -> Array:
    """A joint counts if it is active, so are both bodies, and at least one of them can move."""
    bodies, joints = scene.bodies, scene.joints
    extra = nodes - bodies.active.shape[0]
    worlds = scene.gravity.shape[-1]
    present = jnp.concatenate([bodies.active, jnp.ones((extra, worlds), bool)])
    movable = jnp.concatenate([bodies.active & (bodies.inverse_mass > 0), jnp.zeros((extra, worlds), bool)])

    def read(flags: Array, index: Array) -> Array:
        return jnp.any(attach.is_at(index, nodes) & flags, axis=1)

    a, b = joints.body_a, joints.body_b
    return joints.active & read(present, a) & read(present, b) & (read(movable, a) | read(movable, b))


def linked(body_a: Array, body_b: Array, active: Array, nodes: int) -> Array:
    """`[nodes, nodes, W]`: whether a chain of active joints links two bodies (walls are nodes too)."""
    worlds = body_a.shape[-1]
    links = jnp.broadcast_to(jnp.eye(nodes, dtype=bool)[..., None], (nodes, nodes, worlds))
    rows = jnp.arange(nodes)[:, None]
    for j in range(body_a.shape[0]):
        # Joining two classes of an equivalence: everyone linked to a is now linked to everyone linked to b.
        with_a = jnp.any(links & (rows == body_a[j])[None], axis=1)
        with_b = jnp.any(links & (rows == body_b[j])[None], axis=1)
        either = (with_a | with_b) & active[j]
        links = links | (either[:, None] & either[None])
    return links


def _normals(bodies: Bodies) -> Array:
    """Outward face normals; a face of no length (padding) has none: zero."""
    count = bodies.vertices.shape[1]
    corners = [Vec.of(bodies.vertices[:, i]) for i in range(count)]
    edges = [corners[(i + 1) % count] - corners[i] for i in range(count)]
    normals = [Vec(edge.y, -edge.x) * reciprocal(edge.length()) for edge in edges]
    return jnp.stack([normal.stacked() for normal in normals], axis=1)
