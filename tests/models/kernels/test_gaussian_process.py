"""Tests of `models/kernels/gaussian_process.py`: against formulas in plain NumPy, differentiable in all there is."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._kernels import X, Y, as_arrays

K, xp, models = pb.models.kernels, pb.xp, pb.models
VALUES = np.sin(X[:, 0]) + X[:, 1]
KERNEL = 1.5 * K.Matern(np.asarray([0.8, 1.2]), nu=2.5) + K.White(0.1)


def dense(kernel, noise):
    return pb.to_numpy(kernel(X)) + noise * np.eye(len(X))


def test_the_likelihood_is_the_density_of_a_normal_distribution():
    C = dense(KERNEL, 0.05)
    wanted = scipy.stats.multivariate_normal(np.zeros(6), C).logpdf(VALUES)
    got = models.log_marginal_likelihood(KERNEL, X, VALUES, 0.05)
    np.testing.assert_allclose(float(got), wanted)
    two = np.stack([VALUES, VALUES[::-1]], axis=1)
    more = scipy.stats.multivariate_normal(np.zeros(6), C).logpdf(VALUES[::-1])
    np.testing.assert_allclose(
        float(models.log_marginal_likelihood(KERNEL, X, two, 0.05)), wanted + more
    )
    each = np.linspace(0.1, 0.6, 6)
    wanted = scipy.stats.multivariate_normal(np.zeros(6), dense(KERNEL, 0) + np.diag(each)).logpdf(
        VALUES
    )
    np.testing.assert_allclose(
        float(models.log_marginal_likelihood(KERNEL, X, VALUES, each)), wanted
    )


def test_the_likelihood_is_differentiable_in_everything():
    pb.check_grads(
        models.log_marginal_likelihood, (as_arrays(KERNEL), X, VALUES, np.asarray(0.05)), order=2
    )


def test_the_posterior():
    k = 1.5 * K.RBF(0.8)
    model = models.GaussianProcess.init(k, X, VALUES, 0.05)
    C, cross = dense(k, 0.05), pb.to_numpy(k(Y, X))
    np.testing.assert_allclose(pb.to_numpy(model(Y)), cross @ np.linalg.solve(C, VALUES))
    cov = pb.to_numpy(k(Y)) - cross @ np.linalg.solve(C, cross.T)
    np.testing.assert_allclose(pb.to_numpy(model.covariance(Y)), cov, atol=1e-12)
    np.testing.assert_allclose(pb.to_numpy(model.variance(Y)), np.diag(cov))
    np.testing.assert_allclose(pb.to_numpy(model.std(Y)), np.sqrt(np.diag(cov)))


def test_the_posterior_is_differentiable():
    def f(k, X, y, x):
        model = models.GaussianProcess.init(k, X, y, 0.05)
        return model(x) + model.std(x) + xp.sum(model.covariance(x), axis=1)

    pb.check_grads(f, (as_arrays(1.5 * K.RBF(0.8)), X, VALUES, Y + 0.3), order=2)


def test_a_known_value_has_no_spread():
    model = models.GaussianProcess.init(K.RBF(), X[:3], VALUES[:3], 0.0)
    std = pb.to_numpy(model.std(X[:3]))
    assert np.all(std < 1e-7)
    assert np.all(np.isfinite(pb.grad(lambda x: xp.sum(model.std(x)))(X[:3])))


def test_kernel_ridge():
    k = K.Polynomial(2, 0.5, 1.0)
    model = models.KernelRidge.init(k, X, VALUES, 0.3)
    wanted = pb.to_numpy(k(Y, X)) @ np.linalg.solve(dense(k, 0.3), VALUES)
    np.testing.assert_allclose(pb.to_numpy(model(Y)), wanted)
    pb.check_grads(
        lambda k, X, y, a, x: models.KernelRidge.init(k, X, y, a)(x),
        (as_arrays(k), X, VALUES, np.asarray(0.3), Y), order=2,
    )  # fmt: skip


def test_every_library(lib):
    there = lambda v: lib.asarray(v, "float32")
    k = pb.tree.map(lambda p: there(np.asarray(p)), 1.5 * K.RBF(0.8))
    x, y, z = there(X), there(VALUES), there(Y)
    model = models.GaussianProcess.init(k, x, y, 0.05)
    g = pb.grad(lambda k: models.log_marginal_likelihood(k, x, y, 0.05))(k)
    for out in (model(z).value, model.std(z).value, *pb.tree.leaves(g)):
        assert lib.is_raw(out)
        assert lib.to_numpy(out).dtype == np.float32


def test_a_matrix_without_a_factor_is_refused():
    with pytest.raises(pb.linalg.NotPositiveDefiniteError):
        models.log_marginal_likelihood(K.Linear(0.0), X, VALUES, 0.0)
    with pytest.raises(ValueError, match="noise of shape"):
        models.log_marginal_likelihood(K.RBF(), X, VALUES, np.ones(3))


def test_training_by_a_gradient_method_of_models():
    """The likelihood rises by `minimize` over the kernel's own pytree, its logarithms as the parameters."""
    start = {"scale": np.asarray(0.0), "noise": np.asarray(-1.0)}

    def loss(p):
        k = K.RBF(xp.exp(p["scale"])) + K.White(xp.exp(p["noise"]))
        return -models.log_marginal_likelihood(k, X, VALUES, 1e-6)

    found = pb.optim.minimize(loss, start, gtol=1e-6)
    assert found.success
    assert found.fun < float(loss(start))
