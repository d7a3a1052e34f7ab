"""Functions along an axis that is reduced: those whose lines are in one chunk run on blocks, the others on chunks."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from ...common.base import Namespace
from ...common.lengths import unknown
from ...common.typing import XP
from .. import norms
from . import blocks
from .blocks import zeros
from .shapes import refuse_unknown, told


def along_rows(name: str, generic: Callable[..., Any]) -> Callable[..., Any]:
    """`softmax` or `log_softmax`: block by block where lines are in one chunk, else by reductions."""

    def call(x: Any, *, axis: Any = -1) -> Any:
        one = isinstance(axis, int) and x.ndim and not unknown((x.shape[axis],))
        if not one or x.numblocks[axis] > 1 or x.shape[axis] == 0:
            return generic(x, axis=axis)
        return blocks.elementwise(name, x, axis=axis)

    return call


def extreme(name: str) -> Callable[..., Any]:
    """`max` or `min`, of arrays without elements too, and of blocks without."""

    def call(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
        import dask.array as da  # the arrays are Dask's: it is there

        if 0 in x.shape and not unknown(x.shape):
            shape = getattr(np, name)(np.empty(x.shape), axis=axis, keepdims=keepdims).shape
            return zeros(shape, x)
        some = functools.partial(_of_some, name=name)
        return da.reduction(
            x, some, functools.partial(_of_all, name=name), combine=some, axis=axis, keepdims=keepdims,
            dtype=x.dtype, name=name, meta=_meta(x, axis, keepdims, x.dtype),
        )  # fmt: skip

    return call


def _meta(x: Any, axis: Any, keepdims: bool, dtype: Any) -> Any:
    """A block without elements of what is left of `x` when axes are reduced."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return blocks.empty(x, x.ndim if keepdims else x.ndim - len(axes), dtype)


def _of_some(x: Any, *, axis: Any, keepdims: bool, name: str) -> Any:
    """The extreme elements of a block; axes along which it has none stay as they are, and add nothing."""
    axes = tuple(a for a in axis if x.shape[a])
    return blocks.run(x, function=name, settings={"axis": axes, "keepdims": True}) if axes else x


def _of_all(x: Any, *, axis: Any, keepdims: bool, name: str) -> Any:
    """The extreme elements of those of all blocks."""
    return blocks.run(x, function=name, settings={"axis": axis, "keepdims": keepdims})


def var(x: Any, /, *, axis: Any = None, correction: Any = 0.0, keepdims: bool = False) -> Any:
    """The mean square of what lies off the mean, in one pass: put together from those of blocks (Chan et al., 1983)."""
    import dask.array as da  # the arrays are Dask's: it is there

    if x.dtype.kind not in "fc":
        x = x.astype(np.float64)
    dtype = np.empty(0, x.dtype).real.dtype
    return da.reduction(
        x, _moments, functools.partial(_variance, correction=correction), combine=_joint, axis=axis, keepdims=keepdims,
        dtype=dtype, name="var", concatenate=False, meta=_meta(x, axis, keepdims, dtype),
    )  # fmt: skip


def std(x: Any, /, *, axis: Any = None, correction: Any = 0.0, keepdims: bool = False) -> Any:
    """The root of `var`."""
    import dask.array as da  # the arrays are Dask's: it is there

    return da.sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


Moments: TypeAlias = tuple[int, Any, Any]
"""The number of elements, their mean, and the sum of squares of what lies off it, with the axes kept."""


def _moments(x: Any, *, axis: Any, keepdims: bool, computing_meta: bool = False) -> Any:
    """Those of a block; Dask asks first what kind of array comes."""
    if computing_meta:
        return x
    return blocks.run(x, function=_moments_in, settings={"axis": axis})


def _moments_in(xp: Any, x: Any, *, axis: Any) -> Moments:
    count = math.prod(x.shape[a] for a in axis)
    mean = xp.sum(x, axis=axis, keepdims=True) / max(count, 1)
    return count, mean, _squares(xp, x - mean, axis)


def _squares(xp: Any, x: Any, axis: Any) -> Any:
    x = xp.real(x) ** 2 + xp.imag(x) ** 2 if xp.isdtype(x.dtype, "complex floating") else x * x
    return xp.sum(x, axis=axis, keepdims=True)


def _joint(pairs: Any, *, axis: Any, keepdims: bool, computing_meta: bool = False) -> Any:
    """Those of several blocks, in nested lists."""
    if computing_meta:
        return pairs
    found = [m for m in _flatten(pairs) if m[0]] or list(_flatten(pairs))[:1]
    settings: dict[str, Any] = {"counts": [n for n, _, _ in found]}
    return blocks.run(
        *(x for _, *both in found for x in both), function=_joint_in, settings=settings
    )


def _joint_in(xp: Any, *parts: Any, counts: list[int]) -> Moments:
    total, mean, squares = counts[0], parts[0], parts[1]
    for n, m, s in zip(counts[1:], parts[2::2], parts[3::2], strict=True):
        off = m - mean
        mean = mean + off * (n / (total + n))
        squares = squares + s + _squares(xp, off, ()) * (total * n / (total + n))
        total += n
    return total, mean, squares


def _flatten(pairs: Any) -> Iterator[Moments]:
    """The leaves of nested lists."""
    for part in pairs if isinstance(pairs, list) else ():
        yield from _flatten(part)
    if not isinstance(pairs, list):
        yield pairs


def _variance(
    pairs: Any, *, axis: Any, keepdims: bool, correction: Any, computing_meta: bool = False
) -> Any:
    """The variance by all blocks."""
    if computing_meta:
        return pairs
    count, _, squares = _joint(pairs, axis=axis, keepdims=True)
    return blocks.run(
        squares, function=_divided, settings={"by": count - correction, "drop": () if keepdims else axis}
    )  # fmt: skip


def _divided(xp: Any, x: Any, *, by: Any, drop: Any) -> Any:
    out = x / by if by > 0 else x * math.nan
    return xp.squeeze(out, axis=drop) if drop else out


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """A norm by reductions over chunks, of any lengths."""
    import dask.array as da  # the arrays are Dask's: it is there

    size = abs(x)
    settings = {"axis": axis, "keepdims": keepdims}
    if ord == 0:
        return da.sum(size != 0, dtype=size.dtype, **settings)
    if math.isinf(ord):
        return extreme("max" if ord > 0 else "min")(size, **settings)
    powers = size if ord == 1 else size * size if ord == 2 else size**ord
    total = da.sum(powers, dtype=size.dtype, **settings)
    return total if ord == 1 else da.sqrt(total) if ord == 2 else total ** (1 / ord)


def scaled(xp: XP) -> dict[str, Callable[..., Any]]:
    """`std`, `vector_norm` and `matrix_norm`, at all sizes of numbers."""
    own = {"max": extreme("max"), "min": extreme("min"), "std": std}
    linalg = Namespace(xp.linalg, {"vector_norm": vector_norm})
    return norms.bind(Namespace(xp, {**own, "linalg": linalg}))


def bind(xp: XP) -> dict[str, Callable[..., Any]]:
    """The functions of the main namespace."""
    return {
        "mean": mean, "cumulative_sum": cumulative("cumsum"), "cumulative_prod": cumulative("cumprod"),
        "max": extreme("max"), "min": extreme("min"), "var": var, "std": scaled(xp)["std"],
        "count_nonzero": count_nonzero,
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
        # Dask's leaves rows out where a block of unknown length has none
        refuse_unknown(name, (x.shape[axis],))
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
