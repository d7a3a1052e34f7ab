"""Estimators in scikit-learn's protocol: its own checks, its own answers, and what ours do beyond it."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

sklearn = pytest.importorskip("sklearn")

from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine  # noqa: E402 - after importorskip
from sklearn.exceptions import ConvergenceWarning  # noqa: E402 - as above
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier  # noqa: E402 - as above
from sklearn.model_selection import GridSearchCV, cross_val_score, validation_curve  # noqa: E402 - as above
from sklearn.multiclass import (  # noqa: E402 - as above
    OneVsOneClassifier,
    OneVsRestClassifier,
    OutputCodeClassifier,
)
from sklearn.utils.estimator_checks import estimator_checks_generator  # noqa: E402 - as above

from ..._host import numpy_is_active  # noqa: E402, F401 - as above; a fixture for the whole file

xp = pb.xp


def rng(seed=0):
    return np.random.default_rng(seed)


# ── scikit-learn's own checks ─────────────────────────────────────────────────────────────────

ESTIMATORS = [
    pb.train.LinearRegression(),
    pb.train.Ridge(),
    pb.train.LogisticRegression(),
    pb.train.SoftmaxRegression(),
    pb.train.TreeReductionClassifier(pb.train.LogisticRegression()),
    pb.train.TreeReductionClassifier(RidgeClassifier()),
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


def test_ties_are_broken_by_the_seed_and_the_row_alone():
    X = rng().normal(size=(200, 2))
    y = np.arange(200) % 3
    model = pb.train.SoftmaxRegression(random_state=0).fit(X, y)
    model.coef_[:], model.intercept_[:] = 0, 0  # all classes tie in every row
    first = model.predict(X)
    assert set(first) == {0, 1, 2}
    np.testing.assert_array_equal(first, model.predict(X))
    np.testing.assert_array_equal(first[::-1], model.predict(X[::-1]))
    np.testing.assert_array_equal(first[:7], model.predict(X[:7]))
    other = pb.train.SoftmaxRegression(random_state=1).fit(X, y)
    other.coef_[:], other.intercept_[:] = 0, 0
    assert np.any(first != other.predict(X))


def test_samples_are_drawn_from_the_probabilities():
    X, y = load_iris(return_X_y=True)
    model = pb.train.LogisticRegression(max_iter=500).fit(X, y)
    row = X[[77]]
    drawn = model.sample(np.repeat(row, 20000, axis=0), random_state=0)
    share = np.bincount(drawn, minlength=3) / 20000
    np.testing.assert_allclose(share, model.predict_proba(row)[0], atol=0.015)
    again = model.sample(np.repeat(row, 20000, axis=0), random_state=0)
    np.testing.assert_array_equal(drawn, again)


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

REDUCTIONS = {
    "one versus all": OneVsRestClassifier,
    "one versus one": OneVsOneClassifier,
    "output codes": lambda model: OutputCodeClassifier(model, code_size=4, random_state=0),
    "tree": pb.train.TreeReductionClassifier,
    "random tree": lambda model: pb.train.TreeReductionClassifier(
        model, split="random", random_state=0
    ),
    "ordered tree": lambda model: pb.train.TreeReductionClassifier(model, split="ordered"),
}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_two_class_models_make_many_class_ones(reduction, load):
    X, y = load(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    model = REDUCTIONS[reduction](pb.train.LogisticRegression(max_iter=1000))
    assert cross_val_score(model, X, y, cv=3).mean() > 0.88


def test_a_tree_of_c_classes_has_c_minus_one_models_and_probabilities_that_add_up():
    X, y = load_digits(return_X_y=True)
    tree = pb.train.TreeReductionClassifier(pb.train.LogisticRegression(max_iter=50, tol=1e-2)).fit(
        X / 16, y
    )
    nodes = list(tree.nodes())
    assert len(nodes) == 9
    assert all(abs(len(node.left) - len(node.right)) <= 1 for node in nodes)
    np.testing.assert_allclose(tree.predict_proba(X / 16).sum(axis=1), 1)


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match="split='best'"):
        pb.train.TreeReductionClassifier(pb.train.LogisticRegression(), split="best").fit(
            [[0.0], [1.0]], [0, 1]
        )


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


LINEAR = [pb.train.LogisticRegression, pb.train.SoftmaxRegression]


@pytest.mark.parametrize("kind", LINEAR)
def test_a_search_that_fails_warns(kind):
    X, y = load_iris(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match="no further step"):
        kind().fit(X * 1e100, y)


@pytest.mark.parametrize("kind", LINEAR)
def test_weights_of_classes_that_leave_nothing(kind):
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    only_ones = np.where(y == 1, 1.0, 0.0)
    model = kind(class_weight="balanced", max_iter=np.int64(500)).fit(X, y, only_ones)
    assert np.all(model.predict(X) == 1)
    for class_weight, message in [
        ({0: 0.0, 1: 0.0}, "no sample has a weight above 0"),
        ({0: -1.0}, "finite and at least 0"),
        ({0: np.inf}, "finite and at least 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            kind(class_weight=class_weight).fit(X, y)
