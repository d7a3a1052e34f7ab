"""Tests of `autograd/numpy/sections/signals.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import K, P, R, X, Z, front

DOUBLE = {"float32": "NumPy's and ours differ in when they round"}
ROWS = [
    front(name, R(n), R(m), mode=mode)
    for name in ("convolve", "correlate")
    for n, m in ((5, 3), (3, 5), (4, 4), (2, 5), (1, 3))
    for mode in ("full", "same", "valid")
]
ROWS += [
    front("convolve", Z(4), R(2)),
    front("correlate", R(4), Z(2)),
    front("correlate", Z(2), Z(4), mode="same"),
    front("unwrap", X([0.0, 3.0, 6.5, 0.1, -7.0, 20.0])),
    front("unwrap", R(3, 4, low=-9.0, high=9.0), discont=4.0, axis=0),
    front("unwrap", R(5, low=-9.0, high=9.0), period=2.5),
    front("interp", R(4), K([-1.0, 0.0, 1.5]), R(3)),
    front("interp", X([-3.0, 0.5, 9.0]), X([-1.0, 0.0, 1.5]), R(3), left=-2.0, right=5.0),
    front("interp", R(4), X([0.1, 1.2, 1.5]), R(3), period=2.0),
    front("trapezoid", R(2, 4)),
    front("trapezoid", R(4), R(4)),
    front("trapezoid", R(4, 2), dx=0.5, axis=0),
    front("sinc", X([0.0, 0.3, -1.2, 1.0])),
    front("i0", R(3), _skip={"array_api_strict": "it has no special functions"}),
    front("angle", Z(3)),
    front("angle", Z(3), deg=True),
    front("real", Z(3)),
    front("real", R(3)),
    front("imag", Z(3)),
    front("imag", R(3)),
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
    g = pb.grad(lambda x: pullback.numpy.sum(pullback.numpy.nan_to_num(x, posinf=1.0, neginf=1.0) ** 2))(x)
    np.testing.assert_array_equal(g, [0, 0, 0, 2])
    y = pb.xp.asarray(x, copy=True)
    assert pullback.numpy.nan_to_num(y, copy=False) is y
    np.testing.assert_array_equal(pb.to_numpy(y), np.nan_to_num(x))


def test_real_if_close():
    x = np.asarray([1 + 1e-15j, 2.0])
    assert pullback.numpy.real_if_close(x).dtype == np.float64
    assert pullback.numpy.real_if_close(x, tol=2).dtype == np.complex128
    with pytest.raises(TypeError, match="use real"):
        pb.compile(pullback.numpy.real_if_close)(x)


def test_integers():
    x = np.asarray([-155, 155, 149, 7])
    for decimals in (0, 2, -1, -2):
        got, wanted = pullback.numpy.round(x, decimals), np.round(x, decimals)
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(pb.to_numpy(got), wanted)
    np.testing.assert_array_equal(pb.to_numpy(pullback.numpy.unwrap([0, 2, 5, 0, 7], period=6)), np.unwrap([0, 2, 5, 0, 7], period=6))
    np.testing.assert_array_equal(pb.to_numpy(pullback.numpy.convolve([1, 2], [3, 4, 5])), [3, 10, 13, 10])


def test_the_period_is_differentiable():
    x = np.asarray([0.0, 2.0, 4.5, 0.5])
    pb.check_grads(lambda x, p: pullback.numpy.unwrap(x, period=p), (x, np.asarray(3.0)))


def test_what_cannot_be():
    with pytest.raises(ValueError, match="empty"):
        pullback.numpy.convolve([], [1.0])
    with pytest.raises(ValueError, match="vectors"):
        pullback.numpy.correlate(np.ones((2, 2)), [1.0])
    with pytest.raises(ValueError, match="mode"):
        pullback.numpy.convolve([1.0], [1.0], "wide")
    with pytest.raises(ValueError, match="a_min"):
        pullback.numpy.clip([1.0], 0.0, min=0.0)
    with pytest.raises(TypeError, match="complex"):
        pullback.numpy.i0(np.asarray([1j]))
