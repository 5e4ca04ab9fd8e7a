"""The levels of size M in which something flies: on one jet or on two, with a load, through gaps, without weight."""

from envs.levels.design.machines import block, rock, rod
from envs.levels.design.parts import BAR, BLUE, GREEN, RED, UP, Design, Sketch, ball, goal
from physics.build import FLOOR

MOON, WEIGHTLESS = 0.2, 0.0  # shares of the usual gravity


def soft_landing() -> Sketch:
    """On the moon, steer the lander with its two engines between the red rocks down to the blue pad."""
    s = Sketch("m", gravity=MOON, floor=RED, left=RED)
    lander = s.named("lander", s.builder.polygon([(0.75, 4.0), (1.45, 4.0), (1.3, 4.4), (0.9, 4.4)], role=GREEN, vel=(-0.4, 0.0)))
    s.builder.thruster(lander, at=(0.85, 4.0), angle=UP - 0.15, power=0.06, channel=0)
    s.builder.thruster(lander, at=(1.35, 4.0), angle=UP + 0.15, power=0.06, channel=1)
    block(s, "pad", (3.3, 3.9), (0.4, 0.6), role=BLUE)
    rock(s, "low_rock", (2.2, 0.9), 0.5)
    rock(s, "high_rock", (3.2, 2.9), 0.4)
    rock(s, "far_rock", (4.6, 1.0), 0.35)
    return s


def drone_delivery() -> Sketch:
    """Lift the green load with the drone's two rotors over the red block to the blue ball, and never let it touch the floor."""
    s = Sketch("m", floor=RED)
    drone = s.named("drone", s.builder.box((1.0, 1.9), (0.45, 0.07)))
    block(s, "hazard", (2.2, 2.6), (0.4, 1.4), role=RED)
    load = ball(s, at=(1.0, 1.1), radius=0.18)
    s.builder.joint(drone, load, at=(1.0, 1.8))
    for x, angle, channel in ((0.6, UP - 0.1, 0), (1.4, UP + 0.1, 1)):
        s.builder.thruster(drone, at=(x, 1.9), angle=angle, power=0.14, channel=channel)
    goal(s, at=(3.7, 1.9), radius=0.3)
    return s


def flap_through() -> Sketch:
    """Flap the bird through the gaps between the red pillars to the blue wall."""
    s = Sketch("m", floor=RED, ceiling=RED, right=BLUE)
    bird = ball(s, at=(0.4, 2.6), radius=0.18, vel=(0.9, 0.0))
    s.builder.thruster(bird, at=(0.4, 2.6), angle=UP, power=0.3)
    block(s, "lower_pillar", (1.7, 2.1), (0.4, 2.6), role=RED)
    block(s, "upper_pillar", (3.3, 3.7), (1.9, 5.0), role=RED)
    rock(s, "beak", (1.9, 4.5), 0.5)
    rock(s, "tooth", (3.5, 0.6), 0.2)
    return s


def round_the_shelf() -> Sketch:
    """Fly the green ball with its two slanted jets off the red shelf, round its end and over the red post to the blue ball."""
    s = Sketch("m")
    flyer = ball(s, at=(0.6, 3.6), radius=0.15, vel=(0.0, 0.5))
    s.builder.thruster(flyer, at=(0.6, 3.6), angle=UP - 0.7, power=0.12, channel=0)
    s.builder.thruster(flyer, at=(0.6, 3.6), angle=UP + 0.7, power=0.12, channel=1)
    block(s, "shelf", (0.0, 3.0), (2.62, 2.78), role=RED)
    block(s, "post", (1.92, 2.08), (0.4, 1.2), role=RED)
    goal(s, at=(0.7, 0.75), radius=0.35)
    return s


def aim_and_burn() -> Sketch:
    """Weightless: turn the ship with the jet on its nose, stop the turn, and burn through the gap between the red moons to the blue one."""
    s = Sketch("m", gravity=WEIGHTLESS, floor=RED, left=RED, right=RED, ceiling=RED)
    ship = s.named("ship", s.builder.polygon([(1.1, 0.95), (1.7, 1.1), (1.1, 1.25)], role=GREEN))
    s.builder.thruster(ship, at=(1.1, 1.1), angle=0.0, power=0.03, channel=0)
    s.builder.thruster(ship, at=(1.6, 1.1), angle=UP, power=0.004, channel=1)
    rock(s, "low_moon", (3.3, 2.2), 0.6)
    rock(s, "high_moon", (1.6, 3.2), 0.7)
    goal(s, at=(3.7, 4.1), radius=0.25)
    return s


def jet_see_saw() -> Sketch:
    """Lift the heavy block with its two jets and drop it on the high end of the plank, so that the green ball is thrown to the blue one."""
    s = Sketch("m")
    plank = rod(s, "plank", (0.1, 0.52), (2.7, 1.18), half=BAR)
    s.builder.joint(FLOOR, plank, at=(1.4, 0.85))
    weight = s.named("weight", s.builder.box((3.3, 0.7), (0.3, 0.3), density=4.0))
    s.builder.thruster(weight, at=(3.3, 0.7), angle=UP - 0.3, power=1.3, channel=0)
    s.builder.thruster(weight, at=(3.3, 0.7), angle=UP + 0.5, power=1.3, channel=1)
    ball(s, at=(0.2, 0.82), radius=0.18, density=0.5)
    goal(s, at=(0.4, 2.6), radius=0.35)
    return s


THEMES: dict[str, list[Design]] = {
    "rockets": [soft_landing, drone_delivery, aim_and_burn],
    "mazes": [flap_through, round_the_shelf],
    "levers": [jet_see_saw],
}
TWINS: dict[str, Design] = {"landing_on_the_left": soft_landing}
