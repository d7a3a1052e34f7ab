"""Rows as `fit` takes them: sizes that are not known, arrays in memory beside lazy ones, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback import train

da = pytest.importorskip("dask.array", reason="the extra `dask`")

from pullback.train.estimators.blocks.rows import is_dask  # noqa: E402 - after dask

from ._counting import LABELS, LAZY, WEIGHTS, N, X, Y, computations, lazily  # noqa: E402 - after dask


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


def test_targets_in_memory_stand_beside_lazy_rows():
    model = train.Ridge().fit(LAZY, Y, WEIGHTS)
    np.testing.assert_allclose(model.coef_, train.Ridge().fit(X, Y, WEIGHTS).coef_, atol=1e-10)
    labelled = train.LogisticRegression(max_iter=1000).fit(LAZY, LABELS.tolist())
    assert labelled.classes_.tolist() == ["a", "b", "c"]
    assert labelled.score(LAZY, LABELS) == labelled.score(X, LABELS)


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
