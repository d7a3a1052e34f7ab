"""Elements of an array by their rank along the first axis, of which medians and quantiles are made.

The order is found on values, by partition where the ranks are known on the host, and is a constant; the elements are
taken by it, so that their cotangents go back to the elements that were taken, and nowhere else.
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
from ..arguments import as_array
from ..conversions import normalize_axes
from ..operands import as_array_like, constant, number_like

# ── the positions of quantiles ──────────────────────────────────────────────────────────────────
#
# Each function takes the number n of elements, q, and the namespace that computes: NumPy's for numbers on the host.


def _position(alpha: float, beta: float) -> Callable[..., Any]:
    """The position of q among n sorted elements, by the parameters of Hyndman and Fan."""
    return lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


# The positions of the methods that interpolate, and are differentiable in q.
_INTERPOLATED: dict[str, Callable[..., Any]] = {
    "interpolated_inverted_cdf": _position(0, 1),
    "hazen": _position(0.5, 0.5),
    "weibull": _position(0, 0),
    "linear": lambda n, q: (n - 1) * q,
    "median_unbiased": _position(1 / 3, 1 / 3),
    "normal_unbiased": _position(3 / 8, 3 / 8),
}


def _next_unless(position: Any, stay: Callable[[Any, Any], Any], ns: Any) -> Any:
    """The index behind a position, or before it where `stay` says so of the fraction and the index."""
    before = ns.floor(position)
    return ns.maximum(ns.where(stay(position - before, before), before, before + 1), 0.0)


# The indices of the methods that choose an element.
_CHOSEN: dict[str, Callable[..., Any]] = {
    "inverted_cdf": lambda n, q, ns: _next_unless(n * q - 1, lambda rest, k: rest == 0, ns),
    "closest_observation": lambda n, q, ns: _next_unless(
        n * q - 1.5, lambda rest, k: (rest == 0) & (ns.remainder(k, 2.0) == 1), ns
    ),
    "lower": lambda n, q, ns: ns.floor((n - 1) * q),
    "higher": lambda n, q, ns: ns.ceil((n - 1) * q),
    "nearest": lambda n, q, ns: ns.round((n - 1) * q),
}
METHODS = (*_CHOSEN, "averaged_inverted_cdf", "midpoint", *_INTERPOLATED)


def _neighbours(n: Any, q: Any, method: str, ns: Any) -> tuple[Any, Any, Any]:
    """The index of an element, that of the next, and the fraction of the way to it at which the quantile lies."""
    last = ns.maximum(n - 1, 0.0) if hasattr(n, "shape") else n - 1
    if method in _CHOSEN:
        index = ns.clip(_CHOSEN[method](n, q, ns), 0.0, last)
        return index, index, None
    if method == "midpoint":
        low, high = ns.floor((n - 1) * q), ns.ceil((n - 1) * q)
        position = 0.5 * (low + high)
        gamma = ns.where(low == high, 0.0, ns.full_like(position, 0.5))
    elif method == "averaged_inverted_cdf":
        position = n * q - 1
        gamma = ns.where(position == ns.floor(position), 0.5, ns.ones_like(position))
    else:
        position = _INTERPOLATED[method](n, q)
        gamma = position - ns.floor(position)
    before = ns.floor(position)
    # beyond the ends both neighbours are the end
    index = ns.clip(before, 0.0, last)
    other = ns.where((position < 0) | (position >= last), index, before + 1)
    return index, other, gamma


# ── slices, and their elements in order ─────────────────────────────────────────────────────────


def slices(a: Any, axis: Any, keepdims: bool) -> tuple[Array, Callable[[Array], Array]]:
    """The array with the axes as one, the first; and the function that restores axes of length 1 on request."""
    x = as_array(a)
    if x.dtype.kind == "c":
        raise TypeError("a must be an array of real numbers: complex ones have no order")
    axes = normalize_axes(axis, x.ndim)
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


def nan_where_nan(out: Array, x: Array) -> Array:
    """NaN, with derivative NaN, for the slices of x that have one."""
    if not is_inexact(x.dtype):
        return out
    spoilt = xp.any(xp.isnan(constant(x)), axis=0)
    return out * xp.where(spoilt, math.nan, xp.ones_like(constant(out)))


def count_numbers(x: Array) -> Array:
    """The numbers of elements in each slice that are not NaN."""
    return xp.sum(xp.astype(xp.logical_not(xp.isnan(constant(x))), np.dtype("int64")), axis=0)


def ranks(x: Array) -> Array:
    """The indices that sort the slices; a constant."""
    return constant(xp.argsort(constant(x), axis=0))


def partition(x: Array, kth: list[int]) -> Array:
    """Indices that put the elements of these ranks at their sorted positions in each slice; a constant."""
    return constant(xp.argpartition(constant(x), kth, axis=0))


def elements(x: Array, order: Array, index: Any) -> Array:
    """The elements of ranks (k,) that all slices share, as the first axis; `index` is NumPy's or an `Array`."""
    if isinstance(index, np.ndarray):
        index = number_like(index, None, x)
    return _taken(x, xp.take(order, index, axis=0))


def elements_of_slices(x: Array, order: Array, index: Array) -> Array:
    """The elements of ranks that differ from slice to slice, whose own axes come first."""
    lead = index.shape[: index.ndim - (x.ndim - 1)]
    shape = (math.prod(lead), *x.shape[1:])
    flat = xp.reshape(index, (math.prod(lead), *index.shape[len(lead) :]))
    rows = xp.take_along_axis(order, constant(xp.broadcast_to(flat, shape)), axis=0)
    return xp.reshape(_taken(x, rows), lead + x.shape[1:])


def _taken(x: Array, rows: Array) -> Array:
    if x.ndim == 1:
        return xp.take(x, constant(rows), axis=0)
    return xp.take_along_axis(x, constant(rows), axis=0)


# ── quantiles ───────────────────────────────────────────────────────────────────────────────────


def check_range(q: Any, whole: int) -> None:
    """Check that all q are between 0 and 1, where that can be read.

    Raises
    ------
    ValueError
        If one is not.
    """
    value = backend_array(q)
    if backend_of(value).recording:
        return
    ns = np if isinstance(value, np.ndarray) else xp
    if not bool(ns.all((value >= 0) & (value <= 1))):
        raise ValueError(
            "Percentiles must be in the range [0, 100]"
            if whole == 100
            else "Quantiles must be in the range [0, 1]"
        )


def quantiles(x: Array, q: Any, method: str) -> Array:
    """The quantiles of the slices by one of the methods; q is NumPy's, or an array, perhaps a traced one."""
    n = float(x.shape[0])
    on_host = type(q) is np.ndarray
    index, other, gamma = _neighbours(
        n, q if on_host else constant(q), method, np if on_host else xp
    )
    if on_host:
        indices = np.stack([index, other]).reshape(-1).astype(np.int64)
        order = partition(x, [int(k) for k in np.unique(indices)])
        flat: Any = indices
        if gamma is not None:
            weak = gamma.ndim == 0 and q.dtype == x.dtype
            gamma = float(gamma) if weak else number_like(gamma, q.dtype, x)
    else:
        order, flat = ranks(x), xp.reshape(_as_index(xp.stack([index, other])), (-1,))
    if method in _CHOSEN:
        found = elements(x, order, flat[: flat.shape[0] // 2])
        return xp.reshape(found, q.shape + x.shape[1:])
    parts = xp.reshape(elements(x, order, flat), (2, *q.shape, *x.shape[1:]))
    if not on_host:
        gamma = _traced_gamma(gamma, n, q, method)
    return _between(parts[0, ...], parts[1, ...], gamma)


def quantiles_of_slices(x: Array, q: Array, method: str) -> Array:
    """The quantiles of the elements of each slice that are not NaN."""
    count = xp.astype(count_numbers(x), q.dtype)
    q = xp.reshape(q, q.shape + (1,) * count.ndim)
    index, other, gamma = _neighbours(count, constant(q), method, xp)
    order = ranks(x)
    first = elements_of_slices(x, order, _as_index(index))
    if method in _CHOSEN:
        return first
    second = elements_of_slices(x, order, _as_index(other))
    return _between(first, second, _traced_gamma(gamma, count, q, method))


def _traced_gamma(gamma: Array, n: Any, q: Array, method: str) -> Array:
    """The fraction as a function of q."""
    if method not in _INTERPOLATED:
        return gamma
    fixed = _INTERPOLATED[method](n, constant(q))
    return _INTERPOLATED[method](n, q) - xp.floor(fixed)


def _between(first: Array, second: Array, gamma: Any) -> Array:
    """From the nearer neighbour, as NumPy does, which is exact at both."""
    if type(gamma) is float:
        step = second - first
        return second - step * (1 - gamma) if gamma >= 0.5 else first + step * gamma
    gamma = xp.reshape(gamma, gamma.shape + (1,) * (first.ndim - gamma.ndim))
    step = second - first
    return xp.where(constant(gamma) >= 0.5, second - step * (1 - gamma), first + step * gamma)


def _as_index(x: Array) -> Array:
    return xp.astype(constant(x), np.dtype("int64"))


def weighted(
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
    w = constant(as_array_like(weights, x))
    if w.shape != given.shape:
        axes = normalize_axes(axis, given.ndim)
        if axis is None or w.shape != tuple(
            given.shape[k] for k in (axis if isinstance(axis, tuple) else (axis,))
        ):
            raise ValueError(
                f"{name}: weights of shape {w.shape} do not fit axis {axis} of an array of shape {given.shape}"
            )
        permutation = sorted(range(len(axes)), key=axes.__getitem__)
        w = xp.permute_dims(w, tuple(permutation))
        w = xp.reshape(w, tuple(n if k in axes else 1 for k, n in enumerate(given.shape)))
        w = xp.broadcast_to(w, given.shape)
    w, _ = slices(w, axis, False)
    values = constant(x)
    nan = xp.isnan(values) if is_inexact(x.dtype) else None
    if skip_nan and nan is not None:
        w = xp.where(nan, 0, w)
    order = ranks(x)
    sums = xp.cumulative_sum(
        xp.astype(xp.take_along_axis(w, order, axis=0), np.dtype("float64")), axis=0
    )
    cdf = xp.astype(sums / sums[-1:, ...], q.dtype)
    cdf = xp.where(cdf == 0, -1.0, cdf)
    level = xp.reshape(constant(q), q.shape + (1,) * x.ndim)
    index = xp.sum(xp.astype(cdf < level, np.dtype("int64")), axis=-x.ndim)
    last = xp.maximum(count_numbers(x) - 1, 0) if skip_nan else x.shape[0] - 1
    found = elements_of_slices(x, order, xp.minimum(index, last))
    return found if skip_nan else nan_where_nan(found, x)
