"""Tests of `train/estimators/settings.py`."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris

import pullback as pb

from ._mlp import standardised

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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


def test_counts_are_not_negative():
    X, y = standardised(load_iris)
    model = pb.train.MLPRegressor("poisson", (4,), max_iter=300, tol=1e-2, random_state=0)
    assert model.fit(X, y).out_activation_ == "exp"
    with pytest.raises(ValueError, match="y holds negative numbers"):
        model.fit(X, y - 1.0)
