"""Tests of `autograd/functions/statistical.py`."""

from __future__ import annotations

import numpy as np

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp


def test_a_covariance_of_one_observation():
    with np.errstate(invalid="ignore"):
        assert np.isnan(pb.to_numpy(xp.cov(np.ones((2, 1))))).all()


def test_correlation_of_what_depends_linearly():
    x = np.stack([np.arange(4.0), 3 - 2 * np.arange(4.0)])
    np.testing.assert_allclose(pb.to_numpy(xp.corrcoef(x)), np.corrcoef(x), rtol=1e-14)
