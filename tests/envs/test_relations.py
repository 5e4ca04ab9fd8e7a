"""Who is jointed to whom, linked by joints, and touched: against searches in plain Python."""

import functools

import jax
import numpy as np
from levels_for_tests import QUICK
from scrambled_levels import MEDIUM, drawn

from envs.observations import observer
from envs.observations.relations import RELATIONS

COUNT = 256
NODES = MEDIUM.bodies + MEDIUM.walls
POLYGONS, BODIES = MEDIUM.polygons, MEDIUM.bodies


@functools.cache
def table(name: str) -> np.ndarray:
    seen = jax.jit(observer("related_entities"), compiler_options=QUICK)(*drawn(COUNT))
    return np.asarray(seen.relations)[:, RELATIONS.index(name)]


def present(w: int) -> list[bool]:
    return [*drawn(COUNT)[0].scene.bodies.active[:, w], *[True] * MEDIUM.walls]


def links(w: int) -> list[tuple[int, int]]:
    joints = drawn(COUNT)[0].scene.joints
    return [(int(joints.body_a[j, w]), int(joints.body_b[j, w])) for j in range(MEDIUM.joints) if joints.active[j, w]]


def test_tables_are_symmetric_and_have_nothing_of_empty_slots():
    for name in RELATIONS:
        found = table(name)
        assert found.shape == (COUNT, NODES, NODES)
        np.testing.assert_array_equal(found, np.swapaxes(found, 1, 2))
        for w in range(COUNT):
            assert not found[w][~np.array(present(w))].any()


def test_all_are_all_that_are_there():
    for w in range(COUNT):
        np.testing.assert_array_equal(table("all")[w], np.outer(present(w), present(w)))


def test_jointed_are_the_ends_of_joints():
    for w in range(COUNT):
        wanted = np.zeros((NODES, NODES), bool)
        for a, b in links(w):
            wanted[a, b] = wanted[b, a] = True
        np.testing.assert_array_equal(table("jointed")[w], wanted)
    assert table("jointed").any()


def test_a_mechanism_is_all_that_joints_reach():
    chains = 0
    for w in range(COUNT):
        reach = {node: {node} for node in range(NODES) if present(w)[node]}
        for _ in range(NODES):
            for a, b in links(w):
                reach[a] |= reach[b]
                reach[b] |= reach[a]
        wanted = [[other in reach.get(node, ()) for other in range(NODES)] for node in range(NODES)]
        np.testing.assert_array_equal(table("mechanism")[w], wanted)
        chains += max(len(group) for group in reach.values()) >= 3
    assert chains >= 10


def test_circles_touch_when_they_are_closer_than_their_radii():
    level, motion = drawn(COUNT)
    mode, seen = level.scene.bodies.collision, 0
    for w in range(COUNT):
        for i in range(POLYGONS, BODIES):
            for j in range(i + 1, BODIES):
                apart = np.linalg.norm(motion.pos[:, i, w] - motion.pos[:, j, w])
                reach = level.scene.bodies.radius[i - POLYGONS, w] + level.scene.bodies.radius[j - POLYGONS, w]
                meets = 2 in (mode[i, w], mode[j, w]) or (mode[i, w] > 0 and mode[j, w] > 0)
                wanted = present(w)[i] and present(w)[j] and meets and apart < reach
                assert table("touching")[w, i, j] == wanted
                seen += wanted
    assert seen >= 3


def test_bodies_touch_a_wall_when_a_part_is_behind_it():
    level, motion = drawn(COUNT)
    bodies, seen = level.scene.bodies, 0
    for w in range(COUNT):
        for i in range(BODIES):
            x, y = motion.pos[:, i, w]
            if i < POLYGONS:
                cos, sin = np.cos(motion.angle[i, w]), np.sin(motion.angle[i, w])
                corners = np.array([[cos, -sin], [sin, cos]]) @ bodies.vertices[:, :, i, w]
                left, right, low, high = *(x + corners[0].min(), x + corners[0].max()), *(y + corners[1].min(), y + corners[1].max())
            else:
                r = bodies.radius[i - POLYGONS, w]
                left, right, low, high = x - r, x + r, y - r, y + r
            wanted = np.array([low < 0.4, left < 0, right > 5, high > 5]) & present(w)[i]
            np.testing.assert_array_equal(table("touching")[w, i, BODIES:], wanted)
            seen += wanted.any()
    assert seen >= 10
    assert not table("touching")[:, BODIES:, BODIES:].any()
