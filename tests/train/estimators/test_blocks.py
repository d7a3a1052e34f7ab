"""Estimators on Dask arrays: what arrays in memory give, in few computations, with few blocks in memory."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import pullback as pb
from pullback import train
from pullback.train.estimators.blocks import BlockTotal, Rows, is_dask

da = pytest.importorskip("dask.array", reason="the extra `dask`")
sklearn = pytest.importorskip("sklearn")

from ._blocks import Alive, computations, counted  # noqa: E402 - after dask

RNG = np.random.default_rng(0)
N, D = 240, 4
X = RNG.normal(size=(N, D)) * np.linspace(1, 2, D) + 1
Y = X @ RNG.normal(size=(D, 2)) + RNG.normal(size=(N, 2))
LABELS = np.asarray(["a", "b", "c"])[
    np.argmax(X @ RNG.normal(size=(D, 3)) / 9 + RNG.gumbel(size=(N, 3)), axis=1)
]
WEIGHTS = RNG.uniform(0, 2, size=N)
LAZY = da.from_array(X, chunks=(100, 3))
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
    "logistic of three": (train.LogisticRegression(class_weight="balanced", **EXACT), LABELS),
    "logistic by Newton": (train.LogisticRegression(solver="newton-cg", **EXACT), LABELS),
    "logistic with a kink": (
        train.LogisticRegression(solver="fista", l1_ratio=0.5, C=0.1, tol=1e-9, max_iter=30),
        LABELS == "b",
    ),
    "logistic of weighted classes": (
        train.LogisticRegression(class_weight={"a": 1, "b": 2, "c": 0.5}, **EXACT),
        LABELS,
    ),
    "softmax": (train.SoftmaxRegression(fit_intercept=False, **EXACT), LABELS == "a"),
    "network of classes": (train.MLPClassifier(**SMALL), LABELS),
    "network of numbers": (train.MLPRegressor(**SMALL), Y),
}
FOUND = ("coef_", "intercept_", "classes_", "n_features_in_")


def lazily(a):
    return None if a is None else da.from_array(a, chunks=(70, *a.shape[1:]))


@pytest.fixture(autouse=True)
def threads():
    """One thread: small blocks cost more to hand over than to work on."""
    import dask

    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
@pytest.mark.parametrize("case", CASES)
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


def test_targets_in_memory_stand_beside_lazy_rows():
    model = train.Ridge().fit(LAZY, Y, WEIGHTS)
    np.testing.assert_allclose(model.coef_, train.Ridge().fit(X, Y, WEIGHTS).coef_, atol=1e-10)
    labelled = train.LogisticRegression(**EXACT).fit(LAZY, LABELS.tolist())
    assert labelled.classes_.tolist() == ["a", "b", "c"]
    assert labelled.score(LAZY, LABELS) == labelled.score(X, LABELS)


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


def of_unknown_sizes(a):
    """As a dataframe's `values` are."""
    unknown = da.concatenate([a[a[:, 0] > -1e9]]) if a.ndim == 2 else a[a > -1e9]
    assert np.isnan(unknown.chunks[0]).all()
    return unknown


def test_sizes_that_are_not_known_are_computed_once():
    rows, targets = of_unknown_sizes(lazily(X)), of_unknown_sizes(lazily(Y[:, 0]))
    with computations() as times:
        model = train.LinearRegression().fit(rows, targets)
    assert len(times) == 2  # the sizes; the factor
    np.testing.assert_allclose(model.coef_, train.LinearRegression().fit(X, Y[:, 0]).coef_)
    # the caller's array is as it was
    assert np.isnan(rows.chunks[0]).all()
    predicted = model.predict(rows)
    assert predicted.compute().shape == (N,)
    assert model.score(rows, targets) == pytest.approx(model.score(X, Y[:, 0]))


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


def test_a_prediction_is_of_the_model_as_it_was():
    model = train.Ridge().fit(X, Y[:, 0])
    now, lazy = model.predict(X), model.predict(LAZY)
    model.coef_[:] = 0
    model.fit(X, -Y[:, 0])
    np.testing.assert_allclose(lazy.compute(), now)


def test_blocks_without_rows_count_nothing():
    rows = da.from_array(X, chunks=((0, 100, 0, 140), D))
    model = train.LogisticRegression(**EXACT).fit(rows, LABELS)
    whole = train.LogisticRegression(**EXACT).fit(X, LABELS)
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-8)
    assert model.predict(rows).compute().tolist() == whole.predict(X).tolist()
    train.MLPRegressor(hidden_layer_sizes=(3,)).partial_fit(rows, Y)


# ── what is refused ───────────────────────────────────────────────────────────────────────────

HOLED = X.copy()
HOLED[150, 1] = np.nan


@pytest.mark.parametrize(
    "name", ["LinearRegression", "LogisticRegression", "MLPClassifier", "MLPRegressor"]
)
@pytest.mark.parametrize(
    ("rows", "targets", "weights", "error", "message"),
    [
        (lazily(HOLED), LABELS, None, ValueError, "X contains NaN"),
        (LAZY, LABELS[:-1], None, ValueError, "X has 240 rows, y has shape"),
        (LAZY, LABELS, WEIGHTS[:-1], ValueError, "sample_weight has shape"),
        (LAZY, LABELS, -WEIGHTS, ValueError, "Negative values"),
        (LAZY, LABELS, 0 * WEIGHTS, ValueError, "all weights are 0"),
        (LAZY[:, 0], LABELS, None, ValueError, "2D array"),
        (LAZY[:0], LABELS[:0], None, ValueError, "minimum of 1 is required"),
        (LAZY + 0j, LABELS, None, ValueError, "Complex data not supported"),
        (X, lazily(LABELS), None, TypeError, "give both as Dask arrays"),
        (LAZY, pb.xp.asarray(np.arange(N) % 2), None, TypeError, "not differentiated"),
    ],
    ids=["nan", "y", "weights", "negative", "zero", "1d", "empty", "complex", "X in memory", "traced"],
)  # fmt: skip
def test_data_that_cannot_be_used_are_refused(name, rows, targets, weights, error, message):
    if name.endswith("Regress" + "ion") or name == "MLPRegressor":
        if name != "LogisticRegression" and isinstance(targets, np.ndarray):
            targets = np.arange(len(targets)) % 7
        if name != "LogisticRegression" and is_dask(targets):
            targets = lazily(np.arange(N) % 7)
    with pytest.raises(error, match=message):
        getattr(train, name)().fit(rows, targets, weights)


@pytest.mark.parametrize(
    "estimator",
    [
        train.KernelRidge(), train.GaussianProcessRegressor(),
        train.OneVersusAllClassifier(train.LogisticRegression()),
        train.TreeReductionClassifier(train.LogisticRegression()),
    ],
    ids=lambda e: type(e).__name__,
)  # fmt: skip
def test_estimators_of_all_rows_at_once_say_so(estimator):
    y = np.arange(N) % 3
    with computations() as times:
        with pytest.raises(TypeError, match="takes no Dask arrays"):
            estimator.fit(LAZY, y)
        assert times == []
    estimator.fit(X, y)
    with computations() as times:
        with pytest.raises(TypeError, match="takes no Dask arrays"):
            estimator.predict(LAZY)
        assert times == []


def test_other_columns_than_in_fit_are_refused_at_once():
    model = train.Ridge().fit(LAZY, Y)
    with pytest.raises(ValueError, match="X has 2 features, but Ridge is expecting 4"):
        model.predict(LAZY[:, :2])


# ── sums over blocks ──────────────────────────────────────────────────────────────────────────


def cubic(p, x, y):
    return pb.xp.sum(pb.xp.tanh(x @ p["w"] - y) ** 2) + pb.xp.sum(p["b"] ** 3)


def test_a_sum_over_blocks_has_two_derivatives():
    rows = Rows(lazily(X).rechunk((60, D)), lazily(Y[:, 0]).rechunk(60))
    at = {"w": RNG.normal(size=D) / 9, "b": RNG.normal(size=2)}
    total = BlockTotal(cubic, rows, at)

    def whole(p):
        return sum(cubic(p, X[i : i + 60], Y[i : i + 60, 0]) for i in range(0, N, 60))

    with computations() as times:
        value, slope = pb.value_and_grad(lambda p: 2 * total(p))(at)
        assert len(times) == 1
    expected, expected_slope = pb.value_and_grad(lambda p: 2 * whole(p))(at)
    assert value == pytest.approx(expected)
    direction = {"w": np.ones(D), "b": np.ones(2)}
    found, wanted = (pb.hvp(f, at, direction) for f in (total, whole))
    for key in at:
        np.testing.assert_allclose(slope[key], expected_slope[key], rtol=1e-10)
        np.testing.assert_allclose(found[key], wanted[key], rtol=1e-9)
    with pytest.raises(TypeError, match="third derivatives"):
        pb.grad(lambda p: pb.xp.sum(pb.hvp(total, p, direction)["w"]))(at)


def test_models_travel_as_they_are():
    model = train.LogisticRegression().fit(LAZY, LABELS)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(LAZY).compute(), model.predict(LAZY).compute())
