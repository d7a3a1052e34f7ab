"""Kernels of ours and of scikit-learn, and points."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

theirs = pytest.importorskip("sklearn.gaussian_process.kernels")
K = pb.models.kernels

_RNG = np.random.default_rng(0)
X, Y = _RNG.normal(size=(6, 2)), _RNG.normal(size=(4, 2))
X[3] = X[1]  # two points at one place
Y[0] = X[2]

ROWS = [
    (K.RBF(0.7), theirs.RBF(0.7)),
    (K.RBF(np.asarray([0.5, 2.0])), theirs.RBF([0.5, 2.0])),
    (K.Matern(0.7, nu=0.5), theirs.Matern(0.7, nu=0.5)),
    (K.Matern(0.7, nu=1.5), theirs.Matern(0.7, nu=1.5)),
    (K.Matern(np.asarray([0.5, 2.0]), nu=2.5), theirs.Matern([0.5, 2.0], nu=2.5)),
    (K.Matern(0.7, nu=np.inf), theirs.Matern(0.7, nu=np.inf)),
    (K.RationalQuadratic(0.8, 0.6), theirs.RationalQuadratic(0.8, 0.6)),
    (K.Periodic(1.2, 0.9), theirs.ExpSineSquared(1.2, 0.9)),
    (K.Linear(0.5), theirs.DotProduct(0.5)),
]  # fmt: skip

COMPOSED = [
    (2.0 * K.RBF(0.7) + K.White(0.3), 2.0 * theirs.RBF(0.7) + theirs.WhiteKernel(0.3)),
    (K.RBF(0.7) * K.Linear(0.4), theirs.RBF(0.7) * theirs.DotProduct(0.4)),
    (K.Linear(0.4) ** 2 + 0.5, theirs.DotProduct(0.4) ** 2 + 0.5),
    (K.Constant(0.4), theirs.ConstantKernel(0.4)),
    (K.White(0.4), theirs.WhiteKernel(0.4)),
]


def as_arrays(kernel):
    """The kernel with arrays for its parameters, to be differentiated."""
    return pb.tree.map(lambda p: np.asarray(p, float), kernel)
