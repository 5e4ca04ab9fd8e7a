"""The levels of size M in which something else is moved: with arms, bats, flippers, balls on rods and wheels."""

from envs.levels.design.machines import block, rock, rod
from envs.levels.design.parts import BAR, BLUE, GREEN, RED, UP, Design, Sketch, ball, goal
from physics.build import CEILING, FLOOR, LEFT, RIGHT


def reach_between() -> Sketch:
    """Reach with the two-joint arm between the red balls for the blue one."""
    s = Sketch("m", floor=RED)
    upper = rod(s, "upper_arm", (0.15, 1.6), (1.55, 1.6), half=BAR)
    lower = rod(s, "forearm", (1.55, 1.6), (2.9, 1.6), role=GREEN, half=BAR)
    s.builder.joint(LEFT, upper, at=(0.15, 1.6), motor=True, speed=0.45, power=1.0, channel=0)
    s.builder.joint(upper, lower, at=(1.55, 1.6), motor=True, speed=0.45, power=1.0, channel=1)
    rock(s, "low_hazard", (3.0, 2.5), 0.3)
    rock(s, "high_hazard", (1.9, 4.3), 0.3)
    goal(s, at=(2.3, 3.4), radius=0.2)
    return s


def rake_it_in() -> Sketch:
    """Reach over the green ball with the two-joint arm and rake it back to the blue wall on the left."""
    s = Sketch("m", left=BLUE, right=RED)
    upper = rod(s, "upper_arm", (2.0, 3.4), (3.4, 3.4), half=BAR)
    lower = rod(s, "forearm", (3.4, 3.4), (3.4, 2.0), half=BAR)
    s.builder.joint(CEILING, upper, at=(2.0, 3.4), motor=True, speed=0.3, power=0.2, channel=0)
    s.builder.joint(upper, lower, at=(3.4, 3.4), motor=True, speed=0.3, power=0.2, channel=1)
    ball(s, at=(2.9, 0.65), radius=0.25)
    s.named("sill", s.builder.circle((1.2, 0.41), 0.08, fixed=True))
    return s


def wrecking_ball() -> Sketch:
    """Swing the heavy ball higher and higher until it knocks the green tower over onto the blue ball."""
    s = Sketch("m")
    line = rod(s, "rod", (2.0, 4.6), (2.0, 1.4), half=0.03, density=0.3)
    heavy = s.named("wrecker", s.builder.circle((2.0, 1.25), 0.3, density=3.0))
    s.builder.joint(CEILING, line, at=(2.0, 4.6), motor=True, speed=0.8, power=0.25)
    s.builder.joint(line, heavy, at=(2.0, 1.4), fixed=True)
    s.named("tower", s.builder.box((3.35, 1.0), (0.2, 0.6), role=GREEN, density=2.0))
    goal(s, at=(4.6, 0.65), radius=0.25)
    return s


def over_the_red_wall() -> Sketch:
    """Throw the green ball over the red wall so that it comes down on the blue ball behind it."""
    s = Sketch("m", floor=RED)
    arm = rod(s, "arm", (0.5, 0.9), (1.7, 0.9), half=BAR)
    s.builder.joint(FLOOR, arm, at=(1.7, 0.9), limits=(-1.6, 0.15), motor=True, speed=1.3)
    block(s, "red_wall", (3.15, 3.45), (0.2, 2.4), role=RED)
    ball(s, at=(0.75, 1.14), radius=0.16)
    goal(s, at=(4.3, 0.8), radius=0.4)
    rock(s, "roof", (4.6, 3.2), 0.4)
    return s


def sweep_it_down() -> Sketch:
    """Hover with the green ball between red floor and red ceiling, and sweep the blue one off its shelf so that they meet in the air."""
    s = Sketch("m", floor=RED, ceiling=RED)
    bat = rod(s, "bat", (4.6, 4.7), (4.6, 2.95), half=0.05)
    s.builder.joint(CEILING, bat, at=(4.6, 4.7), motor=True, speed=0.8, power=0.5, limits=(-1.6, 0.2))
    block(s, "shelf", (3.2, 5.0), (2.6, 2.8))
    s.named("target", s.builder.circle((4.1, 3.0), 0.2, role=BLUE))
    jet = ball(s, at=(1.7, 1.4), radius=0.2)
    s.builder.thruster(jet, at=(1.7, 1.4), angle=UP, power=0.4)
    return s


def pinball() -> Sketch:
    """Flip the green ball up past the bumper to the blue ball, and never let it drain onto the red floor."""
    s = Sketch("m", floor=RED)
    left = rod(s, "left_flipper", (0.1, 1.6), (2.1, 1.2), half=BAR)
    right = rod(s, "right_flipper", (4.9, 1.6), (2.9, 1.2), half=BAR)
    s.builder.joint(LEFT, left, at=(0.1, 1.6), motor=True, speed=1.3, limits=(-0.1, 0.7), channel=0)
    s.builder.joint(RIGHT, right, at=(4.9, 1.6), motor=True, speed=1.3, limits=(-0.7, 0.1), channel=1)
    ball(s, at=(3.6, 3.4), radius=0.16, restitution=0.3)
    s.named("bumper", s.builder.circle((2.5, 3.0), 0.4, fixed=True, restitution=0.8))
    goal(s, at=(1.2, 4.4), radius=0.3)
    return s


def spin_the_ball() -> Sketch:
    """Press the driven wheel on the green ball, as one gear on another, and roll it up the slope to the blue ball."""
    s = Sketch("m", left=RED)
    lever = rod(s, "lever", (0.15, 1.3), (1.4, 1.3), density=3.0, half=BAR)
    driver = s.named("driver", s.builder.circle((1.4, 1.13), 0.25))
    s.builder.joint(LEFT, lever, at=(0.15, 1.3))
    s.builder.joint(lever, driver, at=(1.4, 1.13), motor=True, speed=5.0)
    ball(s, at=(1.4, 0.64), radius=0.24)
    s.named("slope", s.builder.polygon([(2.6, 0.4), (4.6, 0.4), (4.6, 0.95)], fixed=True))
    goal(s, at=(4.4, 1.45), radius=0.25)
    return s


THEMES: dict[str, list[Design]] = {
    "arms": [reach_between, rake_it_in],
    "swings": [wrecking_ball],
    "throwing": [over_the_red_wall, sweep_it_down],
    "games": [pinball],
    "gears": [spin_the_ball],
}
TWINS: dict[str, Design] = {"throw_it_back": over_the_red_wall}
