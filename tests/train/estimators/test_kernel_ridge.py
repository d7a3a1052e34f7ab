"""Tests of `train/estimators/kernel_ridge.py`."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

import pullback as pb

from ._logistic import rng

xp, K = pb.xp, pb.models.kernels
X, Z = rng().normal(size=(30, 3)), rng(1).normal(size=(7, 3))
Y = np.sin(X[:, 0]) + 0.1 * rng(2).normal(size=30)


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"kernel": "rbf"}, {"kernel": "rbf", "gamma": 0.3}, {"kernel": "poly", "degree": 2},
        {"kernel": "polynomial", "gamma": 0.2, "coef0": 0.5},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_as_scikit_learn_has_it(settings, targets, weighted):
    y = Y if targets == 1 else np.stack([Y, -(Y**2)], axis=1)
    weights = np.maximum(rng(3).uniform(-0.5, 2, size=30), 0) if weighted else None
    mine = pb.train.KernelRidge(0.3, **settings).fit(X, y, weights)
    other = KernelRidge(alpha=0.3, **settings).fit(X, y, weights)
    np.testing.assert_allclose(mine.dual_coef_, other.dual_coef_, atol=1e-8)
    np.testing.assert_allclose(mine.predict(Z), other.predict(Z), atol=1e-8)
    assert mine.n_features_in_ == 3


def test_a_penalty_for_each_target():
    y, alpha = np.stack([Y, -Y], axis=1), np.asarray([0.1, 3.0])
    mine = pb.train.KernelRidge(alpha, kernel="rbf").fit(X, y)
    other = KernelRidge(alpha=alpha, kernel="rbf").fit(X, y)
    np.testing.assert_allclose(mine.predict(Z), other.predict(Z), atol=1e-10)


def test_kernels_and_functions():
    by_kernel = pb.train.KernelRidge(0.1, kernel=K.Matern(nu=2.5)).fit(X, Y).predict(Z)
    for function in (lambda A, B=None: K.Matern(nu=2.5)(A, B), lambda A, B: K.Matern(nu=2.5)(A, B)):
        by_function = pb.train.KernelRidge(0.1, kernel=function).fit(X, Y)
        np.testing.assert_allclose(by_kernel, by_function.predict(Z))


@pytest.mark.usefixtures("on_numpy")
def test_predictions_are_differentiable():
    def f(alpha, gamma, X, y, Z):
        model = pb.train.KernelRidge(alpha, kernel="rbf", gamma=gamma).fit(xp.asarray(X), y)
        return model.predict(xp.asarray(Z))

    pb.check_grads(f, (np.asarray(0.3), np.asarray(0.4), X[:8], Y[:8], Z), order=2)


def test_every_library(lib):
    model = pb.train.KernelRidge(0.3, kernel="rbf").fit(
        lib.asarray(X, "float32"), lib.asarray(Y, "float32")
    )
    out = model.predict(lib.asarray(Z, "float32"))
    assert lib.is_raw(out)
    assert lib.to_numpy(out).dtype == np.float32
    wanted = KernelRidge(alpha=0.3, kernel="rbf").fit(X, Y).predict(Z)
    np.testing.assert_allclose(lib.to_numpy(out), wanted, atol=1e-4)


def test_parameters_of_numpy_go_where_the_data_are(lib, backend):
    kernel = K.RBF(np.asarray([0.5, 2.0, 1.0]))
    wanted = pb.to_numpy(
        kernel(Z, X) @ np.linalg.solve(pb.to_numpy(kernel(X)) + 0.3 * np.eye(30), Y)
    )
    for x, y, z in ((X, Y, Z), map(lib.asarray, (X, Y, Z))):
        out = pb.train.KernelRidge(0.3, kernel=kernel).fit(x, y).predict(z)
        np.testing.assert_allclose(lib.to_numpy(out) if lib.is_raw(out) else out, wanted, atol=1e-9)


@pytest.mark.parametrize(
    ("settings", "weights", "message"),
    [
        ({"alpha": 0.0}, None, "alpha=0.0"), ({"alpha": -1.0}, None, "alpha=-1.0"),
        ({"alpha": [1.0, 2.0]}, None, "one number"), ({"kernel": "cosine"}, None, "kernel='cosine'"),
        ({}, np.r_[-1.0, np.ones(29)], "Negative values"),
    ],
)  # fmt: skip
def test_what_is_refused(settings, weights, message):
    with pytest.raises(ValueError, match=message):
        pb.train.KernelRidge(**settings).fit(X, Y, weights)
