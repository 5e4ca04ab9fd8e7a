"""Levels of size L in the air: gates, shafts, towers and ledges, and what turns in the way."""

import math

from envs.levels.design.machines import block, car_on, chain, crate, rod, wedge
from envs.levels.design.parts import BLUE, GREEN, RED, UP, Design, Sketch, goal, rocket
from physics.build import CEILING


def three_gates() -> Sketch:
    """Keep the gliding bird up and down through the gaps of the three red gates until it reaches the blue wall."""
    s = Sketch("l", floor=RED, right=BLUE, ceiling=RED)
    for i, (x, low, high) in enumerate(((1.7, 1.5, 2.7), (3.0, 2.0, 3.3), (4.25, 1.3, 2.8))):
        block(s, f"lower_{i + 1}", (x - 0.06, x + 0.06), (0.4, low), RED)
        block(s, f"upper_{i + 1}", (x - 0.06, x + 0.06), (high, 5.0), RED)
    rocket(s, at=(0.4, 2.4), half=(0.15, 0.11), power=0.1, name="bird", vel=(0.95, 0.0), role=GREEN)
    return s


def serpent_shaft() -> Sketch:
    """Fly the box up the first shaft, over the wall, down the second and under the red wall to the blue ball."""
    s = Sketch("l", left=RED)
    block(s, "wall", (1.5, 1.62), (0.4, 3.2))
    block(s, "red_wall", (3.2, 3.32), (1.75, 5.0), RED)
    block(s, "left_shelf", (0.9, 1.5), (1.9, 2.02), RED)
    block(s, "middle_shelf", (1.62, 2.2), (2.2, 2.32))
    block(s, "spike", (2.3, 2.42), (0.4, 0.95), RED)
    block(s, "right_shelf", (3.32, 4.1), (2.2, 2.32))
    body = rocket(s, at=(0.5, 0.55), half=(0.16, 0.12), power=0.16, name="flyer", role=GREEN)
    s.builder.thruster(body, at=(0.5, 0.55), angle=0.0, power=0.05, channel=1)
    goal(s, at=(4.4, 1.0), radius=0.32)
    return s


def between_towers() -> Sketch:
    """Steer the lander with its two jets between the red towers and bring it down on the blue pad, legs first."""
    s = Sketch("l", floor=RED, left=RED, right=RED)
    for name, x, top in (("left_tower", 1.6, 3.2), ("right_tower", 4.1, 2.6)):
        block(s, name, (x - 0.12, x + 0.12), (0.4, top), RED)
        wedge(s, f"{name}_roof", [(x - 0.22, top), (x + 0.22, top), (x, top + 0.35)], RED)
    block(s, "pad", (2.3, 3.4), (0.4, 0.7), BLUE)
    body = s.named("lander", s.builder.box((0.8, 4.1), (0.24, 0.16), vel=(0.4, 0.0)))
    for i, (name, side) in enumerate((("left_leg", -1), ("right_leg", 1))):
        leg = rod(s, name, (0.8 + side * 0.2, 4.0), (0.8 + side * 0.36, 3.65), GREEN, half=0.04, vel=(0.4, 0.0))
        s.builder.joint(body, leg, at=(0.8 + side * 0.2, 4.0), fixed=True)
        s.builder.thruster(body, at=(0.8 + side * 0.2, 3.94), angle=UP, power=0.16, channel=i)
    return s


def four_ledges() -> Sketch:
    """Jump from ledge to ledge with the car, which has a jet under it, to the blue ball on the highest."""
    s = Sketch("l", floor=RED, ceiling=RED)
    for i, (x, y) in enumerate((((0.0, 1.0), 0.9), ((1.45, 2.35), 1.5), ((2.8, 3.5), 2.2), ((3.95, 5.0), 2.7))):
        block(s, f"ledge_{i + 1}", x, (y - 0.15, y))
    block(s, "red_post", (1.85, 1.97), (2.6, 5.0), RED)
    block(s, "red_stone", (2.5, 2.65), (1.2, 1.75), RED)
    body = car_on(s, 0.9, 0.5, half=0.24, radius=0.13, role=GREEN, speed=0.8)
    s.builder.thruster(body, at=(0.5, 1.0), angle=UP, power=0.235)
    goal(s, at=(4.6, 3.0), radius=0.28)
    return s


def mill_street() -> Sketch:
    """Drive the green car over the hump and past the two red mills, each at the right moment, to the blue wall."""
    s = Sketch("l", left=RED, right=BLUE)
    for i, (x, speed, angle) in enumerate(((1.9, 0.22, 0.6), (3.5, -0.25, 1.6))):
        end = (0.84 * math.cos(angle), 0.84 * math.sin(angle))
        mill = rod(s, f"mill_{i + 1}", (x - end[0], 1.5 - end[1]), (x + end[0], 1.5 + end[1]), RED)
        s.builder.joint(CEILING, mill, at=(x, 1.5), motor=True, auto=True, speed=speed, power=2.0)
    wedge(s, "hump", [(2.4, 0.4), (3.0, 0.4), (2.7, 0.45)])
    car_on(s, 0.4, 0.5, half=0.38, radius=0.15, role=GREEN, speed=1.6, overhang=0.17)
    return s


def mine_lift() -> Sketch:
    """Lift the cage with its two jets up the red shaft, level enough to keep the green ball, to the blue ceiling board."""
    s = Sketch("l", floor=RED, left=RED)
    cage = s.named("cage", s.builder.box((1.4, 0.75), (0.5, 0.06)))
    for i, (name, side) in enumerate((("left_side", -1), ("right_side", 1))):
        x = 1.4 + side * 0.46
        board = crate(s, name, (x - 0.04, x + 0.04), (0.81, 1.05))
        s.builder.joint(cage, board, at=(x, 0.81), fixed=True)
        s.builder.thruster(cage, at=(x, 0.7), angle=UP, power=0.2, channel=i)
    s.named("ball", s.builder.circle((1.4, 1.0), 0.18, role=GREEN))
    block(s, "stand", (0.85, 1.95), (0.4, 0.68))
    block(s, "red_ledge", (2.35, 2.5), (0.4, 2.6), RED)
    block(s, "red_beam", (0.6, 0.75), (1.8, 3.4), RED)
    block(s, "target", (2.3, 3.4), (4.2, 4.35), BLUE)
    return s


def tow_over_the_wall() -> Sketch:
    """Carry the green ball on its rope over the red wall with the two jets of the flyer, and lower it onto the blue ball."""
    s = Sketch("l", left=RED)
    flyer = s.named("flyer", s.builder.box((1.0, 2.0), (0.35, 0.1)))
    for i, side in enumerate((-1, 1)):
        s.builder.thruster(flyer, at=(1.0 + side * 0.3, 1.9), angle=UP, power=0.15, channel=i)
    last = chain(s, flyer, [(1.0, 1.95), (1.0, 1.6), (1.0, 1.25), (1.0, 0.9)], half=0.03)
    load = s.named("load", s.builder.circle((1.0, 0.75), 0.17, role=GREEN))
    s.builder.joint(last, load, at=(1.0, 0.9))
    block(s, "red_wall", (2.3, 2.45), (0.4, 1.6), RED)
    block(s, "red_roof", (3.6, 5.0), (1.7, 1.85), RED)
    goal(s, at=(4.2, 0.75), radius=0.33)
    return s


THEMES: dict[str, list[Design]] = {
    "flying": [three_gates, serpent_shaft, between_towers, mine_lift, tow_over_the_wall],
    "platforms": [four_ledges],
    "timing": [mill_street],
}
TWINS: dict[str, Design] = {"serpent_shaft_left": serpent_shaft}
