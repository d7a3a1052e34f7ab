"""Tests of `autograd/solve/implicit/curvature.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._minimize import chain, run

xp = pb.xp


implicit = pb.implicit


@pytest.mark.parametrize("method", ["newton", "lbfgs", "gradient"])
def test_many_unknowns_from_a_maximum(method):
    """Beyond what is written out, negative curvature is found by products."""
    v = pb.to_numpy(run(chain, np.zeros(300), method))
    np.testing.assert_allclose(np.abs(v), 0.5**0.5, rtol=1e-5)
    np.testing.assert_array_equal(v, pb.to_numpy(run(chain, np.zeros(300), method)))


def test_a_singular_hessian_has_no_derivative():
    with pytest.raises(pb.linalg.SingularMatrixError):
        pb.grad(lambda p: implicit.argmin(lambda v: (v[0] + 1.1 * v[1] - p) ** 2, np.zeros(2))[0])(
            1.0
        )


def test_a_badly_scaled_hessian_has_its_derivative():
    f = lambda v, p: 1e12 * (v[0] - p) ** 2 + 1e-12 * (v[1] - p) ** 2
    g = pb.grad(lambda p: xp.sum(implicit.argmin(f, np.zeros(2), p)))(1.0)
    np.testing.assert_allclose(g, 2, rtol=1e-6)
