"""Levels of size L with vehicles: what they drive over, and what they carry and push."""

from envs.levels.design.machines import block, car_on, chain, crate, rod, wedge, wheel
from envs.levels.design.parts import BLUE, GREEN, RED, Design, Sketch, ball, goal


def rough_ground() -> Sketch:
    """Drive the buggy over the rough ground to the blue ball; its axle arms can be raised and lowered."""
    s = Sketch("l", left=RED, ceiling=RED)
    wedge(s, "bump", [(1.4, 0.4), (2.0, 0.4), (1.8, 0.5), (1.6, 0.5)])
    wedge(s, "ridge", [(2.1, 0.4), (2.9, 0.4), (2.5, 0.55)])
    wedge(s, "ramp", [(3.0, 0.4), (3.9, 0.4), (3.9, 0.6), (3.7, 0.6)])
    buggy = s.named("buggy", s.builder.box((0.75, 0.98), (0.42, 0.09), role=GREEN))
    for name, side in (("rear", -1), ("front", 1)):
        hinge, axle = (0.75 + side * 0.2, 0.95), (0.75 + side * 0.45, 0.63)
        arm = rod(s, f"{name}_arm", hinge, axle, half=0.04)
        s.builder.joint(buggy, arm, at=hinge, motor=True, speed=0.4, power=0.5, limits=(-0.35, 0.35), channel=1 if side < 0 else 2)
        wheel(s, f"{name}_wheel", arm, axle, 0.23)
    goal(s, at=(4.55, 1.15), radius=0.3)
    return s


def plank_bridge() -> Sketch:
    """Drive the car over the bridge of loose planks to the blue ball; it must not fall on the red floor."""
    s = Sketch("l", floor=RED)
    left = block(s, "left_bank", (0.0, 1.3), (0.4, 1.4))
    right = block(s, "right_bank", (3.7, 5.0), (0.4, 1.4))
    points = [(1.3, 1.35), (1.88, 1.2), (2.5, 1.14), (3.12, 1.2), (3.7, 1.35)]
    last = chain(s, left, points, name="plank", density=2.0)
    s.builder.joint(last, right, at=points[-1])
    chassis = s.named("car", s.builder.polygon([(0.2, 1.42), (0.75, 1.56), (0.75, 1.72), (0.3, 1.72)], role=GREEN, friction=0.2))
    wheel(s, "wheel", chassis, (0.75, 1.61), 0.2, speed=1.1)
    goal(s, at=(4.6, 1.75), radius=0.3)
    return s


def lorry_and_trailer() -> Sketch:
    """Drive the lorry over the bump so that the green ball stays on its trailer until it meets the blue board."""
    s = Sketch("l", floor=RED, left=RED)
    lorry = s.named("lorry", s.builder.box((1.85, 0.72), (0.35, 0.1), density=2.0))
    bed = s.named("bed", s.builder.box((0.85, 0.74), (0.42, 0.05)))
    wheel(s, "front_wheel", lorry, (2.05, 0.56), 0.16, speed=1.2)
    wheel(s, "lorry_wheel", lorry, (1.6, 0.56), 0.16, speed=1.2)
    axle = s.named("trailer_wheel", s.builder.circle((0.7, 0.56), 0.16))
    s.builder.joint(bed, axle, at=(0.7, 0.56))
    s.builder.joint(lorry, bed, at=(1.4, 0.74))
    for name, x, top in (("tailboard", 0.47, 0.95), ("headboard", 1.23, 0.95)):
        board = crate(s, name, (x - 0.04, x + 0.04), (0.79, top))
        s.builder.joint(bed, board, at=(x, 0.79), fixed=True)
    wedge(s, "bump", [(2.5, 0.4), (3.0, 0.4), (2.75, 0.47)])
    ball(s, at=(0.85, 0.98), radius=0.18)
    block(s, "board", (3.3, 3.5), (1.12, 2.2), BLUE)
    return s


def fill_the_ditch() -> Sketch:
    """Push one block into the red ditch with the tractor, and the green one across it to the blue block."""
    s = Sketch("l", floor=RED, left=RED)
    block(s, "left_bank", (0.0, 2.9), (0.4, 0.85), friction=0.5)
    block(s, "right_bank", (3.42, 5.0), (0.4, 0.84), friction=0.5)
    crate(s, "filler", (2.3, 2.78), (0.86, 1.3), density=0.8, friction=0.5)
    crate(s, "load", (1.85, 2.25), (0.86, 1.2), GREEN, density=0.6, friction=0.5)
    tractor = car_on(s, 0.85, 1.0, half=0.38, radius=0.2, speed=0.8, density=2.0)
    blade = crate(s, "blade", (1.4, 1.48), (0.9, 1.3))
    s.builder.joint(tractor, blade, at=(1.4, 1.13), fixed=True)
    block(s, "target", (4.5, 4.9), (0.84, 1.3), BLUE)
    return s


def stair_climber() -> Sketch:
    """Climb the stairs with the three-axled robot, which can bend in the middle, to the blue ball."""
    s = Sketch("l", left=RED)
    for i, x in enumerate((2.0, 2.75, 3.5)):
        block(s, f"step_{i + 1}", (x, x + 0.75 if i < 2 else 5.0), (0.4, 0.51 + 0.11 * i))
    rear = s.named("rear", s.builder.box((0.7, 0.8), (0.25, 0.07), role=GREEN))
    front = s.named("front", s.builder.box((1.2, 0.8), (0.25, 0.07), role=GREEN))
    s.builder.joint(rear, front, at=(0.95, 0.8), motor=True, speed=0.3, power=1.5, limits=(-0.6, 0.6), channel=1)
    for name, carrier, x in (("rear_wheel", rear, 0.5), ("middle_wheel", rear, 0.9)):
        wheel(s, name, carrier, (x, 0.63), 0.22, speed=1.3, friction=3.0)
    wheel(s, "front_wheel", front, (1.4, 0.63), 0.22, speed=1.3, channel=2, friction=3.0, role=GREEN)
    goal(s, at=(4.6, 1.2), radius=0.3)
    return s


def gap_jump() -> Sketch:
    """Race down the track and jump over the red gap to the blue ball on the other side."""
    s = Sketch("l", floor=RED)
    block(s, "track", (0.0, 1.9), (0.4, 1.6))
    wedge(s, "kicker", [(1.2, 1.6), (1.9, 1.6), (1.9, 1.78)])
    block(s, "landing", (3.0, 4.3), (0.4, 1.0))
    block(s, "step", (4.3, 5.0), (0.4, 1.3))
    car_on(s, 1.6, 0.5, half=0.32, radius=0.16, role=GREEN, speed=3.0)
    goal(s, at=(4.7, 1.6), radius=0.28)
    return s


def draw_bridge() -> Sketch:
    """Lower the drawbridge, then drive the car across the red water to the blue ball."""
    s = Sketch("l", floor=RED, left=RED)
    left = block(s, "left_bank", (0.0, 2.0), (0.4, 1.2))
    block(s, "right_bank", (3.4, 5.0), (0.4, 1.15))
    bridge = rod(s, "bridge", (2.0, 1.15), (2.0, 2.75), half=0.05)
    s.builder.joint(left, bridge, at=(2.0, 1.15), motor=True, speed=-0.45, power=0.5, limits=(-1.6, 0.3), channel=1)
    car_on(s, 1.2, 0.8, half=0.32, radius=0.17, role=GREEN, speed=1.1)
    goal(s, at=(4.6, 1.6), radius=0.3)
    return s


def two_barriers() -> Sketch:
    """Lift the two red barriers one after the other and drive the green car beneath them to the blue wall."""
    s = Sketch("l", left=RED, right=BLUE)
    for i, x in enumerate((2.0, 3.6)):
        post = block(s, f"post_{i + 1}", (x - 0.07, x + 0.07), (1.75, 2.6))
        barrier = rod(s, f"barrier_{i + 1}", (x, 1.85), (x, 0.62), RED, half=0.06)
        s.builder.joint(post, barrier, at=(x, 1.85), motor=True, speed=0.15, power=3.0, limits=(-1.4, 0.0), channel=i + 1)
    wedge(s, "hump", [(2.5, 0.4), (3.1, 0.4), (2.8, 0.48)])
    car_on(s, 0.4, 0.7, half=0.4, radius=0.16, role=GREEN, speed=1.0, overhang=0.18)
    return s


def push_it_up() -> Sketch:
    """Push the green ball up the ramp and over its end, so that it drops on the blue block and not on the red floor."""
    s = Sketch("l", floor=RED, left=RED)
    block(s, "road", (0.0, 1.7), (0.4, 0.8))
    wedge(s, "ramp", [(1.7, 0.4), (3.0, 0.4), (3.0, 1.25), (1.7, 0.8)])
    pusher = car_on(s, 0.8, 0.6, half=0.36, radius=0.19, speed=1.2, density=2.0)
    blade = crate(s, "blade", (1.02, 1.1), (0.95, 1.4))
    s.builder.joint(pusher, blade, at=(1.02, 1.1), fixed=True)
    ball(s, at=(1.45, 1.03), radius=0.22, density=0.6)
    block(s, "red_step", (3.0, 3.15), (0.4, 0.7), RED)
    block(s, "target", (3.35, 4.4), (0.4, 0.65), BLUE)
    return s


THEMES: dict[str, list[Design]] = {
    "off_road": [rough_ground, plank_bridge, stair_climber, gap_jump, draw_bridge, two_barriers],
    "haulage": [lorry_and_trailer, fill_the_ditch, push_it_up],
}
TWINS: dict[str, Design] = {"rough_ground_left": rough_ground}
