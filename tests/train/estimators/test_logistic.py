"""Estimators in scikit-learn's protocol: its own checks, its own answers, and what ours do beyond it."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

sklearn = pytest.importorskip("sklearn", reason="needs scikit-learn")

from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine  # noqa: E402 - after importorskip
from sklearn.exceptions import ConvergenceWarning  # noqa: E402 - as above
from sklearn.linear_model import (  # noqa: E402 - after the look for an extra
    LogisticRegression,
    RidgeClassifier,
)
from sklearn.model_selection import (  # noqa: E402 - after the look for an extra
    GridSearchCV,
    validation_curve,
)
from sklearn.utils.estimator_checks import estimator_checks_generator  # noqa: E402 - as above

from ._logistic import LINEAR, rng  # noqa: E402 - after the look for an extra

# ── scikit-learn's own checks ─────────────────────────────────────────────────────────────────

ESTIMATORS = [
    pb.train.LinearRegression(),
    pb.train.Ridge(),
    pb.train.LogisticRegression(),
    pb.train.SoftmaxRegression(),
    pb.train.TreeReductionClassifier(pb.train.LogisticRegression()),
    pb.train.TreeReductionClassifier(RidgeClassifier()),
    pb.train.OneVersusAllClassifier(pb.train.LogisticRegression()),
]


def checks():
    for i, estimator in enumerate(ESTIMATORS):
        for place, (_, check) in enumerate(estimator_checks_generator(estimator)):
            name = getattr(check, "func", check).__name__
            yield pytest.param(i, place, id=f"{type(estimator).__name__}-{i}-{name}-{place}")


@pytest.mark.filterwarnings(
    "ignore"
)  # scikit-learn's checks warn of much, and we want their verdict alone
@pytest.mark.parametrize(("i", "place"), list(checks()))
def test_the_checks_of_scikit_learn(i, place):
    for at, (estimator, check) in enumerate(estimator_checks_generator(ESTIMATORS[i])):
        if at == place:
            try:
                check(estimator)
            except (
                sklearn.exceptions.SkipTestWarning
            ) as why:  # pragma: no cover - scikit-learn's own skips
                pytest.skip(str(why))


# ── least squares ─────────────────────────────────────────────────────────────────────────────


# ── linear classifiers ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine, load_iris])
@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg"])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 3.0}])
@pytest.mark.parametrize("C", [1.0, 0.05])
def test_logistic_regression_as_scikit_learn_has_it(load, solver, class_weight, C):
    X, y = load(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    weights = rng().uniform(0.5, 1.5, size=len(y))
    settings = {"C": C, "class_weight": class_weight, "max_iter": 5000, "tol": 1e-9}
    mine = pb.train.LogisticRegression(solver=solver, **settings).fit(X, y, weights)
    other = LogisticRegression(**{**settings, "tol": 1e-11}).fit(X, y, weights)
    np.testing.assert_allclose(mine.coef_, other.coef_, atol=2e-5)
    np.testing.assert_allclose(mine.predict_proba(X), other.predict_proba(X), atol=1e-5)


def test_softmax_regression_of_two_classes_has_two_columns():
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    two = pb.train.SoftmaxRegression(tol=1e-9, max_iter=5000).fit(X, y)
    # the penalty on (w, −w) is twice that on w, at half the size each: as one column with C / 2 … in 2 w
    one = pb.train.LogisticRegression(C=2.0, tol=1e-9, max_iter=5000).fit(X, y)
    assert two.coef_.shape == (2, 30)
    np.testing.assert_allclose(two.coef_[1] - two.coef_[0], one.coef_[0], atol=2e-5)
    np.testing.assert_allclose(two.predict_proba(X), one.predict_proba(X), atol=1e-5)


def test_probabilities_keep_their_digits_in_the_tails():
    model = pb.train.LogisticRegression().fit([[-1.0], [1.0]], [0, 1])
    model.coef_, model.intercept_ = np.asarray([[1000.0]]), np.zeros(1)
    np.testing.assert_array_equal(model.predict_log_proba([[1.0]]), [[-1000, 0]])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"C": 0}, "C=0"),
        ({"C": -1.0}, "C=-1.0"),
        ({"tol": -1}, "tol=-1"),
        ({"max_iter": -5}, "max_iter=-5"),
        ({"solver": "sag"}, "solver='sag'"),
    ],
)
@pytest.mark.parametrize("kind", [pb.train.LogisticRegression, pb.train.SoftmaxRegression])
def test_bad_settings_are_refused(kind, settings, message):
    model = kind(**settings)
    with pytest.raises(ValueError, match=message):
        model.fit([[0.0], [1.0]], [0, 1])
    assert not hasattr(model, "coef_")


def test_too_few_steps_warn():
    X, y = load_digits(return_X_y=True)
    with pytest.warns(sklearn.exceptions.ConvergenceWarning, match="max_iter=3"):
        pb.train.LogisticRegression(max_iter=3).fit(X, y)


def test_a_warm_start_needs_fewer_steps():
    X, y = load_wine(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    model = pb.train.LogisticRegression(warm_start=True, max_iter=1000).fit(X, y)
    cold = model.n_iter_[0]
    assert model.fit(X, y).n_iter_[0] < cold / 3


# ── from two classes to many ──────────────────────────────────────────────────────────────────


# ── choosing settings ─────────────────────────────────────────────────────────────────────────


def test_the_searches_of_scikit_learn_take_them():
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    search = GridSearchCV(pb.train.LogisticRegression(max_iter=1000), {"C": [1e-4, 1.0]}, cv=3).fit(
        X, y
    )
    assert search.best_params_ == {"C": 1.0}
    train, validation = validation_curve(
        pb.train.Ridge(), X, y.astype(float), param_name="alpha", param_range=[1e-2, 1e4], cv=3
    )
    assert train.shape == validation.shape == (2, 3)
    assert validation[0].mean() > validation[1].mean()


@pytest.mark.parametrize("kind", LINEAR)
def test_a_search_that_fails_warns(kind):
    X, y = load_iris(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match="no further step"):
        kind().fit(X * 1e100, y)


@pytest.mark.parametrize("ratio", [0.3, 1.0])
@pytest.mark.parametrize("classes", [2, 3])
def test_an_l1_share_is_scikit_learns(ratio, classes):
    X, y = load_wine(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    X, y = X[y < classes], y[y < classes]
    settings = {"C": 0.1, "l1_ratio": ratio, "tol": 1e-6, "max_iter": 5000}
    ours = pb.train.LogisticRegression(solver="fista", **settings).fit(X, y)
    theirs = LogisticRegression(solver="saga", **settings).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-4)
    assert (ours.coef_ == 0).sum() >= 2
    assert ((abs(ours.coef_) < 1e-12) == (abs(theirs.coef_) < 1e-12)).mean() > 0.95


def test_an_l1_share_takes_its_solver():
    for settings, message in (
        ({"l1_ratio": 0.5}, "solver='fista'"),
        ({"l1_ratio": 1.5, "solver": "fista"}, "from 0 to 1"),
        ({"l1_ratio": True, "solver": "fista"}, "from 0 to 1"),
    ):
        with pytest.raises(ValueError, match=message):
            pb.train.LogisticRegression(**settings).fit([[0.0], [1.0]], [0, 1])
