"""Tests of `playground/landscape/plane.py`: which plane shows a path, and how much of it."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.playground.landscape.plane import (
    Plane,
    aligned,
    extent_of,
    filter_normalised,
    plane_of_path,
    principal_directions,
    share_shown,
    whole_plane,
)

SHAPES = [(2, 3), (3,), (3, 1)]
SIZE = 12


def _path_in_a_plane(rng, steps=30, off=0.0):
    basis = np.linalg.qr(rng.normal(size=(SIZE, 2)))[0]
    return (
        rng.normal(size=SIZE)
        + rng.normal(size=(steps, 2)).cumsum(0) @ basis.T
        + off * rng.normal(size=(steps, SIZE))
    )


def test_a_path_in_a_plane_is_shown_whole():
    path = _path_in_a_plane(np.random.default_rng(0))
    plane = plane_of_path(path, SHAPES)
    np.testing.assert_allclose(plane.points(plane.coordinates(path)), path, atol=1e-10)
    assert share_shown(plane, path) == pytest.approx(1.0)
    np.testing.assert_allclose(
        [plane.u @ plane.u, plane.v @ plane.v, plane.u @ plane.v], [1, 1, 0], atol=1e-12
    )
    np.testing.assert_allclose(
        plane.coordinates(path)[-1], 0, atol=1e-12
    )  # the current point is the origin


def test_the_share_is_that_of_the_length():
    """A step along the plane and one as long across it: half of the length is seen."""
    plane = Plane(np.zeros(3), np.asarray([2.0, 0, 0]), np.asarray([1.0, 1, 0]), ("", ""))
    path = np.asarray([[0.0, 0, 0], [3, 4, 0], [3, 4, 5]])
    assert share_shown(plane, path) == pytest.approx(0.5)
    assert share_shown(plane, path[:1]) == 1.0


def test_principal_directions_are_those_of_scikit_learn_about_the_last_point():
    path = _path_in_a_plane(np.random.default_rng(1), off=0.3)
    u, v = principal_directions(path)
    moment = (path - path[-1]).T @ (path - path[-1])
    values, vectors = np.linalg.eigh(moment)
    for found, wanted in ((u, vectors[:, -1]), (v, vectors[:, -2])):
        assert abs(found @ wanted) == pytest.approx(1.0, abs=1e-9)
    assert values[-1] > values[-2]


@pytest.mark.parametrize("steps", [1, 2])
def test_missing_directions_are_random(steps):
    path = _path_in_a_plane(np.random.default_rng(2), steps=steps)
    plane = plane_of_path(path, SHAPES)
    np.testing.assert_allclose(
        [plane.u @ plane.u, plane.v @ plane.v, plane.u @ plane.v], [1, 1, 0], atol=1e-12
    )
    assert plane.names[1] == "random direction 2"
    assert ("principal" in plane.names[0]) == (steps == 2)
    assert share_shown(plane, path) == pytest.approx(1.0)


def test_a_long_path_is_thinned_from_its_end():
    path = _path_in_a_plane(np.random.default_rng(3), steps=5000)
    plane = plane_of_path(path, SHAPES)
    assert share_shown(plane, path) == pytest.approx(1.0)


def test_two_parameters_are_the_plane():
    plane = plane_of_path(np.asarray([[3.0, 4.0]]), [(2,)])
    np.testing.assert_array_equal(plane.coordinates(np.asarray([[3.0, 4.0]])), [[3.0, 4.0]])
    assert plane.names == whole_plane().names
    with pytest.raises(ValueError, match="at least two"):
        plane_of_path(np.zeros((3, 1)), [(1,)])


def test_filters_are_as_long_as_those_of_the_parameters():
    rng = np.random.default_rng(4)
    point, direction = rng.normal(size=SIZE), rng.normal(size=SIZE)
    d = filter_normalised(direction, point, SHAPES)
    np.testing.assert_allclose(
        np.linalg.norm(d[:6].reshape(2, 3), axis=0), np.linalg.norm(point[:6].reshape(2, 3), axis=0)
    )
    assert np.linalg.norm(d[9:]) == pytest.approx(np.linalg.norm(point[9:]))
    np.testing.assert_array_equal(d[6:9], 0)  # biases stay
    kernels = filter_normalised(rng.normal(size=16), rng.normal(size=16), [(2, 2, 2, 2)])
    assert kernels.shape == (16,)
    alone = filter_normalised(direction, 2 * np.ones(SIZE), [(SIZE,)])
    assert np.linalg.norm(alone) == pytest.approx(2 * SIZE**0.5)
    assert np.linalg.norm(filter_normalised(direction, np.zeros(SIZE), SHAPES)) == pytest.approx(
        1.0
    )


def test_a_renewed_plane_does_not_flip():
    before = Plane(np.zeros(3), np.asarray([1.0, 0, 0]), np.asarray([0, 1.0, 0]), ("a", "b"))
    now = Plane(np.zeros(3), np.asarray([-1.0, 0.1, 0]), np.asarray([0.1, 1.0, 0]), ("a", "b"))
    np.testing.assert_array_equal(aligned(now, before).u, -now.u)
    np.testing.assert_array_equal(aligned(now, before).v, now.v)
    assert aligned(now, None) is now


def test_extents_are_squares_around_what_is_finite():
    points = np.asarray([[0.0, 1.0], [4.0, 2.0], [np.inf, 0.0]])
    assert extent_of(points, margin=0.25) == (-1.0, 5.0, -1.5, 4.5)
    assert extent_of(points[:1], least=6.0) == (-3.0, 3.0, -2.0, 4.0)
    assert extent_of(points[2:]) == (-1.0, 1.0, -1.0, 1.0)
