"""Build a level by hand: the scene builder of `physics.build` plus roles and channels.

level = LevelBuilder(capacity("s"))
ball = level.circle(at=(1, 1), radius=0.2, role=Role.GREEN)
level.thruster(ball, at=(1, 0.8), angle=math.pi / 2, power=2.0, channel=0)
level.circle(at=(4, 1), radius=0.3, role=Role.BLUE, fixed=True)
level.finish()
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from envs.base import MOTOR_CHANNELS, THRUSTER_CHANNELS, Level, Role
from physics.base import Capacity
from physics.build import WALL_NAMES, BodyRef, Builder
from physics.errors import InputError

Point = Sequence[float]


class LevelBuilder:
    """Collects the parts of one level."""

    def __init__(self, capacity: Capacity, gravity: Point = (0.0, -9.81)) -> None:
        """Start an empty room."""
        self.scene = Builder(capacity, gravity)
        self._roles: dict[BodyRef, Role] = {}
        self._wall_roles = [Role.NORMAL] * capacity.walls
        self._motor_channels: list[tuple[int, bool]] = []
        self._thruster_channels: list[int] = []

    def box(self, at: Point, half: Point, angle: float = 0.0, role: Role = Role.NORMAL, **material: object) -> BodyRef:
        """A rectangle; see `physics.build.Builder.box`."""
        return self._with_role(self.scene.box(at, half, angle, **material), role)

    def polygon(
        self, vertices: Sequence[Point], at: Point = (0.0, 0.0), angle: float = 0.0, role: Role = Role.NORMAL, **material: object
    ) -> BodyRef:
        """A convex polygon; see `physics.build.Builder.polygon`."""
        return self._with_role(self.scene.polygon(vertices, at, angle, **material), role)

    def circle(self, at: Point, radius: float, angle: float = 0.0, role: Role = Role.NORMAL, **material: object) -> BodyRef:
        """A disc; see `physics.build.Builder.circle`."""
        return self._with_role(self.scene.circle(at, radius, angle, **material), role)

    def wall(self, name: str, role: Role = Role.NORMAL, friction: float = 1.0, restitution: float = 0.0) -> None:
        """Colour and material of a wall of the room: floor, left, right or ceiling."""
        if name not in WALL_NAMES:
            raise InputError("wall", found=name, wanted="one of " + ", ".join(WALL_NAMES))
        slot = WALL_NAMES.index(name)
        self._wall_roles[slot] = role
        self.scene.wall_friction[slot] = friction
        self.scene.wall_restitution[slot] = restitution

    def joint(self, a: BodyRef, b: BodyRef, at: Point, *, channel: int = 0, auto: bool = False, **settings: object) -> int:
        """A joint; `channel` is what drives its motor, `auto` runs it at full control always.

        The other settings are those of `physics.build.Builder.joint`.
        """
        if not 0 <= channel < MOTOR_CHANNELS:
            raise InputError("motor channel", found=channel, wanted=f"0 to {MOTOR_CHANNELS - 1}")
        slot = self.scene.joint(a, b, at, **settings)  # type: ignore[arg-type]
        self._motor_channels.append((channel, auto))
        return slot

    def thruster(self, body: BodyRef, at: Point, angle: float, power: float = 1.0, channel: int = 0) -> int:
        """A thruster at a world point that pushes along a world direction (rad), driven by `channel`."""
        if not 0 <= channel < THRUSTER_CHANNELS:
            raise InputError("thruster channel", found=channel, wanted=f"0 to {THRUSTER_CHANNELS - 1}")
        slot = self.scene.thruster(body, at, angle, power)
        self._thruster_channels.append(channel)
        return slot

    def _with_role(self, ref: BodyRef, role: Role) -> BodyRef:
        self._roles[ref] = role
        return ref

    def finish(self) -> Level:
        """The level as single-world numpy arrays; `InputError` if it has no green or no blue."""
        roles = [*self._roles.values(), *self._wall_roles]
        for wanted in (Role.GREEN, Role.BLUE):
            if wanted not in roles:
                raise InputError("level", found=f"nothing {wanted.name.lower()}", wanted="at least one green and one blue body or wall")
        capacity = self.scene.capacity
        role = np.zeros(capacity.bodies, np.int32)
        for ref, value in self._roles.items():
            role[self.scene.index(ref)] = value
        scene, start = self.scene.finish()
        values: dict[str, Any] = {
            "role": role,
            "wall_role": np.array(self._wall_roles, np.int32),
            "motor_channel": _slots([channel for channel, _ in self._motor_channels], capacity.joints, np.int32),
            "motor_auto": _slots([auto for _, auto in self._motor_channels], capacity.joints, np.bool_),
            "thruster_channel": _slots(self._thruster_channels, capacity.thrusters, np.int32),
        }
        return Level(scene=scene, start=start, **values)


def _slots(values: Sequence[object], count: int, dtype: type) -> np.ndarray:
    padded = np.zeros(count, dtype)
    padded[: len(values)] = values  # type: ignore[call-overload]
    return padded
