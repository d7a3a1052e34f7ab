"""What derivative rules ask for beyond the standard, written in the standard.

Each function here is a few lines of arithmetic, which libraries with an override (`_numpy_rules.py`) do in fewer
passes over memory, or without branches that a processor mispredicts. `_generic.py` binds them to a namespace; under
higher derivatives they are recorded line by line, so none may look at values.
"""

from __future__ import annotations

import math
from typing import Any


def masked(xp: Any, x: Any, mask: Any) -> Any:
    """`x` where the mask holds, 0 elsewhere (also in place of infinities and NaN, which a product would spread)."""
    return xp.where(mask, x, 0)


def chosen(xp: Any, ct: Any, larger: Any, smaller: Any) -> Any:
    """The cotangent where ``larger >= smaller``, 0 elsewhere; half of it where they are equal."""
    share = ct * (1 - 0.5 * xp.astype(larger == smaller, ct.dtype))
    return xp.where(larger >= smaller, share, 0)


def shares(xp: Any, ct: Any, larger: Any, smaller: Any) -> tuple[Any, Any]:
    """ct where larger ≥ smaller, 0 elsewhere, half of it where they are equal; and, for `rest`, what was found out."""
    return xp.chosen(ct, larger, smaller), None


def rest(xp: Any, ct: Any, shares: Any, smaller: Any, larger: Any) -> Any:
    """What is left: ct where smaller ≥ larger, 0 elsewhere, half of it where they are equal."""
    return xp.chosen(ct, smaller, larger)


def with_sign(xp: Any, ct: Any, x: Any, size: Any = None) -> Any:
    """``ct · sign(x)`` of real arrays; `size` is abs(x), where that is known."""
    return ct * xp.sign(x)


def twice(xp: Any, x1: Any, x2: Any) -> Any:
    """``2 x1 x2``."""
    return 2 * (x1 * x2)


def over_root_below(xp: Any, ct: Any, x: Any) -> Any:
    """``ct / √(1 − x²)`` by the factors of the root: a square loses digits near ±1.

    For complex x one root for each branch point, whose product has the cuts of asin and acos; ``−(x − 1)`` and
    ``x − (−1)`` keep the sign of a zero imaginary part, which says on what side of a cut x lies.
    """
    if xp.isdtype(x.dtype, "complex floating"):
        return ct / (xp.sqrt(-(x - 1)) * xp.sqrt(x - (-1)))
    return ct / xp.sqrt((1 - x) * (1 + x))


def whole_quotient(xp: Any, x1: Any, x2: Any, out: Any) -> Any:
    """``floor(x1 / x2)``, given the remainder `out`."""
    return xp.floor_divide(x1, x2)


def over_cosh2(xp: Any, ct: Any, x: Any) -> Any:
    """``ct / cosh² x``."""
    return ct * xp.sech2(x)


def power_slope(xp: Any, x1: Any, x2: Any, out: Any) -> Any:
    """``x2 x1^(x2−1)`` of arrays, given ``out = x1^x2``; 0 for 0**0, where x1^(−1) is infinite."""
    idle = (x1 == 0) & (x2 == 0)
    return x2 * x1 ** xp.where(idle, 1, x2 - 1)


def log_nonzero(xp: Any, x: Any) -> Any:
    """``log x``, and 0 at 0."""
    return xp.log(xp.where(x == 0, xp.ones_like(x), x))


def over_squares(xp: Any, x1: Any, x2: Any) -> tuple[Any, Any]:
    """``x1 / (x1² + x2²)`` and ``x2 / (x1² + x2²)``; 0 where both are 0 or one is infinite.

    The squares are of numbers up to 1: a scale, whose derivative cancels, keeps them from over- and underflowing.
    """
    size = xp.stop_gradient(xp.maximum(abs(x1), abs(x2)))
    idle = (size == 0) | xp.isinf(size)
    scale = xp.where(idle, 1, size)
    zero = xp.zeros_like(scale)
    a, b = xp.where(idle, zero, x1) / scale, xp.where(idle, zero, x2) / scale
    below = a * a + b * b + xp.astype(idle, a.dtype)
    return a / below / scale, b / below / scale


def extreme_share(xp: Any, ct: Any, x: Any, top: Any, axis: Any) -> Any:
    """ct shared equally among the elements of `x` along `axis` that equal `top`; `ct` and `top` with that axis kept.

    The ties are counted in 32 bits at least: float16 has no number above 65504.
    """
    attained = x == xp.broadcast_to(top, x.shape)
    count = xp.count_nonzero(attained, axis=axis, keepdims=True)
    counting = xp.float32 if "float16" in str(ct.dtype) else ct.dtype
    ties = xp.astype(xp.where(count == 0, 1, count), counting)
    return xp.masked(xp.broadcast_to(ct / ties, x.shape), attained)


def before(xp: Any, x: Any, axis: int) -> Any:
    """The products of the elements before each one along an axis."""
    products = xp.cumulative_prod(x, axis=axis, include_initial=True)
    return xp.getitem(products, along(axis, slice(0, -1)))


def along(axis: int, part: Any) -> tuple[Any, ...]:
    """The key of a part of one axis, counted from the front."""
    return (*(slice(None),) * axis, part, ...)


def prod_vjp(xp: Any, ct: Any, x: Any, out: Any, axis: Any) -> Any:
    """ct times the product of the other elements; never ``out / x``, which fails at zeros.

    That is the product of the elements before times that of those after, which is right at zeros to any order. `ct`
    and `out` have the reduced axes kept.
    """
    shape = x.shape
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    reduced = sorted({a % x.ndim for a in axes})
    order = (*(i for i in range(x.ndim) if i not in reduced), *reduced)
    ordered = xp.permute_dims(x, order)
    last = x.ndim - len(reduced)
    lines = xp.reshape(ordered, (*ordered.shape[:last], math.prod(shape[i] for i in reduced)))
    after = xp.flip(before(xp, xp.flip(lines, axis=last), last), axis=last)
    others = xp.reshape(before(xp, lines, last) * after, ordered.shape)
    back = tuple(order.index(i) for i in range(x.ndim))
    return ct * xp.permute_dims(others, back)


def cumulative_prod_vjp(xp: Any, ct: Any, x: Any, out: Any, axis: int) -> Any:
    """``(Π_{j<k} x_j) · s_k`` with ``s_k = ct_k + x_{k+1} s_{k+1}``: no division. `out` has the products up to each k.

    The recurrence in log₂ n rounds: each doubles the reach m of s_k = b_k + a_k s_{k+m}; put in for s_{k+m}, the same
    says that s_k = (b_k + a_k b_{k+m}) + a_k a_{k+m} s_{k+2m} (Hillis and Steele, Data parallel algorithms, 1986).
    """

    def part(y: Any, start: int, stop: int) -> Any:
        return xp.getitem(y, along(axis, slice(start, stop)))

    n, reach, terms = ct.shape[axis], 1, ct
    factors = part(x, 1, n) if n > 1 else x
    while reach < n:
        remaining = n - reach
        head = part(terms, 0, remaining) + factors * part(terms, reach, n)
        terms = xp.concat([head, part(terms, remaining, n)], axis=axis)
        if remaining > reach:
            factors = part(factors, 0, remaining - reach) * part(factors, reach, remaining)
        reach *= 2
    return before(xp, x, axis) * terms


def softmax_of(xp: Any, x: Any, out: Any, axis: Any) -> Any:
    """``softmax(x)`` along an axis, given `out`, its logsumexp with that axis kept; 0 where `out` is infinite.

    A row of −inf has no weight anywhere, where ∞ − ∞ would be NaN.
    """
    finite = xp.isfinite(xp.broadcast_to(out, x.shape))
    zero = xp.zeros_like(x)
    return xp.where(finite, xp.softmax(xp.where(finite, x, zero), axis=axis), zero)


FUNCTIONS = (
    masked, chosen, shares, rest, with_sign, twice, over_root_below, whole_quotient, over_cosh2, power_slope,
    log_nonzero, over_squares, extreme_share, prod_vjp, cumulative_prod_vjp, softmax_of,
)  # fmt: skip
