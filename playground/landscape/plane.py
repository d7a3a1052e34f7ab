"""Planes in the space of parameters: which one shows a path best, and how much of the path it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_POINTS = (
    400  # of a path, for its principal components: more of them move no direction by a pixel
)


@dataclass(frozen=True)
class Plane:
    """The points ``origin + a u + b v`` of a space of P parameters.

    Parameters
    ----------
    origin, u, v : array (P,)
        u and v are not parallel; they need not be orthogonal or of length one.
    names : tuple of str
        What the two coordinates are called.
    """

    origin: np.ndarray
    u: np.ndarray
    v: np.ndarray
    names: tuple[str, str]

    def coordinates(self, path: np.ndarray) -> np.ndarray:
        """The coordinates (K, 2) of the points of the plane that are nearest to those of a path (K, P)."""
        basis = np.stack([self.u, self.v], axis=1).astype(float)
        return np.linalg.lstsq(basis, (path - self.origin).T.astype(float), rcond=None)[0].T

    def points(self, coordinates: np.ndarray) -> np.ndarray:
        """The parameters (K, P) at coordinates (K, 2)."""
        return self.origin + coordinates @ np.stack([self.u, self.v])


def whole_plane() -> Plane:
    """The space of two parameters itself, so that coordinates are the parameters."""
    return Plane(np.zeros(2), np.asarray([1.0, 0.0]), np.asarray([0.0, 1.0]), ("x", "y"))


def plane_of_path(path: np.ndarray, shapes: Sequence[tuple[int, ...]], seed: int = 0) -> Plane:
    """The plane through the last point of a path that shows most of the path.

    Its directions are the first two principal components of the path's differences to its last point (Li et al.,
    2018, section 7). Where the path has fewer than two, a random direction that is normalised by filters takes the
    place of the one that is missing; a space of two parameters is its own plane. The directions are orthonormal, so
    that distances in the plane are distances between parameters.

    Parameters
    ----------
    path : array (K, P)
        Parameters, one row for each step; K ≥ 1, P ≥ 2.
    shapes : sequence of tuple
        The shapes of the arrays that a row is made of, in order.
    seed : int
        For random directions.

    Returns
    -------
    Plane

    Raises
    ------
    ValueError
        For fewer than two parameters.
    """
    path = np.asarray(path, float)
    size = path.shape[1]
    if size < 2:
        raise ValueError(f"plane_of_path: {size} parameter; a plane takes at least two")
    if size == 2:
        return whole_plane()
    origin = path[-1]
    found = principal_directions(path)
    names = [f"principal direction {k + 1}" for k in range(len(found))]
    rng = np.random.default_rng(seed)
    while len(found) < 2:
        d = filter_normalised(rng.standard_normal(origin.shape), origin, shapes)
        for unit in found:
            d = d - (unit @ d) * unit
        found.append(d / np.linalg.norm(d))
        names.append(f"random direction {len(found)}")
    return Plane(origin, found[0], found[1], (names[0], names[1]))


def principal_directions(path: np.ndarray) -> list[np.ndarray]:
    """At most two orthonormal directions, in which a path (K, P) differs most from its last point.

    A direction whose share of the path's extent is rounding alone is left out.
    """
    every = max(1, len(path) // MOST_POINTS)
    differences = path[::-1][::every] - path[-1]
    _, sizes, rows = np.linalg.svd(differences, full_matrices=False)
    least = 1e-9 * max(float(np.abs(path).max(initial=0.0)), 1e-300)
    return [rows[k] for k in range(min(2, len(sizes))) if sizes[k] > max(least, 1e-6 * sizes[0])]


def filter_normalised(
    direction: np.ndarray, point: np.ndarray, shapes: Sequence[tuple[int, ...]]
) -> np.ndarray:
    """A direction whose filters are as long as those of the parameters (Li et al., 2018, section 4).

    The filter of a unit is the column of a matrix (inputs, units); of a kernel (channels, …) what its first index
    selects. Biases and other vectors do not move, as in the paper; where there is nothing else, the whole direction is
    as long as the parameters, or of length one where these are zero.
    """
    parts, start = [], 0
    for shape in shapes:
        stop = start + int(np.prod(shape))
        d, w = direction[start:stop].reshape(shape), point[start:stop].reshape(shape)
        start = stop
        if d.ndim < 2:
            parts.append(np.zeros(d.size))
            continue
        axes = (0,) if d.ndim == 2 else tuple(range(1, d.ndim))
        length = np.sqrt((d**2).sum(axis=axes, keepdims=True))
        wanted = np.sqrt((w**2).sum(axis=axes, keepdims=True))
        parts.append((d * (wanted / np.where(length > 0, length, 1.0))).ravel())
    out = np.concatenate(parts)
    if np.any(out):
        return out
    norm = float(np.linalg.norm(point))
    return direction * ((norm if norm > 0 else 1.0) / np.linalg.norm(direction))


def aligned(plane: Plane, previous: Plane | None) -> Plane:
    """The same plane, its directions turned as in the one before, so that a renewed picture does not flip."""
    if previous is None or previous.u.shape != plane.u.shape:
        return plane
    u, v = (
        -d if d @ before < 0 else d for d, before in ((plane.u, previous.u), (plane.v, previous.v))
    )
    return Plane(plane.origin, u, v, plane.names)


def share_shown(plane: Plane, path: np.ndarray) -> float:
    """The length of a path's picture in the plane over that of the path, in [0, 1]; 1 for a path without length."""
    path = np.asarray(path, float)
    whole = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    if whole == 0:
        return 1.0
    shown = plane.points(plane.coordinates(path))
    return float(min(1.0, np.linalg.norm(np.diff(shown, axis=0), axis=1).sum() / whole))


def extent_of(
    coordinates: Any, margin: float = 0.35, least: float = 0.0
) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a square around points (K, 2), with room as a share of its side.

    Its side is at least `least`, and 2 where there is nothing to go by.
    """
    finite = np.asarray(coordinates, float)
    finite = finite[np.isfinite(finite).all(axis=1)]
    if len(finite) == 0:
        return (-1.0, 1.0, -1.0, 1.0)
    low, high = finite.min(axis=0), finite.max(axis=0)
    side = float((high - low).max())
    half = max(side * (0.5 + margin), least / 2) or 1.0
    (a, b) = (low + high) / 2
    return (float(a - half), float(a + half), float(b - half), float(b + half))
