"""The multilayer perceptrons in scikit-learn's protocol."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split, validation_curve
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import check_estimator

import pullback as pb

from ._mlp import standardised

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# A weight of 2 is not the same sample twice: twice as many samples are other minibatches, in another order. (So it is
# with scikit-learn's own perceptrons.)
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "minibatches are drawn by sample, not by weight"
}


@pytest.mark.filterwarnings(
    "ignore"
)  # scikit-learn's checks warn of much, and we want their verdict alone
@pytest.mark.parametrize("estimator", [pb.train.MLPClassifier(), pb.train.MLPRegressor()], ids=repr)
def test_the_checks_of_scikit_learn(estimator):
    results = check_estimator(
        estimator, expected_failed_checks=EXPECTED, on_fail=None, on_skip=None
    )
    assert len(results) > 50
    failed = [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    assert failed == []
    assert {r["check_name"] for r in results if r["status"] == "xfail"} == EXPECTED.keys()


@pytest.mark.slow
@pytest.mark.parametrize("load", [load_digits, load_breast_cancer, load_wine, load_diabetes])
def test_as_good_as_scikit_learns_over_ten_seeds(load):
    X, y = standardised(load)
    ours, theirs = (
        (pb.train.MLPRegressor, MLPRegressor)
        if load is load_diabetes
        else (pb.train.MLPClassifier, MLPClassifier)
    )
    settings = {"hidden_layer_sizes": (100,), "max_iter": 60, "tol": 0, "n_iter_no_change": 1000}
    scores = []
    for seed in range(10):
        a, b, ya, yb = train_test_split(X, y, random_state=seed)
        scores.append(
            [kind(random_state=seed, **settings).fit(a, ya).score(b, yb) for kind in (ours, theirs)]
        )
    mine, other = np.asarray(scores).T
    error = np.hypot(np.std(mine, ddof=1), np.std(other, ddof=1)) / np.sqrt(
        10
    )  # of the difference of the means
    assert mine.mean() >= other.mean() - error, (mine.mean(), other.mean(), error)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_solvers_learn(solver):
    X, y = standardised(load_iris)
    model = pb.train.MLPClassifier(
        (20,), solver=solver, learning_rate_init=0.02, max_iter=150, random_state=0
    )
    assert model.fit(X, y).score(X, y) > 0.95
    assert model.loss_curve_[-1] <= model.loss_curve_[0]
    assert [W.shape for W in model.coefs_] == [(4, 20), (20, 3)]
    assert [b.shape for b in model.intercepts_] == [(20,), (3,)]


def test_the_same_seed_gives_the_same_model():
    X, y = standardised(load_iris)
    settings = {"max_iter": 10, "dropout": 0.2, "batch_norm": True}
    first, second, third = (
        pb.train.MLPClassifier(random_state=seed, **settings).fit(X, y) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    assert np.any(first.predict_proba(X) != third.predict_proba(X))


def test_weights_of_samples_and_classes():
    X = np.asarray([[0.0], [0.0]] * 50)
    y = np.asarray([0, 1] * 50)
    weights = np.where(y == 1, 3.0, 1.0)
    settings = {
        "hidden_layer_sizes": (4,),
        "solver": "lbfgs",
        "max_iter": 300,
        "tol": 1e-6,
        "alpha": 0.0,
    }
    by_sample = pb.train.MLPClassifier(**settings).fit(X, y, sample_weight=weights)
    by_class = pb.train.MLPClassifier(class_weight={1: 3.0}, **settings).fit(X, y)
    for model in (by_sample, by_class):
        np.testing.assert_allclose(model.predict_proba([[0.0]]), [[0.25, 0.75]], atol=1e-3)
    rare = np.asarray([0] * 90 + [1] * 10)
    balanced = pb.train.MLPClassifier(class_weight="balanced", **settings).fit(
        np.zeros((100, 1)), rare
    )
    np.testing.assert_allclose(balanced.predict_proba([[0.0]]), [[0.5, 0.5]], atol=1e-3)


def test_scikit_learns_tools_take_them():
    X, y = standardised(load_iris)
    model = pb.train.MLPClassifier((8,), max_iter=30, random_state=0)
    assert repr(clone(model)) == repr(model)
    search = GridSearchCV(model, {"learning_rate_init": [1e-6, 0.05]}, cv=3).fit(X, y)
    assert search.best_params_ == {"learning_rate_init": 0.05}
    _, validation = validation_curve(model, X, y, param_name="alpha", param_range=[1e-4, 1e4], cv=3)
    assert validation.shape == (2, 3)


def test_a_loss_that_overflows_is_told():
    X, y = standardised(load_diabetes)
    model = pb.train.MLPRegressor(
        hidden_layer_sizes=(8,), solver="sgd", learning_rate_init=1e6, random_state=0
    )
    with pytest.raises(ValueError, match="loss became"), np.errstate(all="ignore"):
        model.fit(X * 1e6, y)


def test_balance_in_a_part_without_some_class():
    X, y = standardised(load_iris)
    settings = {"hidden_layer_sizes": (4,), "random_state": 0}
    balanced = pb.train.MLPClassifier(class_weight="balanced", **settings)
    balanced.partial_fit(X[:100], y[:100], classes=[0, 1, 2])
    plain = pb.train.MLPClassifier(**settings).partial_fit(X[:100], y[:100], classes=[0, 1, 2])
    for a, b in zip(balanced.coefs_, plain.coefs_, strict=True):  # 50 of each: nothing to balance
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_lbfgs_that_ends_without_success_warns():
    X, y = standardised(load_iris)
    model = pb.train.MLPClassifier((8,), solver="lbfgs", max_fun=5, random_state=0)
    with pytest.warns(ConvergenceWarning, match="max_fun evaluations"):
        model.fit(X, y)
