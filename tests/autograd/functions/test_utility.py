"""Tests of `autograd/functions/utility.py`."""

from __future__ import annotations

import numpy as np

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp


def test_interpolation_at_the_points():
    """The slope on the right at a point, on the left at the last one, none outside."""
    knots, values = np.asarray([0.0, 1.0, 3.0]), np.asarray([0.0, 2.0, 0.0])
    x = np.asarray([-1.0, 0.0, 1.0, 3.0, 4.0, -np.inf, np.inf])
    np.testing.assert_array_equal(
        pb.to_numpy(xp.interp(x, knots, values)), np.interp(x, knots, values)
    )
    g = pb.grad(lambda x: xp.sum(xp.interp(x, knots, values)))(x)
    np.testing.assert_array_equal(g, [0.0, 2.0, -1.0, -1.0, 0.0, 0.0, 0.0])
    assert np.isnan(float(xp.interp(np.nan, knots, values)))
    assert np.isnan(float(xp.interp(np.nan, knots[:1], values[:1])))
    assert xp.interp(np.float32([0.5]), np.float32(knots), np.float32(values)).dtype == np.float32


def test_interpolation_over_a_jump():
    knots, values = np.asarray([0.0, 1.0, 1.0, 2.0]), np.asarray([0.0, 1.0, 5.0, 6.0])
    x = np.asarray([0.5, 1.0, 1.5])
    np.testing.assert_allclose(
        pb.to_numpy(xp.interp(x, knots, values)), np.interp(x, knots, values)
    )
    knots, values = knots[:3], values[:3]
    np.testing.assert_allclose(
        pb.to_numpy(xp.interp(x, knots, values)), np.interp(x, knots, values)
    )
    np.testing.assert_array_equal(
        pb.grad(lambda x: xp.sum(xp.interp(x, knots, values)))(x), [1.0, 0.0, 0.0]
    )
