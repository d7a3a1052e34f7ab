"""Tests of `autograd/rules/indexing.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .test_manipulation import RNG, X, pulled

xp = pb.xp


def test_many_rows_taken_by_indices():
    x, weights = RNG.standard_normal((50, 3, 2)), RNG.standard_normal((8, 10, 3, 2))
    for dtype in (np.int64, np.uint8, np.int8):
        key = RNG.integers(0 if dtype == np.uint8 else -50, 50, (8, 10)).astype(dtype)
        wanted = np.zeros(x.shape)
        np.add.at(wanted, key, weights)
        np.testing.assert_allclose(
            pulled(lambda x, k=key: x[k], x, weights), wanted, rtol=1e-12, atol=1e-13
        )


def test_writes_into_a_loop_over_rows():
    def f(x):
        out = xp.zeros_like(x)
        for i in range(3):
            out[i] = x[i] * x[2 - i]
        out[1] += x[0]
        out[..., 0] *= 2.0
        return out

    pb.check_grads(f, (RNG.standard_normal((3, 2)),), order=2)


def test_a_value_that_does_not_fit_is_refused():
    x = xp.asarray(np.zeros(3))
    with pytest.raises(ValueError, match="broadcast"):
        x[:2] = xp.asarray([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="complex"):
        x[0] = xp.asarray(1j)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_take_on_every_axis(axis):
    indices = np.asarray([1, -1, 1, 0])
    weights = RNG.standard_normal(np.take(X, indices, axis).shape)
    wanted = np.zeros(X.shape)
    np.add.at(wanted, (slice(None),) * (axis % 3) + (indices,), weights)
    got = pulled(lambda x: xp.take(x, xp.asarray(indices), axis=axis), X, weights)
    np.testing.assert_allclose(got, wanted, rtol=1e-15)


def test_take_with_a_matrix_of_indices_as_numpy_has_it():
    pb.check_grads(lambda x: xp.take(x, np.asarray([[0, 2], [2, 2]]), axis=1) ** 2, (X,), order=2)


@pytest.mark.parametrize("shape", [(3, 1, 2), (1, 4, 1), (1, 4, 2)])
def test_take_along_axis_of_stretched_arrays(shape):
    indices = np.asarray([[[1, 0, 0], [-1, 2, 0]]]).transpose(0, 2, 1)[:, : shape[1] or None]
    indices = np.zeros((3, 3, 2), np.int64) + (indices % shape[1])[:, :1]
    x = RNG.standard_normal(shape)
    pb.check_grads(lambda x: xp.take_along_axis(x, xp.asarray(indices), axis=1) ** 2, (x,), order=2)


def test_small_index_dtypes_do_not_overflow():
    x = np.zeros((200, 300))
    for dtype in (np.int8, np.uint8, np.uint64):
        indices = np.asarray([100, 7, 100], dtype)
        g = pulled(lambda x, i=indices: xp.take(x, i, axis=1), x, np.ones((200, 3)))
        np.testing.assert_array_equal(g.sum(0)[[7, 100]], [200, 400])
        assert g.sum() == 600
