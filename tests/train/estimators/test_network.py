"""Tests of `train/estimators/network.py`."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_wine

import pullback as pb

from ._mlp import standardised

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_the_coefficients_are_those_of_the_predictions():
    X, y = standardised(load_wine)
    model = pb.train.MLPClassifier((8,), max_iter=30, random_state=0).fit(X, y)
    hidden = np.maximum(X @ model.coefs_[0].astype(float) + model.intercepts_[0], 0)
    logits = hidden @ model.coefs_[1].astype(float) + model.intercepts_[1]
    np.testing.assert_allclose(model.decision_function(X), logits, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(np.log(model.predict_proba(X)), model.predict_log_proba(X))
    np.testing.assert_array_equal(model.predict(X), model.classes_[logits.argmax(axis=1)])


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
