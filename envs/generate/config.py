"""Settings of the level generators; the defaults are the published distribution."""

import dataclasses
import math

from physics.errors import InputError
from physics.settings import section, setting, validate


@dataclasses.dataclass(frozen=True)
class MorphologyConfig:
    """What bodies with legs or wheels are like; sizes are half sides, m."""

    wheeled_chance: float = setting(0.4, "chance of wheels instead of legs, where the slots allow both", least=0, most=1)
    trunk_length: float = setting(0.45, "half length of a trunk on average", above=0, most=0.8)
    trunk_height: float = setting(0.1, "half height of a trunk on average", above=0, most=0.5)
    leg_length: float = setting(0.2, "half length of the upper and the lower part of a leg on average", above=0.05, most=0.5)
    leg_width: float = setting(0.05, "half width of them on average", above=0, most=0.3)
    wheel_radius: float = setting(0.2, "radius of a wheel on average", above=0.05, most=0.5)
    variation: float = setting(0.5, "sizes differ from the average by up to this share", least=0, most=0.9)
    spread: float = setting(0.4, "legs lean by up to this at the start, rad", least=0, most=1.5)
    knee_chance: float = setting(0.7, "chance that legs have a lower part", least=0, most=1)
    motor_power: float = setting(3.0, "power of the motors of legs", above=0)
    wheel_power: float = setting(1.0, "power of the motors of wheels", above=0)
    limit: float = setting(0.8, "a leg turns this far either way, rad", above=0, most=3)
    shared_channels: float = setting(0.2, "chance that channels are drawn, so that some legs move together", least=0, most=1)
    red_floor: float = setting(0.25, "chance of a red floor", least=0, most=1)
    goal_radius: float = setting(0.3, "radius of the goal", above=0.1, most=1)
    goal_nearest: float = setting(2.0, "the goal is at least this far from the other wall, m", least=1, most=4)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)


@dataclasses.dataclass(frozen=True)
class GeneratorConfig:
    """What random levels are like."""

    max_shape_size: float = setting(1.0, "largest size of a drawn shape, m", above=0, most=2)
    long_box_chance: float = setting(0.3, "chance that one side of a box is doubled", least=0, most=1)
    long_box_scale: float = setting(2.0, "how much longer that side becomes", least=1, most=4)
    triangle_chance: float = setting(0.0, "chance that a polygon is a triangle", least=0, most=1)
    goal_scale: float = setting(1.0, "how much larger free green and blue bodies are drawn", above=0, most=2)
    circle_size: float = setting(0.4, "largest radius of a circle as a share of max_shape_size", above=0, most=0.5)
    same_side_chance: float = setting(0.5, "chance that green keeps to the left half and blue to the right", least=0, most=1)
    fixed_chance: float = setting(0.02, "chance that a free body is immovable, before its mass counts", least=0, most=1)
    fixed_chance_most: float = setting(1.0, "and never more than this", least=0, most=1)
    fixed_mass_scale: float = setting(4.0, "how much a kilogram adds to that chance", least=0)
    fixed_low_chance: float = setting(0.6, "chance that an immovable body with a role is put into the lower half", least=0, most=1)
    fixed_low_normal: float = setting(0.0, "the same for those without a role", least=0, most=1)
    proposals: int = setting(8, "positions tried for a body; the one that overlaps least is kept", least=1)
    add_free: float = setting(0.35, "weight of adding a free body in an open slot", least=0)
    add_connected: float = setting(0.35, "weight of adding a jointed body", least=0)
    add_nothing: float = setting(0.30, "weight of leaving a slot empty", least=0)
    add_thruster: float = setting(0.3, "chance of each further thruster", least=0, most=1)
    motor_chance: float = setting(0.8, "chance that a revolute joint has a motor", least=0, most=1)
    motor_speed_min: float = setting(0.4, "slowest motor multiplier", least=0)
    motor_speed_max: float = setting(3.0, "fastest motor multiplier", least=0)
    motor_power_min: float = setting(1.0, "weakest motor multiplier", least=0)
    motor_power_max: float = setting(3.0, "strongest motor multiplier", least=0)
    wheel_power: float = setting(1.0, "power of a motor that turns a circle", least=0)
    limit_chance: float = setting(0.4, "chance that a joint of two boxes has limits", least=0, most=1)
    limit_most: float = setting(math.pi, "a limit is at most this far from the pose at start, rad", above=0, most=math.pi)
    fixed_joint_chance: float = setting(0.5, "chance that a joint without need to turn is a weld", least=0, most=1)
    join_fixed_weight: float = setting(0.05, "weight of immovable bodies where one to join to is chosen", least=0)
    free_revolute: int = setting(2, "revolute joints to have before fixed ones appear", least=0)
    thruster_power: float = setting(2.0, "power of a thruster for every kilogram it carries", least=0)
    thruster_align_chance: float = setting(0.8, "chance that a thruster points to or from the centre", least=0, most=1)
    hidden_margin: float = setting(0.05, "a jointed body sticks out by this, m, or counts as hidden", least=0)
    hidden_cost: float = setting(10.0, "a jointed body that may hide weighs as much as this many overlaps", least=0)
    floor_green: float = setting(0.0, "chance of a green floor", least=0, most=1)
    floor_blue: float = setting(0.02, "chance of a blue floor", least=0, most=1)
    floor_red: float = setting(0.08, "chance of a red floor", least=0, most=1)
    morphology_share: float = setting(0.0, "share of levels that are a body with legs or wheels that must get to the goal", least=0, most=1)
    morphology: MorphologyConfig = section(MorphologyConfig, "what those bodies are like")
    own_actuator: bool = setting(
        False, "drop levels in which nothing that is joined to green or to blue has a motor or thruster: they can be pushed at most"
    )
    filter_steps: int = setting(64, "steps of doing nothing after which solved levels are dropped, and invalid ones; 0 keeps all", least=0)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        validate(self)
        chances = self.floor_green + self.floor_blue + self.floor_red
        if chances > 1 + 1e-9:  # 0.33 + 0.56 + 0.11 rounds to a little more
            raise InputError("floor_green + floor_blue + floor_red", found=chances, wanted="at most 1")
        for name in ("motor_speed", "motor_power"):
            least, most = getattr(self, f"{name}_min"), getattr(self, f"{name}_max")
            if least > most:
                raise InputError(f"{name}_min", found=least, wanted=f"at most {name}_max, which is {most:g}")
