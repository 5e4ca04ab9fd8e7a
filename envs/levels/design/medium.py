"""The levels of size M, at most two polygons, three circles, two joints and two thrusters: what drives, balances and walks."""

from envs.levels.design.machines import block, car, rock, rod, wheel
from envs.levels.design.parts import BAR, BLUE, GREEN, GROUND, RED, UP, Design, Sketch, ball, goal
from physics.build import CEILING


def ramp_jump() -> Sketch:
    """Take a run at the ramp on the right and fly off its end into the blue ball."""
    s = Sketch("m")
    car(s, (0.9, 0.72), (0.4, 0.1), 0.2, overhang=0.1, name="chassis", role=GREEN, speed=-4.0)
    s.named("ramp", s.builder.polygon([(2.2, GROUND), (3.5, GROUND), (3.5, 0.95)], fixed=True))
    goal(s, at=(4.6, 1.75), radius=0.25)
    return s


def tow_the_ball() -> Sketch:
    """Tow the trailer to the right without braking, so that the green ball stays on it until it meets the blue one."""
    s = Sketch("m", floor=RED)
    lorry = s.named("lorry", s.builder.box((1.9, 0.66), (0.35, 0.12)))
    trailer = s.named("trailer", s.builder.polygon([(0.5, 0.42), (1.5, 0.42), (1.5, 0.5), (0.5, 0.72)], friction=0.0))
    wheel(s, "wheel", lorry, (2.1, 0.61), 0.2, speed=-1.0, density=5.0)
    s.builder.joint(trailer, lorry, at=(1.5, 0.55))
    ball(s, at=(1.34, 0.75), radius=0.2)
    goal(s, at=(3.2, 1.05), radius=0.2)
    return s


def juggling_unicycle() -> Sketch:
    """Ride right with the green ball on the unicycle's tray and bring it to the blue ball."""
    s = Sketch("m", floor=RED)
    axle = (1.4, GROUND + 0.3)
    mast = rod(s, "mast", axle, (1.4, 1.3), half=BAR)
    tray = s.named("tray", s.builder.box((1.4, 1.34), (0.45, 0.04), density=0.5))
    wheel(s, "wheel", mast, axle, 0.3, speed=-1.0)
    s.builder.joint(mast, tray, at=(1.4, 1.3), fixed=True)
    ball(s, at=(1.4, 1.54), radius=0.15, density=0.5)
    goal(s, at=(2.8, 1.75), radius=0.25)
    return s


def pole_on_sled() -> Sketch:
    """Push the sled right with its jets and keep the green pole upright until its tip meets the blue ball."""
    s = Sketch("m", floor={"role": RED, "friction": 0.0})
    sled = s.named("sled", s.builder.box((1.2, 0.51), (0.35, 0.1), density=2.0))
    pole = rod(s, "pole", (1.2, 0.58), (1.2, 1.7), half=0.04, role=GREEN)
    s.builder.joint(sled, pole, at=(1.2, 0.58))
    s.builder.thruster(sled, at=(0.85, 0.51), angle=0.0, power=0.2, channel=0)
    s.builder.thruster(sled, at=(1.55, 0.51), angle=2 * UP, power=0.2, channel=1)
    goal(s, at=(2.5, 1.75), radius=0.25)
    return s


def swing_up() -> Sketch:
    """Push the tower to and fro until the green pole on its top swings up to the blue ceiling."""
    s = Sketch("m", floor={"friction": 0.0}, ceiling=BLUE)
    tower = s.named("tower", s.builder.polygon([(1.9, GROUND), (3.1, GROUND), (2.65, 3.2), (2.35, 3.2)], density=1.0))
    pole = rod(s, "pole", (2.5, 3.1), (2.5, 1.15), half=0.04, role=GREEN, density=0.5)
    s.builder.joint(tower, pole, at=(2.5, 3.1))
    s.builder.thruster(tower, at=(2.1, 1.1), angle=0.0, power=2.5, channel=0)
    s.builder.thruster(tower, at=(2.9, 1.1), angle=2 * UP, power=2.5, channel=1)
    return s


def high_bar() -> Sketch:
    """Swing by bending at the hip until the green legs reach the blue ball, higher up than the bar."""
    s = Sketch("m")
    body = rod(s, "body", (2.5, 2.7), (2.5, 1.9), half=BAR)
    legs = rod(s, "legs", (2.5, 1.9), (2.5, 1.1), role=GREEN, half=BAR)
    s.builder.joint(CEILING, body, at=(2.5, 2.7))
    s.builder.joint(body, legs, at=(2.5, 1.9), motor=True, power=0.6, limits=(-2.0, 2.0))
    goal(s, at=(3.7, 3.5), radius=0.25)
    return s


def frog_leap() -> Sketch:
    """Kick with the hind leg so that the green frog leaps over the red ball to the blue one."""
    s = Sketch("m")
    frog = s.named("frog", s.builder.box((1.2, 0.62), (0.35, 0.12), role=GREEN))
    thigh = rod(s, "thigh", (0.9, 0.62), (1.4, 0.5), half=0.05, density=3.0)
    foot = s.named("foot", s.builder.circle((1.4, 0.5), 0.1, collision=0))
    s.builder.joint(frog, thigh, at=(0.9, 0.62), motor=True, speed=3.0, limits=(-2.2, 0.2), channel=0)
    s.builder.joint(thigh, foot, at=(1.4, 0.5), fixed=True)
    rock(s, "hazard", (2.5, 0.53), 0.13)
    goal(s, at=(3.6, 0.75), radius=0.35)
    return s


def jump_the_step() -> Sketch:
    """Drive to the step, jump onto it with the jet under the car and roll on to the blue ball."""
    s = Sketch("m")
    body = car(s, (0.9, 0.67), (0.35, 0.08), 0.18, overhang=0.09, name="chassis", role=GREEN, speed=-1.5)
    s.builder.thruster(body, at=(0.9, 0.59), angle=UP, power=0.42)
    block(s, "step", (2.8, 5.0), (0.4, 1.2))
    goal(s, at=(4.7, 1.5), radius=0.2)
    return s


THEMES: dict[str, list[Design]] = {
    "cars": [ramp_jump, tow_the_ball, jump_the_step],
    "balance": [juggling_unicycle, pole_on_sled],
    "swings": [swing_up, high_bar],
    "walkers": [frog_leap],
}
TWINS: dict[str, Design] = {"sled_to_the_left": pole_on_sled}
