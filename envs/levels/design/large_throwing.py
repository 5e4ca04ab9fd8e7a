"""Levels of size L in which something is thrown, struck or shot."""

from envs.levels.design.machines import block, crate, rod
from envs.levels.design.parts import BLUE, GREEN, RED, Design, Sketch, ball
from physics.build import CEILING, FLOOR, RIGHT


def over_the_wall() -> Sketch:
    """Throw the green ball with the two-jointed arm over the high wall onto the blue block; the floor is red."""
    s = Sketch("l", floor=RED)
    base = block(s, "base", (1.1, 1.5), (0.4, 0.95))
    shoulder, elbow, hand = (1.3, 0.9), (0.75, 1.0), (0.2, 0.95)
    upper = rod(s, "upper_arm", shoulder, elbow, half=0.06, density=2.0)
    fore = rod(s, "forearm", elbow, hand)
    s.builder.joint(base, upper, at=shoulder, motor=True, speed=-1.2, power=3.0, limits=(-1.15, 0.1))
    s.builder.joint(upper, fore, at=elbow, motor=True, speed=-1.2, power=2.0, limits=(-1.0, 0.1), channel=1)
    for name, x in (("outer_rim", 0.16), ("inner_rim", 0.6)):
        rim = crate(s, name, (x - 0.03, x + 0.03), (0.98, 1.2))
        s.builder.joint(fore, rim, at=(x, 0.98), fixed=True)
    s.named("ball", s.builder.circle((0.38, 1.18), 0.16, role=GREEN))
    block(s, "wall", (2.6, 2.75), (0.4, 1.7))
    block(s, "target", (3.3, 4.6), (0.4, 0.9), BLUE)
    return s


def storm_the_tower() -> Sketch:
    """Strike the heavy ball with the club so hard that the tower breaks down and its green chimney falls to the blue wall."""
    s = Sketch("l", left=RED, right=BLUE)
    block(s, "tee", (0.9, 1.2), (0.4, 0.9))
    club = rod(s, "club", (0.9, 3.2), (0.6, 1.1), half=0.07, density=4.0)
    s.builder.joint(CEILING, club, at=(0.9, 3.2), motor=True, speed=1.0, power=0.14)
    s.named("shot", s.builder.circle((1.05, 1.07), 0.16, density=12.0))
    for name, x in (("front_wall", 3.5), ("back_wall", 4.35)):
        crate(s, name, (x - 0.08, x + 0.08), (0.4, 1.3), density=1.5)
    crate(s, "roof", (3.35, 4.6), (1.3, 1.42), density=0.5)
    crate(s, "chimney", (4.38, 4.58), (1.42, 2.0), GREEN, density=0.5)
    crate(s, "stone", (3.45, 3.7), (1.42, 1.8), density=0.5)
    return s


def high_striker() -> Sketch:
    """Raise the hammer and bring it down hard on the see-saw, so that the green ball flies up to the blue board."""
    s = Sketch("l", right=RED)
    saw = s.named("see_saw", s.builder.box((2.2, 0.8), (1.1, 0.06), 0.2))
    s.builder.joint(FLOOR, saw, at=(2.2, 0.8), limits=(-0.4, 0.0))
    rim = crate(s, "rim", (1.08, 1.14), (0.62, 0.86))
    s.builder.joint(saw, rim, at=(1.11, 0.62), fixed=True)
    handle = rod(s, "handle", (4.4, 1.5), (3.25, 1.32), half=0.04)
    s.builder.joint(RIGHT, handle, at=(4.4, 1.5), motor=True, speed=1.2, power=10.0, limits=(-1.5, 0.3))
    head = s.named("head", s.builder.circle((3.2, 1.32), 0.2, density=8.0))
    s.builder.joint(handle, head, at=(3.2, 1.32), fixed=True)
    ball(s, at=(1.32, 0.86), radius=0.15, density=0.8)
    block(s, "red_side", (0.55, 0.65), (1.6, 4.0), RED)
    block(s, "target", (0.9, 2.4), (2.5, 2.65), BLUE)
    return s


THEMES: dict[str, list[Design]] = {
    "throwing": [over_the_wall, storm_the_tower],
    "striking": [high_striker],
}
TWINS: dict[str, Design] = {"back_over_the_wall": over_the_wall}
