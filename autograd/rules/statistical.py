"""Reductions: the cotangent is spread back over what was reduced."""

from __future__ import annotations

import math
from typing import Any

from ..dtypes import as_numpy, is_complex
from ..primitive import defvjp


def kept_shape(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """`shape` with 1 on the reduced axes."""
    if axis is None:
        return (1,) * len(shape)
    axes = {a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))}
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def spread(ct: Any, shape: tuple[int, ...], axis: Any, keepdims: bool, xp: Any) -> Any:
    """ct of a reduction over `axis`, broadcast back to `shape`."""
    if not keepdims and axis is not None and ct.shape != ():
        ct = xp.reshape(ct, kept_shape(shape, axis))
    return xp.broadcast_to(ct, shape)


def reduced(shape: tuple[int, ...], axis: Any) -> int:
    """How many elements each output was made of."""
    kept = kept_shape(shape, axis)
    return math.prod(n for n, k in zip(shape, kept, strict=True) if k == 1)


defvjp("sum", x=lambda ct, x_shape, axis, keepdims, xp: spread(ct, x_shape, axis, keepdims, xp))
defvjp(
    "mean",
    x=lambda ct, x_shape, axis, keepdims, xp: spread(
        ct * (1.0 / max(reduced(x_shape, axis), 1)), x_shape, axis, keepdims, xp
    ),
)


def _extreme(ct: Any, x: Any, out: Any, axis: Any, keepdims: bool, xp: Any) -> Any:
    """ct shared equally among the elements that attain the extreme; nobody attains NaN.

    The ties are counted in 32 bits at least: float16 has no number above 65504.
    """
    if is_complex(x.dtype):
        raise TypeError(
            f"max, min of an array of dtype {x.dtype}: complex numbers have no order; take abs, real or imag first"
        )
    attained = x == spread(out, x.shape, axis, keepdims, xp)
    count = xp.count_nonzero(attained, axis=axis, keepdims=True)
    counting = ct.dtype if as_numpy(ct.dtype).itemsize > 2 else xp.float32
    ties = xp.astype(xp.where(count == 0, 1, count), counting)
    share = spread(ct, kept_shape(x.shape, axis), axis, keepdims, xp) / ties
    return xp.masked(xp.broadcast_to(share, x.shape), attained)


defvjp("max", x=_extreme)
defvjp("min", x=_extreme)

# ── variance ──────────────────────────────────────────────────────────────────────────────────
#
# out = Σ |x − μ|² / d with d = n − correction. Since Σ (x − μ) = 0, the mean's own derivative drops out, and
# x̄ = ct · 2 conj(x − μ) / d. For std = √var, x̄ = ct · conj(x − μ) / (d · out).


def _centred(x: Any, axis: Any, xp: Any) -> Any:
    """conj(x − μ)."""
    out = x - xp.mean(x, axis=axis, keepdims=True)
    return xp.conj(out) if is_complex(x.dtype) else out


def _over_degrees(ct: Any, shape: tuple[int, ...], axis: Any, correction: float) -> Any:
    """ct / (n − correction); NaN where that is not positive, as the variance is."""
    degrees = reduced(shape, axis) - correction
    return ct * (1.0 / degrees if degrees > 0 else math.nan)


def _var(ct: Any, x: Any, axis: Any, correction: float, keepdims: bool, xp: Any) -> Any:
    """ct · 2 (x − μ) / (n − correction)."""
    ct = _over_degrees(2 * ct, x.shape, axis, correction)
    return spread(ct, x.shape, axis, keepdims, xp) * _centred(x, axis, xp)


def _std(ct: Any, x: Any, out: Any, axis: Any, correction: float, keepdims: bool, xp: Any) -> Any:
    """ct · (x − μ) / ((n − correction) out); 0 where all x are the same.

    There, rounding of μ may leave x − μ and out at 1e-17, both of them, instead of 0; centring twice makes
    the quotient 0 all the same.
    """
    ct = _over_degrees(ct / xp.where(out == 0, xp.inf, out), x.shape, axis, correction)
    centred = _centred(x, axis, xp)
    centred = centred - xp.mean(centred, axis=axis, keepdims=True)
    return spread(ct, x.shape, axis, keepdims, xp) * centred


defvjp("var", x=_var)
defvjp("std", x=_std)

# ── products ──────────────────────────────────────────────────────────────────────────────────
#
# The derivative of a product by one factor is the product of the others, not out/x, which fails at zeros.


def _before(x: Any, axis: int, xp: Any) -> Any:
    """The products of the elements before each one along an axis."""
    products = xp.cumulative_prod(x, axis=axis, include_initial=True)
    return xp.getitem(products, along(axis, slice(0, -1)))


def along(axis: int, part: Any) -> tuple[Any, ...]:
    """The key of a part of one axis, counted from the front."""
    return (*(slice(None),) * axis, part, ...)


def _prod(ct: Any, x: Any, axis: Any, keepdims: bool, xp: Any) -> Any:
    """ct · (the product of the elements before) · (of those after), which is right at zeros to any order."""
    shape = x.shape
    reduced_axes = [i for i, n in enumerate(kept_shape(shape, axis)) if n == 1]
    kept_axes = [i for i in range(len(shape)) if i not in reduced_axes]
    order = (*kept_axes, *reduced_axes)
    ordered = xp.permute_dims(xp.astype(x, ct.dtype, copy=False), order)
    last = len(kept_axes)
    lines = xp.reshape(ordered, (*ordered.shape[:last], math.prod(shape[i] for i in reduced_axes)))
    after = xp.flip(_before(xp.flip(lines, axis=last), last, xp), axis=last)
    others = xp.reshape(_before(lines, last, xp) * after, ordered.shape)
    back = tuple(order.index(i) for i in range(len(shape)))
    return spread(ct, shape, axis, keepdims, xp) * xp.permute_dims(others, back)


defvjp("prod", x=_prod)


def _without_initial(ct: Any, axis: int, include_initial: bool, xp: Any) -> Any:
    """The cotangent of what follows the initial 0 or 1."""
    return xp.getitem(ct, along(axis, slice(1, None))) if include_initial else ct


def _cumulative_sum(ct: Any, axis: Any, include_initial: bool, xp: Any) -> Any:
    """The sums of ct from each place to the end."""
    axis = (axis or 0) % ct.ndim
    ct = _without_initial(ct, axis, include_initial, xp)
    return xp.flip(xp.cumulative_sum(xp.flip(ct, axis=axis), axis=axis), axis=axis)


defvjp("cumulative_sum", x=_cumulative_sum)


def _cumulative_prod(ct: Any, x: Any, axis: Any, include_initial: bool, xp: Any) -> Any:
    """(Π_{j<k} x_j) · s_k with s_k = Σ_{i≥k} ct_i Π_{k<j≤i} x_j = ct_k + x_{k+1} s_{k+1}; no division."""
    axis = (axis or 0) % ct.ndim
    ct = _without_initial(ct, axis, include_initial, xp)
    x = xp.reshape(xp.astype(x, ct.dtype, copy=False), ct.shape)  # NumPy takes 0-d, and returns 1-d
    return _before(x, axis, xp) * _recurrence(x, ct, axis, xp)


def _recurrence(x: Any, terms: Any, axis: int, xp: Any) -> Any:
    """s with s_k = terms_k + x_{k+1} s_{k+1}, in log₂ n rounds.

    Each round doubles the reach m of s_k = b_k + a_k s_{k+m}: put in for s_{k+m}, the same says that
    s_k = (b_k + a_k b_{k+m}) + a_k a_{k+m} s_{k+2m} (Hillis and Steele, Data parallel algorithms, 1986).
    """

    def part(y: Any, start: int, stop: int) -> Any:
        return xp.getitem(y, along(axis, slice(start, stop)))

    n, reach = terms.shape[axis], 1
    factors = part(x, 1, n) if n > 1 else x
    while reach < n:
        rest = n - reach
        head = part(terms, 0, rest) + factors * part(terms, reach, n)
        terms = xp.concat([head, part(terms, rest, n)], axis=axis)
        if rest > reach:
            factors = part(factors, 0, rest - reach) * part(factors, reach, rest)
        reach *= 2
    return terms


defvjp("cumulative_prod", x=_cumulative_prod)
