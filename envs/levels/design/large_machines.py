"""Levels of size L with machines: rollers, gears, flaps, dominoes, things that tip and things that balance."""

from envs.levels.design.machines import block, car_on, crate, rod
from envs.levels.design.parts import BLUE, GREEN, RED, Design, Sketch, ball, goal
from physics.build import CEILING, FLOOR, LEFT


def marble_run() -> Sketch:
    """Hold the first flap up while the green ball crosses it, let the second hang, then bridge the last gap to the blue ball."""
    s = Sketch("l", floor=RED, right=RED)
    rod(s, "first_slope", (0.0, 4.1), (1.2, 3.8), fixed=True)
    rod(s, "second_slope", (1.95, 3.5), (3.2, 3.2), fixed=True)
    rod(s, "third_slope", (4.9, 2.5), (2.2, 1.95), fixed=True)
    rod(s, "last_slope", (1.4, 1.55), (0.0, 1.3), fixed=True)
    for name, hinge, wall, channel, sign in (
        ("first_flap", (1.25, 3.72), CEILING, 0, 1), ("second_flap", (4.05, 2.98), CEILING, 0, -1), ("third_flap", (1.45, 1.55), LEFT, 1, 1)
    ):  # fmt: skip
        flap = rod(s, name, hinge, (hinge[0], hinge[1] - (0.68 if sign > 0 else 0.55)), half=0.035)
        limits = (0.0, 1.42) if sign > 0 else (-1.42, 0.0)
        s.builder.joint(wall, flap, at=hinge, motor=True, speed=0.5 * sign, power=2.0, limits=limits, channel=channel)
    ball(s, at=(0.25, 4.26), radius=0.14)
    goal(s, at=(0.35, 1.75), radius=0.28)
    return s


def roller_road() -> Sketch:
    """Turn the rollers so that the crate drops off their end and the green sledge behind it gets across to the blue block."""
    s = Sketch("l", floor=RED, left=RED)
    for i, x in enumerate((0.9, 1.65, 2.4, 3.15)):
        roller = s.named(f"roller_{i + 1}", s.builder.circle((x, 1.2), 0.33))
        s.builder.joint(FLOOR, roller, at=(x, 1.2), motor=True, speed=-0.5, channel=i)
    crate(s, "sledge", (0.75, 1.75), (1.54, 1.74), GREEN)
    crate(s, "crate", (2.2, 2.75), (1.54, 2.1), density=0.7)
    block(s, "target", (4.2, 5.0), (0.9, 1.6), BLUE)
    return s


def domino_row() -> Sketch:
    """Topple the row of dominoes with the hanging arm so that the last one sends the green ball down to the blue block."""
    s = Sketch("l", floor=RED)
    block(s, "shelf", (1.1, 3.05), (1.05, 1.2), friction=0.3)
    arm = rod(s, "arm", (0.55, 3.0), (0.55, 1.4), half=0.06)
    s.builder.joint(CEILING, arm, at=(0.55, 3.0), motor=True, speed=0.15, power=0.5)
    for i in range(4):
        x = 1.4 + 0.37 * i
        crate(s, f"domino_{i + 1}", (x - 0.06, x + 0.06), (1.2, 1.82), density=1.0 + 0.3 * i, friction=0.3)
    ball(s, at=(2.76, 1.34), radius=0.14, density=0.6, friction=0.0)
    block(s, "target", (3.2, 4.1), (0.4, 0.75), BLUE)
    return s


def tipping_bridge() -> Sketch:
    """Drive up the tipping bridge, wait until it tips over, and go on across the second one to the blue ball."""
    s = Sketch("l", floor=RED)
    block(s, "start", (0.0, 1.05), (0.4, 1.0))
    block(s, "middle", (2.55, 2.77), (0.4, 1.0))
    block(s, "end", (4.27, 5.0), (0.4, 1.0))
    for i, x in enumerate((1.8, 3.52)):
        bridge = s.named(f"bridge_{i + 1}", s.builder.box((x, 1.15), (0.72, 0.05), 0.29))
        s.builder.joint((FLOOR, CEILING)[i], bridge, at=(x, 1.15), limits=(-0.58, 0.02))
    car_on(s, 1.0, 0.45, half=0.26, radius=0.17, role=GREEN, speed=0.9, density=2.0)
    goal(s, at=(4.7, 1.35), radius=0.28)
    return s


THEMES: dict[str, list[Design]] = {
    "machines": [marble_run, roller_road, domino_row, tipping_bridge],
}
TWINS: dict[str, Design] = {"marble_run_right": marble_run}
