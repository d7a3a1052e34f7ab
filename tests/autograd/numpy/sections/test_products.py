"""Tests of `autograd/numpy/sections/products.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import R, X, Z, front

ROWS = [
    front("dot", R(2, 3), R(3, 2)),
    front("dot", R(3), R(3)),
    front("dot", R(2, 3), R(3)),
    front("dot", R(3), R(3, 2)),
    front("dot", R(), R(2, 2)),
    front("dot", R(2, 2), 3.0),
    front("dot", R(2, 2, 3), R(2, 3, 2)),
    front("dot", Z(2, 3), R(3)),
    front("inner", R(2, 3), R(4, 3)),
    front("inner", R(), R(3)),
    front("inner", Z(3), Z(3)),
    front("outer", R(2, 2), R(3)),
    front("vdot", Z(2, 2), Z(4)),
    front("vdot", R(2, 2), R(2, 2)),
    front("kron", R(2), R(2, 2)),
    front("tensordot", R(2, 3, 2), R(3, 2), ([1, 0], [0, 1])),
    front("tensordot", R(2, 3), R(3, 2), 1),
    front("tensordot", R(2), R(2), axes=0),
    front("cross", R(2, 3), R(3)),
    front("cross", R(3, 2), R(3, 2), axis=0),
    front("cross", R(3, 2), R(2, 3), axisa=0, axisb=1, axisc=0),
    front("cross", Z(3), R(3)),
    front("trace", R(3, 3)),
    front("trace", R(2, 3, 3), 1, 1, 2),
    front("trace", R(3, 2, 3), offset=-1, axis1=0, axis2=2),
    front("einsum", "ij,jk", R(2, 3), R(3, 2)),
    front("einsum", "bij->bj", R(2, 3, 2)),
    front("einsum", R(2, 3), [0, 1], R(3), [1], [0]),
    front("einsum", R(2, 3), [0, 1], R(3, 2), [1, 2], optimize=True),
    front("einsum", "ii", X([[1.0, 2.0], [3.0, 4.0]])),
]
CONSTANTS = ("einsum_path",)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_vectors_of_two_components():
    a, b = np.asarray([[1.0, 2.0], [0.5, 1.0]]), np.asarray([[3.0, 4.0], [1.0, -1.0]])
    c = np.asarray([1.0, 2.0, 3.0])
    for x, y in ((a, b), (a, c), (c, b)):
        np.testing.assert_allclose(pb.to_numpy(pullback.numpy.cross(x, y)), np.cross(x, y))
        pb.check_grads(pullback.numpy.cross, (x, y))


def test_lists_and_mixed_dtypes():
    np.testing.assert_array_equal(pb.to_numpy(pullback.numpy.dot([[1, 2]], [3, 4.5])), [12])
    assert pullback.numpy.dot(np.float32([1, 2]), [1, 2]).dtype == np.float64
    got = pullback.numpy.einsum("i,i", np.float32([1, 2]), np.asarray([1.0, 2.0]))
    assert (got.dtype, float(got)) == (np.float64, 5.0)
    assert pullback.numpy.trace([[1, 2], [3, 4]], dtype=float).dtype == np.float64
    assert pullback.numpy.trace([[True, False], [False, True]]).dtype == np.trace([[True]]).dtype
    assert pullback.numpy.einsum("ij->i", [[1, 2]], dtype=np.float64).dtype == np.float64


def test_einsum_path():
    x = np.ones((2, 3))
    ours = pullback.numpy.einsum_path("ij,jk,kl", pb.xp.asarray(x), x.T, x)
    assert ours[0] == np.einsum_path("ij,jk,kl", x, x.T, x)[0]


def test_what_cannot_be():
    with pytest.raises(ValueError, match="not aligned"):
        pullback.numpy.dot(np.ones((2, 3)), np.ones(2))
    with pytest.raises(ValueError, match="components"):
        pullback.numpy.cross(np.ones(4), np.ones(3))
    with pytest.raises(TypeError, match="unexpected"):
        pullback.numpy.einsum("i", np.ones(2), wrong=1)
    with pytest.raises(TypeError, match="casting"):
        pullback.numpy.einsum("i", np.ones(2), dtype=np.float32)
    for name, args in (
        ("dot", ([1.0], [1.0])),
        ("outer", ([1.0], [1.0])),
        ("trace", ([[1.0]],)),
        ("einsum", ("i", [1.0])),
    ):
        with pytest.raises(TypeError, match="existing arrays"):
            getattr(pullback.numpy, name)(*args, out=np.ones(()))
