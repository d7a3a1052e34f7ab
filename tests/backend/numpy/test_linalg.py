"""Tests of `backend/numpy/linalg.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb


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
