"""Sums, products and extremes with NumPy's keywords.

Means and variances are in `moments.py`, reductions that skip NaN in `nan_reductions.py`.
Each takes `axis` as None, an integer or a tuple, `keepdims`, and where NumPy has them `dtype`, `initial` and `where`.
``out=`` is refused. Derivatives are those of the functions of `pb.xp`; elements that `where` leaves out get 0, and
what it leaves out is replaced before anything is computed of it, so that its infinities and NaNs reach nothing.
"""

from __future__ import annotations

import builtins
from typing import Any

from ...core.array import Array
from ...functions import namespace as xp
from ...functions.creation import zeros_on_device_of
from ..arguments import as_array, refuse_out
from ..conversions import normalize_axes, normalize_axis
from ..operands import (
    NO_VALUE,
    as_default_integer,
    chosen_by,
    constant,
    highest,
    lowest,
    reduced_axis,
    starting_value,
    value_or,
)

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "max",
    "min",
    "prod",
    "ptp",
    "sum",
]


# ── sums and products ───────────────────────────────────────────────────────────────────────────


def sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Array:
    """The sum along axes, ``initial + Σ a``; its pullback spreads the cotangent.

    Parameters
    ----------
    a
        An array, number or list.
    axis : int or tuple of int, optional
        The axes; all of them by default.
    dtype
        The dtype in which it is summed.
    out
        Refused.
    keepdims : bool
        Keep the axes with length 1.
    initial
        What is added to each sum; differentiable.
    where
        A mask of the elements that are summed.

    Returns
    -------
    Array

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.sum([[1.0, 2.0], [3.0, 4.0]], axis=0, initial=10.0)
    Array([14., 16.], dtype=float64, device='cpu')
    """
    refuse_out("sum", out)
    x = as_default_integer(as_array(a))
    axis = reduced_axis(axis, x.ndim)
    mask = chosen_by(where, x)
    if mask is not None:
        x = xp.where(mask, x, 0)
    total = xp.sum(x, axis=axis, dtype=dtype, keepdims=value_or(keepdims, False))
    start = starting_value(initial, total.dtype)
    return total if start is None else total + start


def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Array:
    """The product along axes, ``initial · Π a``; its pullback multiplies the other factors, zeros included.

    The parameters are those of `sum`.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.prod([[1.0, 2.0], [3.0, 4.0]], axis=1)
    Array([ 2., 12.], dtype=float64, device='cpu')
    """
    refuse_out("prod", out)
    x = as_default_integer(as_array(a))
    axis = reduced_axis(axis, x.ndim)
    mask = chosen_by(where, x)
    if mask is not None:
        x = xp.where(mask, x, 1)
    total = xp.prod(x, axis=axis, dtype=dtype, keepdims=value_or(keepdims, False))
    start = starting_value(initial, total.dtype)
    return total if start is None else total * start


def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    """The sums up to each element along an axis, of the flattened array by default.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.cumsum([1.0, 2.0, 3.0])
    Array([1., 3., 6.], dtype=float64, device='cpu')
    """
    refuse_out("cumsum", out)
    x, axis = _along(a, axis)
    return xp.cumulative_sum(x, axis=axis, dtype=dtype)


def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    """The products up to each element along an axis, of the flattened array by default.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.cumprod([1.0, 2.0, 3.0])
    Array([1., 2., 6.], dtype=float64, device='cpu')
    """
    refuse_out("cumprod", out)
    x, axis = _along(a, axis)
    return xp.cumulative_prod(x, axis=axis, dtype=dtype)


def cumulative_sum(
    x: Any,
    /,
    *,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Array:
    """The standard's cumulative sum: `cumsum`, with a 0 in front on request; needs an axis but for vectors.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.cumulative_sum(np.asarray([1.0, 2.0]), include_initial=True)
    Array([0., 1., 3.], dtype=float64, device='cpu')
    """
    refuse_out("cumulative_sum", out)
    x = as_default_integer(as_array(x))
    return xp.cumulative_sum(
        x, axis=_one_axis(x, axis), dtype=dtype, include_initial=include_initial
    )


def cumulative_prod(
    x: Any,
    /,
    *,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Array:
    """The standard's cumulative product: `cumprod`, with a 1 in front on request; needs an axis but for vectors.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.cumulative_prod(np.asarray([2.0, 3.0]), include_initial=True)
    Array([1., 2., 6.], dtype=float64, device='cpu')
    """
    refuse_out("cumulative_prod", out)
    x = as_default_integer(as_array(x))
    return xp.cumulative_prod(
        x, axis=_one_axis(x, axis), dtype=dtype, include_initial=include_initial
    )


def _one_axis(x: Array, axis: Any) -> int:
    if axis is None:
        if x.ndim > 1:
            raise ValueError(
                f"cumulative functions: an array of {x.ndim} dimensions needs axis=; cumsum and cumprod flatten it"
            )
        return 0
    return normalize_axis(axis, builtins.max(x.ndim, 1))


def _along(a: Any, axis: Any) -> tuple[Array, int]:
    """The array and an axis of it; the flattened array without one."""
    x = as_default_integer(as_array(a))
    if axis is None:
        return xp.reshape(x, (-1,)), 0
    if not x.ndim:
        x = xp.reshape(x, (1,))
    return x, normalize_axis(axis, x.ndim)


# ── extremes ────────────────────────────────────────────────────────────────────────────────────


def max(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Array:
    """The largest element along axes; equal ones share the cotangent.

    Parameters
    ----------
    a, axis, out, keepdims
        As in `sum`.
    initial
        A number that the result is not below; needed where there is no element, and with `where`.
    where
        A mask of the elements that count.

    Raises
    ------
    ValueError
        If there is no element and no `initial`.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> x = np.asarray([1.0, 3.0, 3.0])
    >>> pb.grad(np.max)(x)
    Array([0. , 0.5, 0.5], dtype=float64, device='cpu')
    """
    refuse_out("max", out)
    return extreme("max", a, axis, value_or(keepdims, False), initial, where)


def min(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Array:
    """The smallest element along axes; the parameters are those of `max`.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.min([3.0, 1.0, 2.0])
    Array(1., dtype=float64, device='cpu')
    """
    refuse_out("min", out)
    return extreme("min", a, axis, value_or(keepdims, False), initial, where)


def amax(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Array:
    """`max` by its other name."""
    return max(a, axis, out, keepdims, initial, where)


def amin(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Array:
    """`min` by its other name."""
    return min(a, axis, out, keepdims, initial, where)


def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO_VALUE) -> Array:
    """The range along axes, ``max − min`` ("peak to peak").

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.ptp([3.0, 1.0, 2.0])
    Array(2., dtype=float64, device='cpu')
    """
    refuse_out("ptp", out)
    x, keep = as_array(a), value_or(keepdims, False)
    axis = reduced_axis(axis, x.ndim)
    return xp.max(x, axis=axis, keepdims=keep) - xp.min(x, axis=axis, keepdims=keep)


def extreme(name: str, a: Any, axis: Any, keepdims: bool, initial: Any, where: Any) -> Array:
    """The largest or smallest element, with NumPy's ``initial=`` and ``where=``."""
    x = as_array(a)
    axis, mask = reduced_axis(axis, x.ndim), chosen_by(where, x)
    if mask is not None:
        if initial is NO_VALUE:
            raise ValueError(
                f"{name}(where=): needs initial=, which is the result where no element is chosen"
            )
        x = xp.where(mask, x, lowest(x) if name == "max" else highest(x))
    initial = starting_value(initial, x.dtype)
    if initial is None:
        return getattr(xp, name)(x, axis=axis, keepdims=keepdims)
    axes = normalize_axes(axis, x.ndim)
    if 0 in (x.shape[k] for k in axes):
        shape = tuple(
            1 if k in axes else n for k, n in enumerate(x.shape) if keepdims or k not in axes
        )
        return zeros_on_device_of(shape, x) + initial
    found = getattr(xp, name)(x, axis=axis, keepdims=keepdims)
    larger = xp.maximum if name == "max" else xp.minimum
    return larger(found, initial)


def all(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO_VALUE, *, where: Any = NO_VALUE
) -> Array:
    """Whether all elements along axes are true; a constant.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.all([[True, False], [True, True]], axis=1)
    Array([False,  True], dtype=bool, device='cpu')
    """
    refuse_out("all", out)
    x = truth(a)
    axis, mask = reduced_axis(axis, x.ndim), chosen_by(where, x)
    x = x if mask is None else x | xp.logical_not(mask)
    return xp.all(x, axis=axis, keepdims=value_or(keepdims, False))


def any(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO_VALUE, *, where: Any = NO_VALUE
) -> Array:
    """Whether an element along axes is true; a constant.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.any([[True, False], [False, False]], axis=1)
    Array([ True, False], dtype=bool, device='cpu')
    """
    refuse_out("any", out)
    x = truth(a)
    axis, mask = reduced_axis(axis, x.ndim), chosen_by(where, x)
    x = x if mask is None else x & mask
    return xp.any(x, axis=axis, keepdims=value_or(keepdims, False))


def truth(a: Any) -> Array:
    """The elements as booleans."""
    x = constant(a)
    return x if x.dtype.kind == "b" else x != 0
