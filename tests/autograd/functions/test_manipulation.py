"""Tests of `autograd/functions/manipulation.py`."""

from __future__ import annotations

import numpy as np

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp


def test_constants_of_a_border_have_derivatives():
    x, c = np.ones((2, 2)), np.asarray(3.0)
    g = pb.grad(lambda c: xp.sum(xp.pad(x, 1, constant_values=c)))(c)
    assert g == 12.0
    g = pb.grad(lambda c: xp.sum(xp.pad(x, 1, constant_values=((c, 0.0), (0.0, 2.0 * c)))))(c)
    assert g == 3.0 + 2.0 * 4.0 - 1.0  # the last axis has the corners


def test_one_hot(lib):
    labels = lib.asarray([[0, 2], [5, -1]])
    hot = xp.one_hot(labels, 3)
    wanted = np.eye(4)[[[0, 2], [3, 3]]][..., :3]
    np.testing.assert_array_equal(pb.to_numpy(hot), wanted)
    assert (hot.dtype, hot.device) == (np.float64, lib.device)
    hot = xp.one_hot(labels, 3, dtype=xp.float32, axis=0)
    assert (hot.shape, hot.dtype) == ((3, 2, 2), np.float32)
    np.testing.assert_array_equal(pb.to_numpy(hot), np.moveaxis(wanted, -1, 0))
