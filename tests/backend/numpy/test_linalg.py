"""Tests of `backend/numpy/linalg.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.backend.numpy.linalg import _is_finite


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_outer_products_by_blas_keep_nan_and_infinity(dtype):
    """BLAS may skip zeros, for which 0 · ∞ would be 0."""
    x, y = np.ones(40, dtype), np.zeros(50, dtype)
    x[1:3], y[0] = (np.inf, np.nan), 2
    with np.errstate(invalid="ignore"):
        for a, b in ((x, y), (y, x)):
            out, expected = pb.to_numpy(pb.xp.linalg.outer(a, b)), a[:, None] * b
            assert out.dtype == expected.dtype
            np.testing.assert_array_equal(np.isnan(out), np.isnan(expected))
            np.testing.assert_array_equal(np.isinf(out), np.isinf(expected))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
def test_finite_matrices_are_told_from_others(dtype):
    """By the sum of squares, which overflows for some that are finite, and may be taken of no layout but two."""
    limits = np.finfo(dtype)
    for value in (0.0, -0.0, 1.0, limits.smallest_subnormal, limits.max, -limits.max):
        A = np.full((4, 6), value, dtype)
        for layout in (A, A.T, A[::2], A[:, ::2], A[:0], np.broadcast_to(A[:1], (5, 6))):
            assert _is_finite(layout)
    for bad in (np.nan, np.inf, -np.inf):
        for place in ((0, 0), (3, 5), (2, 3)):
            A = np.ones((4, 6), dtype)
            A[place] = bad
            for layout in (A, A.T, A[2:] if place[0] > 1 else A, A[:, ::-1]):
                assert not _is_finite(layout)
    both = np.ones((2, 2), dtype)
    both[0] = np.inf, -np.inf
    assert not _is_finite(both)
