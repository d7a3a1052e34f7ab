"""Tests of `train/estimators/elastic_net.py`: scikit-learn's coefficients, derivatives, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, Lasso
from sklearn.model_selection import GridSearchCV

import pullback as pb

from ._logistic import rng

xp = pb.xp


def data(shape=(80, 20), seed=0):
    r = rng(seed)
    X = r.normal(size=shape)
    w = np.zeros(shape[1])
    w[:4] = [2.0, -1.0, 0.5, -3.0]
    return X, X @ w + 0.3 * r.normal(size=shape[0]) + 5


@pytest.mark.parametrize("shape", [(80, 20), (30, 60)], ids=["tall", "wide"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.01, 0.3, 100.0])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("positive", [False, True])
def test_as_scikit_learn_has_it(shape, fit_intercept, alpha, l1_ratio, positive):
    X, y = data(shape)
    settings = {"fit_intercept": fit_intercept, "positive": positive, "max_iter": 100_000}
    if l1_ratio == 1:
        mine, other = (
            pb.train.Lasso(alpha, tol=1e-10, **settings),
            Lasso(alpha, tol=1e-12, **settings),
        )
    else:
        mine = pb.train.ElasticNet(alpha, l1_ratio=l1_ratio, tol=1e-10, **settings)
        other = ElasticNet(alpha, l1_ratio=l1_ratio, tol=1e-12, **settings)
    mine, other = mine.fit(X, y), other.fit(X, y)
    np.testing.assert_allclose(mine.coef_, other.coef_, atol=1e-6)
    np.testing.assert_allclose(mine.intercept_, other.intercept_, atol=1e-6)
    np.testing.assert_allclose(mine.predict(X), other.predict(X), atol=1e-5)
    np.testing.assert_array_equal(mine.coef_ == 0, np.abs(other.coef_) < 1e-9)
    assert mine.n_features_in_ == shape[1]
    assert isinstance(mine.n_iter_, int)
    assert mine.dual_gap_ <= 1e-10 * np.sum(y**2) / len(y)


def test_weights_and_many_targets():
    X, y = data()
    Y, weights = np.stack([y, -2 * y, X[:, 0]], axis=1), rng(1).uniform(0.1, 2, size=len(y))
    mine = pb.train.Lasso(0.1, tol=1e-12).fit(X, Y, weights)
    other = Lasso(0.1, tol=1e-13, max_iter=100_000).fit(X, Y, weights)
    np.testing.assert_allclose(mine.coef_, other.coef_, atol=1e-6)
    np.testing.assert_allclose(mine.intercept_, other.intercept_, atol=1e-6)
    assert mine.coef_.shape == (3, 20)
    assert len(mine.n_iter_) == len(mine.dual_gap_) == 3
    assert mine.predict(X).shape == Y.shape


def test_ridge_and_least_squares_are_its_ends():
    X, y = data()
    ridge = pb.train.Ridge(0.3 * len(y)).fit(X, y)
    np.testing.assert_allclose(
        pb.train.ElasticNet(0.3, l1_ratio=0.0, tol=1e-12).fit(X, y).coef_, ridge.coef_, atol=1e-8
    )
    plain = pb.train.LinearRegression().fit(X, y)
    np.testing.assert_allclose(
        pb.train.Lasso(0.0, tol=1e-12).fit(X, y).coef_, plain.coef_, atol=1e-8
    )


def test_float32_stays():
    X, y = data()
    model = pb.train.Lasso(0.1).fit(X.astype("float32"), y.astype("float32"))
    assert model.coef_.dtype == np.float32
    np.testing.assert_allclose(model.coef_, Lasso(0.1, tol=1e-8).fit(X, y).coef_, atol=1e-2)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.usefixtures("on_numpy")
def test_coefficients_are_differentiable_in_everything(fit_intercept):
    """The derivative of the minimum, by central differences of other minimisations, both orders."""
    X, y = data((25, 8), seed=3)

    def f(alpha, ratio, X, y):
        model = pb.train.ElasticNet(alpha, l1_ratio=ratio, fit_intercept=fit_intercept, tol=1e-13)
        model.fit(xp.asarray(X), y)
        return xp.concat([model.coef_, xp.reshape(xp.asarray(model.intercept_), (1,))])

    pb.check_grads(f, (np.asarray(0.2), np.asarray(0.7), X, y), order=2)
    slope = pb.jacobian(lambda a: f(a, 0.7, X, y))(np.asarray(0.2))
    numeric = (pb.to_numpy(f(0.2 + 1e-5, 0.7, X, y)) - pb.to_numpy(f(0.2 - 1e-5, 0.7, X, y))) / 2e-5
    np.testing.assert_allclose(slope, numeric, atol=1e-7)


def test_a_penalty_that_leaves_nothing_has_the_derivative_zero():
    X, y = data()
    assert pb.grad(lambda a: xp.sum(pb.train.Lasso(a).fit(X, y).predict(X)))(1e3) == 0


def test_every_library(lib):
    X, y = data()
    for dtype, atol in (("float64", 1e-7), ("float32", 1e-3)):
        model = pb.train.Lasso(0.1, tol=1e-9 if dtype == "float64" else 1e-6)
        model.fit(lib.asarray(X, dtype), lib.asarray(y, dtype))
        coef = model.coef_
        assert lib.is_raw(coef)
        wanted = Lasso(0.1, tol=1e-12).fit(X, y).coef_
        np.testing.assert_allclose(lib.to_numpy(coef), wanted, atol=atol)
        assert lib.is_raw(model.predict(lib.asarray(X, dtype)))


def test_a_warm_start_goes_on():
    X, y = data((30, 60))
    first = pb.train.Lasso(0.02, tol=1e-12, warm_start=True).fit(X, y)
    steps = first.n_iter_
    assert first.fit(X, y).n_iter_ < steps


def test_too_few_steps_are_said():
    X, y = data((30, 60))
    with pytest.warns(ConvergenceWarning, match="the duality gap is"):
        pb.train.Lasso(0.001, max_iter=2, tol=1e-12).fit(X, y)


def test_columns_that_are_equal():
    """No factor on the support: the coefficients are still a minimum."""
    X, y = data((40, 5))
    X = np.concatenate([X, X[:, :2]], axis=1)
    mine = pb.train.Lasso(0.1, tol=1e-9).fit(X, y)
    other = Lasso(0.1, tol=1e-12).fit(X, y)
    np.testing.assert_allclose(mine.predict(X), other.predict(X), atol=1e-3)
    np.testing.assert_allclose(np.abs(mine.coef_).sum(), np.abs(other.coef_).sum(), atol=1e-4)


def test_in_a_grid_search():
    X, y = data()
    grid = {"alpha": [0.01, 0.1, 1.0]}
    mine = GridSearchCV(pb.train.Lasso(), grid, cv=3).fit(X, y)
    other = GridSearchCV(Lasso(), grid, cv=3).fit(X, y)
    assert mine.best_params_ == other.best_params_


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": -1.0}, "alpha=-1.0"), ({"alpha": np.inf}, "alpha=inf"), ({"l1_ratio": 1.5}, "from 0 to 1"),
        ({"tol": -1.0}, "tol="), ({"max_iter": 0}, "max_iter=0"), ({"max_iter": 1.5}, "max_iter=1.5"),
    ],
)  # fmt: skip
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        pb.train.ElasticNet(**settings).fit(*data())
