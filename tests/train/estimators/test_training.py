"""Tests of `train/estimators/training.py`."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

import pullback as pb
from pullback.train import replay as _replay

from .._step import EAGER, X, Y, branching
from ..cli._cli import folder  # noqa: F401 - fixtures
from ._mlp import standardised

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
    pytest.importorskip("sklearn", reason="needs scikit-learn")

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
    assert _replay.refusal(made(max_iter=1).eager_) == ""


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_l1_empties_weights_and_leaves_biases(solver, batch_norm):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 8))
    y = 2 * X[:, 0] - X[:, 3] + 1.0
    settings = {"hidden_layer_sizes": (6,), "activation": "tanh", "solver": solver, "random_state": 0, "alpha": 0.0,
                "learning_rate_init": 0.02, "max_iter": 60, "batch_size": 50, "batch_norm": batch_norm, "tol": 0.0,
                "n_iter_no_change": 999, "dtype": "float64"}  # fmt: skip
    with pytest.warns(match="Maximum iterations"):
        plain, sparse = (pb.train.MLPRegressor(l1=l1, **settings).fit(X, y) for l1 in (0.0, 2.0))
    used, unused = [0, 3], [1, 2, 4, 5, 6, 7]
    assert abs(sparse.coefs_[0][unused]).max() < 0.25 * abs(plain.coefs_[0][unused]).max()
    assert abs(sparse.coefs_[0][used]).max() > 10 * abs(sparse.coefs_[0][unused]).mean()
    assert ((sparse.coefs_[0] == 0).sum() > 20) == (solver == "sgd")
    assert all((b != 0).any() for b in sparse.intercepts_)
    assert sparse.score(X, y) > 0.8


def test_l1_without_hidden_layers_is_the_lasso():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 5))
    y = 2 * X[:, 0] - X[:, 3]
    settings = {"hidden_layer_sizes": (), "solver": "sgd", "random_state": 0, "alpha": 0.0, "tol": 0.0, "max_iter": 400,
                "learning_rate_init": 0.05, "batch_size": 100, "n_iter_no_change": 999, "dtype": "float64"}  # fmt: skip
    with pytest.warns(match="Maximum iterations"):
        ours = pb.train.MLPRegressor(l1=30.0, **settings).fit(X, y)
    lasso = pb.train.Lasso(0.3, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(ours.coefs_[0][:, 0], lasso.coef_, atol=1e-6)
    assert (ours.coefs_[0] == 0).sum() == (lasso.coef_ == 0).sum() == 3


def test_l1_with_lbfgs_is_refused():
    with pytest.raises(ValueError, match=r"l1=1\.0.*solver='lbfgs'"):
        pb.train.MLPRegressor(l1=1.0, solver="lbfgs").fit([[0.0], [1.0]], [0.0, 1.0])
