"""Lazy predictions: of the model as it was, refused at once where they cannot be."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from pullback import train

da = pytest.importorskip("dask.array", reason="the extra `dask`")

from ._counting import LABELS, LAZY, N, X, Y, computations  # noqa: E402 - after dask


def test_a_prediction_is_of_the_model_as_it_was():
    model = train.Ridge().fit(X, Y[:, 0])
    now, lazy = model.predict(X), model.predict(LAZY)
    model.coef_[:] = 0
    model.fit(X, -Y[:, 0])
    np.testing.assert_allclose(lazy.compute(), now)


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


def test_models_travel_as_they_are():
    model = train.LogisticRegression().fit(LAZY, LABELS)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(LAZY).compute(), model.predict(LAZY).compute())


def test_a_dataframe_is_no_array():
    class DataFrame:
        def to_dask_array(self):
            raise AssertionError("asked for")

    with pytest.raises(TypeError, match=r"to_dask_array\(lengths=True\)"):
        train.Ridge().fit(DataFrame(), Y)
