"""The levels of size S: at most one polygon, two circles, one joint and one thruster."""

from envs.base import Role
from envs.levels.design.parts import BLUE, GREEN, RED, UP, Design, Sketch, ball, beam, goal, rocket, tail_dragger, unicycle
from physics.build import CEILING, FLOOR, LEFT

NORMAL = Role.NORMAL


def lift_off() -> Sketch:
    """Burn long enough for the rocket to reach the blue ball under the ceiling."""
    s = Sketch("s")
    rocket(s, at=(2.5, 0.7), half=(0.15, 0.3), power=0.247, role=GREEN)
    goal(s, at=(2.55, 4.4), radius=0.3)
    return s


def touch_down() -> Sketch:
    """Brake the drifting lander between red floor and red ceiling and come down on the blue ball."""
    s = Sketch("s", floor=RED, right=RED, ceiling=RED)
    rocket(s, at=(0.7, 3.5), half=(0.2, 0.25), power=1.0, name="lander", tilt=0.087267, vel=(1.3, 0.0), role=GREEN)
    goal(s, at=(3.4, 0.75), radius=0.35)
    return s


def red_corridor() -> Sketch:
    """Keep the drifting rocket off the red floor and the red ceiling until it arrives at the blue wall."""
    s = Sketch("s", floor=RED, right=BLUE, ceiling=RED)
    rocket(s, at=(0.6, 2.7), half=(0.25, 0.2), power=0.589, vel=(1.1, 0.0), role=GREEN)
    return s


def sky_crane() -> Sketch:
    """Lift the green ball that hangs from the rocket to the blue one, clear of the red floor."""
    s = Sketch("s", floor=RED)
    crane = rocket(s, at=(1.5, 2.2), half=(0.3, 0.12), power=0.452)
    load = ball(s, at=(1.5, 1.5), radius=0.2)
    s.builder.joint(crane, load, at=(1.5, 2.0))
    goal(s, at=(1.9, 4.2), radius=0.3)
    return s


def hop_the_red() -> Sketch:
    """Hop the glider over the red ball to the blue wall."""
    s = Sketch("s", right=BLUE)
    glider = s.named("glider", s.builder.polygon([(0.45, 0.4), (1.15, 0.4), (0.6, 0.75)], role=GREEN))
    s.builder.thruster(glider, at=(0.45 + 0.85 / 3, 0.4 + 0.35 / 3), angle=1.134464, power=0.25)
    s.named("hazard", s.builder.circle((2.6, 0.8), 0.55, role=RED))
    return s


def turn_the_jet() -> Sketch:
    """Turn the jet against its flywheel, then fly to the blue ball at the upper left."""
    s = Sketch("s")
    jet = s.named("jet", s.builder.box((3.5, 0.52), (0.4, 0.12), role=GREEN))
    s.builder.thruster(jet, at=(3.1, 0.52), angle=0.0, power=1.6)
    flywheel = s.named("flywheel", s.builder.circle((3.5, 0.7), 0.28, density=1.5))
    s.builder.joint(jet, flywheel, at=(3.5, 0.6), motor=True, power=0.5)
    goal(s, at=(0.8, 3.4), radius=0.35)
    return s


def past_the_mill() -> Sketch:
    """Fly the green ball past the red mill, which never stops, to the blue ball up on the other side."""
    s = Sketch("s")
    mill = beam(s, at=(2.5, 2.2), half_length=1.5, angle=0.3, role=RED)
    s.builder.joint(CEILING, mill, at=(2.5, 2.2), motor=True, speed=0.4, auto=True)
    flyer = ball(s, at=(0.5, 0.6), radius=0.2)
    s.builder.thruster(flyer, at=(0.5, 0.6), angle=1.22173, power=0.22)
    goal(s, at=(4.4, 3.3), radius=0.35)
    return s


def pump_the_swing() -> Sketch:
    """Fire the jet in time with the swing until its green beam reaches the blue ball."""
    s = Sketch("s")
    swing = beam(s, at=(2.2, 3.8), half_length=1.1, angle=-UP, role=GREEN)
    s.builder.joint(CEILING, swing, at=(2.2, 4.85))
    s.builder.thruster(swing, at=(2.2, 2.8), angle=0.0, power=0.06)
    goal(s, at=(4.2, 4.3), radius=0.25)
    return s


def return_serve() -> Sketch:
    """Swing the bat that hangs from the ceiling against the rolling green ball and send it back to the blue wall."""
    s = Sketch("s", left=BLUE, right=RED)
    bat = beam(s, at=(2.5, 2.95), half_length=2.0, angle=-UP)
    s.builder.joint(CEILING, bat, at=(2.5, 4.9), motor=True, speed=0.8, power=0.03)
    ball(s, at=(0.8, 0.8), radius=0.4, vel=(1.5, 0.0), omega=-1.5 / 0.4)
    return s


def tip_the_tray() -> Sketch:
    """Tip the tray left before the green ball rolls off its right end, and let it roll down to the blue ball."""
    s = Sketch("s", floor={"friction": 0.3}, right=RED)
    tray = beam(s, at=(2.5, 1.4), half_length=1.0)
    s.builder.joint(FLOOR, tray, at=(2.5, 1.4), limits=(-0.5, 0.5), motor=True, speed=0.3)
    ball(s, at=(2.75, 1.66), radius=0.2, vel=(2.3, 0.0))
    goal(s, at=(0.6, 0.7), radius=0.3)
    return s


def wall_catapult() -> Sketch:
    """Throw the green ball from the arm at the left wall, below or above the red ball, to the blue wall."""
    s = Sketch("s", floor=RED, right=BLUE)
    arm = beam(s, at=(0.95, 1.6), half_length=0.85)
    s.builder.joint(LEFT, arm, at=(0.15, 1.6), limits=(-0.6, 1.3), motor=True, speed=1.5)
    ball(s, at=(1.4, 1.84), radius=0.18)
    s.named("hazard", s.builder.circle((2.6, 2.2), 0.7, role=RED, fixed=True))
    return s


def push_the_ball() -> Sketch:
    """Drive the one-wheel car so that it pushes the green ball into the blue wall."""
    s = Sketch("s", left=RED, right=BLUE)
    tail_dragger(s, x=1.6, radius=0.25, half=0.4)
    ball(s, at=(2.6, 0.65), radius=0.25, friction=0.2)
    return s


def brake_and_back() -> Sketch:
    """Bring the racing car back to the blue wall; it must not run into the red one."""
    s = Sketch("s", left=BLUE, right=RED)
    tail_dragger(s, x=2.0, radius=0.3, half=0.4, role=GREEN, speed=0.6, vel=(4.0, 0.0))
    return s


def ride_home() -> Sketch:
    """Drive the green one-wheel car, tail first and without tipping it over, to the blue ball."""
    s = Sketch("s")
    tail_dragger(s, x=4.2, radius=0.3, half=0.55, role=GREEN, speed=0.35)
    goal(s, at=(0.6, 0.75), radius=0.35)
    return s


def unicycle_left() -> Sketch:
    """Ride the unicycle left until its mast meets the blue ball."""
    s = Sketch("s")
    unicycle(s, x=4.2, radius=0.3, mast=0.35, mast_role=GREEN, wheel_role=NORMAL)
    goal(s, at=(0.4, 0.7), radius=0.3)
    return s


def unicycle_right() -> Sketch:
    """Ride the slow unicycle right, over a slippery floor, until its wheel meets the blue wall."""
    s = Sketch("s", floor={"friction": 0.2}, left=RED, right=BLUE)
    unicycle(s, x=1.2, radius=0.4, mast=0.4, mast_role=NORMAL, wheel_role=GREEN, speed=0.7)
    return s


THEMES: dict[str, list[Design]] = {
    "rockets": [lift_off, touch_down, red_corridor, sky_crane, hop_the_red, turn_the_jet, past_the_mill],
    "balance": [unicycle_left, unicycle_right],
    "swings": [pump_the_swing],
    "levers": [tip_the_tray],
    "throwing": [return_serve, wall_catapult],
    "cars": [push_the_ball, brake_and_back, ride_home],
}
TWINS: dict[str, Design] = {}
