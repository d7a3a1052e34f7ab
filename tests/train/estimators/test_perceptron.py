"""The perceptrons' epochs: when training ends, what is counted, and how `partial_fit` and a warm start go on."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.datasets import (
    load_diabetes,
    load_digits,
    load_iris,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor

import pullback as pb

from ._mlp import standardised

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_partial_fit_learns_and_remembers():
    X, y = standardised(load_digits)
    model = pb.train.MLPClassifier((32,), learning_rate_init=0.01, random_state=0)
    with pytest.raises(ValueError, match="classes must be passed"):
        model.partial_fit(X, y)
    for _ in range(12):
        model.partial_fit(X, y, classes=np.arange(10))
    assert len(model.loss_curve_) == 12
    assert model.score(X, y) > 0.97
    with pytest.raises(ValueError, match="not among the classes"):
        model.partial_fit(X[:1], [11])


def test_a_warm_start_goes_on():
    X, y = standardised(load_iris)
    settings = {
        "hidden_layer_sizes": (16,),
        "max_iter": 20,
        "random_state": 0,
        "learning_rate_init": 0.01,
    }
    cold = pb.train.MLPClassifier(**settings).fit(X, y)
    warm = pb.train.MLPClassifier(warm_start=True, **settings).fit(X, y)
    first = warm.loss_
    assert warm.fit(X, y).loss_ < first
    assert cold.loss_ == pytest.approx(first)
    with pytest.raises(ValueError, match="same classes"):
        warm.fit(X, y + 1)
    with pytest.raises(ValueError, match="network has changed"):
        warm.set_params(hidden_layer_sizes=(3,)).fit(X, y)


def test_callbacks_see_every_epoch_and_may_end_the_training():
    X, y = standardised(load_iris)
    seen = []

    def stop_at_five(estimator, epoch, loss, score):
        seen.append((epoch, loss, score))
        return epoch == 5

    model = pb.train.MLPClassifier((8,), callbacks=[stop_at_five], random_state=0).fit(X, y)
    assert model.n_iter_ == 5
    assert [loss for _, loss, _ in seen] == model.loss_curve_
    assert all(score is None for *_, score in seen)


def test_progress_is_printed(capsys):
    X, y = standardised(load_iris)
    pb.train.MLPClassifier((8,), verbose=True, max_iter=2, early_stopping=True).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("Iteration 1, loss = ")
    assert "validation score" in lines[0]


def test_partial_fit_goes_on_from_the_best_weights_of_early_stopping():
    X, y = standardised(load_iris)
    model = pb.train.MLPClassifier((8,), early_stopping=True, max_iter=30, random_state=0).fit(X, y)
    best = model.coefs_[0].copy()
    model.partial_fit(X, y)
    moved = np.abs(model.coefs_[0] - best).max()
    assert 0 < moved < 0.05  # by one epoch of Adam, no more


def test_a_first_partial_fit_that_failed_binds_nobody():
    X, y = standardised(load_iris)
    model = pb.train.MLPClassifier((4,), random_state=0)
    with pytest.raises(ValueError, match="Negative values"):
        model.partial_fit(X, y > 0, classes=[False, True], sample_weight=-np.ones(len(y)))
    assert model.partial_fit(X, y, classes=[0, 1, 2]).classes_.tolist() == [0, 1, 2]


def test_a_validation_part_with_all_the_weight_is_refused():
    X, y = standardised(load_iris)
    settings = {"early_stopping": True, "random_state": 0}
    kept = pb.train.MLPRegressor(max_iter=1, **settings)
    with pytest.warns(ConvergenceWarning):
        kept.fit(X, y)
    _, held = train_test_split(np.arange(len(X)), test_size=0.1, random_state=kept._seed)
    weights = np.zeros(len(X))
    weights[held] = 1.0
    with pytest.raises(ValueError, match="in the validation part; lower"):
        pb.train.MLPRegressor(**settings).fit(X, y, sample_weight=weights)


@pytest.mark.parametrize("change", [{"solver": "adam"}, {"momentum": 0.0}])
def test_partial_fit_by_another_solver_begins_its_averages_anew(change):
    X, y = standardised(load_iris)
    settings = {"hidden_layer_sizes": (4,), "solver": "sgd", "random_state": 0, "shuffle": False}
    model = pb.train.MLPClassifier(**settings).partial_fit(X, y, classes=[0, 1, 2])
    other = pickle.loads(pickle.dumps(model)).set_params(**change)
    other._state = None
    model.set_params(**change).partial_fit(X, y)
    other.partial_fit(X, y)
    for a, b in zip(model.coefs_, other.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


COUNTS = {
    "partial fits": lambda m, X, y: m.partial_fit(X, y).partial_fit(X[:100], y[:100]),
    "a fit, then a partial fit": lambda m, X, y: m.fit(X, y).partial_fit(X[:50], y[:50]),
    "a partial fit, then a fit": lambda m, X, y: m.partial_fit(X, y).fit(X, y),
}


@pytest.mark.parametrize("calls", COUNTS.values(), ids=COUNTS)
def test_what_is_counted_is_what_scikit_learn_counts(calls):
    X, y = standardised(load_diabetes)
    settings = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0}
    ours, theirs = (calls(kind(**settings), X, y) for kind in (pb.train.MLPRegressor, MLPRegressor))
    assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_)
    assert len(ours.loss_curve_) == len(theirs.loss_curve_)
    assert ours.best_loss_ == min(ours.loss_curve_)


def test_early_stopping_keeps_the_best_weights():
    X, y = standardised(load_digits)
    model = pb.train.MLPClassifier((64,), early_stopping=True, n_iter_no_change=3, random_state=0)
    model.fit(X, y)
    assert model.n_iter_ < 200
    assert len(model.validation_scores_) == model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_)
    _, X_held, _, y_held = train_test_split(
        X, y, test_size=0.1, random_state=model._seed, stratify=y
    )
    assert model.score(X_held, y_held) == pytest.approx(model.best_validation_score_)


def test_idle_epochs_end_the_training_and_too_few_warn():
    X, y = standardised(load_iris)
    model = pb.train.MLPClassifier((8,), tol=1e9, n_iter_no_change=4, random_state=0).fit(X, y)
    assert model.n_iter_ == 6
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\)"):
        pb.train.MLPClassifier((8,), max_iter=2).fit(X, y)


@pytest.mark.parametrize("rate", ["constant", "invscaling", "adaptive"])
def test_learning_rates(rate):
    X, y = standardised(load_iris)
    model = pb.train.MLPClassifier(
        (8,),
        solver="sgd",
        learning_rate=rate,
        learning_rate_init=0.2,
        power_t=0.2,
        max_iter=300,
        random_state=0,
    )
    assert model.fit(X, y).score(X, y) > 0.9


def test_never_idle_is_infinity_as_scikit_learn_has_it():
    X, y = standardised(load_iris)
    model = pb.train.MLPClassifier((4,), tol=1e9, max_iter=30, n_iter_no_change=np.inf)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        assert model.fit(X, y).n_iter_ == 30
