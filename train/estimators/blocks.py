"""Rows of Dask arrays, block by block: sums over blocks that one computation gives, and lazy results.

No more than the blocks that are being worked on are in memory, wherever Dask runs; what comes back is as large as the
parameters.
"""

from __future__ import annotations

import copy
import functools
import math
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np

from ...autograd import custom_vjp, grad, value_and_grad, vjp
from ...autograd.core.array import Array, backend_array, is_traced
from ...autograd.core.dtypes import as_numpy
from ...autograd.core.typing import PyTree, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree import tree
from ...backend import backend_of
from ..errors import extra

_FLOATS = (np.dtype("float64"), np.dtype("float32"))

M = TypeVar("M", bound=Callable[..., Any])

# What a copy of an estimator leaves behind that is sent to predict elsewhere.
_OF_TRAINING = ("callbacks", "_state", "_rule", "_rng")


def is_dask(x: Any) -> bool:
    """Whether x is a Dask array."""
    module = sys.modules.get("dask.array")
    return module is not None and isinstance(x, module.Array)


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
    X, y, weights = _with_sizes([X, y, sample_weight])
    if 0 in X.shape:
        raise ValueError(f"{name}: found array with shape {X.shape}, a minimum of 1 is required")
    X = _floating(name, X)
    _check_features(estimator, X, reset=reset)
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


def _floating(name: str, X: Any) -> Any:
    if X.dtype.kind == "c":
        raise ValueError(f"{name}: Complex data not supported")
    return X if X.dtype in _FLOATS else X.astype(np.float64)


def _check_features(estimator: Any, X: Any, *, reset: bool) -> None:
    if reset:
        estimator.n_features_in_ = int(X.shape[1])
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
    elif X.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input"
        )


def _with_sizes(arrays: list[Any]) -> list[Any]:
    """The arrays with the sizes of all their blocks along the rows, which a dataframe's do not have."""
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


# ── objectives that are sums over blocks ──────────────────────────────────────────────────────


class _Place:
    """The shape, size and dtype of an array: a leaf of trees, which a dataclass is not."""

    def __init__(self, leaf: Any) -> None:
        self.shape, self.dtype = tuple(leaf.shape), as_numpy(leaf.dtype)
        self.size = math.prod(self.shape)


class BlockTotal:
    """``p ↦ Σ_b loss(p, *block b)``, differentiable twice, of NumPy parameters; each evaluation is one computation.

    Its value and its gradient come from the same pass over the data, and are kept for the next question. Products with
    the second derivative take a pass each. No order above that.

    Parameters
    ----------
    loss : callable
        ``loss(p, x, y[, weights])``, a 0-d array: the sum over the rows of a block. It is sent to where the block is.
    rows : Rows
    like : pytree
        Parameters of the same structure, all of one dtype.
    """

    def __init__(self, loss: Callable[..., Any], rows: Rows, like: PyTree) -> None:
        # shapes alone: what stands in it travels with every task
        self._loss, self._rows, self._like = loss, rows, tree.map(_Place, like)
        self._size = sum(leaf.size for leaf in tree.leaves(self._like))
        self._last: tuple[np.ndarray, float, np.ndarray] | None = None
        value, slope = custom_vjp(self._value), custom_vjp(self._slope)
        value.defvjp(lambda p: (value(p), p), lambda p, ct: (_times(slope(p), ct),))
        slope.defvjp(lambda p: (slope(p), p), lambda p, ct: (self._product(p, ct),))
        self._call = value

    def __call__(self, p: PyTree) -> Any:
        """The sum, a 0-d array."""
        return self._call(p)

    def _evaluate(self, p: PyTree) -> tuple[float, np.ndarray]:
        at = pack(p)
        if self._last is None or not np.array_equal(self._last[0], at):
            parts = self._rows.over_blocks(
                BlockGradient(self._loss, self._like), 1 + self._size, at
            )
            total = parts.sum(axis=0).compute()
            self._last = (at.copy(), float(total[0]), total[1:])
        return self._last[1], self._last[2]

    def _value(self, p: PyTree) -> Any:
        dtype = tree.leaves(self._like)[0].dtype
        return xp.asarray(np.asarray(self._evaluate(p)[0], dtype))

    def _slope(self, p: PyTree) -> Any:
        return tree.map(xp.asarray, unpack(self._evaluate(p)[1], self._like))

    def _product(self, p: PyTree, direction: PyTree) -> Any:
        if any(map(is_traced, tree.leaves((p, direction)))):
            raise TypeError(
                "fit: third derivatives of a sum over blocks of Dask arrays are not there"
            )
        parts = self._rows.over_blocks(
            BlockProduct(self._loss, self._like), self._size, pack(p), pack(direction)
        )
        return tree.map(xp.asarray, unpack(parts.sum(axis=0).compute(), self._like))


def _times(p: PyTree, factor: Any) -> Any:
    return tree.map(lambda leaf: leaf * factor, p)


def pack(p: PyTree) -> np.ndarray:
    """The leaves end to end in a NumPy vector."""
    leaves = [backend_array(leaf) for leaf in tree.leaves(p)]
    return np.concatenate([backend_of(leaf).to_numpy(leaf).reshape(-1) for leaf in leaves])


def unpack(vector: Value, like: PyTree) -> Any:
    """The tree of the structure, shapes and dtypes of `like` whose leaves lie in the vector."""
    leaves, spec = tree.flatten(like)
    namespace, out, start = backend_of(vector).xp, [], 0
    for leaf in leaves:
        part = namespace.reshape(vector[start : start + leaf.size], tuple(leaf.shape))
        out.append(namespace.astype(part, leaf.dtype))
        start += leaf.size
    return tree.unflatten(spec, out)


@dataclass(frozen=True)
class BlockGradient:
    """Value and gradient (1, 1 + parameters) of a loss of a block."""

    loss: Callable[..., Any]
    like: PyTree

    def __call__(self, x: Any, *rest: Any) -> np.ndarray:
        """Of the block's arrays, and the vector of parameters after them."""
        *targets, vector = rest
        p = unpack(backend_of(x).asarray(vector), self.like)
        value, slope = value_and_grad(self.loss)(p, x, *targets)
        return np.concatenate([[float(value)], pack(slope)])[None].astype(np.float64)


@dataclass(frozen=True)
class BlockProduct:
    """The second derivative of a loss of a block times a direction (1, parameters)."""

    loss: Callable[..., Any]
    like: PyTree

    def __call__(self, x: Any, *rest: Any) -> np.ndarray:
        """Of the block's arrays, and the vectors of parameters and of the direction after them."""
        *targets, vector, direction = rest
        there = backend_of(x).asarray
        p, d = unpack(there(vector), self.like), unpack(there(direction), self.like)
        _, pull = vjp(grad(lambda q: self.loss(q, x, *targets)), p)
        return pack(pull(d)[0])[None].astype(np.float64)


# ── lazy results ──────────────────────────────────────────────────────────────────────────────


def lazy(method: M) -> M:
    """A method of an estimator that takes X alone: of a Dask array it gives a lazy one, block by block."""

    @functools.wraps(method)
    def either(self: Any, X: Any) -> Any:
        return by_blocks(self, method.__name__, X) if is_dask(X) else method(self, X)

    return cast(M, either)


def score_rows(estimator: Any, X: Any, y: Any, sample_weight: Any) -> Rows:
    """The rows of y with their predictions in place of X, in columns."""
    X, y, sample_weight = _with_sizes([X, y, sample_weight])
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
    X = _floating(name, X)
    _check_features(estimator, X, reset=False)
    X = X if X.numblocks[1] == 1 else X.rechunk({1: -1})
    fixed = copy.copy(estimator)
    for key in _OF_TRAINING:
        fixed.__dict__.pop(key, None)
    fixed = copy.deepcopy(fixed)
    # one row tells what comes
    row = np.asarray(getattr(fixed, method)(np.zeros((1, X.shape[1]), X.dtype)))
    return X.map_blocks(
        _Apply(method), extra("dask", "Dask", of="dask").delayed(fixed, traverse=False, pure=False),
        dtype=row.dtype, meta=np.empty((0,) * row.ndim, row.dtype),
        **({"drop_axis": 1} if row.ndim == 1 else {"chunks": (X.chunks[0], (row.shape[1],))}),
        name=f"pullback-{method}-{uuid.uuid4().hex}",
    )  # fmt: skip


@dataclass(frozen=True)
class _Apply:
    """A method of an estimator on a block."""

    method: str

    def __call__(self, x: Any, estimator: Any) -> Any:
        if x.shape[0] == 0:
            like = np.asarray(getattr(estimator, self.method)(np.zeros((1, x.shape[1]), x.dtype)))
            return like[:0]
        return getattr(estimator, self.method)(x)
