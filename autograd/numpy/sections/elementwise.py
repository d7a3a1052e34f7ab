"""Elementwise functions of NumPy's that are no ufuncs: `clip`, `round`, `real`, `angle`, `nan_to_num` and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.array import Array
from ...core.dtypes import is_complex, is_inexact
from ...core.generated import xp as generated
from ...functions import elementwise, special
from ...functions.creation import as_floating
from ..arguments import as_array, refuse_out
from ..conversions import cast, library_of, operand, viewed

__all__ = [
    "angle", "around", "clip", "fix", "i0", "imag", "isneginf", "isposinf", "nan_to_num", "real", "real_if_close",
    "round", "sinc",
]  # fmt: skip

_NO_VALUE: Any = np._NoValue


def real(val: Any) -> Array:
    """The real part: a view, also of a real array, whose real part is itself.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.real([1 + 2j, 3.0])
    Array([1., 3.], dtype=float64, device='cpu')
    """
    return generated.real(viewed(val))


def imag(val: Any) -> Array:
    """The imaginary part: a view; zeros of a real array."""
    return generated.imag(viewed(val))


def angle(z: Any, deg: bool = False) -> Array:
    """The argument of complex numbers, in radians or degrees; its derivative at 0 is 0."""
    return elementwise.angle(as_array(z), deg)


def real_if_close(a: Any, tol: float = 100) -> Array:
    """The real part, if all imaginary parts are within `tol` times the precision of 0 (which is read)."""
    x = as_array(a)
    if not is_complex(x.dtype):
        return x
    limit = tol * np.finfo(x.dtype).eps if tol > 1 else tol
    small = generated.all(generated.abs(generated.imag(x)) < limit)
    return generated.real(x) if bool(small) else x


def clip(
    a: Any,
    a_min: Any = _NO_VALUE,
    a_max: Any = _NO_VALUE,
    out: Any = None,
    *,
    min: Any = _NO_VALUE,
    max: Any = _NO_VALUE,
    **kwargs: Any,
) -> Array:
    """The elements of `a`, brought between two bounds; at a bound the slope in `a` is 1.

    Parameters
    ----------
    a
        An array.
    a_min, a_max, min, max
        The bounds, under either name: numbers or arrays, differentiable; None for no bound.
    out
        Refused.
    **kwargs
        Settings of ufuncs: `where` keeps elements as they are, `dtype` is that of the result.

    Returns
    -------
    Array

    Examples
    --------
    >>> import numpy, pullback as pb
    >>> pb.grad(lambda x: pb.numpy.clip(x, -1.0, 1.0).sum())(numpy.array([-2.0, 0.5, 2.0]))
    array([0., 1., 0.])
    """
    refuse_out("clip", out)
    given = [x is not _NO_VALUE for x in (a_min, a_max, min, max)]
    if (given[0] or given[1]) and (given[2] or given[3]):
        raise ValueError(
            "Passing `min` or `max` keyword argument when `a_min` and `a_max` are provided is forbidden."
        )
    if given[0] != given[1]:
        raise TypeError(
            f"clip() missing 1 required positional argument: 'a_{'max' if given[0] else 'min'}'"
        )
    low, high = (a_min, a_max) if given[0] else (min, max)
    low, high = (None if x is _NO_VALUE else x for x in (low, high))
    where, dtype = kwargs.pop("where", True), kwargs.pop("dtype", None)
    kwargs = {k: v for k, v in kwargs.items() if k not in ("casting", "order", "subok")}
    if kwargs:
        raise TypeError(f"clip: unknown settings {', '.join(kwargs)}")
    home = library_of(a, low, high)
    x = as_array(a)
    bounds = [operand(b, home) for b in (low, high)]
    kinds = [b.dtype if type(b) is Array else b for b in bounds if b is not None]
    wanted = np.result_type(x.dtype, *kinds) if dtype is None else np.dtype(dtype)
    y = cast(x, wanted)
    low, high = (cast(b, wanted) if type(b) is Array else b for b in bounds)
    # a number is clipped as numbers are compared: -1 below an unsigned dtype, too
    shape = np.broadcast_shapes(x.shape, *(b.shape for b in (low, high) if type(b) is Array))
    if shape != y.shape:
        y = generated.broadcast_to(y, shape)
    if low is not None or high is not None:
        y = generated.clip(y, min=low, max=high)
    if where is True:
        return y if y is not x else +y
    return generated.where(operand(where, home), y, cast(x, wanted))


def round(a: Any, decimals: int = 0, out: Any = None) -> Array:
    """The elements rounded to a number of decimals, halves to the even neighbour; the derivative is 0.

    A negative number of decimals rounds before the point.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.round([1.26, -0.75], 1)
    Array([ 1.3, -0.8], dtype=float64, device='cpu')
    """
    refuse_out("round", out)
    x = as_array(a)
    if x.dtype.kind == "b":
        return cast(x, np.float16)
    if not is_inexact(x.dtype):
        if decimals >= 0:
            return +x
        unit = 10 ** -int(decimals)
        return cast(generated.round(x / unit), x.dtype) * unit
    if not decimals:
        return generated.round(x)
    unit = 10.0 ** abs(int(decimals))
    return generated.round(x * unit) / unit if decimals > 0 else generated.round(x / unit) * unit


def around(a: Any, decimals: int = 0, out: Any = None) -> Array:
    """`round` under its old name."""
    return round(a, decimals, out)


def fix(x: Any, out: Any = None) -> Array:
    """The elements rounded towards 0; the derivative is 0."""
    refuse_out("fix", out)
    return generated.trunc(as_array(x))


def i0(x: Any) -> Array:
    """The modified Bessel function of the first kind of order 0.

    Raises
    ------
    TypeError
        Of complex numbers.
    """
    y = as_floating(x if type(x) is Array else as_array(x))
    if is_complex(y.dtype):
        raise TypeError("i0 not supported for complex values")
    return cast(special.i0(y), y.dtype)  # of float16 SciPy's is in float32 or float64


def sinc(x: Any) -> Array:
    """``sin(π x) / (π x)``, 1 at 0."""
    return generated.sinc(as_floating(as_array(x)))


def isposinf(x: Any, out: Any = None) -> Array:
    """Whether each element is +∞; a constant."""
    return _is_infinity(x, out, "isposinf")


def isneginf(x: Any, out: Any = None) -> Array:
    """Whether each element is −∞; a constant."""
    return _is_infinity(x, out, "isneginf")


def _is_infinity(x: Any, out: Any, name: str) -> Array:
    refuse_out(name, out)
    y = as_array(x)
    if is_complex(y.dtype):
        raise TypeError(
            f"This operation is not supported for {y.dtype} values because it would be ambiguous."
        )
    if not is_inexact(y.dtype):
        return generated.not_equal(y, y)
    return generated.isinf(y) & (y < 0 if name == "isneginf" else y > 0)


def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Array:
    """`x` with NaN and infinities replaced by numbers, where the derivative is 0.

    With ``copy=False``, `x` itself is written to, if it is a pullback array.

    Raises
    ------
    TypeError
        For ``copy=False`` of any other array.

    Examples
    --------
    >>> import numpy, pullback as pb
    >>> pb.grad(lambda x: pb.numpy.nan_to_num(x, posinf=1.0).sum())(numpy.array([3.0, numpy.nan, numpy.inf]))
    array([1., 0., 0.])
    """
    y = elementwise.nan_to_num(as_array(x), nan=nan, posinf=posinf, neginf=neginf)
    if copy:
        return y
    if type(x) is not Array:
        raise TypeError(
            "nan_to_num(copy=False): only a pullback array is written to; use x = nan_to_num(x)"
        )
    x[...] = y
    return x
