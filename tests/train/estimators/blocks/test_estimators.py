"""Estimators on Dask arrays: what arrays in memory give, in few computations, with few blocks in memory."""

from __future__ import annotations

import numpy as np
import pytest

from pullback import train
from pullback.train.estimators.blocks.rows import is_dask

da = pytest.importorskip("dask.array", reason="the extra `dask`")
sklearn = pytest.importorskip("sklearn", reason="needs scikit-learn")

from ._counting import LABELS, LAZY, WEIGHTS, Alive, D, X, Y, computations, counted, lazily  # noqa: E402 - after dask

EXACT = {"tol": 1e-10, "max_iter": 3000}
SMALL = {
    "hidden_layer_sizes": (5,), "activation": "tanh", "solver": "lbfgs", "dtype": "float64", "max_iter": 15,
    "random_state": 0,
}  # fmt: skip

# estimator, targets
CASES = {
    "linear": (train.LinearRegression(), Y),
    "linear without intercept": (train.LinearRegression(fit_intercept=False), Y[:, 0]),
    "ridge": (train.Ridge(3.0), Y[:, 0]),
    "ridge of two": (train.Ridge([3.0, 0.0]), Y),
    "lasso": (train.Lasso(0.2, tol=1e-12), Y[:, 0]),
    "elastic net": (train.ElasticNet(0.3, tol=1e-12), Y),
    "logistic": (train.LogisticRegression(**EXACT), LABELS == "a"),
    "logistic of three": (
        train.LogisticRegression(solver="newton-cg", class_weight="balanced", **EXACT),
        LABELS,
    ),
    "logistic with a kink": (
        train.LogisticRegression(solver="fista", l1_ratio=0.5, C=0.1, tol=1e-9, max_iter=15),
        LABELS == "b",
    ),
    "logistic of weighted classes": (
        train.LogisticRegression(class_weight={"a": 1, "b": 2, "c": 0.5}, max_iter=4),
        LABELS,
    ),
    "softmax": (train.SoftmaxRegression(fit_intercept=False, **EXACT), LABELS == "a"),
    "network of classes": (train.MLPClassifier(**SMALL), LABELS),
    "network of numbers": (train.MLPRegressor(**SMALL), Y),
}
UNWEIGHTED = ("linear", "lasso", "logistic", "network of classes")  # as well
FOUND = ("coef_", "intercept_", "classes_", "n_features_in_")


@pytest.fixture(autouse=True)
def threads():
    """One thread: small blocks cost more to hand over than to work on."""
    import dask

    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.mark.parametrize(
    ("case", "weights"),
    [
        pytest.param(case, weights, id=case + (", weighted" if weights is not None else ""))
        for case in CASES
        for weights in ([None, WEIGHTS] if case in UNWEIGHTED else [WEIGHTS])
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_fit_by_blocks_is_that_of_the_whole(case, weights):
    estimator, y = CASES[case]
    here = sklearn.clone(estimator).fit(X, y, weights)
    there = sklearn.clone(estimator).fit(LAZY, lazily(y), lazily(weights))
    names = ("coefs_", "intercepts_") if case.startswith("network") else FOUND
    for name in names:
        if hasattr(here, name):
            a, b = getattr(here, name), getattr(there, name)
            for p, q in zip(a, b, strict=True) if isinstance(a, list) else [(a, b)]:
                assert type(p) is type(q)
                if np.asarray(p).dtype.kind == "f":
                    np.testing.assert_allclose(p, q, rtol=0, atol=1e-8)
                else:
                    np.testing.assert_array_equal(p, q)
    assert there.score(LAZY, lazily(y), lazily(weights)) == pytest.approx(
        here.score(X, y, weights), abs=1e-9
    )
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        if hasattr(there, method):
            lazy, now = getattr(there, method)(LAZY), getattr(there, method)(X)
            assert is_dask(lazy)
            assert lazy.shape == now.shape
            assert lazy.chunks[0] == LAZY.chunks[0]
            assert lazy.dtype == lazy._meta.dtype == now.dtype
            assert lazy._meta.ndim == now.ndim
            computed = lazy.compute()
            if now.dtype.kind == "f":
                np.testing.assert_allclose(computed, now, atol=1e-12)
            else:
                np.testing.assert_array_equal(computed, now)


def test_float32_stays_and_other_numbers_become_float64():
    assert train.Ridge().fit(LAZY.astype("float32"), lazily(Y)).coef_.dtype == np.float32
    whole = train.Ridge().fit(LAZY.round().astype(int), lazily(Y[:, 0]))
    assert whole.coef_.dtype == np.float64
    assert whole.predict(LAZY.astype(int)).dtype == np.float64
    assert (
        train.LogisticRegression().fit(LAZY.astype("float32"), lazily(LABELS)).coef_.dtype
        == np.float32
    )


# ── sizes, blocks, computations ───────────────────────────────────────────────────────────────


def test_each_value_and_gradient_is_one_computation():
    losses, evaluations = CASES["logistic"][0], []
    with computations() as times:
        model = sklearn.clone(losses).fit(LAZY, lazily(LABELS))
    evaluations = len(times) - 1
    # L-BFGS evaluates once a step, and rarely more
    assert model.n_iter_[0] < evaluations <= 1.4 * model.n_iter_[0] + 3
    with computations() as times:
        lazy = model.predict_proba(LAZY), model.predict(LAZY), model.decision_function(LAZY)
        assert times == []
        assert all(map(is_dask, lazy))
        model.score(LAZY, lazily(LABELS))
        assert len(times) == 1
    with computations() as times:
        train.Ridge().fit(LAZY, lazily(Y))
    assert len(times) == 1


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_few_blocks_are_in_memory_at_once():
    """On one thread: the block that is worked on, and none that was."""
    alive = Alive()
    rows = counted(alive, blocks=12, rows=50, columns=3)
    labels = da.from_array(np.arange(600) % 3, chunks=50)
    train.LinearRegression().fit(rows, labels)
    train.LogisticRegression(max_iter=20, tol=1e-2).fit(rows, labels)
    train.MLPClassifier(**{**SMALL, "max_iter": 3}).fit(rows, labels)
    quick = {"hidden_layer_sizes": (4,), "max_iter": 2, "batch_size": 10, "random_state": 0}
    before = alive.made
    model = train.MLPClassifier(solver="sgd", tol=10.0, n_iter_no_change=1, **quick).fit(
        rows, labels
    )
    # the look at labels and numbers, and each block once an epoch
    assert alive.made - before == 12 * (1 + model.n_iter_)
    assert model.score(rows, labels) < 1
    assert alive.most <= 2
    assert alive.now == 0


def test_blocks_without_rows_count_nothing():
    rows = da.from_array(X, chunks=((0, 100, 0, 140), D))
    model = train.LogisticRegression(**EXACT).fit(rows, LABELS)
    whole = train.LogisticRegression(**EXACT).fit(X, LABELS)
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-8)
    assert model.predict(rows).compute().tolist() == whole.predict(X).tolist()
    train.MLPRegressor(hidden_layer_sizes=(3,)).partial_fit(rows, Y)


# ── minibatches ───────────────────────────────────────────────────────────────────────────────

NET = {"hidden_layer_sizes": (4,), "batch_size": 20, "max_iter": 4, "random_state": 0}
SETTINGS = [
    {}, {"shuffle": False}, {"batches": "once", "solver": "sgd"}, {"early_stopping": True},
    {"batch_norm": True, "dropout": 0.2}, {"batches": "drawn"},
]  # fmt: skip


def weights_of(model):
    return np.concatenate([a.reshape(-1) for a in (*model.coefs_, *model.intercepts_)])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_seed_tells_the_minibatches_of_blocks(settings):
    rows = LAZY.rechunk({0: 60})
    first, again = (
        train.MLPClassifier(**NET, **settings).fit(rows, lazily(LABELS), WEIGHTS) for _ in range(2)
    )
    np.testing.assert_array_equal(weights_of(first), weights_of(again))
    whole = train.MLPClassifier(**NET, **settings).fit(X, LABELS, WEIGHTS)
    single = train.MLPClassifier(**NET, **settings).fit(LAZY.rechunk(-1), LABELS, WEIGHTS)
    np.testing.assert_array_equal(weights_of(single), weights_of(whole))
    if settings == {"shuffle": False}:
        # 60 rows are whole batches: it is the order of the rows
        np.testing.assert_allclose(weights_of(first), weights_of(whole), atol=1e-6)
    if "early_stopping" in settings:
        assert len(first.validation_scores_) == first.n_iter_
        assert first.t_ == 180 * first.n_iter_


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_numbers_are_learned_by_minibatches_too():
    settings = {**NET, "max_iter": 12, "learning_rate_init": 0.05, "early_stopping": True}
    model = train.MLPRegressor(**settings).fit(LAZY.rechunk({0: 40}), lazily(Y))
    assert model.score(LAZY, Y) > 0.6
    assert model.best_validation_score_ == max(model.validation_scores_)
    with pytest.raises(ValueError, match="counts"):
        train.MLPRegressor("poisson", **NET).fit(LAZY, lazily(Y))


def test_one_more_epoch_on_other_blocks():
    model = train.MLPClassifier(**NET)
    with pytest.raises(ValueError, match="classes must be passed"):
        model.partial_fit(LAZY, LABELS)
    model.partial_fit(LAZY, LABELS, classes=["a", "b", "c", "d"])
    model.partial_fit(LAZY[:50], LABELS[:50])
    assert (model.t_, model.classes_.tolist()) == (len(X) + 50, ["a", "b", "c", "d"])
    with pytest.raises(ValueError, match="not among the classes"):
        model.partial_fit(LAZY[:2], ["a", "z"])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_networks_of_one_s_own_learn_by_blocks_as_well():
    model = train.NetworkClassifier(max_iter=2, random_state=0).fit(LAZY, LABELS)
    assert is_dask(model.decision_function(LAZY))
    np.testing.assert_array_equal(model.predict(LAZY).compute(), model.predict(X))
