"""Tests of `train/estimators/training.py`."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

import pullback as pb
from pullback.train import step as _step

from .._cli import folder  # noqa: F401 - fixtures
from .._step import EAGER, X, Y, branching
from ._perceptron import standardised

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_an_epoch_is_the_optimisers_steps_on_the_network(solver):
    """Trained as one vector, it ends where the optimiser's steps on the layers' own arrays end, decay included."""
    X, y = standardised(load_diabetes)
    alpha, rows = 5.0, 64
    settings = {"hidden_layer_sizes": (7, 4), "batch_size": rows, "alpha": alpha}
    estimator = pb.train.MLPRegressor(
        solver=solver, shuffle=False, dtype="float64", random_state=0, **settings
    ).partial_fit(X, y)
    decay = alpha / rows
    opt = {
        "adam": pb.optim.Adam(1e-3, weight_decay=decay, mask="matrices"),
        "sgd": pb.optim.SGD(1e-3, momentum=0.9, nesterov=True, weight_decay=decay, mask="matrices"),
    }[solver]
    with pb.backend.use("numpy"):
        model = estimator._network.init(estimator._seed)
        state = opt.init(model)
        half = lambda m, x, t: 0.5 * pb.models.squared_error(m(x), t)
        for start in range(0, len(X), rows):
            part = slice(start, start + rows)
            grads = pb.grad(half)(model, X[part], y[part, None])
            model, state = opt.step(model, grads, state)
    for got, want in zip(pb.tree.leaves(estimator.model_), pb.tree.leaves(model), strict=True):
        np.testing.assert_allclose(pb.to_numpy(got), want, rtol=1e-9, atol=1e-12)


ESTIMATORS = {
    "plain": {},
    "decay": {"alpha": 5.0},
    "sgd": {"solver": "sgd", "learning_rate": "invscaling"},
    "dropout": {"dropout": 0.2},
    "batch norm": {"batch_norm": True},
    "huber": {"loss": "huber"},
    "own": {"loss": lambda outputs, y: pb.xp.mean((outputs - y) ** 4)},
}


@pytest.fixture
def made():
    pytest.importorskip("sklearn")

    def estimator(**settings):
        settings = {
            "max_iter": 10,
            "batch_size": 8,
            "random_state": 0,
            "dtype": "float64",
            **settings,
        }
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*aximum iterations")
            return pb.train.MLPRegressor(hidden_layer_sizes=(6,), **settings).fit(X, Y[:, 0])

    return estimator


@pytest.mark.parametrize("case", ESTIMATORS)
def test_estimators_compile_their_step(made, case):
    compiled, eager = (made(**ESTIMATORS[case], **s) for s in ({}, EAGER))
    assert (compiled.eager_, eager.eager_) == ("", "compile=False")
    np.testing.assert_allclose(compiled.loss_curve_, eager.loss_curve_, rtol=1e-8)
    for a, b in zip(compiled.coefs_, eager.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("precision", ["tf32", "bfloat16", "float16"])
@pytest.mark.parametrize("more", [{"alpha": 5.0}, {"dropout": 0.2, "batch_norm": True}])
def test_estimators_round_their_products(made, precision, more):
    rounded, plain = (made(dtype="float32", precision=p, **more) for p in (precision, "float32"))
    assert rounded.eager_ == ""
    assert rounded.loss_ != plain.loss_
    assert rounded.loss_ == pytest.approx(plain.loss_, rel=0.05)
    for a, b in zip(rounded.coefs_, plain.coefs_, strict=True):
        np.testing.assert_allclose(a, b, atol=0.05)


@pytest.mark.parametrize(
    "settings", [{"precision": "half"}, {"precision": "tf32"}, {"precision": "tf32", "dtype": "float32", **EAGER}]
)  # fmt: skip
def test_estimators_refuse_a_precision(made, settings):
    with pytest.raises(ValueError, match=f"MLPRegressor: precision='{settings['precision']}'"):
        made(**settings)


def test_an_estimator_says_why_it_is_eager(made, capsys):
    model = made(loss=lambda outputs, y: branching(outputs, y), verbose=True)
    assert model.eager_.startswith("the step cannot be compiled: TraceError")
    assert f"not compiled: {model.eager_}" in capsys.readouterr().out
    assert _step.refusal(made(max_iter=1).eager_) == ""
