"""The levels of size L about bodies that walk, crawl, hop and balance: what is pushed is the body itself."""

import math

from envs.levels.design.machines import block, limb, rock, rod, wheel
from envs.levels.design.parts import BLUE, GREEN, GROUND, RED, Design, Sketch, ball, goal


def four_legs() -> Sketch:
    """Walk the beast on its four legs to the right, with the green ball safe on its back, until that meets the blue ball."""
    s = Sketch("l", floor=RED)
    back = s.named("back", s.builder.box((1.3, 0.95), (0.7, 0.1)))
    for name, hip, foot, channel in (
        ("rear_near", 0.75, 0.6, 0),
        ("rear_far", 0.85, 1.0, 1),
        ("front_near", 1.75, 1.6, 2),
        ("front_far", 1.85, 2.0, 3),
    ):
        limb(
            s,
            (f"{name}_leg",),
            back,
            [(hip, 0.9), (foot, GROUND + 0.07)],
            (channel,),
            limits=[(-0.7, 0.7)],
            half=0.06,
            speed=0.6,
            density=2.0,
            collision=0,
        )
    for name, x in (("tail", 0.7), ("neck", 1.9)):
        post = s.named(name, s.builder.box((x, 1.15), (0.05, 0.1), density=0.5))
        s.builder.joint(back, post, at=(x, 1.05), fixed=True)
    ball(s, at=(1.3, 1.24), radius=0.17, density=0.5)
    goal(s, at=(2.4, 1.52), radius=0.2)
    return s


def sprint() -> Sketch:
    """Run on a hind leg and a fore leg of three parts each, and be at the blue ball before time is up."""
    s = Sketch("l")
    trunk = s.named("trunk", s.builder.box((1.2, 1.05), (0.55, 0.1), role=GREEN))
    for side, hip, channel in (("hind", 0.75, 0), ("fore", 1.65, 1)):
        points = [(hip, 1.0), (hip + 0.15, 0.75), (hip - 0.12, 0.55), (hip + 0.05, GROUND + 0.06)]
        names = [f"{side}_{part}" for part in ("thigh", "shank", "foot")]
        limb(
            s,
            names,
            trunk,
            points,
            (channel, channel + 2, channel + 2),
            limits=[(-0.9, 0.7), (-0.7, 0.7), (-0.6, 0.6)],
            speed=1.2,
            density=2.0,
            collision=0,
        )
    goal(s, at=(2.45, 0.95), radius=0.3)
    return s


def hop_high() -> Sketch:
    """Stretch the folded leg of three joints so that the green body hops up to the blue ball."""
    s = Sketch("l", left=RED, right=RED)
    body = s.named("body", s.builder.box((2.3, 1.2), (0.14, 0.3), role=GREEN))
    points = [(2.3, 0.95), (2.7, 0.8), (2.15, 0.62), (2.6, GROUND + 0.08)]
    limits = [(-1.3, 0.3), (-0.3, 2.4), (-2.4, 0.3)]
    limb(s, ("thigh", "shank", "foot"), body, points, (0, 1, 2), limits=limits, half=0.06, speed=2.0, density=1.5, collision=0)
    goal(s, at=(2.4, 2.17), radius=0.25)
    return s


def push_off() -> Sketch:
    """Weightless: stretch the folded legs against the left wall and drift between the red moons to the blue one."""
    s = Sketch("l", gravity=0.0, floor=RED, ceiling=RED)
    body = s.named("body", s.builder.box((0.95, 1.6), (0.3, 0.14), role=GREEN))
    for side, y, sign, channel in (("upper", 1.68, 1, 0), ("lower", 1.52, -1, 1)):
        points = [(0.75, y), (0.6, y + sign * 0.4), (0.1, y + sign * 0.25)]
        bend = [(-0.2, 1.4), (-1.6, 0.2)] if sign > 0 else [(-1.4, 0.2), (-0.2, 1.6)]
        limb(s, (f"{side}_thigh", f"{side}_shank"), body, points, (channel, channel + 2), limits=bend, speed=1.5, power=1.0, collision=0)
    rock(s, "low_moon", (2.9, 1.4), 0.65)
    rock(s, "high_moon", (3.0, 3.6), 0.6)
    goal(s, at=(4.2, 2.5), radius=0.15)
    return s


def stand_up() -> Sketch:
    """Rise from the crouch, bring the green head up to the blue ball and do not fall onto the red floor."""
    s = Sketch("l", floor=RED)
    torso = rod(s, "torso", (2.3, 0.95), (2.65, 1.5), half=0.12)
    head = s.named("head", s.builder.circle((2.7, 1.65), 0.17, role=GREEN))
    s.builder.joint(torso, head, at=(2.65, 1.5), fixed=True)
    for side, shift, channel in (("left", 0.0, 0), ("right", 0.1, 1)):
        points = [(2.3, 0.95), (2.75 + shift, 0.95), (2.35 + 2 * shift, GROUND + 0.08)]
        names = (f"{side}_thigh", f"{side}_shank")
        limb(
            s,
            names,
            torso,
            points,
            (channel, channel + 2),
            limits=[(-1.7, 0.4), (-0.4, 2.2)],
            half=0.07,
            speed=1.5,
            density=3.0,
            collision=0,
        )
    goal(s, at=(2.45, 2.65), radius=0.25)
    return s


def wheel_with_arms() -> Sketch:
    """Get up on the wheel with the help of both arms, and ride until the green body is at the blue ball."""
    s = Sketch("l", floor=RED)
    hub = (1.3, GROUND + 0.3)
    body = rod(s, "body", hub, (1.3, 1.5), half=0.08, role=GREEN)
    for side, sign, channel in (("left", -1, 1), ("right", 1, 2)):
        points = [(1.3, 1.45), (1.3 + sign * 0.4, 1.2), (1.3 + sign * 0.6, 0.8)]
        limb(
            s,
            (f"{side}_arm", f"{side}_hand"),
            body,
            points,
            (channel, 3),
            limits=[(-1.5, 1.5), (-1.0, 1.0)],
            speed=0.6,
            density=1.0,
            collision=0,
        )
    wheel(s, "wheel", body, hub, 0.3, channel=0, speed=-1.2)
    goal(s, at=(3.9, 1.3), radius=0.3)
    return s


def roll_the_star() -> Sketch:
    """Roll the star to the right by swinging its six arms in turn, until its heart is at the blue ball."""
    s = Sketch("l")
    heart = ball(s, at=(1.2, 1.0), radius=0.22)
    for i in range(6):
        turn = math.pi * i / 3
        points = [(1.2 + r * math.cos(turn), 1.0 + r * math.sin(turn)) for r in (0.2, 0.66)]
        limb(s, (f"arm_{i}",), heart, points, (i % 3,), limits=[(-0.8, 0.8)], half=0.05, speed=1.0, density=1.5, collision=0)
    goal(s, at=(2.4, 0.9), radius=0.3)
    return s


def penalty_kick() -> Sketch:
    """Swing the leg back and kick the green ball up the ramp, off its end and against the blue wall."""
    s = Sketch("l", floor={"friction": 0.5}, right=BLUE)
    post = block(s, "post", (0.68, 0.92), (1.55, 2.25))
    points = [(0.8, 1.6), (0.75, 1.05), (0.7, 0.62), (1.0, 0.5)]
    limits = [(-1.2, 1.3), (-1.5, 0.1), (-0.4, 0.4)]
    limb(s, ("thigh", "shank", "foot"), post, points, (0, 1, 2), limits=limits, half=0.06, speed=1.8)
    ball(s, at=(1.45, 0.58), radius=0.17)
    s.named("ramp", s.builder.polygon([(1.8, GROUND), (2.7, GROUND), (2.7, 0.75)], fixed=True))
    rock(s, "keeper", (4.2, 3.6), 0.35)
    return s


THEMES: dict[str, list[Design]] = {
    "walkers": [four_legs, sprint],
    "hoppers": [hop_high, push_off],
    "balance": [stand_up, wheel_with_arms],
    "rollers": [roll_the_star],
    "throwing": [penalty_kick],
}
TWINS: dict[str, Design] = {}
