"""Tests of `train/estimators/losses.py`."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris

import pullback as pb

from ._mlp import standardised

xp = pb.xp


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
