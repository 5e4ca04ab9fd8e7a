"""What is in a level, in words for people."""

import math
from typing import Any

import numpy as np

from envs import holdout
from envs.base import Level, Role
from envs.holdout import Found
from envs.level_model import Origin, Pooled, count
from physics.build import WALL_NAMES
from physics.prepare import capacity_of

SAME = 1e-6


def line(found: Found) -> str:
    """A level in one line."""
    differences = f"; {count(len(found.notes), 'difference')}" if found.notes else ""
    return contents(found.level) + differences + (f"; {found.model.description}" if found.model else "")


def contents(level: Level) -> str:
    """The slots that a level uses."""
    scene = level.scene
    joints, active = scene.joints, np.asarray(scene.bodies.active)
    polygons = scene.bodies.vertices.shape[2]
    motors = np.asarray(joints.active) & np.asarray(joints.motor) & ~np.asarray(joints.fixed)
    parts = [
        count(int(active[:polygons].sum()), "polygon"),
        count(int(active[polygons:].sum()), "circle"),
        count(int(np.sum(joints.active)), "joint") + (f" ({count(int(motors.sum()), 'motor')})" if motors.any() else ""),
        count(int(np.sum(scene.thrusters.active)), "thruster"),
    ]
    return ", ".join(part for part in parts if not part.startswith("0"))


def solution_steps(found: Found) -> int:
    """Environment steps of the recorded solution; 0 without one."""
    return sum(repeat for _, repeat in found.model.solution or []) if found.model else 0


def lines(id: str, found: Found) -> list[str]:
    """Everything that is in a level."""
    level = found.level
    capacity = capacity_of(level.scene)
    names = _body_names(level)
    slots = [
        count(number, what)
        for number, what in zip(
            (capacity.polygons, capacity.circles, capacity.joints, capacity.thrusters),
            ("polygon", "circle", "joint", "thruster"),
            strict=True,
        )
    ]
    x, y = (float(value) for value in level.scene.gravity)
    shown = [id, f"  file      {holdout.path(id)}"]
    shown += [f"  about     {found.model.description}"] if found.model else []
    if found.model and found.model.theme:
        shown.append(f"  theme     {found.model.theme}" + (f", the mirrored twin of {found.model.twin}" if found.model.twin else ""))
    shown += [f"  origin    {_origin(found.model.origin)}"] if found.model and found.model.origin else []
    shown += [f"  pool      {_pooled(found.model.pool)}"] if found.model and found.model.pool else []
    shown += [f"  slots     {', '.join(slots)}", f"  gravity   ({x:g}, {y:g}) m/s2", f"  walls     {_walls(level)}"]
    shown += _section("body", [f"{name}: {_body(level, slot)}" for slot, name in names.items() if slot < capacity.bodies])
    shown += _section("joint", [_joint(level, int(slot), names) for slot in np.flatnonzero(level.scene.joints.active)])
    shown += _section("thruster", [_thruster(level, int(slot), names) for slot in np.flatnonzero(level.scene.thrusters.active)])
    shown += [f"  solution  {_solution(found)}"]
    return shown + _section("otherwise", found.notes)


def _origin(origin: Origin) -> str:
    words = [f"number {origin.number} of seed {origin.seed}", *origin.settings]
    edits = ", ".join(origin.edits) or "nothing"
    return " ".join(words) + (f"; from {origin.parent} by {edits}" if origin.parent else "")


def _pooled(pool: Pooled) -> str:
    rate = "not played yet" if pool.success is None else f"success {pool.success:.0%} of {pool.episodes:.1f} episodes"
    made = f"number {pool.number} of key {pool.key}" if pool.parent is None else f"{count(pool.edits, 'edit')}, the last of {pool.parent}"
    return f"{pool.hash} of {pool.run} at iteration {pool.iteration}: {rate}; {made}"


def _section(title: str, rows: list[str]) -> list[str]:
    return [f"  {title:<10}{row}" for row in rows]


def _solution(found: Found) -> str:
    if found.model is None or not found.model.solution:
        return "none recorded"
    steps = sum(repeat for _, repeat in found.model.solution)
    return f"{count(steps, 'step')}, {count(len(found.model.solution), 'action')}"


def _body_names(level: Level) -> dict[int, str]:
    """Every active body and wall by its index."""
    bodies = level.scene.bodies
    polygons, walls_begin = bodies.vertices.shape[2], bodies.active.shape[0]
    slots = np.flatnonzero(bodies.active).tolist()
    names = {slot: f"polygon {slot}" if slot < polygons else f"circle {slot - polygons}" for slot in slots}
    return names | {walls_begin + wall: name for wall, name in enumerate(WALL_NAMES)}


def _walls(level: Level) -> str:
    walls, found = level.scene.walls, []
    for slot, name in enumerate(WALL_NAMES):
        words = [Role(int(level.wall_role[slot])).name.lower()] if level.wall_role[slot] else []
        words += [f"friction {walls.friction[slot]:g}"] if walls.friction[slot] != 1 else []
        words += [f"restitution {walls.restitution[slot]:g}"] if walls.restitution[slot] else []
        found += [f"{name} {', '.join(words)}"] if words else []
    return "; ".join(found) or "plain"


def _body(level: Level, slot: int) -> str:
    bodies, start = level.scene.bodies, level.start
    polygons = bodies.vertices.shape[2]
    words = [Role(int(level.role[slot])).name.lower()] if level.role[slot] else []
    if slot < polygons:
        corners = np.asarray(bodies.vertices)[:, : int(bodies.vertex_count[slot]), slot]
        width, height = corners.max(1) - corners.min(1)
        words += [f"{width:.3g} x {height:.3g} m" + (f", {corners.shape[1]} corners" if corners.shape[1] != 4 else "")]
    else:
        words += [f"radius {bodies.radius[slot - polygons]:.3g} m"]
    words += [f"at ({start.pos[0, slot]:.2f}, {start.pos[1, slot]:.2f})"]
    words += [f"turned {math.degrees(start.angle[slot]):.0f} degrees"] if slot < polygons and abs(start.angle[slot]) > SAME else []
    words += [f"mass {1 / bodies.inverse_mass[slot]:.3g} kg" if bodies.inverse_mass[slot] > 0 else "immovable"]
    if np.any(start.vel[:, slot]) or start.omega[slot]:
        words += [f"moving at ({start.vel[0, slot]:.2g}, {start.vel[1, slot]:.2g}) m/s, {start.omega[slot]:.2g} rad/s"]
    words += [f"friction {bodies.friction[slot]:.3g}"] if bodies.friction[slot] != 1 else []
    words += [f"restitution {bodies.restitution[slot]:.3g}"] if bodies.restitution[slot] else []
    words += [f"collision {bodies.collision[slot]}"] if bodies.collision[slot] != 1 else []
    return ", ".join(words)


def _joint(level: Level, slot: int, names: dict[int, str]) -> str:
    joints: Any = level.scene.joints
    words = [f"{names.get(int(joints.body_a[slot]), 'nothing')} and {names.get(int(joints.body_b[slot]), 'nothing')}"]
    if joints.fixed[slot]:
        return words[0] + ": welded"
    drive = "free"
    if joints.motor[slot]:
        by = "runs by itself" if level.motor_auto[slot] else f"channel {level.motor_channel[slot]}"
        drive = f"motor, {by}, speed {joints.motor_speed[slot]:.3g}, power {joints.motor_power[slot]:.3g}"
    limits = [math.degrees(value[slot]) for value in (joints.lower, joints.upper)] if joints.limited[slot] else []
    return f"{words[0]}: {drive}" + (f", {limits[0]:.0f} to {limits[1]:.0f} degrees" if limits else "")


def _thruster(level: Level, slot: int, names: dict[int, str]) -> str:
    thrusters = level.scene.thrusters
    what = f"on {names.get(int(thrusters.body[slot]), 'nothing')}: channel {level.thruster_channel[slot]}"
    return f"{what}, power {thrusters.power[slot]:.3g}"
