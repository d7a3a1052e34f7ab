"""Functions along an axis that is reduced: those whose lines are in one chunk run on blocks, the others on chunks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...common.typing import XP
from . import blocks
from .indexing import zeros
from .shapes import told, unknown


def along_rows(name: str, generic: Callable[..., Any]) -> Callable[..., Any]:
    """`softmax`, `log_softmax` or `logsumexp`: block by block where lines are in one chunk, else by reductions."""

    def call(x: Any, *, axis: Any = -1, **settings: Any) -> Any:
        one = isinstance(axis, int) and x.ndim and not unknown((x.shape[axis],))
        if not one or x.numblocks[axis] > 1 or x.shape[axis] == 0 or settings.get("keepdims") is False:
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
    return {"max": extreme(xp, "max"), "min": extreme(xp, "min"), "count_nonzero": count_nonzero}


def count_nonzero(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The number of elements that are not zero."""
    import dask.array as da  # the arrays are Dask's: it is there

    return da.sum(x != 0, axis=axis, keepdims=keepdims, dtype=np.int64)


def softmax_cross_entropy(xp: XP, logits: Any, labels: Any) -> tuple[Any, Any]:
    """The mean of ``−log_softmax(logits)[i, labels[i]]``, and its slope, row by row of blocks."""
    log_p = xp.log_softmax(logits, axis=-1)
    picked = blocks.along(
        _picked, "(c),()->()", log_p, labels, dtype=logits.dtype, called="softmax_cross_entropy"
    )
    slope = blocks.along(
        _slope, "(c),()->(c)", log_p, labels, dtype=logits.dtype, called="softmax_cross_entropy"
    )
    if unknown(labels.shape):
        rows: Any = told(labels).shape.count(None).astype(logits.dtype)
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
