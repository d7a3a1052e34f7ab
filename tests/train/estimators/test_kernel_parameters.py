"""Tests of `train/estimators/kernel_parameters.py`: θ as scikit-learn has it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.gaussian_process import kernels as theirs

import pullback as pb
from pullback.train.estimators.kernel_parameters import (
    bounds_of,
    parameters,
    read,
    start_of,
    with_parameters,
)

K = pb.models.kernels
THEIRS = [
    2.0 * theirs.RBF([0.5, 3.0], (1e-2, 1e2)) + theirs.WhiteKernel(0.3),
    theirs.Matern(0.7, nu=2.5) * theirs.RationalQuadratic(0.4, 3.0),
    theirs.ExpSineSquared(0.4, 3.0) ** 2 + theirs.DotProduct(0.5) + theirs.ConstantKernel(4.0, "fixed"),
    theirs.Matern(0.7, nu=np.inf),
    theirs.RBF([0.5, 3.0], [(1e-2, 1e2), (1e-1, 1e1)]),
]  # fmt: skip


@pytest.mark.parametrize("kernel", THEIRS, ids=str)
def test_the_vector_and_its_bounds_are_scikit_learns(kernel):
    ours = read(kernel)
    found = parameters(ours)
    np.testing.assert_allclose(start_of(found), kernel.theta)
    np.testing.assert_allclose(bounds_of(found), kernel.bounds)
    theta = kernel.theta + np.linspace(-0.3, 0.3, len(kernel.theta))
    X = np.random.default_rng(0).normal(size=(5, 2))
    moved = with_parameters(ours, found, theta)
    np.testing.assert_allclose(pb.to_numpy(moved(X)), kernel.clone_with_theta(theta)(X), rtol=1e-11)


def test_what_is_refused():
    with pytest.raises(TypeError, match="no counterpart"):
        read(theirs.CompoundKernel([theirs.RBF()]))
    with pytest.raises(TypeError, match="a kernel of pb"):
        parameters(lambda X, Y: X)
    with pytest.raises(ValueError, match="give 0 < low ≤ high"):
        parameters(K.RBF(1.0, (2.0, 1.0)))
    with pytest.raises(ValueError, match="or 'fixed'"):
        parameters(K.RBF(1.0, "free"))
    with pytest.raises(ValueError, match="is not positive"):
        parameters(K.Linear(0.0))
