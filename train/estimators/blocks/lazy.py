"""Lazy predictions: a method of an estimator on each block, where and when the result is wanted."""

from __future__ import annotations

import copy
import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np

from ....backend import backend_of
from ...errors import extra
from .rows import Rows, aligned, check_features, floating, is_dask, with_sizes

M = TypeVar("M", bound=Callable[..., Any])

# What a copy of an estimator leaves behind that is sent to predict elsewhere.
_OF_TRAINING = ("callbacks", "_state", "_rule", "_rng")


def lazy(method: M) -> M:
    """A method of an estimator that takes X alone: of a Dask array it gives a lazy one, block by block."""

    @functools.wraps(method)
    def either(self: Any, X: Any) -> Any:
        return by_blocks(self, method.__name__, X) if is_dask(X) else method(self, X)

    return cast(M, either)


def score_rows(estimator: Any, X: Any, y: Any, sample_weight: Any) -> Rows:
    """The rows of y with their predictions in place of X, in columns."""
    X, y, sample_weight = with_sizes([X, y, sample_weight])
    predicted = estimator.predict(X)
    if predicted.ndim == 1:
        predicted = predicted[:, None]
    return aligned(type(estimator).__name__, predicted, y, sample_weight)


def by_blocks(estimator: Any, method: str, X: Any) -> Any:
    """``estimator.method(X)`` as a lazy Dask array of the same blocks of rows.

    The estimator is copied as it is now: to fit it again changes nothing of what is computed later.
    """
    name = type(estimator).__name__
    if X.ndim != 2:
        raise ValueError(f"{name}: expected 2D array, got shape {X.shape}")
    X = floating(name, X)
    check_features(estimator, X, reset=False)
    X = X if X.numblocks[1] == 1 else X.rechunk({1: -1})
    fixed = copy.copy(estimator)
    for key in _OF_TRAINING:
        fixed.__dict__.pop(key, None)
    fixed = copy.deepcopy(fixed)
    # one row tells what comes
    like = backend_of(X._meta).asarray(np.zeros((1, X.shape[1]), X.dtype))
    row = getattr(fixed, method)(like)
    return X.map_blocks(
        _Apply(method), extra("dask", "Dask", of="dask").delayed(fixed, traverse=False, pure=False),
        dtype=row.dtype, meta=row[(slice(0, 0),) * row.ndim],
        **({"drop_axis": 1} if row.ndim == 1 else {"chunks": (X.chunks[0], (row.shape[1],))}),
        name=f"pullback-{method}-{uuid.uuid4().hex}",
    )  # fmt: skip


@dataclass(frozen=True)
class _Apply:
    """A method of an estimator on a block."""

    method: str

    def __call__(self, x: Any, estimator: Any) -> Any:
        if x.shape[0] == 0:
            row = backend_of(x).asarray(np.zeros((1, x.shape[1]), x.dtype))
            return getattr(estimator, self.method)(row)[:0]
        return getattr(estimator, self.method)(x)
