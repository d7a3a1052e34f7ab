"""Rows of Dask arrays in blocks: as `fit` takes them, and functions of every block in one computation."""

from __future__ import annotations

import math
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....autograd import to_numpy
from ....autograd.core.array import Array
from ...errors import extra

_FLOATS = (np.dtype("float64"), np.dtype("float32"))


def is_dask(x: Any) -> bool:
    """Whether x is a Dask array."""
    module = sys.modules.get("dask.array")
    return module is not None and isinstance(x, module.Array)


def host(x: Any) -> Any:
    """A block as a NumPy array."""
    return x if isinstance(x, np.ndarray) else to_numpy(x)


@dataclass(frozen=True)
class Rows:
    """Rows of Dask arrays in the same blocks of known sizes.

    Attributes
    ----------
    X : dask.array.Array (n, d)
        Floating-point, one block along the columns.
    y : dask.array.Array (n,) or (n, k)
    weights : dask.array.Array (n,), optional
    """

    X: Any
    y: Any
    weights: Any = None

    @property
    def arrays(self) -> tuple[Any, ...]:
        """X and y, and the weights if there are any."""
        return tuple(a for a in (self.X, self.y, self.weights) if a is not None)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows of the blocks."""
        return tuple(int(n) for n in self.X.chunks[0])

    def __len__(self) -> int:
        return sum(self.sizes)

    def block(self, i: int) -> tuple[Any, ...]:
        """One block's arrays, computed; weights are None where there are none."""
        found = extra("dask", "Dask", of="dask").compute(*(a.blocks[i] for a in self.arrays))
        return found if self.weights is not None else (*found, None)

    def weighing(self, total: float) -> Rows:
        """The rows with weights of mean 1, which add up to `total` as they are."""
        if self.weights is None:
            return self
        return Rows(self.X, self.y, self.weights * (len(self) / total))

    def over_blocks(
        self,
        function: Callable[..., Any],
        width: int,
        *more: Any,
        height: int = 1,
        dtype: Any = np.float64,
    ) -> Any:
        """The lazy array (blocks · height, width) of ``function(x, y[, weights], *more)``, (height, width) a block.

        `more` are NumPy vectors, sent once to each worker.
        """
        da = extra("dask.array", "Dask", of="dask")
        pairs: list[Any] = []
        for a, index in zip(
            self.arrays, ("ij", "ik" if self.y.ndim == 2 else "i", "i"), strict=False
        ):
            pairs += [a, index]
        for number, vector in enumerate(more):
            sent = da.from_array(vector, chunks=-1, name=f"pullback-vector-{uuid.uuid4().hex}")
            pairs += [sent, "pqr"[number]]
        return da.blockwise(
            function, "iz", *pairs,
            new_axes={"z": width}, adjust_chunks={"i": height}, concatenate=True, align_arrays=False,
            dtype=dtype, meta=np.empty((0, 0), dtype), name=f"pullback-blocks-{uuid.uuid4().hex}",
        )  # fmt: skip

    def summaries(self, function: Callable[..., Any]) -> list[Any]:
        """What the function gives of each block, computed at once."""
        return list(self.over_blocks(_Boxed(function), 1, dtype=object).compute()[:, 0])


@dataclass(frozen=True)
class _Boxed:
    """A function's result as an array of one object."""

    function: Callable[..., Any]

    def __call__(self, *arrays: Any) -> Any:
        out = np.empty((1, 1), dtype=object)
        out[0, 0] = self.function(*arrays)
        return out


def rows_of(estimator: Any, X: Any, y: Any, sample_weight: Any, *, reset: bool = True) -> Rows:
    """The rows for `fit`; sizes of blocks that are not known are computed, all at once.

    Raises
    ------
    ValueError
        For wrong shapes, no rows or columns, complex numbers, or another number of features than in `fit`.
    TypeError
        For X or y on a tape, and y on Dask beside an X that is not.
    """
    name = type(estimator).__name__
    if not is_dask(X):
        raise TypeError(
            f"{name}.fit: y or sample_weight is a Dask array, X is not: give both as Dask arrays, as by "
            "dask.array.from_array(X), or both in memory, by y.compute()"
        )
    if X.ndim != 2:
        raise ValueError(
            f"{name}: expected 2D array, got shape {X.shape}; Reshape your data by X.reshape(-1, 1) "
            "if it has one feature"
        )
    if any(type(value) is Array for value in (X, y, sample_weight)):
        raise TypeError(
            f"{name}.fit: Dask arrays are not differentiated by `fit`: pass no pb.Array beside them"
        )
    X, y, weights = with_sizes([X, y, sample_weight])
    if 0 in X.shape:
        raise ValueError(f"{name}: found array with shape {X.shape}, a minimum of 1 is required")
    X = floating(name, X)
    check_features(estimator, X, reset=reset)
    return aligned(name, X if X.numblocks[1] == 1 else X.rechunk({1: -1}), y, weights)


def aligned(name: str, X: Any, y: Any, weights: Any) -> Rows:
    """The rows of arrays, of Dask or in memory, in the blocks of X.

    Raises
    ------
    ValueError
        If they have not as many rows.
    """
    da = extra("dask.array", "Dask", of="dask")
    y, weights = (a if a is None or is_dask(a) else np.asarray(a) for a in (y, weights))
    if y.ndim not in (1, 2) or y.shape[0] != X.shape[0]:
        raise ValueError(f"{name}: X has {X.shape[0]} rows, y has shape {tuple(y.shape)}")
    if weights is not None and tuple(weights.shape) != (X.shape[0],):
        raise ValueError(
            f"{name}: X has {X.shape[0]} rows, sample_weight has shape {tuple(weights.shape)}"
        )

    def along(a: Any) -> Any:
        chunks = (X.chunks[0], *((n,) for n in a.shape[1:]))
        return a.rechunk(chunks) if is_dask(a) else da.from_array(a, chunks=chunks)

    return Rows(X, along(y), None if weights is None else along(weights))


def floating(name: str, X: Any) -> Any:
    """X in float32 where it is, else in float64.

    Raises
    ------
    ValueError
        If it is complex.
    """
    if X.dtype.kind == "c":
        raise ValueError(f"{name}: Complex data not supported")
    return X if X.dtype in _FLOATS else X.astype(np.float64)


def check_features(estimator: Any, X: Any, *, reset: bool) -> None:
    """Note the number of features, or compare it with that of `fit`.

    Raises
    ------
    ValueError
        If it is another.
    """
    if reset:
        estimator.n_features_in_ = int(X.shape[1])
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
    elif X.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input"
        )


def with_sizes(arrays: list[Any]) -> list[Any]:
    """The arrays with the sizes of all their blocks along the rows, which a dataframe's do not have."""
    # a column of a dataframe is as good
    arrays = [a.to_dask_array() if hasattr(a, "to_dask_array") else a for a in arrays]
    unknown = [a for a in arrays if is_dask(a) and any(math.isnan(n) for n in a.chunks[0])]
    if not unknown:
        return arrays
    da = extra("dask.array", "Dask", of="dask")
    dask = extra("dask", "Dask", of="dask")
    lazy = [[dask.delayed(len)(b) for b in a.to_delayed().reshape(a.numblocks)[(slice(None), *[0] * (a.ndim - 1))]]
            for a in unknown]  # fmt: skip
    found = dict(zip(map(id, unknown), dask.compute(*lazy), strict=True))
    return [
        da.Array(a.dask, a.name, (tuple(found[id(a)]), *a.chunks[1:]), meta=a._meta)
        if id(a) in found
        else a
        for a in arrays
    ]
