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


SAME = {
    "round integers": lambda n: n.round([15, 25, -35], -1),
    "round to decimals": lambda n: n.round([1.255, -2.5, 0.5], 2),
    "round before the point": lambda n: n.round([149.0, 251.0], -2),
    "around": lambda n: n.around([0.5, 1.5, 2.5]),
    "fix": lambda n: n.fix([2.7, -2.7]),
    "clip integers": lambda n: n.clip([1, 5, 9], 2, 6),
    "clip by floats": lambda n: n.clip([1, 5, 9], 2.5, None),
    "clip by arrays": lambda n: n.clip([[1.0, 5.0], [3.0, 0.0]], [2.0, 2.0], [[4.0], [2.5]]),
    "clip min and max": lambda n: n.clip([1.0, 5.0], min=2.0, max=4.0),
    "clip by nothing": lambda n: n.clip([1.0, 5.0]),
    "clip dtype": lambda n: n.clip(np.float32([1, 5]), 2, 3, dtype=np.float64),
    "real": lambda n: n.real([1 + 2j]),
    "imag of real": lambda n: n.imag([1.0, 2.0]),
    "real_if_close": lambda n: n.real_if_close([1 + 1e-15j, 2.0]),
    "real_if_close not": lambda n: n.real_if_close([1 + 1e-3j]),
    "isposinf": lambda n: n.isposinf([np.inf, -np.inf, 1.0]),
    "isneginf integers": lambda n: n.isneginf([1, 2]),
    "nan_to_num": lambda n: n.nan_to_num([np.nan, np.inf, -np.inf, 1.0], nan=3.0, neginf=-1.0),
    "nan_to_num integers": lambda n: n.nan_to_num([1, 2]),
    "angle": lambda n: n.angle([1j, -1.0, 2.0], deg=True),
    "sinc": lambda n: n.sinc([0.0, 0.5, 1.0]),
    "i0": lambda n: n.i0([0.0, 1.0]),
}


@pytest.mark.parametrize("call", SAME.values(), ids=SAME)
def test_values_and_dtypes(call):
    wanted, got = call(np), call(pullback.numpy)
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(pb.to_numpy(got), wanted, rtol=1e-13)


@pytest.mark.usefixtures("on_numpy")
def test_clip_of_masked_places_keeps_the_others():
    mask = np.asarray([True, False])
    out = pullback.numpy.clip([5.0, 5.0], 0.0, 1.0, where=mask)
    np.testing.assert_array_equal(pb.to_numpy(out), [1.0, 5.0])


def test_results_are_no_views():
    x = pullback.numpy.array([1.0, 2.0])
    for y in (
        pullback.numpy.clip(x),
        pullback.numpy.nan_to_num(x),
        pullback.numpy.round(pullback.numpy.array([1, 2])),
    ):
        y[0] = 7
    assert float(x[0]) == 1.0


def test_nan_to_num_in_place():
    x = pullback.numpy.array([np.nan, 1.0])
    part = x[:1]
    assert pullback.numpy.nan_to_num(x, copy=False) is x
    assert float(part[0]) == 0.0
    with pytest.raises(TypeError, match="copy=False"):
        pullback.numpy.nan_to_num(np.ones(1), copy=False)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: pullback.numpy.clip([1.0], 0.0), TypeError, "a_max"),
        (lambda: pullback.numpy.clip([1.0], 0.0, 1.0, min=2.0), ValueError, "forbidden"),
        (lambda: pullback.numpy.clip([1.0], 0.0, 1.0, np.zeros(1)), TypeError, "out="),
        (lambda: pullback.numpy.clip([1.0], 0.0, 1.0, colour=3), TypeError, "colour"),
        (lambda: pullback.numpy.i0([1j]), TypeError, "complex"),
        (lambda: pullback.numpy.isposinf([1j]), TypeError, "ambiguous"),
        (lambda: pullback.numpy.round([1.0], out=np.zeros(1)), TypeError, "out="),
    ],
)
def test_settings_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize("name", ["i0", "sinc"])
def test_half_precision_stays_in_it(name):
    x = np.array([0.5, -2.0, 1.0], np.float16)
    got, wanted = getattr(pullback.numpy, name)(x), getattr(np, name)(x)
    assert got.dtype == wanted.dtype == np.float16
    np.testing.assert_allclose(pb.to_numpy(got), wanted, rtol=2e-3, atol=1e-3)
