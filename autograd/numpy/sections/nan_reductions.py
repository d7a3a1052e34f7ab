"""Reductions that skip NaN: `nansum`, `nanmax`, `nanmean`, `nanvar` and their kin, with NumPy's keywords.

NaNs are replaced before anything is computed of them: they receive the cotangent 0, and make no NaN of others'. Where
all elements are NaN, the result is NaN, without NumPy's warning.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.dtypes import is_inexact
from ...functions import namespace as xp
from ..arguments import as_array, refuse_out
from ..operands import NO_VALUE, chosen_by, constant, reduced_axis, value_or
from . import moments, reductions

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
]


def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Array:
    """The sum along axes, with NaN as 0.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> pb.grad(np.nansum)(np.asarray([1.0, np.nan]))
    Array([1., 0.], dtype=float64, device='cpu')
    """
    refuse_out("nansum", out)
    return reductions.sum(without_nan(a, 0), axis, dtype, None, keepdims, initial, where)


def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Array:
    """The product along axes, with NaN as 1.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.nanprod([2.0, np.nan, 3.0])
    Array(6., dtype=float64, device='cpu')
    """
    refuse_out("nanprod", out)
    return reductions.prod(without_nan(a, 1), axis, dtype, None, keepdims, initial, where)


def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    """The sums up to each element, with NaN as 0.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.nancumsum([1.0, np.nan, 3.0])
    Array([1., 1., 4.], dtype=float64, device='cpu')
    """
    refuse_out("nancumsum", out)
    return reductions.cumsum(without_nan(a, 0), axis, dtype)


def nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    """The products up to each element, with NaN as 1.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.nancumprod([2.0, np.nan, 3.0])
    Array([2., 2., 6.], dtype=float64, device='cpu')
    """
    refuse_out("nancumprod", out)
    return reductions.cumprod(without_nan(a, 1), axis, dtype)


def nanmax(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Array:
    """The largest element along axes that is not NaN.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.nanmax([1.0, np.nan, 3.0])
    Array(3., dtype=float64, device='cpu')
    """
    refuse_out("nanmax", out)
    return _extreme("max", a, axis, value_or(keepdims, False), initial, where)


def nanmin(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Array:
    """The smallest element along axes that is not NaN.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.nanmin([1.0, np.nan, 3.0])
    Array(1., dtype=float64, device='cpu')
    """
    refuse_out("nanmin", out)
    return _extreme("min", a, axis, value_or(keepdims, False), initial, where)


def nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
) -> Array:
    """The mean along axes of the elements that are not NaN; NaN where there is none.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.nanmean([1.0, np.nan, 3.0])
    Array(2., dtype=float64, device='cpu')
    """
    refuse_out("nanmean", out)
    x = as_array(a)
    return moments.mean(x, axis, dtype, None, keepdims, where=_numbers(x, where))


def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Array:
    """The variance along axes of the elements that are not NaN; NaN where there are too few.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.nanvar([1.0, np.nan, 3.0])
    Array(1., dtype=float64, device='cpu')
    """
    refuse_out("nanvar", out)
    x = as_array(a)
    mask = _numbers(x, where)
    return moments.var(
        x, axis, dtype, None, ddof, keepdims, where=mask, mean=mean, correction=correction
    )


def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Array:
    """The standard deviation along axes of the elements that are not NaN; NaN where there are too few.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.nanstd([1.0, np.nan, 3.0])
    Array(1., dtype=float64, device='cpu')
    """
    refuse_out("nanstd", out)
    x = as_array(a)
    mask = _numbers(x, where)
    return moments.std(
        x, axis, dtype, None, ddof, keepdims, where=mask, mean=mean, correction=correction
    )


def nanargmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = NO_VALUE) -> Array:
    """The index of the largest element along an axis that is not NaN; a constant.

    Raises
    ------
    ValueError
        Where all elements are NaN, which is read from the device (and not seen in a compiled program).

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.nanargmax([1.0, np.nan, 3.0])
    Array(2, dtype=int64, device='cpu')
    """
    refuse_out("nanargmax", out)
    return _index_of_extreme("argmax", a, axis, value_or(keepdims, False))


def nanargmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = NO_VALUE) -> Array:
    """The index of the smallest element along an axis that is not NaN; as `nanargmax`.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.nanargmin([1.0, np.nan, 3.0])
    Array(0, dtype=int64, device='cpu')
    """
    refuse_out("nanargmin", out)
    return _index_of_extreme("argmin", a, axis, value_or(keepdims, False))


def without_nan(a: Any, replacement: Any) -> Array:
    """The array with a number instead of each NaN."""
    x = as_array(a)
    return xp.where(xp.isnan(x), replacement, x) if is_inexact(x.dtype) else x


def _numbers(x: Array, where: Any) -> Any:
    """The mask of the elements that are chosen and not NaN."""
    mask = chosen_by(where, x)
    if not is_inexact(x.dtype):
        return NO_VALUE if mask is None else mask
    numbers = xp.logical_not(xp.isnan(constant(x)))
    return numbers if mask is None else numbers & mask


def _extreme(name: str, a: Any, axis: Any, keepdims: bool, initial: Any, where: Any) -> Array:
    x = as_array(a)
    axis = reduced_axis(axis, x.ndim)
    if not is_inexact(x.dtype):
        return reductions.extreme(name, x, axis, keepdims, initial, where)
    idle = -math.inf if name == "max" else math.inf
    found = reductions.extreme(name, without_nan(x, idle), axis, keepdims, initial, where)
    if initial is not NO_VALUE:
        return found
    nothing = xp.all(xp.isnan(constant(x)), axis=axis, keepdims=keepdims)
    return xp.where(nothing, math.nan, found)


def _index_of_extreme(name: str, a: Any, axis: Any, keepdims: bool) -> Array:
    x = constant(a)
    axis = reduced_axis(axis, x.ndim)
    if is_inexact(x.dtype):
        empty = xp.all(xp.isnan(x), axis=axis)
        value = backend_array(empty)
        if not backend_of(value).recording and bool(backend_array(xp.any(empty))):
            raise ValueError(f"nan{name}: all elements of a slice are NaN")
        x = without_nan(x, -np.inf if name == "argmax" else np.inf)
    return getattr(xp, name)(x, axis=axis, keepdims=keepdims)
