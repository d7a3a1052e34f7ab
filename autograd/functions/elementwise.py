"""Elementwise functions beyond the standard's: `angle`, `nan_to_num`, `isclose`, `allclose`, `apply_where`.

All are compositions of the standard's functions, which take their derivatives from them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from typing import Any

from ...backend import backend_of
from ..core.array import Array, backend_array
from ..core.dispatch import SCALARS
from ..core.dtypes import is_complex, is_inexact
from ..core.generated import xp as generated
from ..core.levels.batched import Batched
from ..core.levels.level import NeedsRows
from ..core.namespaces import namespace_of
from ..core.typing import ArrayLike, DType
from .creation import as_floating, asarray
from .data_type import finfo, result_type
from .manipulation import broadcast_arrays


def angle(z: Any, deg: bool = False) -> Array:
    """The argument of complex numbers, in radians or degrees.

    Parameters
    ----------
    z : array
        Complex; of real numbers it is 0 or π.
    deg : bool
        In degrees.

    Returns
    -------
    Array
        Real, of the shape of `z`.

    Notes
    -----
    It is atan2(Im z, Re z): dφ = (x dy − y dx) / r². At 0 the derivative is taken as 0, and the second one is NaN.

    References
    ----------
    As ``numpy.angle``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.angle(pb.xp.asarray([1j, -1.0]), deg=True)
    Array([ 90., 180.], dtype=float64, device='cpu')
    >>> pb.grad(pb.xp.angle)(2.0 + 2.0j)
    (-0.25+0.25j)
    """
    z = asarray(z)
    if is_complex(z.dtype):
        out = generated.atan2(generated.imag(z), generated.real(z))
    else:
        z = as_floating(z)
        out = generated.atan2(Array(namespace_of(backend_array(z)).zeros_like(backend_array(z))), z)
    return out * (180.0 / math.pi) if deg else out


def nan_to_num(x: ArrayLike, *, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Array:
    """`x` with NaN and infinities replaced by numbers, those of the real and of the imaginary part.

    Parameters
    ----------
    x
        An array. (NumPy's ``copy=False`` has no counterpart: nothing is written to.)
    nan
        The number that replaces NaN.
    posinf, neginf
        The numbers that replace ±∞; by default the largest and smallest numbers of the dtype.

    Returns
    -------
    Array
        Of the shape and dtype of `x`. The derivative is 0 where it was replaced.

    Notes
    -----
    The pullback is x_bar = ct where x is finite, else 0.

    References
    ----------
    As ``numpy.nan_to_num``.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.grad(lambda x: pb.xp.sum(pb.xp.nan_to_num(x, posinf=1.0) ** 2))(np.asarray([3.0, np.nan, np.inf]))
    array([6., 0., 0.])
    """
    x = asarray(x)
    if not is_inexact(x.dtype):
        return copy(x)
    if is_complex(x.dtype):
        parts = (generated.real(x), generated.imag(x))
        real, imag = (nan_to_num(p, nan=nan, posinf=posinf, neginf=neginf) for p in parts)
        return real + imag * 1j
    limits = finfo(x.dtype)
    x = generated.where(generated.isnan(x), nan, x)
    x = generated.where(x == math.inf, limits.max if posinf is None else posinf, x)
    return generated.where(x == -math.inf, limits.min if neginf is None else neginf, x)


def isclose(
    a: ArrayLike, b: ArrayLike, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Array:
    """Whether ``|a − b| ≤ atol + rtol |b|``, element by element; a constant.

    Parameters
    ----------
    a, b : array or number
        Of a numeric dtype; their shapes broadcast.
    rtol : float
        The tolerance relative to `b`.
    atol : float
        The absolute tolerance.
    equal_nan : bool
        NaN is close to NaN.

    Returns
    -------
    Array
        Boolean. Infinities are close to themselves alone.

    References
    ----------
    As ``numpy.isclose``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.isclose(pb.xp.asarray([1.0, 2.0]), 1.0 + 1e-9)
    Array([ True, False], dtype=bool, device='cpu')
    """
    a, b = Array(backend_array(asarray(a))), Array(backend_array(asarray(b)))
    finite = generated.isfinite(a) & generated.isfinite(b)
    a0, b0 = (
        generated.where(finite, a, a.dtype.type(0).item()),
        generated.where(finite, b, b.dtype.type(0).item()),
    )
    close = generated.where(
        finite, generated.abs(a0 - b0) <= atol + rtol * generated.abs(b0), a == b
    )
    return close | (generated.isnan(a) & generated.isnan(b)) if equal_nan else close


def allclose(
    a: ArrayLike, b: ArrayLike, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether all elements are close in the sense of `isclose`.

    Parameters
    ----------
    a, b : array or number
        Of a numeric dtype; their shapes broadcast.
    rtol : float
        The tolerance relative to `b`.
    atol : float
        The absolute tolerance.
    equal_nan : bool
        NaN is close to NaN.

    Returns
    -------
    bool
        A Python bool: it waits for a GPU, and `pb.compile` refuses it. It carries no derivative.

    References
    ----------
    As ``numpy.allclose``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.allclose(pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([1.0, 2.0 + 1e-9]))
    True
    """
    return bool(generated.all(isclose(a, b, rtol, atol, equal_nan)))


def apply_where(
    cond: Any,
    args: Any,
    f1: Callable[..., Any],
    f2: Callable[..., Any] | None = None,
    /,
    *,
    fill_value: ArrayLike = None,
    kwargs: dict[str, Any] | None = None,
) -> Array:
    """``where(cond, f1(*args), f2(*args))`` with each function evaluated only where it is chosen.

    ``where(x > 0, log(x), 0)`` has the derivative NaN at x ≤ 0, in every library: the unchosen logarithm is
    evaluated too, and its infinite slope is multiplied by the cotangent 0. Here nothing is evaluated where it
    is not chosen. (Within a function of one's own, the same is had by two `where`:
    ``where(x > 0, log(where(x > 0, x, 1)), 0)``.) As in array-api-extra.

    Parameters
    ----------
    cond
        A boolean array.
    args
        An array, or a tuple of arrays, that broadcast with `cond`.
    f1 : callable
        An elementwise function; receives one-dimensional arrays of the chosen elements of `args`.
    f2 : callable, optional
        The same, for where `cond` is false.
    fill_value
        Instead of `f2`: a number or array for where `cond` is false.
    kwargs : dict, optional
        Further keyword arguments of `f1` and `f2`.

    Returns
    -------
    Array
        Of the shape that `cond` and `args` broadcast to.

    Raises
    ------
    TypeError
        If both or neither of `f2` and `fill_value` are given.

    Notes
    -----
    The pullback sends each cotangent through the function that was chosen there; args_bar and fill_value_bar are 0
    elsewhere. How many elements are chosen depends on values: `pb.compile` refuses it, and takes the two `where`.

    References
    ----------
    As ``array_api_extra.apply_where``.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> xp = pb.xp
    >>> x = np.asarray([-1.0, 0.0, 2.0])
    >>> pb.grad(lambda x: xp.sum(xp.apply_where(x > 0, x, xp.log, fill_value=0.0)))(x)
    array([0. , 0. , 0.5])
    """
    if (f2 is None) is (fill_value is None):
        raise TypeError(
            "apply_where: give one of f2 and fill_value: what holds where cond is false"
        )
    args = tuple(args) if isinstance(args, tuple | list) else (args,)
    known = [fill_value] if hasattr(fill_value, "shape") else []
    chosen, *args_and_fill = broadcast_arrays(cond, *args, *known)
    shape = chosen.shape
    flat = [generated.reshape(x, (-1,)) for x in args_and_fill]
    here = generated.reshape(chosen, (-1,)).value
    if type(here) is Batched and here.mapped:
        raise NeedsRows(here.level)  # each row evaluates its own elements

    def values(f: Callable[..., Any], where: Any) -> Any:
        out = f(*(generated.getitem(x, where) for x in flat[: len(args)]), **(kwargs or {}))
        return out if type(out) in SCALARS else asarray(out)

    first = values(f1, here)
    other = values(f2, ~here) if f2 is not None else (flat[-1] if known else fill_value)
    dtype = result_type(first, other)
    if f2 is None and known:
        out = generated.astype(other, dtype, copy=False)
    else:
        backend = backend_of(here)
        out = Array(backend.xp.zeros_like(here, dtype=backend.dtype(dtype)))
        out = generated.setitem(out, _cast(other, dtype), ~here if f2 is not None else ...)
    return generated.reshape(generated.setitem(out, _cast(first, dtype), here), shape)


def _cast(x: ArrayLike, dtype: DType) -> Any:
    return x if type(x) in SCALARS else generated.astype(x, dtype, copy=False)
