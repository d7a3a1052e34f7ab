"""Medians, percentiles and quantiles: by every method of NumPy, weighted, and without NaN.

The elements along the axes are sorted, by a permutation that their cotangents follow back. A quantile is an element, or
lies between two neighbours, ``x_j + γ (x_{j+1} − x_j)``, where the position j + γ is linear in q: so it is
differentiable in the array, and in q where it interpolates. The position itself, and weights, choose elements and
carry no derivative.

References
----------
Hyndman and Fan, Sample quantiles in statistical packages, 1996.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.dtypes import is_inexact
from ...functions import namespace as xp
from ..arguments import as_array, refuse_out
from ..operands import NO_VALUE, axes_of, beside, constant, number_beside, value_or

__all__ = [
    "median",
    "nanmedian",
    "nanpercentile",
    "nanquantile",
    "percentile",
    "quantile",
]


def _position(alpha: float, beta: float) -> Callable[[Any, Any], Any]:
    """The position of q among n sorted elements, by the parameters of Hyndman and Fan."""
    return lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


# The positions of the methods that interpolate, and are differentiable in q.
_INTERPOLATED: dict[str, Callable[[Any, Any], Any]] = {
    "interpolated_inverted_cdf": _position(0, 1),
    "hazen": _position(0.5, 0.5),
    "weibull": _position(0, 0),
    "linear": lambda n, q: (n - 1) * q,
    "median_unbiased": _position(1 / 3, 1 / 3),
    "normal_unbiased": _position(3 / 8, 3 / 8),
}


def _next_unless(position: Any, stay: Callable[[Any, Any], Any]) -> Any:
    """The index behind a position, or before it where `stay` says so of the fraction and the index."""
    before = xp.floor(position)
    return xp.maximum(xp.where(stay(position - before, before), before, before + 1), 0.0)


# The indices of the methods that choose an element.
_CHOSEN: dict[str, Callable[[Any, Any], Any]] = {
    "inverted_cdf": lambda n, q: _next_unless(n * q - 1, lambda rest, k: rest == 0),
    "closest_observation": lambda n, q: _next_unless(
        n * q - 1.5, lambda rest, k: (rest == 0) & (xp.remainder(k, 2.0) == 1)
    ),
    "lower": lambda n, q: xp.floor((n - 1) * q),
    "higher": lambda n, q: xp.ceil((n - 1) * q),
    "nearest": lambda n, q: xp.round((n - 1) * q),
}
METHODS = (*_CHOSEN, "averaged_inverted_cdf", "midpoint", *_INTERPOLATED)


def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Array:
    """The q-quantiles along axes, 0 ≤ q ≤ 1.

    Parameters
    ----------
    a
        An array of real numbers.
    q
        A number, or an array of them, whose axes come first in the result.
    axis : int or tuple of int, optional
        The axes; all of them by default.
    out
        Refused.
    overwrite_input : bool
        Ignored: `a` is never written to.
    method : str
        One of NumPy's thirteen.
    keepdims : bool
        Keep the axes with length 1.
    weights
        Of the shape of `a`, or of its shape along `axis`, for ``method="inverted_cdf"`` alone.

    Returns
    -------
    Array
        NaN where an element is NaN.

    Raises
    ------
    ValueError
        For a q outside of [0, 1] or an unknown method.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> x = np.asarray([3.0, 1.0, 2.0])
    >>> pb.value_and_grad(lambda q: np.quantile(x, q))(0.25)
    (1.5, 2.0)
    """
    refuse_out("quantile", out)
    return _quantiles("quantile", a, q, 1, axis, method, keepdims, weights, False)


def percentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Array:
    """The q-th percentiles along axes, 0 ≤ q ≤ 100; `quantile` of q / 100."""
    refuse_out("percentile", out)
    return _quantiles("percentile", a, q, 100, axis, method, keepdims, weights, False)


def nanquantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = NO_VALUE,
    *,
    weights: Any = None,
) -> Array:
    """`quantile` of the elements that are not NaN; NaN where there is none."""
    refuse_out("nanquantile", out)
    keep = value_or(keepdims, False)
    return _quantiles("nanquantile", a, q, 1, axis, method, keep, weights, True)


def nanpercentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = NO_VALUE,
    *,
    weights: Any = None,
) -> Array:
    """`percentile` of the elements that are not NaN; NaN where there is none."""
    refuse_out("nanpercentile", out)
    keep = value_or(keepdims, False)
    return _quantiles("nanpercentile", a, q, 100, axis, method, keep, weights, True)


def median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Array:
    """The middle element along axes, or the mean of the two in the middle; NaN where an element is NaN.

    The parameters are those of `quantile`.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> pb.grad(np.median)(np.asarray([3.0, 1.0, 2.0, 4.0]))
    Array([0.5, 0. , 0.5, 0. ], dtype=float64, device='cpu')
    """
    refuse_out("median", out)
    x, back = _slices(a, axis, keepdims)
    n = x.shape[0]
    if n == 0:
        return back(xp.mean(x, axis=0))
    ordered = xp.sort(x, axis=0)
    low, high = (n - 1) // 2, n // 2
    middle = _middle(ordered, low, high)
    return back(_nan_where_nan(middle, ordered))


def _middle(ordered: Array, low: int, high: int) -> Array:
    """The mean of the elements at two indices; the element, if they are one."""
    if low == high:
        return ordered[low, ...] * 1.0
    return 0.5 * ordered[low, ...] + 0.5 * ordered[high, ...]


def nanmedian(
    a: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    keepdims: Any = NO_VALUE,
) -> Array:
    """The `median` of the elements that are not NaN; NaN where there is none."""
    refuse_out("nanmedian", out)
    x, back = _slices(a, axis, value_or(keepdims, False))
    if not is_inexact(x.dtype):
        return median(a, axis, None, overwrite_input, value_or(keepdims, False))
    if x.shape[0] == 0:
        return back(xp.mean(x, axis=0))
    ordered, count = xp.sort(x, axis=0), _count(x)
    low, high = (_pick(ordered, k[None, ...]) for k in ((count - 1) // 2, count // 2))
    return back((0.5 * low + 0.5 * high)[0, ...])


# ── sorted slices ───────────────────────────────────────────────────────────────────────────────


def _slices(a: Any, axis: Any, keepdims: bool) -> tuple[Array, Callable[[Array], Array]]:
    """The array with the axes as one, in front; and what puts a result without that axis into shape."""
    x = as_array(a)
    if x.dtype.kind == "c":
        raise TypeError("a must be an array of real numbers: complex ones have no order")
    axes = axes_of(axis, x.ndim)
    rest = tuple(n for k, n in enumerate(x.shape) if k not in axes)
    moved = xp.moveaxis(x, axes, tuple(range(len(axes)))) if axes else x
    count = math.prod(x.shape[k] for k in axes)

    def back(out: Array) -> Array:
        if not keepdims:
            return out
        lead = out.ndim - len(rest)
        kept = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
        return xp.reshape(out, out.shape[:lead] + kept)

    return xp.reshape(moved, (count, *rest)), back


def _nan_where_nan(out: Array, ordered: Array) -> Array:
    """NaN, with derivative NaN, in the slices that have one, which sorting puts last."""
    if not is_inexact(ordered.dtype):
        return out
    spoilt = xp.isnan(constant(ordered)[-1, ...])
    return out * xp.where(spoilt, math.nan, xp.ones_like(constant(out)))


def _count(x: Array) -> Array:
    """The numbers of elements in each slice that are not NaN."""
    return xp.sum(xp.astype(xp.logical_not(xp.isnan(constant(x))), np.dtype("int64")), axis=0)


def _pick(ordered: Array, index: Array) -> Array:
    """The elements at an index for each slice, behind axes of q."""
    lead = index.ndim - (ordered.ndim - 1)
    shape = index.shape
    flat = xp.reshape(index, (math.prod(shape[:lead]), *shape[lead:]))
    flat = xp.broadcast_to(flat, (flat.shape[0], *ordered.shape[1:]))
    found = xp.take_along_axis(ordered, constant(flat), axis=0)
    return xp.reshape(found, (*shape[:lead], *ordered.shape[1:]))


# ── quantiles ───────────────────────────────────────────────────────────────────────────────────


def _quantiles(
    name: str,
    a: Any,
    q: Any,
    whole: int,
    axis: Any,
    method: str,
    keepdims: bool,
    weights: Any,
    skip_nan: bool,
) -> Array:
    """The quantiles q / whole."""
    if method not in METHODS:
        raise ValueError(f"{name}(method={method!r}) has to be one of {', '.join(METHODS)}")
    given = as_array(a)
    x, back = _slices(given, axis, keepdims)
    if type(q) in (int, float) and is_inexact(x.dtype):
        q = number_beside(q, x.dtype, x)
    q = beside(q, x) if type(q) is not Array else q
    if method == "linear" and whole == 1 and not (is_inexact(q.dtype) or is_inexact(x.dtype)):
        method = "lower"  # 0 and 1 are the ends, which stay integers
    q = q * 1.0 / whole if whole != 1 or not is_inexact(q.dtype) else q
    if q.ndim > 1:
        raise ValueError(f"{name}: q must be a scalar or 1d")
    _check_range(name, q, whole)
    skip_nan = skip_nan and is_inexact(x.dtype)
    if x.shape[0] == 0:
        if not is_inexact(x.dtype) or not math.prod(x.shape[1:]):
            raise IndexError(f"{name} of no elements")
        return back(xp.full((*q.shape, *x.shape[1:]), math.nan, dtype=x.dtype))
    if weights is not None:
        found = _weighted(name, given, x, q, axis, method, weights, skip_nan)
        return back(found)
    ordered = xp.sort(x, axis=0)
    if skip_nan:
        count: Any = xp.astype(_count(x), q.dtype)
        q = xp.reshape(q, q.shape + (1,) * count.ndim)
        found = _between(ordered, q, count, method, _pick)
        return back(found)
    found = _between(ordered, q, float(x.shape[0]), method, _pick_for_all)
    return back(_nan_where_nan(found, ordered))


def _pick_for_all(ordered: Array, index: Array) -> Array:
    """The elements at indices that all slices share."""
    flat = xp.take(ordered, xp.reshape(index, (-1,)), axis=0)
    return xp.reshape(flat, index.shape + ordered.shape[1:])


def _between(ordered: Array, q: Array, n: Any, method: str, pick: Any) -> Array:
    """The quantile by one of the methods, of n elements of each slice; `pick` finds elements by their indices."""
    fixed = constant(q)
    last = n - 1 if isinstance(n, float) else xp.maximum(n - 1, 0.0)
    if method in _CHOSEN:
        index = xp.clip(_CHOSEN[method](n, fixed), min=0.0, max=last)
        return pick(ordered, _as_index(index))
    if method == "midpoint":
        low, high = xp.floor((n - 1) * fixed), xp.ceil((n - 1) * fixed)
        position = 0.5 * (low + high)
        gamma: Any = xp.where(low == high, 0.0, xp.full_like(position, 0.5))
    elif method == "averaged_inverted_cdf":
        position = n * fixed - 1
        gamma = xp.where(position == xp.floor(position), 0.5, xp.ones_like(position))
    else:
        position = _INTERPOLATED[method](n, fixed)
        gamma = _INTERPOLATED[method](n, q) - xp.floor(position)
    before = xp.floor(position)
    above = position >= last
    # beyond the ends both neighbours are the end
    index = xp.clip(before, min=0.0, max=last)
    other = xp.where((position < 0) | above, index, before + 1)
    first, second = (pick(ordered, _as_index(k)) for k in (index, other))
    gamma = _behind(gamma, first)
    step = second - first
    # from the nearer neighbour, as NumPy does, which is exact at both
    return xp.where(constant(gamma) >= 0.5, second - step * (1 - gamma), first + step * gamma)


def _behind(x: Array, like: Array) -> Array:
    """An array of the shape of q with an axis for each of those of the slices."""
    return xp.reshape(x, x.shape + (1,) * (like.ndim - x.ndim))


def _as_index(x: Array) -> Array:
    return xp.astype(constant(x), np.dtype("int64"))


def _check_range(name: str, q: Array, whole: int) -> None:
    value = backend_array(q)
    if backend_of(value).recording:
        return
    fixed = constant(q)
    if not bool(xp.all((fixed >= 0) & (fixed <= 1))):
        raise ValueError(
            "Percentiles must be in the range [0, 100]"
            if whole == 100
            else "Quantiles must be in the range [0, 1]"
        )


def _weighted(
    name: str,
    given: Array,
    x: Array,
    q: Array,
    axis: Any,
    method: str,
    weights: Any,
    skip_nan: bool,
) -> Array:
    """The first element up to which the weights make a part q of all."""
    if method != "inverted_cdf":
        raise ValueError(
            f'{name}(method={method!r}, weights=): weights go with method="inverted_cdf" alone'
        )
    w = constant(beside(weights, x))
    if w.shape != given.shape:
        axes = axes_of(axis, given.ndim)
        if axis is None or w.shape != tuple(
            given.shape[k] for k in (axis if isinstance(axis, tuple) else (axis,))
        ):
            raise ValueError(
                f"{name}: weights of shape {w.shape} do not fit axis {axis} of an array of shape {given.shape}"
            )
        places = sorted(range(len(axes)), key=axes.__getitem__)
        w = xp.permute_dims(w, tuple(places))
        w = xp.reshape(w, tuple(n if k in axes else 1 for k, n in enumerate(given.shape)))
        w = xp.broadcast_to(w, given.shape)
    w, _ = _slices(w, axis, False)
    values = constant(x)
    nan = xp.isnan(values) if is_inexact(x.dtype) else None
    if skip_nan and nan is not None:
        w = xp.where(nan, 0, w)
    order = constant(xp.argsort(values, axis=0))
    ordered = xp.take_along_axis(x, order, axis=0)
    cdf = xp.cumulative_sum(
        xp.astype(xp.take_along_axis(w, order, axis=0), np.dtype("float64")), axis=0
    )
    cdf = xp.astype(cdf / cdf[-1:, ...], q.dtype)
    cdf = xp.where(cdf == 0, -1.0, cdf)
    level = xp.reshape(constant(q), q.shape + (1,) * x.ndim)
    index = xp.sum(xp.astype(cdf < level, np.dtype("int64")), axis=-x.ndim)
    last = x.shape[0] - 1 if not skip_nan else xp.maximum(_count(x) - 1, 0)
    found = _pick(ordered, xp.minimum(index, last))
    return found if skip_nan else _nan_where_nan(found, ordered)
