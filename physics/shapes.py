"""Area, centroid and inertia of plane shapes, and what makes a polygon fit for collision."""

import numpy as np

from physics.errors import InputError

LARGEST = 100.0  # m; the room has 5
MIN_AREA = 1e-4  # m2; thinner polygons make the solver's masses useless


def polygon_properties(vertices: np.ndarray) -> tuple[float, np.ndarray, float]:
    """(area m2, centroid `[2]` m, second moment about the centroid m4) of counter-clockwise vertices `[V, 2]`.

    Source: the shoelace formulas.
    """
    following = np.roll(vertices, -1, axis=0)
    cross = vertices[:, 0] * following[:, 1] - vertices[:, 1] * following[:, 0]
    area = cross.sum() / 2
    centroid = ((vertices + following) * cross[:, None]).sum(0) / (6 * area)
    p, q = vertices - centroid, following - centroid
    cross = p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]
    moment = (cross * ((p * p).sum(1) + (p * q).sum(1) + (q * q).sum(1))).sum() / 12
    return float(area), centroid, float(moment)


def circle_properties(radius: float) -> tuple[float, float]:
    """(area m2, second moment about the centre m4) of a disc."""
    area = np.pi * radius**2
    return float(area), float(area * radius**2 / 2)


def convex(vertices: np.ndarray, name: str) -> np.ndarray:
    """The vertices `[V, 2]` counter-clockwise; `InputError` if they are not a proper convex polygon."""
    vertices = np.asarray(vertices, float)
    if vertices.ndim != 2 or vertices.shape[1] != 2 or len(vertices) < 3:
        raise InputError(name, found=f"an array of shape {vertices.shape}", wanted="at least 3 points (x, y)")
    if not np.isfinite(vertices).all():
        raise InputError(name, found="a vertex that is not finite", wanted="finite numbers")
    if np.abs(vertices).max() > LARGEST:
        raise InputError(name, found=f"a vertex at {np.abs(vertices).max():g} m", wanted=f"at most {LARGEST:g} m")
    edges = np.roll(vertices, -1, axis=0) - vertices
    following = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    if (turns < 0).all():
        return convex(vertices[::-1], name)
    area = polygon_properties(vertices)[0] if (turns > 0).all() else 0.0
    if area <= 0 or abs(_winding(edges) - 2 * np.pi) > 1e-3:
        raise InputError(name, found="vertices that are not convex or do not turn once around", wanted="a convex polygon")
    if area < MIN_AREA:
        raise InputError(name, found=f"an area of {area:.2g} m2", wanted=f"at least {MIN_AREA:g} m2")
    return vertices


def _winding(edges: np.ndarray) -> float:
    """Total turning angle along the polygon; 2 pi for one that goes around once."""
    angles = np.arctan2(edges[:, 1], edges[:, 0])
    return float(((np.roll(angles, -1) - angles) % (2 * np.pi)).sum())
