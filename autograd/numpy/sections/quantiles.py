"""Medians, percentiles and quantiles: by every method of NumPy, weighted, and without NaN.

A quantile is an element, or lies between two neighbours in the sorted array, ``x_j + γ (x_{j+1} − x_j)``, where the
position j + γ is linear in q: so it is differentiable in the array, and in q where it interpolates. How the elements
are found is in `order_statistics.py`.

References
----------
Hyndman and Fan, Sample quantiles in statistical packages, 1996.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.array import Array
from ...core.dtypes import is_inexact
from ...functions import namespace as xp
from ...functions.creation import as_floating
from ..arguments import as_array, refuse_out
from ..operands import NO_VALUE, beside, holds_arrays, number_beside, value_or
from . import order_statistics as order

__all__ = [
    "median",
    "nanmedian",
    "nanpercentile",
    "nanquantile",
    "percentile",
    "quantile",
]


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
    """The q-th percentiles along axes, 0 ≤ q ≤ 100; `quantile` of q / 100.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.percentile([1.0, 2.0, 4.0], [25, 50])
    Array([1.5, 2. ], dtype=float64, device='cpu')
    """
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
    """`quantile` of the elements that are not NaN; NaN where there is none.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.nanquantile([1.0, np.nan, 4.0], 0.25)
    Array(1.75, dtype=float64, device='cpu')
    """
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
    """`percentile` of the elements that are not NaN; NaN where there is none.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.nanpercentile([1.0, np.nan, 4.0], 25)
    Array(1.75, dtype=float64, device='cpu')
    """
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
    x, back = order.slices(a, axis, keepdims)
    n = x.shape[0]
    if n == 0:
        return back(xp.mean(x, axis=0))
    low, high = (n - 1) // 2, n // 2
    parts = order.elements(x, order.partition(x, [low, high]), np.unique([low, high]))
    middle = parts[0, ...] * 1.0 if low == high else 0.5 * parts[0, ...] + 0.5 * parts[1, ...]
    return back(order.nan_where_nan(middle, x))


def nanmedian(
    a: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    keepdims: Any = NO_VALUE,
) -> Array:
    """The `median` of the elements that are not NaN; NaN where there is none.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.nanmedian([1.0, np.nan, 4.0])
    Array(2.5, dtype=float64, device='cpu')
    """
    refuse_out("nanmedian", out)
    x, back = order.slices(a, axis, value_or(keepdims, False))
    if not is_inexact(x.dtype):
        return median(a, axis, None, overwrite_input, value_or(keepdims, False))
    if x.shape[0] == 0:
        return back(xp.mean(x, axis=0))
    count = order.count_numbers(x)
    index = xp.stack([(count - 1) // 2, count // 2])
    parts = order.elements_of_slices(x, order.ranks(x), index)
    return back(0.5 * parts[0, ...] + 0.5 * parts[1, ...])


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
    if method not in order.METHODS:
        raise ValueError(f"{name}(method={method!r}) has to be one of {', '.join(order.METHODS)}")
    given = as_array(a)
    x, back = order.slices(given, axis, keepdims)
    if not hasattr(q, "shape") and not holds_arrays(q):
        # numbers of the host: the elements are found without reading from a device
        q = np.asarray(q, x.dtype if type(q) in (int, float) and is_inexact(x.dtype) else None)
    elif type(q) is not np.ndarray:
        q = beside(q, x)
    if method == "linear" and whole == 1 and not (is_inexact(q.dtype) or is_inexact(x.dtype)):
        method = "lower"  # 0 and 1 are the ends, which stay integers
    if whole != 1 or not is_inexact(q.dtype):
        q = np.asarray(q * 1.0 / whole) if type(q) is np.ndarray else q * 1.0 / whole
    if q.ndim > 1:
        raise ValueError(f"{name}: q must be a scalar or 1d")
    order.check_range(q, whole)
    if x.shape[0] == 0:
        if not skip_nan:
            raise IndexError(f"{name} of no elements")
        return back(xp.full((*q.shape, *x.shape[1:]), math.nan, dtype=as_floating(x).dtype))
    skip_nan = skip_nan and is_inexact(x.dtype)
    if weights is not None or skip_nan:
        q = number_beside(q, q.dtype, x) if type(q) is np.ndarray else q
    if weights is not None:
        return back(order.weighted(name, given, x, q, axis, method, weights, skip_nan))
    if skip_nan:
        return back(order.quantiles_of_slices(x, q, method))
    return back(order.nan_where_nan(order.quantiles(x, q, method), x))
