"""Tests of `autograd/numpy/sections/nan_reductions.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import R, front

CONSTANTS = ("nanargmax", "nanargmin")
NAMES = [
    "nansum",
    "nanprod",
    "nancumsum",
    "nancumprod",
    "nanmax",
    "nanmin",
    "nanmean",
    "nanvar",
    "nanstd",
]

ROWS = [front(name, R(2, 3)) for name in NAMES]
ROWS += [front(name, R(2, 3), axis=0) for name in NAMES]
ROWS += [
    front("nanmax", R(2, 3), axis=1, keepdims=True, initial=0.5),
    front("nanvar", R(4), ddof=1, mean=R()),
    front("nanstd", R(2, 3), axis=1, ddof=1, keepdims=True),
]

X = np.asarray([[1.0, np.nan, 3.0], [np.nan, np.nan, 5.0], [2.0, 4.0, np.nan]])


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("name", [n for n in NAMES if "cum" not in n] + [*CONSTANTS])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_values_with_nan(name, axis):
    if "arg" in name and axis == (0, 1):
        pytest.skip("one axis")
    got = getattr(pullback.numpy, name)(X, axis=axis)
    np.testing.assert_allclose(pb.to_numpy(got), getattr(np, name)(X, axis=axis), rtol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_the_others(name):
    x = np.asarray([1.0, np.nan, 3.0, 2.5])
    f = getattr(pullback.numpy, name)
    got = pb.grad(lambda x: pullback.numpy.sum(f(x) ** 2))(x)
    wanted = pb.grad(lambda x: pullback.numpy.sum(f(x) ** 2))(x[[0, 2, 3]])
    if name.startswith("nancum"):  # the element in the place of NaN repeats the one before
        wanted = pb.grad(lambda x: pullback.numpy.sum(f(x)[np.asarray([0, 0, 1, 2])] ** 2))(
            x[[0, 2, 3]]
        )
    np.testing.assert_allclose(got[[0, 2, 3]], wanted)
    assert got[1] == 0


def test_nothing_but_nan():
    x = np.full(3, np.nan)
    for name in ("nanmax", "nanmean", "nanvar", "nanstd"):
        assert np.isnan(float(getattr(pullback.numpy, name)(x)))
    assert float(pullback.numpy.nansum(x)) == 0
    with pytest.raises(ValueError, match="NaN"):
        pullback.numpy.nanargmax(x)


def test_integers():
    x = np.asarray([[3, 1], [2, 5]])
    for name in (*NAMES, *CONSTANTS):
        got, wanted = getattr(pullback.numpy, name)(x), getattr(np, name)(x)
        assert got.dtype == wanted.dtype
        np.testing.assert_allclose(pb.to_numpy(got), wanted)
