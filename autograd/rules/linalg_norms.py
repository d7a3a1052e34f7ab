"""Norms of vectors and matrices, of the extension `linalg`.

The first derivative is one of the subgradients where a norm has a kink, and 0 at zero. The second derivative of a
norm at zero does not exist, and is NaN. So are those of the other lengths (`kink`, in `elementwise.py`): of a complex
element that is 0, of a sum of powers below 2, of singular values that are equal or 0. A real |x| keeps 0 at its kink.

With the direction u = x/|x| of each element (0 at 0): d|x| = Re(conj(u) dx), so |x| passes conj(u) on.
"""

from __future__ import annotations

import math
from typing import Any

from ..core.defvjp import library_defvjp as defvjp
from ..core.dtypes import is_complex
from ..core.typing import XP, Cotangent, Value
from .linear_algebra import cell, conj, row
from .statistical import spread


def _along(ct: Cotangent, x: Value, xp: XP) -> Value:
    """ct conj(x)/|x|, and 0 at 0."""
    if not is_complex(x.dtype):
        return ct * xp.sign(x)
    size = xp.abs(x)
    return xp.kink(ct, size) * xp.conj(xp.ray(x, xp.stop_gradient(size)))


def _shared(ct: Cotangent, values: Value, best: Any, axis: Any, xp: XP) -> Value:
    """ct, shared equally among those of `values` that are `best`."""
    attained = values == best
    ties = xp.astype(xp.count_nonzero(attained, axis=axis, keepdims=True), ct.dtype)
    return xp.where(attained, ct / ties, xp.zeros_like(ct))


# ── vector_norm ───────────────────────────────────────────────────────────────────────────────
#
# out = (Σ |x|ᵖ)^(1/p): d out = Σ (|x|/out)ᵖ⁻¹ d|x|. For p = 2 that is conj(x)/out, for p = 1 conj(u), for p = 4, 6, …
# polynomial in x/out. ±∞: the largest (smallest) |x|; equal ones share. p = 0 counts the elements that are not 0:
# derivative 0.


def _vector_norm(
    ct: Cotangent, x: Value, out: Value, axis: Any, keepdims: bool, ord: Any, xp: XP
) -> Value:
    """ct (|x|/out)^(ord−1) conj(x)/|x|, and 0 where x or out is 0."""
    if ord == 0:
        return xp.zeros_like(x)
    ct = spread(xp.kink(ct, out), x.shape, axis, keepdims, xp)
    if ord == 1:
        return _along(ct, x, xp)
    if math.isinf(ord):
        size = xp.abs(x)
        best = (xp.max if ord > 0 else xp.min)(size, axis=axis, keepdims=True)
        return _along(_shared(ct, size, best, axis, xp), x, xp)
    out = spread(out, x.shape, axis, keepdims, xp)
    direction = conj(x, xp) / xp.where(out == 0, 1.0, out)
    if ord == 2:
        return ct * direction
    size = xp.abs(x)
    if ord > 2 and ord % 2 == 0:
        square = direction * conj(direction, xp)
        return ct * direction * square ** int(ord // 2 - 1)
    zero = (size == 0) | (out == 0)
    ratio = xp.where(zero, xp.ones_like(size), size / xp.where(zero, xp.ones_like(out), out))
    if ord > 2:
        return ct * direction * xp.where(zero, xp.zeros_like(size), ratio ** (ord - 2))
    return _along(
        xp.kink(ct, size) * xp.where(zero, xp.zeros_like(size), ratio ** (ord - 1)), x, xp
    )


defvjp("linalg.vector_norm", x=_vector_norm)

# ── matrix_norm ───────────────────────────────────────────────────────────────────────────────
#
# "fro": the vector norm of all elements. ±1, ±∞: the largest (smallest) sum of |x| over a column, a row. ±2: the
# largest (smallest) singular value; ds_i = Re(u_iᴴ dA v_i) passes conj(u_i) conj(v_iᴴ) on. "nuc": the sum of all, so
# Ā = conj(U Vᴴ), the polar factor, over the singular values that are not 0: of all subgradients the one of least norm.


def _matrix_norm(ct: Cotangent, x: Value, out: Value, keepdims: bool, ord: Any, xp: XP) -> Value:
    """ct times a subgradient; ties share, zeros get 0."""
    if ord in ("fro", None):
        return _vector_norm(ct, x, out, (-2, -1), keepdims, 2, xp)
    ct = xp.kink(ct, out)
    if not keepdims:
        ct = cell(ct, xp)
    if ord == "nuc":
        return ct * conj(xp.polar(x), xp)
    if ord in (2, -2):
        return _by_singular_value(ct[..., 0], x, ord, xp)
    sums = xp.sum(xp.abs(x), axis=-1 if math.isinf(ord) else -2, keepdims=True)
    best = (xp.max if ord > 0 else xp.min)(sums, axis=(-2, -1), keepdims=True)
    return _along(_shared(ct, sums, best, (-2, -1), xp), x, xp)


def _by_singular_value(ct: Cotangent, x: Value, ord: Any, xp: XP) -> Value:
    """conj(u) conj(vᴴ) for the largest or smallest singular value; the second derivative is NaN where two are that."""
    U, s, Vh = xp.linalg.svd(x, full_matrices=False)
    best = (xp.max if ord > 0 else xp.min)(s, axis=-1, keepdims=True)
    alone = xp.count_nonzero(s == best, axis=-1, keepdims=True) == 1
    ct = xp.kink(ct, best * xp.astype(alone, best.dtype))
    s_bar = _shared(ct, s, best, -1, xp) * xp.astype(s != 0, s.dtype)
    return (conj(U, xp) * row(s_bar, xp)) @ conj(Vh, xp)


defvjp("linalg.matrix_norm", x=_matrix_norm)
