"""Estimators of any network: scikit-learn's checks, networks of one's own, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import check_estimator

import pullback as pb

M = pb.models
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "minibatches are drawn by sample, not by weight"
}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 6)).astype("float32")
Y = (X[:, 0] * X[:, 3] > 0).astype(int) + (X[:, 1] > 1)


@pytest.mark.filterwarnings("ignore")  # the checks warn of much, and we want their verdict alone
def test_the_checks_of_scikit_learn():
    """Of the regressor only what differs: those of `MLPRegressor` are run in test_mlp.py, which it derives from."""
    estimator = pb.train.NetworkClassifier()
    results = check_estimator(
        estimator, expected_failed_checks=EXPECTED, on_fail=None, on_skip=None
    )
    assert len(results) > 50
    assert [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"] == []


class Pairs(M.Module):
    """Rows of six numbers as two channels of three."""

    def __call__(self, x):
        return pb.xp.reshape(x, (-1, 2, 3))


def convolutions(n_features, n_outputs, seed):
    return M.Sequential(
        Pairs(),
        M.Conv1d.init(2, 16, 2, seed=seed),
        "relu",
        M.Flatten(),
        M.BatchNorm.init(32),
        M.Dropout(0.1),
        M.Linear.init(32, n_outputs, seed=seed),
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_network_with_a_training_mode():
    model = pb.train.NetworkClassifier(
        convolutions, max_iter=60, learning_rate_init=0.02, batch_size=16, random_state=0
    )
    model.fit(X, Y)
    assert model.score(X, Y) > 0.85
    assert model.eager_ == ""
    assert model.n_outputs_ == 3
    assert isinstance(model.model_, M.Sequential)
    assert np.abs(pb.to_numpy(model.model_.layers[4].running_mean)).max() > 0.05, (
        "statistics were kept"
    )
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=1e-9)
    again = clone(model).fit(X, Y)
    np.testing.assert_array_equal(again.decision_function(X), model.decision_function(X))
    assert cross_val_score(clone(model).set_params(max_iter=2), X, Y, cv=2).shape == (2,)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_two_classes_have_two_logits():
    model = pb.train.NetworkClassifier(max_iter=3, random_state=0).fit(X, Y > 0)
    assert model.n_outputs_ == 2
    assert model.decision_function(X).shape == (90,)
    np.testing.assert_array_equal(model.predict(X), model.decision_function(X) > 0)


def test_numbers_by_lbfgs_are_those_of_the_perceptron():
    def network(n_features, n_outputs, seed):
        return M.MLP([n_features, 5, n_outputs], activation="tanh", init="glorot", seed=seed)

    settings = {
        "solver": "lbfgs",
        "dtype": "float64",
        "random_state": 0,
        "alpha": 0.1,
        "max_iter": 3000,
    }
    target = X[:, 0] - X[:, 1] ** 2
    mine = pb.train.NetworkRegressor(network, **settings).fit(X, target)
    same = pb.train.MLPRegressor(hidden_layer_sizes=(5,), activation="tanh", **settings)
    # drawn in float32 here, in float64 there
    np.testing.assert_allclose(mine.predict(X), same.fit(X, target).predict(X), atol=0.02)


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"model": 3}, TypeError, r"model=3; it has to be a function of \(n_features, n_outputs, s"),
        ({"model": M.MLP([2, 2])}, TypeError, r"model=MLP.*has to be a function of \(n_features"),
        ({"model": lambda n, k, seed: np.ones(3)}, TypeError, r"returned ndarray: it has to return a model"),
        ({"model": convolutions, "solver": "lbfgs"}, ValueError, r"'lbfgs' knows no training mode"),
        ({"model": lambda n, k, seed: M.Linear.init(n, k + 1)}, ValueError, r"outputs of shape"),
        ({"model": None, "solver": "newton"}, ValueError, r"solver='newton'; it has to be one of"),
    ],
)  # fmt: skip
def test_what_is_no_network_is_refused(settings, error, said):
    with pytest.raises(error, match=f"NetworkClassifier.*{said}"):
        pb.train.NetworkClassifier(max_iter=1, **settings).fit(X, Y).predict(X)
