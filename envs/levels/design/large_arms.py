"""Levels of size L with arms: they reach, grasp, dig and hoist."""

import itertools

from envs.levels.design.machines import block, car_on, chain, crate, rod
from envs.levels.design.parts import BLUE, GREEN, RED, Design, Sketch, ball, goal
from physics.build import CEILING, FLOOR


def through_the_window() -> Sketch:
    """Reach with the three-jointed arm over the red wall and under the red beam, and touch the blue ball with its green hand."""
    s = Sketch("l")
    points = [(1.1, 0.45), (0.7, 1.3), (1.3, 1.9), (0.75, 2.2)]
    last = FLOOR
    for i, (start, end) in enumerate(itertools.pairwise(points)):
        link = rod(s, ("upper_arm", "forearm", "wrist")[i], start, end, half=0.06 - 0.01 * i, density=1.0 - 0.3 * i)
        s.builder.joint(last, link, at=start, motor=True, speed=0.12, power=(6.0, 3.0, 1.5)[i], channel=i)
        last = link
    hand = ball(s, at=points[-1], radius=0.11, density=0.5)
    s.builder.joint(last, hand, at=points[-1], fixed=True)
    block(s, "red_wall", (2.2, 2.35), (0.4, 1.15), RED)
    block(s, "red_beam", (2.2, 2.35), (2.0, 3.2), RED)
    goal(s, at=(3.0, 0.95), radius=0.25)
    return s


def pick_the_apple() -> Sketch:
    """Close the tongs around the green ball, lift it off its pillar and carry it to the blue ball; the floor is red."""
    s = Sketch("l", floor=RED)
    shoulder, elbow, wrist = (1.7, 4.7), (1.7, 3.4), (1.7, 2.25)
    upper = rod(s, "upper_arm", shoulder, elbow, half=0.06)
    fore = rod(s, "forearm", elbow, wrist)
    s.builder.joint(CEILING, upper, at=shoulder, motor=True, speed=0.2, power=5.0)
    s.builder.joint(upper, fore, at=elbow, motor=True, speed=0.2, power=3.0, channel=1)
    for name, side in (("left_tong", -1), ("right_tong", 1)):
        tong = rod(s, name, wrist, (1.7 + side * 0.4, 1.5), half=0.04, friction=3.0)
        limits = (-0.1, 0.6) if side < 0 else (-0.6, 0.1)
        s.builder.joint(fore, tong, at=wrist, motor=True, speed=-0.3 * side, power=3.0, limits=limits, channel=2)
    block(s, "pillar", (1.5, 1.9), (0.4, 1.35))
    ball(s, at=(1.7, 1.56), radius=0.2, friction=3.0, density=0.5)
    goal(s, at=(3.7, 2.6), radius=0.3)
    return s


def lower_the_hook() -> Sketch:
    """Lower the crane's green hook on its chain into the red shaft, without touching its walls, to the blue ball."""
    s = Sketch("l")
    tower = block(s, "tower", (1.1, 1.4), (0.4, 3.1))
    boom = rod(s, "boom", (1.25, 3.0), (2.0, 4.2), half=0.06)
    jib = rod(s, "jib", (2.0, 4.2), (2.7, 3.6))
    s.builder.joint(tower, boom, at=(1.25, 3.0), motor=True, speed=0.09, power=12.0)
    s.builder.joint(boom, jib, at=(2.0, 4.2), motor=True, speed=0.09, power=8.0, channel=1)
    last = chain(s, jib, [(2.7, 3.6), (2.7, 3.3), (2.7, 3.0), (2.7, 2.7)], half=0.03)
    hook = ball(s, at=(2.7, 2.62), radius=0.12, density=2.0)
    s.builder.joint(last, hook, at=(2.7, 2.7))
    for name, x in (("left_side", 2.9), ("right_side", 3.9)):
        block(s, name, (x - 0.07, x + 0.07), (0.4, 1.5), RED)
    goal(s, at=(3.4, 0.75), radius=0.22)
    return s


def shovel_and_lift() -> Sketch:
    """Drive the shovel under the green ball and lift it up to the blue ball."""
    s = Sketch("l", left=RED)
    base = block(s, "base", (0.7, 1.2), (0.4, 1.0))
    pivot, elbow, wrist, heel, lip = (0.95, 0.95), (1.4, 2.0), (2.2, 1.55), (2.2, 1.05), (2.7, 1.0)
    boom = rod(s, "boom", pivot, elbow, half=0.07)
    stick = rod(s, "stick", elbow, wrist)
    back = rod(s, "back", wrist, heel)
    bottom = rod(s, "bottom", heel, lip, half=0.04)
    s.builder.joint(base, boom, at=pivot, motor=True, speed=0.2, power=5.0)
    s.builder.joint(boom, stick, at=elbow, motor=True, speed=0.2, power=4.0, channel=1)
    s.builder.joint(stick, back, at=wrist, motor=True, speed=0.3, power=4.0, channel=2)
    s.builder.joint(back, bottom, at=heel, fixed=True)
    block(s, "stop", (3.45, 3.6), (0.4, 1.1))
    ball(s, at=(3.2, 0.6), radius=0.2, density=0.5)
    goal(s, at=(3.0, 2.1), radius=0.35)
    return s


def swing_the_flail() -> Sketch:
    """Spin the rotor so that the green ball on the chain flies up to the blue ball; the board and the floor are red."""
    s = Sketch("l", floor=RED)
    rotor = rod(s, "rotor", (2.1, 2.7), (2.9, 2.7), half=0.07, density=3.0)
    s.builder.joint(CEILING, rotor, at=(2.5, 2.7), motor=True, speed=1.2, power=0.25)
    last = chain(s, rotor, [(2.85, 2.7), (2.85, 2.42), (2.85, 2.14), (2.85, 1.86)], half=0.03)
    flail = ball(s, at=(2.85, 1.8), radius=0.13)
    s.builder.joint(last, flail, at=(2.85, 1.86))
    goal(s, at=(2.95, 4.15), radius=0.25)
    block(s, "red_board", (4.45, 4.6), (1.0, 3.2), RED)
    return s


def clear_the_way() -> Sketch:
    """Knock the stack off the road with the wrecking ball, then drive the green car to the blue wall."""
    s = Sketch("l", left=RED, right=BLUE)
    mast = (2.0, 4.6)
    boom = rod(s, "boom", mast, (1.2, 4.0), half=0.06)
    s.builder.joint(CEILING, boom, at=mast, motor=True, speed=0.3, power=8.0, channel=1)
    last = chain(s, boom, [(1.2, 4.0), (1.2, 3.2), (1.2, 2.4)], half=0.03)
    wrecker = s.named("wrecker", s.builder.circle((1.2, 2.2), 0.28, density=6.0))
    s.builder.joint(last, wrecker, at=(1.2, 2.4))
    block(s, "road", (0.0, 3.0), (0.4, 1.0))
    crate(s, "lower", (2.5, 2.9), (1.0, 1.6), density=4.0)
    crate(s, "upper", (2.45, 2.95), (1.6, 2.1), density=4.0)
    car_on(s, 1.0, 0.5, half=0.38, radius=0.16, role=GREEN, speed=1.0, overhang=0.18)
    return s


THEMES: dict[str, list[Design]] = {
    "arms": [through_the_window, pick_the_apple],
    "cranes": [lower_the_hook, shovel_and_lift, clear_the_way],
    "flails": [swing_the_flail],
}
TWINS: dict[str, Design] = {}
