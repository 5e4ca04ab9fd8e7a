"""The scenes: what is built, for how long it is watched, and what theory says."""

import itertools
import math

from launch.benchmark.quality.scene import CEILING, HERTZ, LEFT, RIGHT, Body, Joint, Point, Row, Scene, box, disc
from physics.base import FLOOR, ROOM_WIDTH

GRAVITY = 9.81
MU = 0.4 * 2**0.5  # sticks below atan(MU) = 29.5 degrees
HALF = 0.15  # of the boxes of stacks, m
FALL = 2.4  # m, before a bounce
BALL = 0.05  # radius of the small fast balls, m
THIN = 0.05  # thickness of the thin wall, m
BALL_START = 1.0  # m, where the balls come from
THIN_AT = 2.5
MOTOR_SPEED = 6.0  # rad/s at full control
GAP = (Row("gap", "widest joint gap", "m"), Row("mean_gap", "mean joint gap", "m"))
GAINED = Row("gained", "energy gained, share", "")


def everything() -> list[Scene]:
    """All scenes, in the order of the table."""
    return [
        _stack(5), _stack(10), _pyramid(5),
        *(_slope(degrees) for degrees in (20, 28, 31, 35, 40)),
        *(_bounce(restitution) for restitution in (0.0, 0.5, 0.8, 1.0)),
        _flight(), _pendulum(), _double_pendulum(), _chain(0.0), _chain(10.0), _bridge(),
        _motor(), _limit(False), _limit(True),
        *(_thin_wall(speed) for speed in (3.0, 4.0, 6.0, 10.0, 20.0, 100.0)),
        *(_room_wall(speed) for speed in (20.0, 100.0)),
        _collisions(),
    ]  # fmt: skip


def _pile(name: str, words: str, bodies: list[Body]) -> Scene:
    rows = (
        Row("drift", "furthest move sideways", "m"),
        Row("sink", "change in height of the top box", "m"),
        Row("tilt", "largest tilt", "rad"),
        Row("sway", "fastest body in the last second, standing", "m/s"),
    )
    return Scene(name, words, 10.0, tuple(bodies), rows, friction=MU)


def _stack(count: int) -> Scene:
    bodies = [box((2.5, FLOOR + HALF * (2 * level + 1)), (HALF, HALF)) for level in range(count)]
    return _pile(f"stack_{count}", f"stack of {count} boxes", bodies)


def _pyramid(base: int) -> Scene:
    pitch = 2.1 * HALF
    bodies = [
        box((2.5 + pitch * (place - (base - level - 1) / 2), FLOOR + HALF * (2 * level + 1)), (HALF, HALF))
        for level in range(base)
        for place in range(base - level)
    ]
    return _pile("pyramid", f"pyramid of {len(bodies)} boxes", bodies)


def _slope(degrees: float) -> Scene:
    """A box on a fixed plank; it starts where a box at rest would be."""
    tilt, seconds = math.radians(degrees), 10.0
    slides = math.tan(tilt) > MU
    if slides:
        seconds = 0.9
        pull = GRAVITY * (math.sin(tilt) - MU * math.cos(tilt))
        row = Row("slid", f"slid in {seconds} s", "m", ideal=pull * seconds**2 / 2)
    else:
        row = Row("slid", "crept in 10 s", "m")
    along, above = -1.2, 0.2
    at = (2.5 + along * math.cos(tilt) + above * math.sin(tilt), 2.5 - along * math.sin(tilt) + above * math.cos(tilt))
    bodies = (box(at, (0.2, 0.1), angle=-tilt), box((2.5, 2.5), (2.2, 0.1), angle=-tilt, fixed=True))
    return Scene(f"slope_{degrees}", f"box on a slope of {degrees} degrees", seconds, bodies, (row,), friction=MU)


def _bounce(restitution: float) -> Scene:
    height = restitution**2 * FALL
    rows = (
        Row("rebound", "rebound of a disc", "m", ideal=height, of=0),
        Row("rebound", "rebound of a box", "m", ideal=height, of=1),
        GAINED,
    )
    bodies = (disc((1.5, FLOOR + 0.2 + FALL), 0.2), box((3.5, FLOOR + 0.2 + FALL), (0.2, 0.2)))
    words = f"drop of {FALL} m, restitution {restitution:g}"
    return Scene(f"bounce_{restitution:g}", words, 1.7, bodies, rows, restitution=restitution, drop=(FALL, FALL))


def _flight() -> Scene:
    rows = (Row("parabola", "furthest from the parabola in 1 s", "m"), Row("spin", "furthest from an even spin", "rad"))
    bodies = (disc((1.0, 1.0), 0.2, vel=(2.0, 6.0), omega=5.0), box((1.2, 2.0), (0.2, 0.1), vel=(3.0, 4.0), omega=-3.0))
    return Scene("flight", "thrown and spinning bodies", 1.0, bodies, rows)


def _pendulum() -> Scene:
    rows = (Row("lost", "energy lost in 10 s, share", ""), GAINED, GAP[0])
    bodies, joints = (disc((3.5, 3.5), 0.1),), (Joint(CEILING, 0, (2.5, 3.5)),)
    return Scene("pendulum", "pendulum, let go at a right angle", 10.0, bodies, rows, joints, drop=(1.0,))


def _double_pendulum() -> Scene:
    rows = (Row("lost", "energy lost in 10 s, share", ""), GAINED, GAP[0])
    bodies = (box((2.9, 3.5), (0.4, 0.05)), box((3.7, 3.5), (0.4, 0.05)))
    joints = (Joint(CEILING, 0, (2.5, 3.5)), Joint(0, 1, (3.3, 3.5)))
    return Scene("double_pendulum", "double pendulum of rods", 10.0, bodies, rows, joints, drop=(0.4, 1.2))


def _chain(density: float) -> Scene:
    """Six links that start level; with a density, a disc at the end, 25 times as heavy as a link at 10."""
    length, count, top = 0.36, 6, (2.5, 4.0)
    bodies = [box((top[0] + length * (i + 0.5), top[1]), (length / 2, 0.04)) for i in range(count)]
    drop = [length * (i + 0.5) for i in range(count)]
    if density:
        bodies.append(disc((top[0] + length * count, top[1]), 0.15, density=density))
        drop.append(length * count)
    joints = [Joint(i - 1 if i else CEILING, i, (top[0] + length * i, top[1])) for i in range(len(bodies))]
    name, words = ("chain_heavy", "chain of 6 with a heavy end") if density else ("chain", "chain of 6")
    return Scene(name, words, 10.0, tuple(bodies), (*GAP, GAINED), tuple(joints), drop=tuple(drop))


def _bridge() -> Scene:
    """Six planks along an arc from wall to wall and a heavy disc that drops on the middle."""
    planks, half_arc, height = 6, 0.7, 3.5
    radius = 2.5 / math.sin(half_arc)
    turns = [half_arc * (2 * i / planks - 1) for i in range(planks + 1)]
    ends = [(2.5 + radius * math.sin(turn), height - radius * (math.cos(turn) - math.cos(half_arc))) for turn in turns]
    ends[0], ends[-1] = (0.0, height), (5.0, height)
    length = 2 * radius * math.sin(half_arc / planks)
    bodies = [_plank(p, q, length) for p, q in itertools.pairwise(ends)]
    bodies.append(disc((2.5, height - radius * (1 - math.cos(half_arc)) + 0.05 + 0.25 + 0.1), 0.25, density=4.0))
    joints = [Joint(i - 1 if i else LEFT, i if i < planks else RIGHT, end) for i, end in enumerate(ends)]
    deepest = math.sqrt((planks * length / 2) ** 2 - 2.5**2)  # of a V: nothing that does not stretch hangs lower
    rows = (
        *GAP,
        Row("sag", "sag in the last second", "m", ideal=deepest, at_most=True),
        Row("unrest", "fastest body in the last second", "m/s"),
    )
    return Scene("bridge", "bridge of 6 planks with a load", 10.0, tuple(bodies), rows, tuple(joints), friction=MU)


def _plank(p: Point, q: Point, length: float) -> Body:
    middle = (p[0] + q[0]) / 2, (p[1] + q[1]) / 2
    return box(middle, (length / 2, 0.05), angle=math.atan2(q[1] - p[1], q[0] - p[0]))


def _motor() -> Scene:
    """A light and a heavy wheel, driven from rest."""
    rows = (
        Row("speed", "speed of a light wheel", "rad/s", ideal=MOTOR_SPEED, of=0),
        Row("speed", "speed of a wheel 100 times as heavy", "rad/s", ideal=MOTOR_SPEED, of=1),
        Row("settling", "until the light one is within 10 %", "s", ideal=3 / HERTZ, at_most=True, of=0),
        Row("settling", "until the heavy one is within 10 %", "s", ideal=3 / HERTZ, at_most=True, of=1),
    )
    places = ((1.5, 2.5), (3.5, 2.5))
    bodies = (disc(places[0], 0.3), disc(places[1], 0.3, density=100.0))
    joints = tuple(Joint(LEFT, i, at, motor=True) for i, at in enumerate(places))
    return Scene("motor", "wheels turned by motors", 2.0, bodies, rows, joints, gravity=(0.0, 0.0))


def _limit(loaded: bool) -> Scene:
    """A rod that falls on its lower limit; loaded, with a disc 25 times as heavy hanging from its end."""
    bodies, joints = [box((2.9, 3.0), (0.4, 0.05))], [Joint(LEFT, 0, (2.5, 3.0), limits=(-0.5, 0.5))]
    if loaded:
        bodies.append(disc((3.3, 3.0), 0.2, density=16.0))
        joints.append(Joint(0, 1, (3.3, 3.0)))
    rows = (Row("violation", "furthest past the limit", "rad"), Row("rest_violation", "past the limit at the end", "rad"))
    name, words = ("limit_loaded", "joint limit, heavy load") if loaded else ("limit", "joint limit")
    return Scene(name, words, 4.0, tuple(bodies), rows, tuple(joints))


def _balls(speed: float, stop: float) -> list[Body]:
    """Three balls that would touch `stop` at three moments spread over a step."""
    travel = speed / HERTZ
    flight = math.floor((stop - BALL - BALL_START) / travel) * travel  # whole steps, so that speeds compare
    return [disc((stop - BALL - flight - travel * (i + 0.5) / 3, 1.0 + i), BALL, vel=(speed, 0.0)) for i in range(3)]


def _thin_wall(speed: float) -> Scene:
    bodies = (*_balls(speed, THIN_AT - THIN / 2), box((THIN_AT, 2.7), (THIN / 2, 2.25), fixed=True))
    rows = (Row("through", "share that gets through", "", beyond=THIN_AT + THIN / 2 + BALL),)
    words = f"small balls against a wall of {THIN} m, {speed:g} m/s"
    return Scene(f"thin_wall_{speed:g}", words, 1.0, bodies, rows, gravity=(0.0, 0.0))


def _room_wall(speed: float) -> Scene:
    rows = (
        Row("outside", "share that is outside at the end", "", beyond=ROOM_WIDTH),
        Row("depth", "deepest in the wall after a step", "m", beyond=ROOM_WIDTH),
        Row("speed_after", "speed afterwards", "m/s"),
    )
    words = f"small balls against the room, {speed:g} m/s"
    return Scene(f"room_wall_{speed:g}", words, 1.0, tuple(_balls(speed, ROOM_WIDTH)), rows, gravity=(0.0, 0.0))


def _collisions() -> Scene:
    """Five bodies that meet in the middle, out of reach of the walls."""
    bodies = (
        box((1.6, 2.5), (0.3, 0.2), angle=0.3, vel=(1.5, 0.0), density=2.0),
        box((3.3, 2.6), (0.25, 0.25), angle=0.8, vel=(-1.5, 0.2), omega=2.0),
        disc((2.6, 3.6), 0.25, vel=(0.0, -1.5)),
        disc((2.4, 1.5), 0.15, vel=(0.2, 1.5), omega=-4.0),
        disc((3.4, 1.6), 0.2, vel=(-1.2, 1.2), density=3.0),
    )
    rows = (
        Row("momentum", "change of momentum, share", ""),
        Row("angular_momentum", "change of angular momentum, share", ""),
    )
    return Scene("collisions", "collisions without gravity", 1.0, bodies, rows, gravity=(0.0, 0.0), friction=MU, restitution=0.5)
