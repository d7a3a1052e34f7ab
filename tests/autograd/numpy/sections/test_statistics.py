"""Tests of `autograd/numpy/sections/statistics.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import K, P, R, Z, front

ROWS = [
    front("average", R(2, 3)),
    front("average", R(2, 3), axis=1, weights=P(3), keepdims=True),
    front("average", R(2, 3), weights=P(2, 3), returned=True),
    front("average", R(2, 3, 2), axis=(0, 2), weights=P(2, 2)),
    front("cov", R(2, 4)),
    front("cov", R(4), R(4), ddof=0),
    front("cov", R(4, 2), rowvar=False, bias=True),
    front("cov", R(2, 4), fweights=K([1, 2, 1, 3]), aweights=P(4)),
    front("cov", Z(2, 4)),
    front("corrcoef", R(3, 5)),
    front("corrcoef", R(5), R(5)),
    front("corrcoef", R(5, 2), rowvar=False),
]


def test_integers_and_dtypes():
    for name in ("average", "cov", "corrcoef"):
        x = [[1, 2, 4], [3, 1, 0]]
        got, wanted = getattr(pullback.numpy, name)(x), getattr(np, name)(x)
        assert got.dtype == wanted.dtype
        np.testing.assert_allclose(pb.to_numpy(got), wanted)
    assert pullback.numpy.cov(np.ones((2, 3)), dtype=np.float32).dtype == np.float32
    assert pullback.numpy.corrcoef(np.eye(2, 3), dtype=np.float32).dtype == np.float32
    np.testing.assert_allclose(pb.to_numpy(pullback.numpy.average([1, 2], weights=[1, 3])), 1.75)


def test_what_cannot_be():
    with pytest.raises(ValueError, match="integer"):
        pullback.numpy.cov([1.0, 2.0], ddof=0.5)
    with pytest.raises(ValueError, match="weights"):
        pullback.numpy.average([[1.0, 2.0]], weights=[1.0, 2.0])
