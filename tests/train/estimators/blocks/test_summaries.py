"""What one pass over blocks tells: classes, weights, the triangular factor, scores."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import r2_score

da = pytest.importorskip("dask.array", reason="the extra `dask`")

from pullback import train  # noqa: E402 - after dask
from pullback.train.estimators.blocks.rows import Rows  # noqa: E402 - after dask
from pullback.train.estimators.blocks.summaries import (  # noqa: E402 - after dask
    _Factor,
    checked,
    factored,
    labelled,
    moments_of,
    r_squared_of,
    r_squared_over,
)
from pullback.train.estimators.labels import combined_weights, encode  # noqa: E402 - after dask

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(30, 3)) + 5, RNG.normal(size=(30, 2))
LABELS = np.asarray(list("abc" * 10))
WEIGHTS = RNG.uniform(0, 2, size=30)


def rows(y, weights=None, x=X, sizes=(12, 1, 17)):
    parts = [da.from_array(a, chunks=(sizes, *a.shape[1:])) for a in (x, y)]
    return Rows(*parts, None if weights is None else da.from_array(weights, chunks=(sizes,)))


@pytest.fixture(autouse=True)
def here():
    import dask

    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.mark.parametrize("class_weight", [None, "balanced", {"a": 1, "b": 0.5, "c": 2}])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
def test_labels_and_weights_are_those_of_the_whole(class_weight, weights):
    found = labelled(rows(LABELS, weights), class_weight)
    classes, codes = encode(LABELS)
    expected = combined_weights(class_weight, classes, codes, weights)
    assert found.classes.tolist() == classes.tolist()
    assert found.rows.y.compute().tolist() == codes.tolist()
    if expected is None:
        assert found.rows.weights is None
        assert found.total == 30
    else:
        np.testing.assert_allclose(found.rows.weights.compute(), expected)
        assert found.total == pytest.approx(expected.sum())
        mean = found.rows.weighing(found.total).weights.mean().compute()
        assert mean == pytest.approx(1)


def test_labels_are_found_among_known_classes():
    known = np.asarray(["0", "a", "b", "c", "d"])
    found = labelled(rows(LABELS), None, known)
    assert found.rows.y.compute().tolist() == [1, 2, 3] * 10
    with pytest.raises(ValueError, match="not among the classes"):
        labelled(rows(LABELS), None, np.asarray(["a", "b"]))


@pytest.mark.parametrize(
    ("y", "class_weight", "message"),
    [
        (Y[:, 0], None, "continuous"),
        (Y, None, "1d array"),
        (LABELS, {"a": 0, "b": 0, "c": 0}, "no sample has a weight above 0"),
        (LABELS, {"a": -1, "b": 0, "c": 0}, "finite and at least 0"),
    ],
)
def test_labels_that_are_none_are_refused(y, class_weight, message):
    with pytest.raises(ValueError, match=message):
        labelled(rows(y), class_weight)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
@pytest.mark.parametrize("sizes", [(30,), (12, 1, 17), (3,) * 10])
def test_the_factor_stands_for_all_rows(intercept, weights, sizes):
    found = factored(rows(Y, weights, sizes=sizes), intercept)
    w = np.ones(30) if weights is None else weights
    x_mean, y_mean = (w @ a / w.sum() if intercept else np.zeros(a.shape[1]) for a in (X, Y))
    A, B = ((a - m) * np.sqrt(w)[:, None] for a, m in ((X, x_mean), (Y, y_mean)))
    assert found.A.shape == (5, 3)
    np.testing.assert_allclose(found.A.T @ found.A, A.T @ A, atol=1e-10)
    np.testing.assert_allclose(found.A.T @ found.targets, A.T @ B, atol=1e-10)
    np.testing.assert_allclose(found.targets.T @ found.targets, B.T @ B, atol=1e-10)
    np.testing.assert_allclose(found.x_mean, x_mean, atol=1e-12)
    np.testing.assert_allclose(found.y_mean, y_mean, atol=1e-12)
    assert found.total == pytest.approx(w.sum())


@pytest.mark.parametrize("intercept", [True, False])
def test_blocks_of_a_device_stay_there(lib, intercept):
    """`lib` refuses copies to the host that nobody asked for."""
    x = lib.asarray(X)
    there = _Factor(intercept)(x, lib.asarray(Y), WEIGHTS)
    here = _Factor(intercept)(X, Y, WEIGHTS)
    assert type(there) is np.ndarray
    np.testing.assert_allclose(there.T @ there, here.T @ here, atol=1e-10)


def test_ill_conditioned_columns_keep_their_digits():
    """Normal equations would lose all: the condition number is 1e9."""
    x = np.concatenate([X[:, :1], X[:, :1] + 1e-9 * X[:, 1:2]], axis=1)
    y = x @ [1.0, 1.0]
    found = factored(rows(y, x=x), False)
    np.testing.assert_allclose(np.linalg.lstsq(found.A, found.targets)[0][:, 0], [1, 1], atol=1e-5)


def test_numbers_are_looked_at():
    found = checked(rows(Y, WEIGHTS))
    assert found.least == Y.min()
    assert found.total == pytest.approx(WEIGHTS.sum())
    for y, message in (
        (np.where(Y > 2, np.nan, Y), "y contains NaN"),
        (Y * np.inf, "y contains NaN"),
    ):
        if not np.isfinite(y).all():
            with pytest.raises(ValueError, match=message):
                checked(rows(y))


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
def test_r_squared_is_scikit_learn_s(weights):
    predicted = Y + 0.3 * RNG.normal(size=Y.shape)
    there = rows(Y + 1e6, weights, x=predicted + 1e6)
    assert r_squared_over(there) == pytest.approx(
        r2_score(Y, predicted, sample_weight=weights), abs=1e-8
    )


def test_r_squared_of_a_constant_is_scikit_learn_s():
    flat = np.ones((4, 1))
    for predicted in (flat, 2 * flat):
        assert r_squared_of([moments_of(predicted, flat)]) == r2_score(flat, predicted)


@pytest.mark.parametrize("weighted", [False, True])
def test_scores_over_blocks_without_rows(weighted):
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(20, 2)), rng.uniform(1, 2, 20) if weighted else None
    lazily = lambda a: (
        None
        if a is None
        else da.from_array(a, chunks=((0, 5, 0, 15), *((2,) for _ in a.shape[1:])))
    )
    for model, y in (
        (train.LogisticRegression(), np.where(x[:, 0] > 0.3, "yes", "no")),
        (train.Ridge(), rng.normal(size=20)),
        (train.LinearRegression(), rng.normal(size=(20, 2))),
    ):
        here, there = model.fit(x, y, weights), clone(model).fit(*map(lazily, (x, y, weights)))
        wanted = here.score(x, y, weights)
        for fitted in (here, there):
            assert fitted.score(*map(lazily, (x, y, weights))) == pytest.approx(wanted, abs=1e-6)
