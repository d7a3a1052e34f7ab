"""Convolutions, differences, integrals and values taken apart: `convolve`, `gradient`, `unwrap`, `clip` and their kin.

Windows (`hanning` and others) are in `windows.py`.
"""

from __future__ import annotations

import math
from copy import copy as copied
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.defvjp import function_of
from ...core.dtypes import is_complex, is_inexact
from ...core.registry import find
from ...functions import namespace as xp
from ...functions.creation import as_floating
from ..arguments import as_array, refuse_out
from ..operands import NO_VALUE, arrays, axes_of, beside, constant, operands
from . import differences, windows
from .differences import *  # noqa: F403 - the names of the other files of this section
from .products import of_one_dtype
from .windows import *  # noqa: F403

__all__ = [
    "angle",
    "around",
    "clip",
    "convolve",
    "correlate",
    "fix",
    "i0",
    "imag",
    "interp",
    "nan_to_num",
    "real",
    "real_if_close",
    "round",
    "sinc",
    "trapezoid",
    "unwrap",
    *differences.__all__,
    *windows.__all__,
]

# ── convolutions ────────────────────────────────────────────────────────────────────────────────


def convolve(a: Any, v: Any, mode: str = "full") -> Array:
    """The convolution of two vectors, ``Σ_j a_j v_{k−j}``; its pullbacks are convolutions with the other one reversed.

    Parameters
    ----------
    a, v
        Vectors (n,) and (m,), not empty; real or complex.
    mode : {"full", "same", "valid"}
        All n + m − 1 elements; the max(n, m) in the middle; or the max(n, m) − min(n, m) + 1 where both overlap
        completely.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> v = np.asarray([1.0, 10.0])
    >>> pb.grad(lambda a: np.sum(np.convolve(a, v, "valid")))(np.asarray([1.0, 2.0, 3.0]))
    Array([10., 11.,  1.], dtype=float64, device='cpu')
    """
    a, v = _vectors("convolve", a, v)
    return _middle(function_of(find("convolve"))(a, v), a.size, v.size, mode, "convolve", False)


def correlate(a: Any, v: Any, mode: str = "valid") -> Array:
    """The cross-correlation of two vectors, ``Σ_j a_{j+k} conj(v_j)``; the modes are those of `convolve`."""
    a, v = _vectors("correlate", a, v)
    turned = xp.flip(xp.conj(v) if is_complex(v.dtype) else v)
    full = function_of(find("convolve"))(a, turned)
    return _middle(full, a.size, v.size, mode, "correlate", a.size < v.size)


def _vectors(name: str, a: Any, v: Any) -> tuple[Array, ...]:
    a, v = of_one_dtype(a, v)
    a, v = (xp.reshape(x, (1,)) if not x.ndim else x for x in (a, v))
    if a.ndim != 1 or v.ndim != 1:
        raise ValueError(f"{name}: two vectors are needed, not shapes {a.shape} and {v.shape}")
    if not (a.size and v.size):
        raise ValueError(f"{name}: {'v' if a.size else 'a'} cannot be empty")
    return a, v


def _middle(full: Array, n: int, m: int, mode: Any, name: str, late: bool) -> Array:
    """The part of a full convolution that a mode is; `late` rounds the middle up."""
    mode = {0: "valid", 1: "same", 2: "full"}.get(mode, mode)
    short, long = min(n, m), max(n, m)
    if mode == "full":
        return full
    if mode == "same":
        first = short // 2 if late else (short - 1) // 2
        return full[first : first + long]
    if mode == "valid":
        return full[short - 1 : long]
    raise ValueError(f'{name}(mode={mode!r}) has to be "full", "same" or "valid"')


# ── phases, interpolation, integrals ────────────────────────────────────────────────────────────


def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Array:
    """Angles without jumps: multiples of the period, which are constants, added so that neighbours are close.

    Parameters
    ----------
    p
        An array of angles, or of what else is periodic.
    discont : number, optional
        The least jump that is taken away; at least, and by default, half a period.
    axis : int
        The axis along which neighbours are compared.
    period
        The period; differentiable.
    """
    p = as_array(p)
    axis = axes_of(axis, p.ndim)[0]
    fixed, width = constant(p), float(constant(period)) if hasattr(period, "shape") else period
    step = xp.diff(fixed, axis=axis)
    discont = width / 2 if discont is None else discont
    whole = not is_inexact(p.dtype) and isinstance(width, int)
    high, ambiguous = (width // 2, width % 2 == 0) if whole else (width / 2, True)
    near = xp.remainder(step + high, width) - high
    if ambiguous:
        near = xp.where((near == -high) & (step > 0), high, near)
    change = xp.where(xp.abs(step) < discont, 0, near - step)
    turns = xp.cumulative_sum(change, axis=axis)
    if hasattr(period, "shape"):
        turns = xp.round(turns / width) * period
    before = (slice(None),) * axis
    first = xp.astype(p[(*before, slice(0, 1), ...)], turns.dtype, copy=False)
    return xp.concat([first, p[(*before, slice(1, None), ...)] + turns], axis=axis)


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Array:
    """Linear interpolation between points, differentiable in all of them: `pb.xp.interp` with lists and numbers, too."""
    home = next((v for v in (x, xp, fp) if type(v) is Array), as_array(xp))
    x, xp, fp = (beside(v, home) for v in (x, xp, fp))
    return _of_xp("interp")(x, xp, fp, left, right, period)


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Array:
    """The integral along an axis by the trapezoidal rule, differentiable in `y`, `x` and `dx`."""
    if x is None:
        return xp.trapezoid(as_floating(as_array(y)), None, dx, axis)
    y, x = arrays(y, x)
    return xp.trapezoid(as_floating(y), as_floating(x), dx, axis)


def _of_xp(name: str) -> Any:
    return getattr(xp, name)


def sinc(x: Any) -> Array:
    """``sin(π x) / (π x)``, and 1 at 0; differentiable at any order there."""
    return xp.sinc(as_floating(as_array(x)))


def i0(x: Any) -> Array:
    """The modified Bessel function of the first kind, of order 0."""
    x = as_floating(as_array(x))
    if is_complex(x.dtype):
        raise TypeError("i0 not supported for complex values")
    return xp.special.i0(x)


# ── values taken apart ──────────────────────────────────────────────────────────────────────────


def angle(z: Any, deg: bool = False) -> Array:
    """The argument of complex numbers, in radians or degrees; its derivative is 0 at 0."""
    return xp.angle(as_array(z), deg)


def real(val: Any) -> Array:
    """The real part; a real array itself."""
    x = as_array(val)
    return xp.real(x) if is_complex(x.dtype) else x


def imag(val: Any) -> Array:
    """The imaginary part; zeros for a real array."""
    x = as_array(val)
    return xp.imag(x) if is_complex(x.dtype) else xp.zeros_like(x)


def real_if_close(a: Any, tol: float = 100) -> Array:
    """The real part of complex numbers if all imaginary parts are below `tol` (times ε, if it is above 1).

    Raises
    ------
    TypeError
        In a compiled program, whose dtypes cannot depend on values.
    """
    x = as_array(a)
    if not is_complex(x.dtype):
        return x
    if backend_of(backend_array(x)).recording:
        raise TypeError("real_if_close in a compiled function: its dtype depends on values; use real(x)")
    bound = tol * xp.finfo(x.dtype).eps if tol > 1 else tol
    return xp.real(x) if bool(xp.all(xp.abs(xp.imag(constant(x))) < bound)) else x


def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Array:
    """NaN and infinities replaced by numbers, by the largest of the dtype by default; there the derivative is 0.

    ``copy=False`` writes to `x` if it is a pullback array, as NumPy writes to its own.
    """
    given = as_array(x)
    out = xp.nan_to_num(given, nan=nan, posinf=posinf, neginf=neginf)
    if copy or type(x) is not Array:
        return out
    x[...] = out
    return x


def clip(
    a: Any,
    a_min: Any = NO_VALUE,
    a_max: Any = NO_VALUE,
    out: Any = None,
    *,
    min: Any = NO_VALUE,
    max: Any = NO_VALUE,
    **kwargs: Any,
) -> Array:
    """The elements, at least `a_min` and at most `a_max`, which may be arrays, numbers or None; differentiable in all.

    The cotangent goes to the element where it is within the bounds or at one, and to the bound elsewhere. The bounds
    are also called `min` and `max`; of NumPy's further settings `dtype`, `casting` and `where` are taken.
    """
    refuse_out("clip", out)
    low, high = (given if other is NO_VALUE else other for given, other in ((a_min, min), (a_max, max)))
    if (a_min is not NO_VALUE or a_max is not NO_VALUE) and (min is not NO_VALUE or max is not NO_VALUE):
        raise ValueError("clip: give a_min and a_max, or min and max")
    low, high = (None if bound is NO_VALUE else bound for bound in (low, high))
    x, *bounds = operands(as_array(a), *(b for b in (low, high) if b is not None))
    shape = np.broadcast_shapes(x.shape, *(b.shape for b in bounds if hasattr(b, "shape")))
    dtype = kwargs.pop("dtype", None) or xp.result_type(x, *bounds)
    if not np.can_cast(x.dtype, dtype, kwargs.pop("casting", "same_kind")):
        raise TypeError(f"clip: {x.dtype} cannot be cast to {dtype}")
    where = kwargs.pop("where", True)
    if kwargs:
        raise TypeError(f"clip() got an unexpected keyword argument {next(iter(kwargs))!r}")
    x = xp.astype(x, dtype, copy=False)
    x = x if x.shape == shape else xp.broadcast_to(x, shape)
    given = iter(bounds)
    clipped = xp.clip(x, *(None if b is None else _bound(next(given), x.dtype) for b in (low, high)))
    if where is True:
        return clipped
    return xp.where(constant(beside(where, x)), clipped, 0)


def _bound(bound: Any, dtype: np.dtype) -> Any:
    return xp.astype(bound, dtype, copy=False) if type(bound) is Array else bound


def round(a: Any, decimals: int = 0, out: Any = None) -> Array:
    """The nearest numbers with so many decimals, the even one of two; the derivative is 0."""
    refuse_out("round", out)
    x = as_array(a)
    if not is_inexact(x.dtype):
        if decimals >= 0:
            return copied(x)
        return xp.astype(round(x * 1.0, decimals), x.dtype)
    if decimals == 0:
        return xp.round(x)
    factor = 10.0 ** abs(decimals)
    return xp.round(x * factor) / factor if decimals > 0 else xp.round(x / factor) * factor


def around(a: Any, decimals: int = 0, out: Any = None) -> Array:
    """`round` by its other name."""
    return round(a, decimals, out)


def fix(x: Any, out: Any = None) -> Array:
    """The nearest integers towards 0; the derivative is 0."""
    refuse_out("fix", out)
    x = as_array(x)
    return xp.trunc(x) if is_inexact(x.dtype) else x
