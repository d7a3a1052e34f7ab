"""Tests of `backend/numpy/special.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sps

import pullback as pb

from ._vjp_kernels import RNG


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8])
def test_polygamma_is_scipy_s(n):
    x = np.concatenate(
        [
            RNG.uniform(1e-3, 30, 500),
            10.0 ** RNG.uniform(-6, 6, 500),
            [-0.5, -2.25, 0.0, -3.0, np.inf, np.nan],
        ]
    )
    direct = pb.backend.resolve("numpy").xp.special
    wanted = (-1.0) ** (n + 1) * sps.gamma(n + 1) * sps.zeta(n + 1, x)
    np.testing.assert_allclose(direct.polygamma(n, x), wanted, rtol=5e-15)
    single = direct.polygamma(n, x[:500].astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(
        single, direct.polygamma(n, x[:500].astype(np.float32).astype(float)), rtol=2e-6
    )
    assert direct.polygamma(n, x[:1000:2]).shape == (500,)
    assert direct.polygamma(n, np.asarray(2.0)).shape == ()
