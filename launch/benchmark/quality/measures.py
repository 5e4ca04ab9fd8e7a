"""Measures: numbers from a trajectory. The same formulas for every engine; pure numpy.

A measure is a function of a scene, what an engine made of it, and the row that asks. Gaps, energies and momenta are worked
out here from positions and velocities, so that no engine's own book-keeping counts.
"""

from collections.abc import Callable

import numpy as np

from launch.benchmark.quality.scene import HERTZ, Body, Row, Scene
from launch.benchmark.quality.trajectory import FIELDS, Trajectory
from physics import shapes

FALLEN = np.pi / 4  # rad, of a box that has tipped off its pile

Measure = Callable[[Scene, Trajectory, Row], float]


def value(scene: Scene, done: Trajectory, row: Row) -> float:
    """The number that a row asks for; infinite if the motion is not finite."""
    leaves = [np.asarray(getattr(done, field), float)[: scene.steps] for field in FIELDS]
    if not all(np.isfinite(leaf).all() for leaf in leaves):
        return float("inf")
    return float(MEASURES[row.measure](scene, Trajectory(*leaves), row))


def _starts(scene: Scene) -> np.ndarray:
    return np.array([body.at for body in scene.bodies])


def _angles(scene: Scene) -> np.ndarray:
    return np.array([body.angle for body in scene.bodies])


def _properties(body: Body) -> tuple[float, float]:
    """(mass, moment of inertia) of a body that can move; zeros for a fixed one, which has no share in any sum."""
    if body.fixed:
        return 0.0, 0.0
    if body.vertices:
        area, _, moment = shapes.polygon_properties(np.array(body.vertices))
    else:
        area, moment = shapes.circle_properties(body.radius)
    return area * body.density, moment * body.density


def _masses(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    mass, inertia = zip(*(_properties(body) for body in scene.bodies), strict=True)
    return np.array(mass), np.array(inertia)


def drift(scene: Scene, done: Trajectory, row: Row) -> float:
    """Furthest that any body ever is from its start, sideways."""
    return np.abs(done.pos[..., 0] - _starts(scene)[:, 0]).max()


def sink(scene: Scene, done: Trajectory, row: Row) -> float:
    """Furthest that the last body ever is from its start, up or down."""
    return np.abs(done.pos[:, -1, 1] - scene.bodies[-1].at[1]).max()


def tilt(scene: Scene, done: Trajectory, row: Row) -> float:
    """Furthest that any body ever turns."""
    return np.abs(done.angle - _angles(scene)).max()


def unrest(scene: Scene, done: Trajectory, row: Row) -> float:
    """Fastest body in the last second."""
    return np.linalg.norm(done.vel[-HERTZ:], axis=-1).max()


def sway(scene: Scene, done: Trajectory, row: Row) -> float:
    """Fastest body of a pile in the last second; infinite once it has fallen, as what lies on the floor at rest does not stand still."""
    return unrest(scene, done, row) if tilt(scene, done, row) < FALLEN else float("inf")


def slid(scene: Scene, done: Trajectory, row: Row) -> float:
    """How far the first body is from its start."""
    return float(np.linalg.norm(done.pos[-1, 0] - _starts(scene)[0]))


def rebound(scene: Scene, done: Trajectory, row: Row) -> float:
    """Height to which a body comes back after its first bounce, above where it rests."""
    rest, up = scene.bodies[row.of].at[1] - scene.drop[row.of], done.vel[:, row.of, 1]
    back = np.flatnonzero(up > 0)
    if not len(back):
        return 0.0
    end = back[0] + np.argmax(np.append(up[back[0] :], -1.0) <= 0)  # the first rise alone
    return max(float(done.pos[back[0] : end, row.of, 1].max()) - rest, 0.0)


def _energy(scene: Scene, done: Trajectory) -> np.ndarray:
    """Energy after each step less that of the start, as a share of what falling by `drop` sets free; `[steps]`."""
    mass, inertia = _masses(scene)
    pull = np.array(scene.gravity)

    def total(pos: np.ndarray, vel: np.ndarray, omega: np.ndarray) -> np.ndarray:
        return (mass * ((vel**2).sum(-1) / 2 - pos @ pull) + inertia * omega**2 / 2).sum(-1)

    vel, omega = np.array([body.vel for body in scene.bodies]), np.array([body.omega for body in scene.bodies])
    freed = (mass * np.array(scene.drop)).sum() * np.linalg.norm(pull)
    return (total(done.pos, done.vel, done.omega) - total(_starts(scene), vel, omega)) / freed


def gained(scene: Scene, done: Trajectory, row: Row) -> float:
    """Most energy ever had above that of the start, as a share."""
    return max(_energy(scene, done).max(), 0.0)


def lost(scene: Scene, done: Trajectory, row: Row) -> float:
    """Energy lost, as a share: the mean of the last two seconds, as it wavers within a swing."""
    return -_energy(scene, done)[-2 * HERTZ :].mean()


def parabola(scene: Scene, done: Trajectory, row: Row) -> float:
    """Furthest that a thrown body is from where it should be."""
    time = np.arange(1, len(done.pos) + 1)[:, None, None] / HERTZ
    vel = np.array([body.vel for body in scene.bodies])
    right = _starts(scene) + vel * time + np.array(scene.gravity) * time**2 / 2
    return np.linalg.norm(done.pos - right, axis=-1).max()


def spin(scene: Scene, done: Trajectory, row: Row) -> float:
    """Furthest that a body's angle is from that of an even spin."""
    time = np.arange(1, len(done.angle) + 1)[:, None] / HERTZ
    turned = done.angle - _angles(scene) - np.array([body.omega for body in scene.bodies]) * time
    return np.abs(np.angle(np.exp(1j * turned))).max()


def _turned(points: np.ndarray, angle: np.ndarray) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * points[0] - sin * points[1], sin * points[0] + cos * points[1]], axis=-1)


def _end(scene: Scene, done: Trajectory, body: int, at: np.ndarray) -> np.ndarray:
    """Where the point of a body that was at `at` in the beginning is, `[steps, 2]`."""
    if body < 0:
        return np.broadcast_to(at, (len(done.pos), 2))
    start = scene.bodies[body]
    anchor = _turned(at - np.array(start.at), np.array(-start.angle))
    return done.pos[:, body] + _turned(anchor, done.angle[:, body])


def _gaps(scene: Scene, done: Trajectory) -> np.ndarray:
    """Distance between the two ends of every joint, `[joints, steps]`."""
    pins = [(joint, np.array(joint.at)) for joint in scene.joints]
    return np.array([np.linalg.norm(_end(scene, done, pin.a, at) - _end(scene, done, pin.b, at), axis=-1) for pin, at in pins])


def gap(scene: Scene, done: Trajectory, row: Row) -> float:
    """Widest gap of any joint at any time."""
    return _gaps(scene, done).max()


def mean_gap(scene: Scene, done: Trajectory, row: Row) -> float:
    """Mean gap over joints and time."""
    return _gaps(scene, done).mean()


def sag(scene: Scene, done: Trajectory, row: Row) -> float:
    """How far the lowest joint is below the first, on average over the last second."""
    heights = [_end(scene, done, joint.b if joint.b >= 0 else joint.a, np.array(joint.at))[-HERTZ:, 1] for joint in scene.joints]
    return scene.joints[0].at[1] - float(np.mean(np.min(heights, axis=0)))


def speed(scene: Scene, done: Trajectory, row: Row) -> float:
    """How fast a body turns at the end."""
    return done.omega[-1, row.of]


def settling(scene: Scene, done: Trajectory, row: Row) -> float:
    """Time from which on a body keeps turning within a tenth of the wanted speed."""
    wanted = next(other.ideal for other in scene.rows if other.measure == "speed" and other.of == row.of)
    off = np.flatnonzero(np.abs(done.omega[:, row.of] - wanted) > 0.1 * wanted)
    return (off[-1] + 2) / HERTZ if len(off) else 1 / HERTZ


def _past(scene: Scene, done: Trajectory) -> np.ndarray:
    """How far past its limit a joint is; the worst of those with limits, `[steps]`."""
    angles, start, worst = done.angle, _angles(scene), np.zeros(len(done.angle))
    for joint in scene.joints:
        if joint.limits is not None:
            a, b = (angles[:, body] - start[body] if body >= 0 else np.zeros(len(angles)) for body in (joint.a, joint.b))
            worst = np.maximum(worst, np.abs(b - a - np.clip(b - a, *joint.limits)))
    return worst


def violation(scene: Scene, done: Trajectory, row: Row) -> float:
    """Furthest that any joint is ever past its limit."""
    return _past(scene, done).max()


def rest_violation(scene: Scene, done: Trajectory, row: Row) -> float:
    """How far past its limit a joint is at the end."""
    return _past(scene, done)[-1]


def _moving(scene: Scene) -> np.ndarray:
    return np.flatnonzero([not body.fixed for body in scene.bodies])


def through(scene: Scene, done: Trajectory, row: Row) -> float:
    """Share of the bodies that are ever beyond."""
    return (done.pos[:, _moving(scene), 0] > row.beyond).any(axis=0).mean()


def outside(scene: Scene, done: Trajectory, row: Row) -> float:
    """Share of the bodies whose centre is beyond at the end."""
    return (done.pos[-1, _moving(scene), 0] > row.beyond).mean()


def depth(scene: Scene, done: Trajectory, row: Row) -> float:
    """Furthest that a disc ever reaches beyond."""
    radius = np.array([body.radius for body in scene.bodies])
    return max((done.pos[..., 0] + radius - row.beyond).max(), 0.0)


def speed_after(scene: Scene, done: Trajectory, row: Row) -> float:
    """Fastest body at the end."""
    return np.linalg.norm(done.vel[-1], axis=-1).max()


def _momenta(scene: Scene, done: Trajectory) -> tuple[np.ndarray, np.ndarray]:
    """(momentum `[1 + steps, 2]`, angular momentum about the origin `[1 + steps]`), with the start."""
    mass, inertia = _masses(scene)
    pos = np.concatenate([_starts(scene)[None], done.pos])
    vel = np.concatenate([[[body.vel for body in scene.bodies]], done.vel])
    omega = np.concatenate([[[body.omega for body in scene.bodies]], done.omega])
    orbit = mass * (pos[..., 0] * vel[..., 1] - pos[..., 1] * vel[..., 0])
    return (mass[:, None] * vel).sum(axis=1), (orbit + inertia * omega).sum(axis=1)


def momentum(scene: Scene, done: Trajectory, row: Row) -> float:
    """Largest change of the total momentum, as a share of the sum of the sizes of all."""
    total, scale = _momenta(scene, done)[0], sum(_properties(body)[0] * np.hypot(*body.vel) for body in scene.bodies)
    return np.linalg.norm(total - total[0], axis=-1).max() / scale


def angular_momentum(scene: Scene, done: Trajectory, row: Row) -> float:
    """Largest change of the total angular momentum, as a share of the sum of the sizes of all, about the origin."""
    total = _momenta(scene, done)[1]
    scale = sum(_properties(body)[0] * np.hypot(*body.vel) * np.hypot(*body.at) for body in scene.bodies)
    return np.abs(total - total[0]).max() / scale


MEASURES: dict[str, Measure] = {
    measure.__name__: measure
    for measure in (
        drift, sink, tilt, unrest, sway, slid, rebound, gained, lost, parabola, spin, gap, mean_gap, sag, speed, settling,
        violation, rest_violation, through, outside, depth, speed_after, momentum, angular_momentum,
    )
}  # fmt: skip
