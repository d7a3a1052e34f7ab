"""Tests of `train/estimators/gaussian_process.py`: scikit-learn's fits and predictions, and what ours do beyond."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels as theirs

import pullback as pb

from ._logistic import rng

xp, K = pb.xp, pb.models.kernels
X, Z = rng().uniform(0, 5, size=(40, 2)), rng(1).uniform(0, 5, size=(6, 2))
Y = np.sin(X[:, 0]) + 0.3 * X[:, 1] + 0.1 * rng(2).normal(size=40)

PAIRS = [
    (1.0 * K.RBF(1.0) + K.White(0.1), 1.0 * theirs.RBF(1.0) + theirs.WhiteKernel(0.1)),
    (1.0 * K.RBF(np.ones(2)) + K.White(0.1), 1.0 * theirs.RBF(np.ones(2)) + theirs.WhiteKernel(0.1)),
    (K.Matern(nu=1.5) * 2 + K.White(), theirs.Matern(nu=1.5) * 2 + theirs.WhiteKernel()),
    (K.Matern(nu=2.5) + K.White(0.1, "fixed"), theirs.Matern(nu=2.5) + theirs.WhiteKernel(0.1, "fixed")),
    (K.RationalQuadratic() + K.White(), theirs.RationalQuadratic() + theirs.WhiteKernel()),
    (K.Linear() ** 2 + K.White(), theirs.DotProduct() ** 2 + theirs.WhiteKernel()),
]  # fmt: skip
IDS = [str(t) for _, t in PAIRS]
quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@quiet
@pytest.mark.parametrize(("mine", "other"), PAIRS, ids=IDS)
@pytest.mark.parametrize("normalize_y", [False, True])
def test_as_scikit_learn_has_it(mine, other, normalize_y):
    settings = {"normalize_y": normalize_y, "alpha": 1e-8}
    ours = pb.train.GaussianProcessRegressor(mine, **settings).fit(X, Y)
    wanted = GaussianProcessRegressor(other, **settings).fit(X, Y)
    assert ours.log_marginal_likelihood_value_ >= wanted.log_marginal_likelihood_value_ - 1e-3
    np.testing.assert_allclose(
        ours.log_marginal_likelihood_value_,
        wanted.log_marginal_likelihood_value_,
        rtol=1e-3,
        atol=1e-3,
    )
    for settings in ({"return_std": True}, {"return_cov": True}):
        for a, b in zip(ours.predict(Z, **settings), wanted.predict(Z, **settings), strict=True):
            np.testing.assert_allclose(a, b, atol=5e-3)
    np.testing.assert_allclose(ours.predict(Z), wanted.predict(Z), atol=5e-3)


@pytest.mark.parametrize(("mine", "other"), PAIRS, ids=IDS)
def test_the_likelihood_and_its_gradient_are_scikit_learns(mine, other):
    ours = pb.train.GaussianProcessRegressor(mine, optimizer=None).fit(X, Y)
    wanted = GaussianProcessRegressor(other, optimizer=None).fit(X, Y)
    np.testing.assert_allclose(
        ours.log_marginal_likelihood_value_, wanted.log_marginal_likelihood_value_
    )
    theta = wanted.kernel_.theta + 0.2
    value, gradient = ours.log_marginal_likelihood(theta, eval_gradient=True)
    wanted_value, wanted_gradient = wanted.log_marginal_likelihood(theta, eval_gradient=True)
    np.testing.assert_allclose(value, wanted_value)
    np.testing.assert_allclose(gradient, wanted_gradient, rtol=1e-6, atol=1e-7)
    assert ours.log_marginal_likelihood(theta) == value
    for settings in ({"return_std": True}, {"return_cov": True}):
        for a, b in zip(ours.predict(Z, **settings), wanted.predict(Z, **settings), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-8)
    np.testing.assert_allclose(ours.L_, wanted.L_)
    np.testing.assert_allclose(ours.alpha_, wanted.alpha_, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(
        ours.sample_y(Z, 3, random_state=1), wanted.sample_y(Z, 3, random_state=1), atol=1e-4
    )


@quiet
def test_restarts_begin_where_scikit_learns_do():
    mine, other = (
        m.Matern(1e3, nu=1.5) + w(1e-3) for m, w in ((K, K.White), (theirs, theirs.WhiteKernel))
    )
    settings = {"n_restarts_optimizer": 3, "random_state": 0}
    ours = pb.train.GaussianProcessRegressor(mine, **settings).fit(X, Y)
    wanted = GaussianProcessRegressor(other, **settings).fit(X, Y)
    np.testing.assert_allclose(
        ours.log_marginal_likelihood_value_, wanted.log_marginal_likelihood_value_, atol=1e-3
    )
    once = pb.train.GaussianProcessRegressor(mine).fit(X, Y)
    assert ours.log_marginal_likelihood_value_ >= once.log_marginal_likelihood_value_ - 1e-9


def test_scikit_learns_kernels_are_taken():
    for mine, other in PAIRS:
        a, b = (
            pb.train.GaussianProcessRegressor(kernel, optimizer=None, alpha=0.1).fit(X, Y)
            for kernel in (mine, other)
        )
        np.testing.assert_allclose(a.predict(Z), b.predict(Z))


def test_many_targets_and_the_prior():
    two = np.stack([Y, -3 * Y + 1], axis=1)
    for normalize_y in (False, True):
        settings = {"optimizer": None, "alpha": 0.1, "normalize_y": normalize_y}
        ours = pb.train.GaussianProcessRegressor(K.RBF(), **settings).fit(X, two)
        wanted = GaussianProcessRegressor(theirs.RBF(), **settings).fit(X, two)
        for how in ({"return_std": True}, {"return_cov": True}):
            for a, b in zip(ours.predict(Z, **how), wanted.predict(Z, **how), strict=True):
                np.testing.assert_allclose(a, b, atol=1e-10)
        assert ours.sample_y(Z, 4).shape == (6, 2, 4)
    for how in ({}, {"return_std": True}, {"return_cov": True}):
        a = pb.train.GaussianProcessRegressor().predict(Z, **how)
        b = GaussianProcessRegressor().predict(Z, **how)
        for x, y in zip(a if how else [a], b if how else [b], strict=True):
            np.testing.assert_allclose(x, y, atol=1e-12)


def test_noise_of_each_sample():
    noise = rng(5).uniform(0.01, 0.5, size=40)
    ours = pb.train.GaussianProcessRegressor(K.RBF(), alpha=noise, optimizer=None).fit(X, Y)
    wanted = GaussianProcessRegressor(theirs.RBF(), alpha=noise, optimizer=None).fit(X, Y)
    np.testing.assert_allclose(ours.predict(Z), wanted.predict(Z), atol=1e-10)


@pytest.mark.usefixtures("on_numpy")
def test_predictions_are_differentiable():
    def f(scale, noise, X, y, Z):
        kernel = K.RBF(scale) + K.White(noise)
        model = pb.train.GaussianProcessRegressor(kernel, alpha=1e-6, optimizer=None).fit(
            xp.asarray(X), y
        )
        mean, std = model.predict(xp.asarray(Z), return_std=True)
        return mean + std

    pb.check_grads(f, (np.asarray(1.3), np.asarray(0.2), X[:8], Y[:8], Z), order=2)


@quiet
def test_every_library(lib):
    kernel = 1.0 * K.RBF(1.0) + K.White(0.1)
    model = pb.train.GaussianProcessRegressor(kernel).fit(lib.asarray(X), lib.asarray(Y))
    mean, std = model.predict(lib.asarray(Z), return_std=True)
    assert lib.is_raw(mean)
    assert lib.is_raw(std)
    wanted = GaussianProcessRegressor(PAIRS[0][1]).fit(X, Y).predict(Z, return_std=True)
    np.testing.assert_allclose(lib.to_numpy(mean), wanted[0], atol=5e-3)
    np.testing.assert_allclose(lib.to_numpy(std), wanted[1], atol=5e-3)
    assert model.sample_y(lib.asarray(Z)).shape == (6, 1)


def test_parameters_of_numpy_go_where_the_data_are(lib, backend):
    """Data on a device, and NumPy's data that go to the active backend: before `fit`, too."""
    kernel = 2.0 * K.RBF(np.asarray([0.5, 2.0]))
    settings = {"kernel": kernel, "optimizer": None, "alpha": 0.1}
    wanted = GaussianProcessRegressor(2.0 * theirs.RBF([0.5, 2.0]), optimizer=None, alpha=0.1)
    for x, y, z in ((X, Y, Z), map(lib.asarray, (X, Y, Z))):
        model = pb.train.GaussianProcessRegressor(**settings)
        prior = model.predict(z, return_std=True)[1]
        np.testing.assert_allclose(host(prior, lib), np.sqrt(2 * np.ones(len(Z))))
        got = model.fit(x, y).predict(z, return_std=True)
        for a, b in zip(got, wanted.fit(X, Y).predict(Z, return_std=True), strict=True):
            np.testing.assert_allclose(host(a, lib), b, atol=1e-8)
        theta = wanted.kernel_.theta + 0.2
        np.testing.assert_allclose(
            model.log_marginal_likelihood(theta), wanted.log_marginal_likelihood(theta)
        )


@quiet
@pytest.mark.parametrize("optimizer", [None, "fmin_l_bfgs_b"])
def test_the_fitted_kernel_takes_the_data_it_was_fitted_on(lib, backend, optimizer):
    """For NumPy's data it is NumPy's, although the work is done on the active device."""
    kernel = 2.0 * K.RBF(np.asarray([0.5, 2.0]))
    for x, y in ((X, Y), (lib.asarray(X), lib.asarray(Y))):
        model = pb.train.GaussianProcessRegressor(kernel, optimizer=optimizer, alpha=0.1).fit(x, y)
        matrix = model.kernel_(x)
        assert matrix.value.__class__ is model.X_train_.__class__ is x.__class__
        L = host(model.L_, lib)
        np.testing.assert_allclose(
            pb.to_numpy(matrix) + 0.1 * np.eye(len(X)), L @ L.T, rtol=1e-6, atol=1e-8
        )
        again = pb.train.GaussianProcessRegressor(model.kernel_, optimizer=None, alpha=0.1)
        for a, b in ((X, Y), (lib.asarray(X), lib.asarray(Y))):
            np.testing.assert_allclose(host(again.fit(a, b).L_, lib), L, rtol=1e-6, atol=1e-8)


def host(x, lib):
    return lib.to_numpy(x) if lib.is_raw(x) else x


def test_float32_stays_and_wants_noise():
    x, y, z = (v.astype("float32") for v in (X, Y, Z))
    kernel = 1.0 * K.RBF(1.0)
    mean, std = (
        pb.train.GaussianProcessRegressor(kernel, alpha=1e-2).fit(x, y).predict(z, return_std=True)
    )
    assert mean.dtype == std.dtype == np.float32
    wanted = GaussianProcessRegressor(1.0 * theirs.RBF(1.0), alpha=1e-2).fit(X, Y).predict(Z)
    np.testing.assert_allclose(mean, wanted, atol=2e-2)
    with pytest.raises(pb.linalg.NotPositiveDefiniteError):
        pb.train.GaussianProcessRegressor(K.RBF(50.0), alpha=0.0).fit(x, y)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"optimizer": "adam"}, ValueError, "optimizer='adam'"),
        ({"alpha": -1.0}, ValueError, "alpha=-1.0"),
        ({"alpha": np.ones(3)}, ValueError, r"alpha has shape \(3,\)"),
        (
            {"kernel": K.Linear(0.0, "fixed"), "alpha": 0.0},
            pb.linalg.NotPositiveDefiniteError,
            None,
        ),
    ],
)
def test_what_is_refused(settings, error, message):
    with pytest.raises(error, match=message):
        pb.train.GaussianProcessRegressor(**settings).fit(X, Y)


def test_one_kind_of_spread_at_a_time():
    model = pb.train.GaussianProcessRegressor(optimizer=None, alpha=0.1).fit(X, Y)
    with pytest.raises(ValueError, match="not both"):
        model.predict(Z, return_std=True, return_cov=True)
    with pytest.raises(ValueError, match="needs theta"):
        model.log_marginal_likelihood(eval_gradient=True)
