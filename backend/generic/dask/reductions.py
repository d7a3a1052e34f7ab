"""Functions along an axis that is reduced: those whose lines are in one chunk run on blocks, the others on chunks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...common.lengths import unknown
from ...common.typing import XP
from . import blocks
from .blocks import zeros
from .shapes import told


def along_rows(name: str, generic: Callable[..., Any]) -> Callable[..., Any]:
    """`softmax`, `log_softmax` or `logsumexp`: block by block where lines are in one chunk, else by reductions."""

    def call(x: Any, *, axis: Any = -1, **settings: Any) -> Any:
        one = isinstance(axis, int) and x.ndim and not unknown((x.shape[axis],))
        if (
            not one
            or x.numblocks[axis] > 1
            or x.shape[axis] == 0
            or settings.get("keepdims") is False
        ):
            return generic(x, axis=axis, **settings)
        return blocks.elementwise(name, x, axis=axis)

    return call


def extreme(xp: XP, name: str) -> Callable[..., Any]:
    """`max` or `min`, of arrays without elements too."""
    base = getattr(xp, name)

    def call(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
        if 0 in x.shape and not unknown(x.shape):
            shape = getattr(np, name)(np.empty(x.shape), axis=axis, keepdims=keepdims).shape
            return zeros(shape, x)
        return base(x, axis=axis, keepdims=keepdims)

    return call


def bind(xp: XP) -> dict[str, Callable[..., Any]]:
    """The functions of the main namespace."""
    return {
        "mean": mean, "cumulative_sum": cumulative("cumsum"), "cumulative_prod": cumulative("cumprod"),
        "max": extreme(xp, "max"), "min": extreme(xp, "min"), "count_nonzero": count_nonzero,
    }  # fmt: skip


def mean(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum over the number of elements, which is found with it where lengths are unknown."""
    import dask.array as da  # the arrays are Dask's: it is there

    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    lengths = [x.shape[a] for a in axes]
    total = da.sum(x, axis=axis, keepdims=keepdims, dtype=x.dtype)
    if unknown(lengths):
        return total / told(x).shape.number_along(axis).astype(np.empty(0, x.dtype).real.dtype)
    count = math.prod(lengths)
    return total / count if count else total * math.nan


def cumulative(name: str) -> Callable[..., Any]:
    """`cumulative_sum` or `cumulative_prod`, chunk after chunk."""

    def call(
        x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
    ) -> Any:
        import dask.array as da  # the arrays are Dask's: it is there

        if x.ndim == 0:
            x = x[None]
        if axis is None:
            if x.ndim > 1:
                raise ValueError(f"{name}: axis is required for an array of {x.ndim} dimensions")
            axis = 0
        if dtype is None and x.dtype.kind in "iub":
            dtype = np.sum(np.empty(0, x.dtype)).dtype
        axis %= x.ndim
        out = (
            x.astype(dtype or x.dtype)
            if 0 in x.shape
            else getattr(da, name)(x, axis=axis, dtype=dtype)
        )
        if not include_initial:
            return out
        first = zeros((*out.shape[:axis], 1, *out.shape[axis + 1 :]), out)
        return da.concatenate([first if name == "cumsum" else first + 1, out], axis=axis)

    return call


def count_nonzero(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The number of elements that are not zero."""
    import dask.array as da  # the arrays are Dask's: it is there

    return da.sum(x != 0, axis=axis, keepdims=keepdims, dtype=np.int64)


def softmax_cross_entropy(xp: XP, logits: Any, labels: Any) -> tuple[Any, Any]:
    """The mean of ``−log_softmax(logits)[i, labels[i]]``, and its slope, row by row of blocks."""
    log_p = xp.log_softmax(blocks.gathered("softmax_cross_entropy", logits), axis=-1)
    picked = blocks.along(
        _picked, "(c),()->()", log_p, labels, dtype=logits.dtype, called="softmax_cross_entropy"
    )
    slope = blocks.along(
        _slope, "(c),()->(c)", log_p, labels, dtype=logits.dtype, called="softmax_cross_entropy"
    )
    if unknown(labels.shape):
        rows: Any = told(labels).shape.number_along(None).astype(logits.dtype)
    else:
        rows = max(math.prod(labels.shape), 1)
    return -xp.sum(picked) / rows, slope / rows


def _picked(xp: Any, log_p: Any, labels: Any) -> Any:
    """The logarithms of the probabilities of the labels."""
    return xp.take_along_axis(log_p, labels[..., None], axis=-1)[..., 0]


def _slope(xp: Any, log_p: Any, labels: Any) -> Any:
    """``p − onehot(labels)``; ``expm1(log p)`` keeps the digits of p near 1."""
    own = labels[..., None] == xp.arange_like(log_p.shape[-1], labels)
    return xp.where(own, xp.expm1(log_p), xp.exp(log_p))
