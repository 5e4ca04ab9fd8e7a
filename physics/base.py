"""The types of the engine: what a scene is, what a step changes, what can be set.

Letters of axes, used in every declaration (worlds, `W`, come last and are never written):

    N  bodies: polygons first, then circles      P  polygons      C  circles
    V  vertices of a polygon                     J  joints        T  thrusters
    R  walls of the room (floor, left, right, ceiling)
    E  bodies rounded up to an even number       K  pairs of bodies that may touch
    S  walls that a body can be at: one of floor and ceiling, one of left and right
    Q  contacts: K pairs, then S E bodies at walls

Units are SI, x to the right, y up, angles in radians counter-clockwise. A joint's body index may
also be `N + r`, which means wall `r` of the room: something that never moves.
"""

import dataclasses

import jax

from physics.pytree import array, struct
from physics.settings import section, setting, validate

Array = jax.Array

ROOM_WIDTH = 5.0  # m, inner
FLOOR = 0.4  # m, height of the floor's top
CEILING = 5.0  # m
FLOOR_WALL, LEFT_WALL, RIGHT_WALL, CEILING_WALL = range(4)
WALL_NORMALS = ((0.0, 1.0), (1.0, 0.0), (-1.0, 0.0), (0.0, -1.0))  # into the room
WALL_OFFSETS = (FLOOR, 0.0, -ROOM_WIDTH, -CEILING)  # a point x is inside where normal . x >= offset


@dataclasses.dataclass(frozen=True)
class Capacity:
    """Slots of a scene; static, so that every array has a fixed shape."""

    polygons: int
    circles: int
    joints: int
    thrusters: int
    vertices: int = 4
    walls: int = 4

    @property
    def bodies(self) -> int:
        """Polygons and circles together."""
        return self.polygons + self.circles

    @property
    def even_bodies(self) -> int:
        """Bodies rounded up to an even number, at least two: what the pairing schedule needs."""
        return max(2, self.bodies + self.bodies % 2)

    @property
    def pairs(self) -> int:
        """Pair slots of the schedule."""
        return self.even_bodies * (self.even_bodies - 1) // 2

    @property
    def wall_slots(self) -> int:
        """Walls that a body can be at in one step: never two opposite ones."""
        return self.walls // 2

    @property
    def contacts(self) -> int:
        """Slots of contacts: all pairs, and every body at its walls."""
        return self.pairs + self.wall_slots * self.even_bodies

    @property
    def dims(self) -> dict[str, int]:
        """Letters of axes and their sizes, for `zeros` and `check`."""
        return {
            "N": self.bodies, "P": self.polygons, "C": self.circles, "V": self.vertices, "J": self.joints,
            "T": self.thrusters, "R": self.walls, "E": self.even_bodies, "K": self.pairs,
            "S": self.wall_slots, "Q": self.contacts,
        }  # fmt: skip


@dataclasses.dataclass(frozen=True)
class SequentialConfig:
    """Constants of sequential impulses (`sequential.py`). The defaults keep the dynamics of published levels."""

    iterations: int = setting(10, "Gauss-Seidel sweeps a step", least=1)
    slop: float = setting(0.01, "penetration that is left alone, m", least=0)
    contact_bias: float = setting(0.2, "share of the penetration mended in a step", least=0, most=1)
    joint_stiffness: float = setting(0.6, "share of a joint's velocity error taken out in a visit", above=0, most=1)
    joint_bias: float = setting(2.0, "rate at which a joint's gap is closed by velocity, 1/s", least=0)
    joint_projection: float = setting(0.7, "share of a joint's gap closed by moving bodies in a visit", least=0, most=1)
    fixed_bias: float = setting(2.0, "rate at which a fixed joint's angle is mended, 1/s", least=0)
    limit_bias: float = setting(5.0, "rate at which a violated joint limit is mended, 1/s", least=0)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)


@dataclasses.dataclass(frozen=True)
class SoftConfig:
    """Constants of the soft step (`soft.py`). The defaults are Box2D's."""

    substeps: int = setting(4, "parts that a step is solved in", least=1)
    touch: float = setting(0.005, "bodies closer than this count as touching, m", least=0)
    margin: float = setting(0.02, "bodies closer than this may be stopped before they touch, m", least=0)
    contact_hertz: float = setting(
        30.0, "stiffness of contacts; of a body that never moves twice this; at most a quarter of the sub-steps, Hz", above=0
    )
    contact_damping: float = setting(10.0, "damping ratio of contacts", above=0)
    joint_hertz: float = setting(60.0, "stiffness of joints and limits, Hz", above=0)
    joint_damping: float = setting(2.0, "damping ratio of joints and limits", above=0)
    push_speed: float = setting(3.0, "bodies that overlap are pushed apart no faster than this, m/s", above=0)
    bounce_speed: float = setting(1.0, "slower impacts do not bounce, m/s", least=0)
    bounce_sweeps: int = setting(3, "sweeps that share out a bounce", least=1)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)


@dataclasses.dataclass(frozen=True)
class SolverConfig:
    """Constants of a physics step: the solver, the laws of actuators, friction and bounds."""

    method: str = setting("sequential", "how constraints are solved", choices=("sequential", "soft"))
    sequential: SequentialConfig = section(SequentialConfig, "constants of sequential impulses")
    soft: SoftConfig = section(SoftConfig, "constants of the soft step")
    dt: float = setting(1 / 60, "length of a physics step, s", above=0)
    base_friction: float = setting(0.4, "factor on every friction coefficient", least=0)
    motor_speed: float = setting(6.0, "speed of a motor with multiplier 1 at full control, rad/s", above=0)
    motor_power: float = setting(900.0, "strength of a motor with multiplier 1", above=0)
    motor_decay: float = setting(0.1, "gain inside the motor law's tanh, s/rad", above=0)
    motor_limit_zone: float = setting(0.1, "a motor weakens this close to a joint limit, rad", above=0)
    thruster_power: float = setting(10.0, "force of a thruster with multiplier 1 at full control, N", above=0)
    max_position: float = setting(15.0, "positions are clipped to this, m", above=0)
    max_speed: float = setting(100.0, "speeds are clipped to this, m/s", above=0)
    max_spin: float = setting(50.0, "angular speeds are clipped to this, rad/s", above=0)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)


@struct
class Bodies:
    """What never changes of the bodies. A body with zero inverse mass is immovable."""

    vertices: Array = array("2 V P", unit="m")  # body frame, counter-clockwise; unused ones repeat the first
    vertex_count: Array = array("P", "int32")
    radius: Array = array("C", unit="m")
    inverse_mass: Array = array("N", unit="1/kg")
    inverse_inertia: Array = array("N", unit="1/(kg m2)")
    density: Array = array("N", unit="kg/m2")
    friction: Array = array("N")
    restitution: Array = array("N")
    collision: Array = array("N", "int32")  # 0 meets only 2; 1 meets 1 and 2; 2 meets all
    active: Array = array("N", "bool")


@struct
class Walls:
    """Material of the room's walls. They never move."""

    friction: Array = array("R")
    restitution: Array = array("R")


@struct
class Joints:
    """Revolute joints and, where `fixed`, welds. Anchors are in each body's own frame."""

    body_a: Array = array("J", "int32")
    body_b: Array = array("J", "int32")
    anchor_a: Array = array("2 J", unit="m")
    anchor_b: Array = array("2 J", unit="m")
    rest_angle: Array = array("J", unit="rad")  # angle_b - angle_a at which the joint is at rest
    lower: Array = array("J", unit="rad")  # limits of angle_b - angle_a - rest_angle
    upper: Array = array("J", unit="rad")
    limited: Array = array("J", "bool")
    fixed: Array = array("J", "bool")
    motor: Array = array("J", "bool")
    motor_speed: Array = array("J")  # multiplier of SolverConfig.motor_speed
    motor_power: Array = array("J")  # multiplier of SolverConfig.motor_power
    active: Array = array("J", "bool")


@struct
class Thrusters:
    """Forces along a direction fixed in a body."""

    body: Array = array("T", "int32")
    anchor: Array = array("2 T", unit="m")
    angle: Array = array("T", unit="rad")  # direction of the force in the body's frame
    power: Array = array("T")  # multiplier of SolverConfig.thruster_power
    active: Array = array("T", "bool")


@struct
class Scene:
    """All that does not change in an episode."""

    bodies: Bodies
    walls: Walls
    joints: Joints
    thrusters: Thrusters
    gravity: Array = array("2", unit="m/s2")


@struct
class Motion:
    """Where the bodies are and how they move."""

    pos: Array = array("2 N", unit="m")
    angle: Array = array("N", unit="rad")
    vel: Array = array("2 N", unit="m/s")
    omega: Array = array("N", unit="rad/s")


@struct
class Impulses:
    """What the solver found last step, to start from in the next (warm starting)."""

    contact: Array = array("3 Q", unit="N s")  # two normals and one friction
    contact_active: Array = array("2 Q", "bool")
    wall_side: Array = array("S E", "bool")  # which of the two opposite walls
    joint: Array = array("3 J", unit="N s")  # x, y and angle


@struct
class State:
    """All that a step changes."""

    motion: Motion
    impulses: Impulses


@struct
class Controls:
    """What drives the actuators during a step."""

    motor: Array = array("J")  # -1 to 1; 0 leaves the joint free
    thruster: Array = array("T")  # 0 to 1


@struct
class Touching:
    """Who touches whom, by geometry alone: jointed bodies count, bodies that never collide do not."""

    pairs: Array = array("K", "bool")
    walls: Array = array("R N", "bool")
