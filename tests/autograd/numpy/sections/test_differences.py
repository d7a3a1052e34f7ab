"""Tests of `autograd/numpy/sections/differences.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import P, R, X, front

GRID = X([0.0, 0.5, 1.7, 2.0, 3.1])

ROWS = [
    front("diff", R(2, 4)),
    front("diff", R(2, 4), 2, 0),
    front("diff", R(2, 4), n=2, axis=1, prepend=1.0, append=R(2, 1)),
    front("diff", R(2, 3), n=0),
    front("ediff1d", R(2, 3)),
    front("ediff1d", R(4), to_end=R(2), to_begin=0.5),
    front("gradient", R(5)),
    front("gradient", R(5), 0.5),
    front("gradient", R(5), P(), edge_order=2),
    front("gradient", R(5), GRID),
    front("gradient", R(5), GRID, edge_order=2),
    front("gradient", R(3, 4)),
    front("gradient", R(5, 3), GRID, 2.0),
    front("gradient", R(3, 4), 0.5, axis=0, edge_order=2),
    front("gradient", R(3, 2, 4), 2.0, 3.0, axis=(0, -1)),
]


def test_booleans_and_integers():
    x = np.asarray([True, False, False, True])
    for n in (0, 1, 2):
        np.testing.assert_array_equal(pb.to_numpy(pullback.numpy.diff(x, n)), np.diff(x, n))
    np.testing.assert_array_equal(pb.to_numpy(pullback.numpy.gradient([1, 2, 4])), [1, 1.5, 2])
    assert pullback.numpy.ediff1d([1, 2, 4], to_end=9).dtype == np.int64


@pytest.mark.usefixtures("on_numpy")
def test_coordinates_in_a_list():
    f = np.asarray([1.0, 2.0, 4.0])
    g = pb.grad(lambda x: pb.xp.sum(pullback.numpy.gradient(f, [0.0, x, 3.0])))(1.0)
    wanted = pb.grad(
        lambda x: pb.xp.sum(pullback.numpy.gradient(f, pb.xp.stack([x * 0, x, x * 0 + 3.0])))
    )(1.0)
    assert g == wanted != 0


def test_what_cannot_be():
    with pytest.raises(ValueError, match="edge_order"):
        pullback.numpy.gradient([1.0, 2.0], edge_order=3)
    with pytest.raises(ValueError, match="at least 2"):
        pullback.numpy.gradient([1.0])
    with pytest.raises(TypeError, match="axes"):
        pullback.numpy.gradient(np.ones((2, 2)), 1.0, 2.0, 3.0)
    with pytest.raises(ValueError, match="length"):
        pullback.numpy.gradient([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="1d"):
        pullback.numpy.gradient([1.0, 2.0], np.ones((2, 2)))
    with pytest.raises(TypeError, match="to_end"):
        pullback.numpy.ediff1d([1, 2], to_end=1.5)
