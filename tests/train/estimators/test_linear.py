"""Tests of `train/estimators/linear.py`."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import (
    LinearRegression,
    Ridge,
)

import pullback as pb

from ._logistic import rng

xp = pb.xp


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("targets", [None, 1, 3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (pb.train.LinearRegression, LinearRegression),
        (pb.train.Ridge, Ridge),
        (lambda **s: pb.train.Ridge(0.3, **s), lambda **s: Ridge(0.3, **s)),
        (lambda **s: pb.train.Ridge(0, **s), LinearRegression),
    ],
    ids=["plain", "ridge", "ridge 0.3", "ridge 0"],
)
@pytest.mark.parametrize("shape", [(30, 4), (4, 30)], ids=["tall", "wide"])
def test_least_squares_as_scikit_learn_has_it(
    ours, theirs, shape, weighted, targets, fit_intercept
):
    r = rng(1)
    X = r.normal(size=shape)
    y = r.normal(size=shape[0] if targets is None else (shape[0], targets))
    weights = r.uniform(0.1, 2, size=shape[0]) if weighted else None
    mine = ours(fit_intercept=fit_intercept).fit(X, y, weights)
    other = theirs(fit_intercept=fit_intercept).fit(X, y, weights)
    # of one target in a column, scikit-learn's Ridge drops the axis, its LinearRegression does not; ours keep it
    wanted = other.coef_.reshape(mine.coef_.shape)
    np.testing.assert_allclose(mine.coef_, wanted, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(mine.intercept_, other.intercept_, rtol=1e-8, atol=1e-10)
    assert mine.predict(X).shape == y.shape
    wanted = other.predict(X).reshape(y.shape)
    np.testing.assert_allclose(mine.predict(X), wanted, rtol=1e-8, atol=1e-8)


def test_one_penalty_for_each_target():
    r = rng()
    X, y, alpha = r.normal(size=(20, 3)), r.normal(size=(20, 2)), np.asarray([0.5, 4.0])
    np.testing.assert_allclose(pb.train.Ridge(alpha).fit(X, y).coef_, Ridge(alpha).fit(X, y).coef_)


def test_float32_stays():
    X, y = rng().normal(size=(20, 3)).astype("float32"), np.ones(20, "float32")
    for estimator in (pb.train.LinearRegression(), pb.train.Ridge()):
        assert estimator.fit(X, y).coef_.dtype == np.float32
        assert estimator.predict(X).dtype == np.float32


@pytest.mark.parametrize("shape", [(12, 4), (4, 9)], ids=["tall", "wide"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.usefixtures("on_numpy")
def test_ridge_is_differentiable_in_penalty_data_and_targets(shape, fit_intercept):
    r = rng(2)
    X, y, Z = r.normal(size=shape), r.normal(size=shape[0]), r.normal(size=(3, shape[1]))

    def f(alpha, X, y):
        model = pb.train.Ridge(alpha, fit_intercept=fit_intercept).fit(xp.asarray(X), y)
        return model.predict(xp.asarray(Z))

    pb.check_grads(f, (np.asarray(0.7), X, y), order=2)
    of_alpha = pb.grad(
        lambda a: xp.sum(pb.train.Ridge(a, fit_intercept=fit_intercept).fit(X, y).predict(Z) ** 2)
    )
    total = pb.grad(lambda a: xp.sum(f(a, X, y) ** 2))
    np.testing.assert_allclose(of_alpha(0.7), total(0.7))


@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        (-1.0, "finite and ≥ 0"),
        (np.nan, "finite and ≥ 0"),
        (np.inf, "finite and"),
        ([1.0, 2.0], "one number"),
    ],
)
def test_a_bad_penalty_is_refused(alpha, message):
    with pytest.raises(ValueError, match=message):
        pb.train.Ridge(alpha).fit(np.eye(3), np.ones(3))
