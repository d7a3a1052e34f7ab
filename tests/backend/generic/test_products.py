"""Tests of `backend/generic/products.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from pullback.backend.generic import products as _products
from pullback.backend.numpy import backend as _numpy

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ...autograd.functions.test_einsum import RNG


@pytest.mark.parametrize("scale", [1e-8, 0.1, 3.0, 30.0])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128, np.float32, np.complex64])
def test_the_algorithm_in_the_standard(dtype, scale):
    """What runs on other libraries, against SciPy."""
    x = (scale * RNG.standard_normal((2, 4, 4))).astype(dtype)
    if np.dtype(dtype).kind == "c":
        x = x + (scale * 1j * RNG.standard_normal((2, 4, 4))).astype(dtype)
    x[1] *= 1e-3
    got = _products.expm(_numpy.XP, x)
    assert got.dtype == dtype
    tolerance = (2e5 if scale > 1 else 1e4) * np.finfo(np.float64).eps  # SciPy's own errors
    tolerance = max(tolerance, (1e3 if scale > 1 else 100) * np.finfo(dtype).eps)
    for y, wanted in zip(
        got, scipy.linalg.expm(x.astype(np.result_type(dtype, np.float64))), strict=True
    ):
        assert np.abs(y - wanted).max() <= tolerance * np.abs(wanted).max()


def test_the_algorithm_at_the_edges():
    XP = _numpy.XP
    assert _products.expm(XP, np.zeros((0, 3, 3))).shape == (0, 3, 3)
    np.testing.assert_allclose(_products.expm(XP, np.zeros((2, 2))), np.eye(2), rtol=1e-15)
    with np.errstate(invalid="ignore"):
        assert np.isnan(_products.expm(XP, np.full((2, 2), np.nan))).all()
    with pytest.raises(
        ValueError, match=r"square matrices are needed, not an array of shape \(2, 3\)"
    ):
        _products.expm(XP, np.ones((2, 3)))
