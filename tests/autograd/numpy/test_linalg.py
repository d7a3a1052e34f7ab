"""Tests of `autograd/numpy/linalg.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ._fronts import *  # noqa: F403 - the tests of rows
from ._fronts import R, Z, front

ROWS = [
    front("linalg.trace", R(2, 3, 3), offset=1),
    front("linalg.diagonal", R(2, 3, 3), offset=-1),
    front("linalg.cross", R(2, 3), R(2, 3)),
    front("linalg.cross", R(3, 2), R(3, 2), axis=0),
    front("linalg.outer", R(2), Z(3)),
    front("linalg.tensordot", R(2, 3), R(3, 2), axes=1),
    front("linalg.matmul", R(2, 3), R(3)),
    front("linalg.vecdot", Z(2, 3), Z(2, 3), axis=0),
    front("linalg.matrix_transpose", R(2, 3, 2)),
    front("linalg.matrix_norm", R(2, 3, 3), ord=1, keepdims=True),
    front("linalg.vector_norm", R(2, 3, 3), axis=(0, 2), ord=3),
    front("linalg.vector_norm", R(2, 3), axis=0, ord=None),
]


def test_names():
    assert set(np.linalg.__all__) <= set(pullback.numpy.linalg.__all__)
    assert dir(pullback.numpy.linalg) == sorted(pullback.numpy.linalg.__all__)
    assert pullback.numpy.linalg.LinAlgError is np.linalg.LinAlgError


def test_what_cannot_be():
    with pytest.raises(ValueError, match="components"):
        pullback.numpy.linalg.cross(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="two vectors"):
        pullback.numpy.linalg.outer(np.ones((2, 2)), np.ones(3))


def test_lists():
    np.testing.assert_array_equal(
        pb.to_numpy(pullback.numpy.linalg.outer([1, 2], [3, 4])), [[3, 4], [6, 8]]
    )
