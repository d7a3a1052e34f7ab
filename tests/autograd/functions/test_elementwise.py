"""Tests of `autograd/functions/elementwise.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp


def test_apply_where_passes_arguments_on():
    def f(x, y, *, power):
        return x**power + y

    out = xp.apply_where(xp.asarray([True, False]), (xp.asarray([2.0, 3.0]), 1.0 * xp.ones(1)), f, fill_value=0.0,
                         kwargs={"power": 3})  # fmt: skip
    np.testing.assert_array_equal(pb.to_numpy(out), [9, 0])
    with pytest.raises(TypeError, match="fill_value"):
        xp.apply_where(xp.asarray([True]), xp.ones(1), abs)
    with pytest.raises(TypeError, match="fill_value"):
        xp.apply_where(xp.asarray([True]), xp.ones(1), abs, abs, fill_value=0.0)


def test_apply_where_keeps_single_precision():
    x = np.asarray([1.0, -1.0], np.float32)
    f = lambda x: xp.apply_where(x > 0, x, xp.sqrt, fill_value=0.0)
    assert f(xp.asarray(x)).dtype == np.float32
    assert pb.grad(lambda x: xp.sum(f(x)))(x).dtype == np.float32


def test_closeness():
    a = np.asarray([1.0, 1.0, np.inf, -np.inf, np.nan, np.inf, 0.0])
    b = np.asarray([1.0 + 1e-7, 1.1, np.inf, np.inf, np.nan, 1.0, 1e-9])
    for settings in ({}, {"equal_nan": True}, {"rtol": 0.2}, {"atol": 1.0, "rtol": 0.0}):
        np.testing.assert_array_equal(
            pb.to_numpy(xp.isclose(a, b, **settings)), np.isclose(a, b, **settings)
        )
        assert xp.allclose(a, b, **settings) == np.allclose(a, b, **settings)
    assert xp.allclose(a[4:5], b[4:5], equal_nan=True)
    assert xp.allclose(xp.asarray([1, 2]), [1, 2])
    seen = []
    pb.grad(lambda x: (seen.append(xp.allclose(x, 2.0)), x)[1])(2.0)
    assert seen == [True]
