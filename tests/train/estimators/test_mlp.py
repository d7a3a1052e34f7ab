"""The multilayer perceptrons in scikit-learn's protocol."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import pullback as pb

sklearn = pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402 - after importorskip
from sklearn.datasets import (  # noqa: E402 - as above
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.exceptions import ConvergenceWarning  # noqa: E402 - as above
from sklearn.model_selection import GridSearchCV, train_test_split, validation_curve  # noqa: E402 - as above
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402 - as above
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402 - as above

xp = pb.xp
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


def standardised(load):
    X, y = load(return_X_y=True)
    X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)
    return X, (y - y.mean()) / y.std() if load is load_diabetes else y


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


def test_the_coefficients_are_those_of_the_predictions():
    X, y = standardised(load_wine)
    model = pb.train.MLPClassifier((8,), max_iter=30, random_state=0).fit(X, y)
    hidden = np.maximum(X @ model.coefs_[0].astype(float) + model.intercepts_[0], 0)
    logits = hidden @ model.coefs_[1].astype(float) + model.intercepts_[1]
    np.testing.assert_allclose(model.decision_function(X), logits, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(np.log(model.predict_proba(X)), model.predict_log_proba(X))
    np.testing.assert_array_equal(model.predict(X), model.classes_[logits.argmax(axis=1)])


def test_the_same_seed_gives_the_same_model():
    X, y = standardised(load_iris)
    settings = {"max_iter": 10, "dropout": 0.2, "batch_norm": True}
    first, second, third = (
        pb.train.MLPClassifier(random_state=seed, **settings).fit(X, y) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    assert np.any(first.predict_proba(X) != third.predict_proba(X))


@pytest.mark.parametrize(
    "settings", [{"dropout": 0.3}, {"batch_norm": True}, {"dropout": 0.2, "batch_norm": True}]
)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_dropout_and_batch_normalisation_learn_and_predict_without_chance(settings, solver):
    X, y = standardised(load_wine)
    model = pb.train.MLPClassifier(
        (32,), max_iter=60, random_state=0, solver=solver, learning_rate_init=0.01, **settings
    ).fit(X, y)
    assert model.score(X, y) > 0.95
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_regression_losses(loss):
    X = np.linspace(-1, 1, 200)[:, None]
    y = X[:, 0] ** 2
    model = pb.train.MLPRegressor(loss, (32,), solver="lbfgs", max_iter=400, random_state=0).fit(
        X, y
    )
    assert model.score(X, y) > 0.98
    two = pb.train.MLPRegressor(loss, (32,), solver="lbfgs", max_iter=50).fit(
        X, np.stack([y, -y], axis=1)
    )
    assert two.predict(X).shape == (200, 2)


def test_poisson_regression_finds_the_rates():
    r = np.random.default_rng(0)
    X = r.uniform(-1, 1, (2000, 1))
    rate = np.exp(1 + X[:, 0])
    model = pb.train.MLPRegressor("poisson", (16,), solver="lbfgs", max_iter=300, random_state=0)
    model.fit(X, r.poisson(rate).astype(float))
    assert np.abs(model.predict(X) / rate - 1).mean() < 0.1
    assert model.predict(X).min() > 0


def test_hinge_and_a_loss_of_the_users():
    X, y = standardised(load_iris)
    for target in (y, y == 1):
        model = pb.train.MLPClassifier(
            (20,), loss="hinge", solver="lbfgs", max_iter=200, random_state=0
        )
        assert model.fit(X, target).score(X, target) > 0.95

    def focal(outputs, labels):
        log_p = xp.log_softmax(outputs, axis=1)
        own = xp.take_along_axis(log_p, xp.asarray(labels)[:, None], axis=1)[:, 0]
        return -((1 - xp.exp(own)) ** 2) * own

    def mean_focal(outputs, labels):
        return xp.mean(focal(outputs, labels))

    each, mean = (
        pb.train.MLPClassifier(
            (20,), loss=f, max_iter=40, learning_rate_init=0.01, random_state=0
        ).fit(X, y)
        for f in (focal, mean_focal)
    )
    assert each.score(X, y) > 0.9
    np.testing.assert_allclose(each.predict_proba(X), mean.predict_proba(X), rtol=1e-4)
    model = pb.train.MLPClassifier((20,), loss=mean_focal)
    with pytest.raises(
        ValueError, match=r"mean_focal: returned shape \(\) for .* one loss for each"
    ):
        model.fit(X, y, sample_weight=np.ones(len(y)))


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


BAD = [
    ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes"),
    ({"hidden_layer_sizes": (2.5,)}, "hidden_layer_sizes"),
    ({"activation": "step"}, "step"),
    ({"loss": "cubic"}, "loss='cubic'"),
    ({"solver": "newton"}, "solver='newton'"),
    ({"alpha": -1}, "alpha=-1"),
    ({"batch_size": 0}, "batch_size=0"),
    ({"learning_rate": "falling"}, "learning_rate='falling'"),
    ({"learning_rate_init": 0}, "learning_rate_init=0"),
    ({"learning_rate_init": np.nan}, "learning_rate_init=nan"),
    ({"max_iter": 0}, "max_iter=0"),
    ({"tol": -1e-3}, "tol=-0.001"),
    ({"momentum": 1.5}, "momentum=1.5"),
    ({"validation_fraction": 1.0}, "validation_fraction=1.0"),
    ({"beta_1": 1.0}, "beta_1=1.0"),
    ({"epsilon": 0.0}, "epsilon=0.0"),
    ({"dropout": 1.0}, "dropout=1.0"),
    ({"dtype": "int32"}, "dtype='int32'"),
    ({"early_stopping": True, "solver": "lbfgs"}, "early_stopping=True"),
    ({"hidden_layer_sizes": None}, "hidden_layer_sizes=None"),
    ({"validation_fraction": None}, "validation_fraction=None"),
    ({"callbacks": None}, "callbacks=None"),
    ({"callbacks": print}, "callbacks=<built-in"),
    ({"loss": ["huber"]}, "loss="),
]


@pytest.mark.parametrize(
    ("settings", "message"), BAD, ids=lambda x: x if isinstance(x, str) else ""
)
@pytest.mark.parametrize("kind", [pb.train.MLPClassifier, pb.train.MLPRegressor])
def test_bad_settings_are_refused_before_anything_is_done(kind, settings, message):
    model = kind(**settings)
    with pytest.raises(ValueError, match=message):
        model.fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1])
    assert not hasattr(model, "model_")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_data_is_refused(bad):
    for model in (pb.train.MLPClassifier(), pb.train.MLPRegressor()):
        with pytest.raises(ValueError, match="contains"):
            model.fit([[0.0], [bad]], [0, 1])
        with pytest.raises(ValueError, match=r"sample_weight|[Nn]egative"):
            model.fit([[0.0], [1.0]], [0, 1], sample_weight=[1, -1])


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


def test_counts_are_not_negative():
    X, y = standardised(load_iris)
    model = pb.train.MLPRegressor("poisson", (4,), max_iter=300, tol=1e-2, random_state=0)
    assert model.fit(X, y).out_activation_ == "exp"
    with pytest.raises(ValueError, match="y holds negative numbers"):
        model.fit(X, y - 1.0)


def test_lbfgs_that_ends_without_success_warns():
    X, y = standardised(load_iris)
    model = pb.train.MLPClassifier((8,), solver="lbfgs", max_fun=5, random_state=0)
    with pytest.warns(ConvergenceWarning, match="max_fun evaluations"):
        model.fit(X, y)
