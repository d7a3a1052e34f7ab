"""Tests of `autograd/numpy/sections/elementwise.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import R, X, Z, front

ROWS = [
    front("sinc", X([0.0, 0.3, -1.2, 1.0])),
    front("i0", R(3), _skip={"array_api_strict": "it has no special functions"}),
    front("angle", Z(3)),
    front("angle", Z(3), deg=True),
    front("real", Z(3)),
    front("real", R(3)),
    front("imag", Z(3)),
    front("imag", R(3), _skip={"array_api_strict": "the standard's imag is for complex numbers"}),
    front("real_if_close", R(3), _skip={"compile": "a dtype that depends on values"}),
    front("nan_to_num", R(3)),
    front("nan_to_num", Z(3)),
    front("clip", R(2, 3), -0.5, 0.7),
    front("clip", R(2, 3), R(3, low=-1.0, high=0.0), R(3, low=0.0, high=1.0)),
    front("clip", R(3), R(2, 3), None),
    front("clip", R(2, 3), max=0.3),
    front("clip", R(2, 3), min=-0.3, max=0.3),
    front("round", R(3), 1),
    front("around", R(3)),
    front("round", R(3, low=100.0, high=900.0), decimals=-2),
    front("fix", R(3)),
]


def test_values_that_are_replaced():
    x = np.asarray([np.nan, np.inf, -np.inf, 1.0])
    for settings in ({}, {"nan": 2.0, "posinf": 3.0, "neginf": 4.0}):
        got = pullback.numpy.nan_to_num(x, **settings)
        np.testing.assert_array_equal(pb.to_numpy(got), np.nan_to_num(x, **settings))
    g = pb.grad(
        lambda x: pullback.numpy.sum(pullback.numpy.nan_to_num(x, posinf=1.0, neginf=1.0) ** 2)
    )(x)
    np.testing.assert_array_equal(g, [0, 0, 0, 2])
    y = pb.xp.asarray(x, copy=True)
    assert pullback.numpy.nan_to_num(y, copy=False) is y
    np.testing.assert_array_equal(pb.to_numpy(y), np.nan_to_num(x))


def test_real_if_close():
    x = np.asarray([1 + 1e-15j, 2.0])
    assert pullback.numpy.real_if_close(x).dtype == np.float64
    assert pullback.numpy.real_if_close(x, tol=2).dtype == np.complex128
    with pytest.raises(TypeError, match="recorded"):
        pb.compile(pullback.numpy.real_if_close)(x)


def test_integers():
    x = np.asarray([-155, 155, 149, 7])
    for decimals in (0, 2, -1, -2):
        got, wanted = pullback.numpy.round(x, decimals), np.round(x, decimals)
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(pb.to_numpy(got), wanted)
