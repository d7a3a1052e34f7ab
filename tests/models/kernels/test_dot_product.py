"""Tests of `models/kernels/dot_product.py`."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics.pairwise import polynomial_kernel

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._kernels import X, Y, as_arrays

K = pb.models.kernels


@pytest.mark.parametrize(
    "settings", [{}, {"degree": 2, "gamma": 0.4, "coef0": 1.5}, {"coef0": 0.0}]
)
def test_polynomials_as_scikit_learn_has_them(settings):
    kernel = K.Polynomial(**settings)
    np.testing.assert_allclose(pb.to_numpy(kernel(X, Y)), polynomial_kernel(X, Y, **settings))
    np.testing.assert_allclose(
        pb.to_numpy(kernel.diag(X)), np.diag(polynomial_kernel(X, **settings))
    )


@pytest.mark.parametrize("kernel", [K.Linear(0.5), K.Polynomial(3, 0.4, 1.5)], ids=str)
def test_derivatives(kernel):
    pb.check_grads(lambda k, X, Y: k(X, Y), (as_arrays(kernel), X, Y), order=2)
    pb.check_grads(lambda k, X: k.diag(X), (as_arrays(kernel), X), order=2)


@pytest.mark.parametrize("degree", [0, 1.5, True])
def test_a_degree_is_an_integer(degree):
    with pytest.raises(ValueError, match="degree="):
        K.Polynomial(degree)
