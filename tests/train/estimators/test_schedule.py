"""Tests of schedule."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import (
    load_digits,
    load_iris,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

import pullback as pb

from ._mlp import standardised

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
