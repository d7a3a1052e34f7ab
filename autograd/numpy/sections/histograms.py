"""Histograms and bins: `histogram`, `bincount`, `digitize` and their kin.

Counts do not depend on small changes of the array: they are constants. Sums of weights are differentiable in the
weights, edges in the least and the largest element that they lie between, densities in both. (A histogram whose counts
are differentiable in the array is a kernel density: sum a smooth bump over the elements instead.)
"""

from __future__ import annotations

import builtins
import math
import operator
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.dtypes import is_inexact
from ...functions import namespace as xp
from ..arguments import as_array
from ..operands import as_array_like, constant, number_like

__all__ = [
    "bincount",
    "digitize",
    "histogram",
    "histogram2d",
    "histogram_bin_edges",
    "histogramdd",
]


def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> tuple[Array, Array]:
    """The number of elements in each bin, or the sum of their weights, and the edges of the bins.

    Parameters
    ----------
    a
        An array, taken as flat; the counts are constants, the edges are differentiable.
    bins : int, array or str
        The number of bins of one width; their edges; or, on NumPy arrays alone, the name of NumPy's way to choose.
    range : (number, number), optional
        The first and the last edge; by default the least and the largest element.
    density : bool, optional
        Divide by the width of each bin and by the sum.
    weights
        Of the shape of `a`; differentiable.

    Returns
    -------
    hist, bin_edges

    Raises
    ------
    ValueError
        If edges do not ascend, the shapes differ, or a range is not finite.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> x = np.asarray([0.1, 0.2, 0.9])
    >>> pb.jacobian(lambda w: np.histogram(x, 2, weights=w)[0])(np.ones(3))
    Array([[1., 1., 0.],
           [0., 0., 1.]], dtype=float64, device='cpu')
    """
    x = as_array(a)
    edges = histogram_bin_edges(x, bins, range, weights)
    flat, n = xp.reshape(constant(x), (-1,)), edges.shape[0] - 1
    index = _bins(flat, constant(edges), np.ndim(bins) == 0)
    if weights is None:
        out = _sums(xp.ones_like(index), index, n)
    else:
        w = as_array_like(weights, x)
        if w.shape != x.shape:
            raise ValueError("weights should have the same shape as a.")
        out = _sums(xp.reshape(w, (-1,)), index, n)
    if density:
        out = out if is_inexact(out.dtype) else xp.astype(out, np.dtype("float64"))
        out = out / xp.astype(xp.diff(edges), out.dtype, copy=False) / xp.sum(out)
    return out, edges


def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Array:
    """The edges of the bins of a `histogram`; differentiable in the least and the largest element.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> np.histogram_bin_edges([0.0, 1.0, 4.0], 2)
    Array([0., 2., 4.], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: np.histogram_bin_edges(x, 2)[1])(np.asarray([0.0, 1.0, 4.0]))
    Array([0.5, 0. , 0.5], dtype=float64, device='cpu')
    """
    x = as_array(a)
    if isinstance(bins, str):
        value = backend_array(x)
        if not isinstance(value, np.ndarray):
            raise TypeError(
                f"histogram(bins={bins!r}): NumPy chooses bins of its own arrays; give their number, or edges"
            )
        # NumPy's ways choose a number of bins of one width
        return _even_edges(x, len(np.histogram_bin_edges(value, bins, range, weights)) - 1, range)
    if np.ndim(bins) == 0:
        n = operator.index(bins)
        if n < 1:
            raise ValueError("`bins` must be positive, when an integer")
        return _even_edges(x, n, range)
    edges = as_array(as_array_like(bins, x))
    if edges.ndim != 1:
        raise ValueError("`bins` must be 1d, when an array")
    if _known(xp.any(edges[1:] < edges[:-1])):
        raise ValueError("`bins` must increase monotonically, when an array")
    return edges


def _known(flag: Array) -> bool:
    """The value of a flag; False in a compiled program, which cannot look."""
    value = backend_array(flag)
    return False if backend_of(value).recording else bool(value)


def _even_edges(x: Array, n: int, given: Any) -> Array:
    """n + 1 edges at one distance."""
    dtype = x.dtype if is_inexact(x.dtype) else np.dtype("float64")
    if given is not None:
        low, high = (float(v) for v in given)
        if low > high:
            raise ValueError("max must be larger than min in range parameter.")
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(f"supplied range of [{low}, {high}] is not finite")
        first, last = (number_like(v, dtype, x) for v in (low, high))
    elif x.size == 0:
        first, last = (number_like(v, dtype, x) for v in (0.0, 1.0))
    else:
        first, last = (xp.astype(v, dtype) for v in (xp.min(x), xp.max(x)))
        if _known(xp.logical_not(xp.isfinite(first) & xp.isfinite(last))):
            raise ValueError(
                "histogram: the least and the largest element are not finite; give range="
            )
    same = first == last
    first, last = xp.where(same, first - 0.5, first), xp.where(same, last + 0.5, last)
    value = backend_array(x)
    k = Array(backend_of(value).xp.arange_like(n + 1, value))
    even = xp.astype(k, dtype) * ((last - first) / n) + first
    return xp.where(k == n, last, even)


def _bins(x: Array, edges: Array, even: bool) -> Array:
    """The bin of each element; the last one has its right edge; −1 for what lies outside."""
    n = edges.shape[0] - 1
    dtype = xp.result_type(x, edges)
    x, edges = (xp.astype(v, dtype, copy=False) for v in (x, edges))
    first, last = edges[0], edges[-1]
    inside = (x >= first) & (x <= last)
    if not even:
        index = xp.searchsorted(edges, x, side="right") - 1
        index = xp.where(x == last, n - 1, index)
        return xp.where(inside, index, -1)
    # by the width, which may be one bin off, and then by the edges: five times as fast as a search
    place = (xp.where(inside, x, first) - first) * (n / (last - first))
    index = xp.clip(xp.astype(place, np.dtype("int64")), min=0, max=n - 1)
    index = index - xp.astype(x < xp.take(edges, index), index.dtype)
    above = (x >= xp.take(edges, index + 1)) & (index != n - 1)
    index = index + xp.astype(above, index.dtype)
    return xp.where(inside, index, -1)


def _sums(values: Array, index: Array, n: int) -> Array:
    """The sums of the values of each bin, but for those of bin −1."""
    return xp.scatter_add((n + 1,), (xp.where(index < 0, n, index),), values)[:n]


def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> tuple[Array, Array, Array]:
    """`histogramdd` of points (x, y): the counts, and the edges along each axis.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.histogram2d([0.0, 1.0, 1.0], [0.0, 1.0, 1.0], 2)[0]
    Array([[1., 0.],
           [0., 2.]], dtype=float64, device='cpu')
    """
    x, y = as_array(x), as_array(as_array_like(y, as_array(x)))
    if x.shape != y.shape:
        raise ValueError("x and y must have the same length.")
    several = np.ndim(bins) > 0 or isinstance(bins, list | tuple)
    if several and len(bins) not in (1, 2):  # edges of both axes
        bins = [bins, bins]
    counts, edges = histogramdd([x, y], bins, range, density, weights)
    return counts, edges[0], edges[1]


def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> tuple[Array, tuple[Array, ...]]:
    """The number of points in each cell of a grid, or the sum of their weights, and the edges along each axis.

    Parameters
    ----------
    sample
        Points (m, d), or a list of d arrays of coordinates; the edges are differentiable in them.
    bins : int, or list of int or of arrays
        The number of bins along each axis, or their edges.
    range : list of pair, optional
        The first and last edge along each axis.
    density : bool, optional
        Divide by the volume of each cell and by the sum.
    weights
        Of each point (m,); differentiable.

    Returns
    -------
    H, edges

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.histogramdd([[0.0, 0.0], [1.0, 1.0]], 2)[0]
    Array([[0., 0.],
           [0., 2.]], dtype=float64, device='cpu')
    """
    if isinstance(sample, list | tuple) and np.ndim(sample[0]) == 1:
        columns = [as_array(as_array_like(c, as_array(sample[0]))) for c in sample]
    else:
        points = as_array(sample)
        points = xp.reshape(points, (-1, 1)) if points.ndim < 2 else points
        columns = [points[:, k] for k in builtins.range(points.shape[1])]
    d = len(columns)
    each = list(bins) if np.ndim(bins) > 0 or isinstance(bins, list | tuple) else [bins] * d
    ranges = [None] * d if range is None else list(range)
    if len(each) != d:
        raise ValueError("The dimension of bins must be equal to the dimension of the sample x.")
    if len(ranges) != d:
        raise ValueError("range argument must have one entry per dimension")
    edges = tuple(
        histogram_bin_edges(c, b, r) for c, b, r in zip(columns, each, ranges, strict=True)
    )
    sizes = tuple(e.shape[0] - 1 for e in edges)
    flat, inside = None, None
    for c, e, n, b in zip(columns, edges, sizes, each, strict=True):
        index = _bins(constant(c), constant(e), np.ndim(b) == 0)
        here = index >= 0
        flat = index if flat is None else flat * n + index
        inside = here if inside is None else inside & here
    flat = xp.where(inside, flat, -1)
    w = (
        xp.ones_like(columns[0], dtype=np.dtype("float64"))
        if weights is None
        else as_array_like(weights, columns[0])
    )
    w = w if is_inexact(w.dtype) else xp.astype(w, np.dtype("float64"))
    out = _sums(w, flat, math.prod(sizes))
    out = xp.reshape(out, sizes)
    if density:
        total = xp.sum(out)
        for k, e in enumerate(edges):
            shape = tuple(-1 if i == k else 1 for i in builtins.range(d))
            out = out / xp.astype(xp.reshape(xp.diff(e), shape), out.dtype)
        out = out / total
    return out, edges


def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Array:
    """The number of elements of each value 0, 1, …, or the sum of their weights, which are differentiable.

    Raises
    ------
    TypeError
        In a compiled program, where the length of the result is not known; use `pb.xp.segment_sum`.
    ValueError
        If there is a negative element, or the array is no vector.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.bincount([0, 2, 2], weights=[1.0, 2.0, 3.0])
    Array([1., 0., 5.], dtype=float64, device='cpu')
    """
    x = constant(x)
    if x.ndim != 1 or (x.size and x.dtype.kind not in "iub"):
        raise ValueError(f"bincount: a vector of integers is needed, not {x.dtype} {x.shape}")
    value = backend_array(x)
    if backend_of(value).recording:
        raise TypeError(
            "bincount in a compiled function: the length of its result depends on values; use "
            "pb.xp.segment_sum(weights, x, num_segments)"
        )
    index = xp.astype(x, np.dtype("int64"), copy=False)
    if x.size and bool(xp.any(index < 0)):
        raise ValueError("'list' argument must have no negative elements")
    n = max(int(xp.max(index)) + 1 if x.size else 0, operator.index(minlength))
    if weights is None:
        return _sums(xp.ones_like(index), index, n)
    w = as_array_like(weights, x)
    if w.shape != x.shape:
        raise ValueError("The weights and list don't have the same length.")
    w = w if is_inexact(w.dtype) else xp.astype(w, np.dtype("float64"))
    return _sums(w, index, n)


def digitize(x: Any, bins: Any, right: bool = False) -> Array:
    """The index of the bin of each element; a constant.

    Parameters
    ----------
    x
        An array.
    bins
        Edges, ascending or descending (in a compiled program: ascending).
    right : bool
        Whether a bin has its right edge instead of its left one.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.digitize([0.2, 1.5], [0.0, 1.0, 2.0])
    Array([1, 2], dtype=int64, device='cpu')
    """
    x, bins = constant(x), constant(as_array_like(bins, as_array(x)))
    if bins.ndim != 1:
        raise ValueError("object of too small depth for desired array")
    if x.dtype.kind == "c":
        raise TypeError("x may not be complex")
    down = bool(bins.size) and _known(bins[0] > bins[-1])
    if down:
        bins = xp.flip(bins)
    if _known(xp.any(bins[1:] < bins[:-1])):
        raise ValueError("bins must be monotonically increasing or decreasing")
    dtype = xp.result_type(x, bins)
    x, bins = (xp.astype(v, dtype, copy=False) for v in (x, bins))
    side = "left" if right else "right"
    found = xp.searchsorted(bins, x, side=side)
    return bins.shape[0] - found if down else found
