"""Means, variances and standard deviations with NumPy's keywords.

Elements that `where` leaves out are replaced before anything is computed of them, and receive the cotangent 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.array import Array
from ...core.dtypes import is_complex
from ...functions import namespace as xp
from ...functions.creation import as_floating
from ..arguments import as_array, refuse_out
from ..operands import NO_VALUE, as_array_like, chosen_by, constant, reduced_axis, value_or

__all__ = [
    "mean",
    "std",
    "var",
]


def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
) -> Array:
    """The mean along axes, ``Σ a / n``; the parameters are those of `pullback.numpy.sum`.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> pb.grad(lambda x: np.mean(x, where=[True, False, True]))(np.asarray([1.0, 2.0, 3.0]))
    Array([0.5, 0. , 0.5], dtype=float64, device='cpu')
    """
    refuse_out("mean", out)
    x, keep = floating_as(a, dtype), value_or(keepdims, False)
    axis, mask = reduced_axis(axis, x.ndim), chosen_by(where, x)
    if mask is None:
        return xp.mean(x, axis=axis, keepdims=keep)
    total = xp.sum(xp.where(mask, x, 0), axis=axis, keepdims=keep)
    return total / _or_nan(count_chosen(mask, x, axis, keep))


def _or_nan(count: Array) -> Array:
    """A number of elements to divide by; NaN instead of 0."""
    return xp.where(count > 0, count, math.nan)


def floating_as(a: Any, dtype: Any) -> Array:
    """An array of floating dtype, or of the one that is asked for."""
    return as_floating(a) if dtype is None else xp.astype(as_array(a), np.dtype(dtype))


def count_chosen(mask: Array, x: Array, axis: Any, keepdims: bool) -> Array:
    """The numbers of elements that a mask lets through, in the real dtype of `x`."""
    chosen = xp.astype(xp.broadcast_to(mask, x.shape), real_dtype(x))
    return xp.sum(chosen, axis=axis, keepdims=keepdims)


def real_dtype(x: Array) -> np.dtype:
    """The dtype of the real parts."""
    return np.zeros((), x.dtype).real.dtype


def var(
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
    """The variance along axes, ``Σ |a − μ|² / (n − ddof)``.

    Parameters
    ----------
    a, axis, dtype, out, keepdims, where
        As in `pullback.numpy.sum`.
    ddof, correction : number
        What is subtracted from the number of elements; one of the two.
    mean
        The mean μ, with its axes kept, if it is known already. It is differentiated as what it is: give it traced.

    Raises
    ------
    ValueError
        If both `ddof` and `correction` are given.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.var([1.0, 2.0, 6.0], ddof=1)
    Array(7., dtype=float64, device='cpu')
    """
    refuse_out("var", out)
    ddof, keep = _degrees_off(ddof, correction, "var"), value_or(keepdims, False)
    x = floating_as(a, dtype)
    axis, mask = reduced_axis(axis, x.ndim), chosen_by(where, x)
    if mask is None and mean is NO_VALUE:
        return xp.var(x, axis=axis, correction=ddof, keepdims=keep)
    centred, degrees = _centred(x, axis, mask, mean, ddof, keep)
    if is_complex(x.dtype):
        square = xp.square(xp.real(centred)) + xp.square(xp.imag(centred))
    else:
        square = xp.square(centred)
    return xp.sum(square, axis=axis, keepdims=keep) / degrees


def std(
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
    """The standard deviation along axes, the root of `var`; its derivative is 0 where it is 0.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> pb.grad(np.std)(np.asarray([1.0, 1.0]))
    Array([0., 0.], dtype=float64, device='cpu')
    """
    refuse_out("std", out)
    ddof, keep = _degrees_off(ddof, correction, "std"), value_or(keepdims, False)
    x = floating_as(a, dtype)
    axis, mask = reduced_axis(axis, x.ndim), chosen_by(where, x)
    if mask is None and mean is NO_VALUE:
        return xp.std(x, axis=axis, correction=ddof, keepdims=keep)
    centred, degrees = _centred(x, axis, mask, mean, ddof, keep)
    norm = xp.linalg.vector_norm
    return norm(centred, axis=axis, keepdims=keep) / xp.sqrt(degrees)


def _degrees_off(ddof: Any, correction: Any, name: str) -> Any:
    if correction is NO_VALUE:
        return ddof
    if ddof != 0:
        raise ValueError(f"{name}: ddof={ddof} and correction={correction}; give one of them")
    return correction


def _centred(
    x: Array, axis: Any, mask: Array | None, mean_given: Any, ddof: Any, keepdims: bool
) -> tuple[Array, Array]:
    """x − μ, 0 where it is masked, and n − ddof; NaN where that is not positive."""
    if mask is None:
        mask = constant(as_array_like(True, x))
    count = count_chosen(mask, x, axis, True)
    if mean_given is NO_VALUE:
        total = xp.sum(xp.where(mask, x, 0), axis=axis, keepdims=True)
        mean_given = total / _or_nan(count)
    centred = xp.where(mask, x, mean_given) - mean_given
    degrees = count_chosen(mask, x, axis, keepdims) - ddof
    return centred, _or_nan(degrees)
