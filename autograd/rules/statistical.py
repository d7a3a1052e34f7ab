"""Statistical functions: the cotangent is spread back over the reduced axes."""

from __future__ import annotations

import math
import operator
from typing import Any

from ..core.array import Array
from ..core.cotangents import as_constant
from ..core.defvjp import library_defvjp as defvjp
from ..core.dtypes import is_complex
from ..core.namespaces import namespace_of
from ..core.typing import XP, Cotangent, Value


def kept_shape(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """`shape` with 1 on the reduced axes."""
    if axis is None:
        return (1,) * len(shape)
    # an axis may be a number that `compile` traces
    axes = {operator.index(a) % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))}
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def spread(ct: Cotangent, shape: tuple[int, ...], axis: Any, keepdims: bool, xp: XP) -> Value:
    """ct of a reduction over `axis`, broadcast back to `shape`."""
    if not keepdims and axis is not None and ct.shape != ():
        ct = xp.reshape(ct, kept_shape(shape, axis))
    return xp.broadcast_to(ct, shape)


def reduced(shape: tuple[int, ...], axis: Any) -> Any:
    """The number of elements that each output was made of; a lazy array where lengths are unknown."""
    kept = kept_shape(shape, axis)
    count = math.prod(n for n, k in zip(shape, kept, strict=True) if k == 1)
    return count if count == count else count_of(shape, axis)


def count_of(shape: Any, axis: Any) -> Any:
    """The number of elements along axes of unknown lengths, by the blocks of the array that has them.

    Raises
    ------
    ValueError
        If the shape does not know its array.
    """
    if getattr(shape, "like", None) is None:
        raise ValueError(
            f"the gradient needs the lengths of an array of shape {tuple(shape)}; x.compute_chunk_sizes() finds them"
        )
    return shape.number_along(axis)


def over(ct: Cotangent, count: Any) -> Any:
    """``ct / count``; by the reciprocal, where that is a number."""
    if isinstance(count, int):
        return ct * (1.0 / max(count, 1))
    count = namespace_of(count).astype(count, ct.dtype)
    return ct / (as_constant(count) if type(ct) is Array else count)


defvjp("sum", x=lambda ct, x_shape, axis, keepdims, xp: spread(ct, x_shape, axis, keepdims, xp))
defvjp(
    "mean",
    x=lambda ct, x_shape, axis, keepdims, xp: spread(
        over(ct, reduced(x_shape, axis)), x_shape, axis, keepdims, xp
    ),
)


def _extreme(ct: Cotangent, x: Value, out: Value, axis: Any, keepdims: bool, xp: XP) -> Value:
    """ct shared equally among the elements that attain the extreme; nobody attains NaN."""
    if is_complex(x.dtype):
        raise TypeError(
            f"max, min of an array of dtype {x.dtype}: complex numbers have no order; take abs, real or imag first"
        )
    kept = kept_shape(x.shape, axis)
    top, share = (spread(y, kept, axis, keepdims, xp) for y in (out, ct))
    return xp.extreme_share(share, x, top, axis)


defvjp("max", x=_extreme)
defvjp("min", x=_extreme)

# ── variance ──────────────────────────────────────────────────────────────────────────────────
#
# out = Σ |x − μ|² / d with d = n − correction. Since Σ (x − μ) = 0, the mean's own derivative drops out, and
# x̄ = ct · 2 conj(x − μ) / d. For std = √var, x̄ = ct · conj(x − μ) / (d · out), a length: the second derivative does not
# exist where it is 0.


def _centred(x: Value, axis: Any, xp: XP) -> Value:
    """conj(x − μ)."""
    out = x - xp.mean(x, axis=axis, keepdims=True)
    return xp.conj(out) if is_complex(x.dtype) else out


def _over_degrees(ct: Cotangent, shape: tuple[int, ...], axis: Any, correction: float) -> Any:
    """ct / (n − correction); NaN where that is not positive, as the variance is."""
    degrees = reduced(shape, axis) - correction
    if not isinstance(degrees, int | float):
        return over(ct, degrees)
    return ct * (1.0 / degrees if degrees > 0 else math.nan)


def _var(ct: Cotangent, x: Value, axis: Any, correction: float, keepdims: bool, xp: XP) -> Value:
    """ct · 2 (x − μ) / (n − correction)."""
    ct = _over_degrees(2 * ct, x.shape, axis, correction)
    return spread(ct, x.shape, axis, keepdims, xp) * _centred(x, axis, xp)


def _std(
    ct: Cotangent, x: Value, out: Value, axis: Any, correction: float, keepdims: bool, xp: XP
) -> Value:
    """ct · (x − μ) / ((n − correction) out); 0 where all x are the same.

    There, rounding of μ may leave x − μ and out at 1e-17, both of them, instead of 0; centring twice makes
    the quotient 0 all the same, and its derivative is that of 0. No product of the cotangent and 1 / out, which may be
    infinite.
    """
    ct = _over_degrees(ct, x.shape, axis, correction)
    ct, size = (spread(y, x.shape, axis, keepdims, xp) for y in (ct, out))
    count = reduced(x.shape, axis)
    if not isinstance(count, int) or count > 1:
        ct = xp.varied(ct, x, axis=axis)
    centred = _centred(x, axis, xp)
    centred = centred - xp.mean(centred, axis=axis, keepdims=True)
    return ct * (centred / xp.where(size == 0, math.inf, size))


def _varied(ct: Cotangent, x2: Value, axis: Any, xp: XP) -> Value:
    """NaN where all x are the same, which rounding of their mean does not hide."""
    same = xp.max(x2, axis=axis, keepdims=True) == xp.min(x2, axis=axis, keepdims=True)
    return xp.where(same, math.nan, xp.zeros_like(ct))


defvjp("varied", x1=lambda ct: ct, x2=_varied)
defvjp("var", x=_var)
defvjp("std", x=_std)

# ── products ──────────────────────────────────────────────────────────────────────────────────
#
# The derivative of a product by one factor is the product of the others, not out/x, which fails at zeros.


def along(axis: int, part: Any) -> tuple[Any, ...]:
    """The key of a part of one axis, counted from the front."""
    return (*(slice(None),) * axis, part, ...)


def _prod(ct: Cotangent, x: Value, out: Value, axis: Any, keepdims: bool, xp: XP) -> Value:
    """ct · (the product of the elements before) · (of those after), which is right at zeros to any order."""
    kept = kept_shape(x.shape, axis)
    ct, out = (spread(y, kept, axis, keepdims, xp) for y in (ct, out))
    return xp.prod_vjp(ct, xp.astype(x, ct.dtype, copy=False), out, axis)


defvjp("prod", x=_prod)


def _without_initial(ct: Cotangent, axis: int, include_initial: bool, xp: XP) -> Value:
    """The cotangent of what follows the initial 0 or 1."""
    return xp.getitem(ct, along(axis, slice(1, None))) if include_initial else ct


def _cumulative_sum(ct: Cotangent, axis: Any, include_initial: bool, xp: XP) -> Value:
    """The sums of ct from each index to the end."""
    axis = (axis or 0) % ct.ndim
    ct = _without_initial(ct, axis, include_initial, xp)
    return xp.flip(xp.cumulative_sum(xp.flip(ct, axis=axis), axis=axis), axis=axis)


defvjp("cumulative_sum", x=_cumulative_sum)


def _cumulative_prod(
    ct: Cotangent, x: Value, out: Value, axis: Any, include_initial: bool, xp: XP
) -> Value:
    """(Π_{j<k} x_j) · s_k with s_k = Σ_{i≥k} ct_i Π_{k<j≤i} x_j = ct_k + x_{k+1} s_{k+1}; no division by a zero."""
    axis = (axis or 0) % ct.ndim
    ct, out = (_without_initial(y, axis, include_initial, xp) for y in (ct, out))
    x = xp.reshape(xp.astype(x, ct.dtype, copy=False), ct.shape)  # NumPy takes 0-d, and returns 1-d
    return xp.cumulative_prod_vjp(ct, x, out, axis)


defvjp("cumulative_prod", x=_cumulative_prod)
