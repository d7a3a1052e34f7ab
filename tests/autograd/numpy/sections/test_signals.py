"""Tests of `autograd/numpy/sections/signals.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import K, R, X, Z, front

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
]


def test_integers():
    np.testing.assert_array_equal(
        pb.to_numpy(pullback.numpy.unwrap([0, 2, 5, 0, 7], period=6)),
        np.unwrap([0, 2, 5, 0, 7], period=6),
    )
    np.testing.assert_array_equal(
        pb.to_numpy(pullback.numpy.convolve([1, 2], [3, 4, 5])), [3, 10, 13, 10]
    )


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
