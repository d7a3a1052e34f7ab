"""Norms and standard deviations of numbers whose squares over- or underflow: scaled by a power of two first.

`bind(base)` gives the functions in the standard, which scale always, since to look whether it is needed would be to
wait for a device. NumPy's own (`bind_numpy`) compute plainly, and scale where the result says that a square was lost.
A power of two changes no digit.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ..common.typing import XP, DType


def unit(xp: XP, x: Any, axis: Any, *, least: bool = False) -> Any:
    """The power of two below the largest (`least`: smallest) |x| along axes, kept; 1 where that is 0, ∞ or NaN."""
    size = xp.abs(x)
    top = (xp.min if least else xp.max)(size, axis=axis, keepdims=True)
    usable = xp.isfinite(top) & (top > 0)
    limits = xp.finfo(x.dtype)
    exponent = xp.floor(xp.log2(xp.where(usable, top, xp.ones_like(top))))
    lowest = _exponent(limits.smallest_normal)
    highest = _exponent(limits.max)
    exponent = xp.where(exponent < lowest, lowest, xp.where(exponent > highest, highest, exponent))
    two = xp.ones_like(exponent) + 1
    return xp.where(usable, two**exponent, xp.ones_like(top))


def _exponent(x: Any) -> int:
    """The integer e of ``2**e <= x < 2**(e + 1)``; of NumPy's longdouble too, whose ends are no Python floats."""
    return int(np.frexp(x)[1]) - 1


def _scales(x: Any, ord: Any) -> bool:
    """Whether a norm of this order is made of powers that may be lost.

    Raises
    ------
    ValueError
        For the order of a matrix norm that has a name.
    """
    if isinstance(ord, str):
        raise ValueError(
            f"vector_norm: ord={ord!r} is an order of matrix_norm; vectors have numbers, such as 1, 2 and inf"
        )
    return not (ord in (0, 1) or math.isinf(ord)) and 0 not in x.shape


def _without(xp: XP, scale: Any, axis: Any, keepdims: bool) -> Any:
    """`scale`, with the axes of length 1 that were kept taken off."""
    if keepdims:
        return scale
    return xp.squeeze(scale, axis=tuple(range(scale.ndim)) if axis is None else axis)


def vector_norm(
    xp: XP, x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2
) -> Any:
    """The standard's, at all sizes of numbers."""
    plain = xp.linalg.vector_norm
    if not _scales(x, ord):
        return plain(x, axis=axis, keepdims=keepdims, ord=ord)
    scale = unit(xp, x, axis, least=ord < 0)
    out = plain(x / scale, axis=axis, keepdims=keepdims, ord=ord)
    return out * _without(xp, scale, axis, keepdims)


def matrix_norm(xp: XP, x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """The standard's; Frobenius' norm is that of a vector."""
    if ord == "fro":
        return vector_norm(xp, x, axis=(-2, -1), keepdims=keepdims)
    return xp.linalg.matrix_norm(x, keepdims=keepdims, ord=ord)


def std(
    xp: XP, x: Any, /, *, axis: Any = None, correction: Any = 0.0, keepdims: bool = False
) -> Any:
    """The standard's, at all sizes of numbers."""
    if 0 in x.shape:
        return xp.std(x, axis=axis, correction=correction, keepdims=keepdims)
    scale = unit(xp, x, axis)
    out = xp.std(x / scale, axis=axis, correction=correction, keepdims=keepdims)
    return out * _without(xp, scale, axis, keepdims)


def bind(base: Any) -> dict[str, Callable[..., Any]]:
    """The three functions on arrays of the library whose namespace, which has `linalg`, is `base`."""
    return {f.__name__: functools.partial(f, base) for f in (vector_norm, matrix_norm, std)}


# ── NumPy ─────────────────────────────────────────────────────────────────────────────────────

_BOUNDS: dict[tuple[str, Any], tuple[float, float]] = {}


def _bounds(dtype: DType, ord: Any) -> tuple[float, float]:
    """Between which results no power that matters was lost."""
    found = _BOUNDS.get((dtype.char, ord))
    if found is None:
        limits = np.finfo(dtype)
        low = float(limits.smallest_normal / limits.eps) ** (1 / ord)
        found = _BOUNDS[dtype.char, ord] = (
            low,
            min(float(limits.max), sys.float_info.max) ** (1 / ord),
        )
    return found


def _all_within(out: Any, low: float, high: float) -> bool:
    """Whether all results are NaN or between two numbers."""
    if out.ndim == 0:
        return bool(low < out < high or out != out)
    if not out.size:
        return True
    with np.errstate(invalid="ignore"):
        return bool(low < out.min() and out.max() < high) or bool(
            np.all(((out > low) & (out < high)) | np.isnan(out))
        )


def bind_numpy(base: Any) -> dict[str, Callable[..., Any]]:
    """The three functions on NumPy's arrays, `base` being array_api_compat's namespace."""
    plain = base.linalg.vector_norm
    safe_norm, safe_std = (functools.partial(f, base) for f in (vector_norm, std))

    def numpy_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
        """Plainly, and again where a square was lost."""
        if not _scales(x, ord) or x.dtype.kind not in "fc":
            return plain(x, axis=axis, keepdims=keepdims, ord=ord)
        if ord >= 1:
            with np.errstate(over="ignore", under="ignore"):
                out = plain(x, axis=axis, keepdims=keepdims, ord=ord)
            if _all_within(out, *_bounds(x.dtype, ord)):
                return out
        return safe_norm(x, axis=axis, keepdims=keepdims, ord=ord)

    def numpy_matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
        """Frobenius' norm as that of a vector."""
        if ord == "fro":
            return numpy_norm(x, axis=(-2, -1), keepdims=keepdims)
        return base.linalg.matrix_norm(x, keepdims=keepdims, ord=ord)

    def numpy_std(
        x: Any, /, *, axis: Any = None, correction: Any = 0.0, keepdims: bool = False
    ) -> Any:
        """Plainly, and again where a square was lost."""
        with np.errstate(over="ignore", under="ignore"):
            out = base.std(x, axis=axis, correction=correction, keepdims=keepdims)
        if x.dtype.kind not in "fc" or not x.size or _all_within(out, *_bounds(x.dtype, 2)):
            return out
        return safe_std(x, axis=axis, correction=correction, keepdims=keepdims)

    return {"vector_norm": numpy_norm, "matrix_norm": numpy_matrix_norm, "std": numpy_std}
