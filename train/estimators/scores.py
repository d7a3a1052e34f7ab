"""The scores of predictions in scikit-learn's protocol, wherever predictions, targets and weights are."""

from __future__ import annotations

from typing import Any

from sklearn.metrics import accuracy_score, r2_score

from ...autograd.core.typing import ArrayLike
from .arrays import on_host
from .blocks.lazy import score_rows
from .blocks.rows import is_dask
from .blocks.summaries import accuracy_over, r_squared_over


def accuracy(estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> float:
    """The weighted share of rows whose label is the predicted one; of Dask arrays by one computation."""
    if is_dask(X):
        return accuracy_over(score_rows(estimator, X, y, sample_weight))
    return float(accuracy_score(*_on_host(estimator, X, y), sample_weight=on_host(sample_weight)))


def r_squared(estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> float:
    """R², the mean over targets; of Dask arrays by one computation.

    It is scikit-learn's R², whose users know what it says of constant targets.
    """
    if is_dask(X):
        return r_squared_over(score_rows(estimator, X, y, sample_weight))
    return float(r2_score(*_on_host(estimator, X, y), sample_weight=on_host(sample_weight)))


def _on_host(estimator: Any, X: ArrayLike, y: ArrayLike) -> tuple[Any, Any]:
    """The targets and the predictions: a score is one number, on the host."""
    return on_host(y), on_host(estimator.predict(X))
