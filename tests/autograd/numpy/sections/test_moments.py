"""Tests of `autograd/numpy/sections/moments.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import K, R, Z, front

MASK = K([[True, False, True], [False, True, True]])

ROWS = [
    front("mean", R(2, 3), axis=0),
    front("mean", Z(2, 3)),
    front("mean", R(2, 3), axis=1, where=MASK, keepdims=True),
    front("var", R(2, 3)),
    front("var", R(2, 3), axis=1, ddof=1),
    front("var", R(2, 3), axis=1, correction=1, where=MASK),
    front("var", R(2, 3), mean=R(), ddof=1),
    front("std", R(2, 3), axis=1, ddof=1, keepdims=True),
    front("std", R(2, 3), axis=1, where=MASK),
    front("std", R(2, 3), axis=1, mean=R(2, 1)),
]


def test_one_number_is_taken_off():
    with pytest.raises(ValueError, match="give one"):
        pullback.numpy.var(np.ones(3), ddof=1, correction=1)


def test_dtypes():
    for name in ("mean", "var", "std"):
        f, g = getattr(pullback.numpy, name), getattr(np, name)
        for x in ([1, 2, 4], [True, False], np.float32([1, 2])):
            assert f(x).dtype == g(x).dtype
            assert f(x, dtype=np.float32).dtype == np.float32
            np.testing.assert_allclose(pb.to_numpy(f(x)), g(x), rtol=1e-6)


def test_std_of_equal_elements_has_the_subgradient_0():
    mask = np.asarray([True, True, False])
    g = pb.grad(lambda x: pullback.numpy.std(x, where=mask))(np.asarray([2.0, 2.0, 5.0]))
    np.testing.assert_array_equal(g, 0.0)
