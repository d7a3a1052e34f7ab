"""The functions that derivative rules need beyond the standard, written in the standard.

Each function is a few lines of arithmetic. A library may override it (`numpy/vjp_kernels.py`) by one that passes over
memory fewer times, or that has no branches for a processor to mispredict. `namespace.py` binds the functions to a
namespace. Higher derivatives record them line by line, so that no function may look at values.
"""

from __future__ import annotations

import math
from typing import Any

from ..common.typing import XP, RawArray


def masked(xp: XP, x: Any, mask: RawArray) -> Any:
    """`x` where the mask holds, 0 elsewhere (also in place of infinities and NaN, which a product would spread)."""
    return xp.where(mask, x, 0)


def chosen(xp: XP, ct: RawArray, larger: RawArray, smaller: RawArray) -> Any:
    """The cotangent where ``larger >= smaller``, 0 elsewhere; half of it where they are equal."""
    share = ct * (1 - 0.5 * xp.astype(larger == smaller, ct.dtype))
    return xp.where(larger >= smaller, share, 0)


def shares(xp: XP, ct: RawArray, larger: RawArray, smaller: RawArray) -> tuple[Any, Any]:
    """The cotangent as in `chosen`, and what `rest` needs to compute the other share from it."""
    return xp.chosen(ct, larger, smaller), None


def rest(xp: XP, ct: RawArray, shares: Any, smaller: RawArray, larger: RawArray) -> Any:
    """The other share: ct where smaller ≥ larger, 0 elsewhere, half of it where they are equal."""
    return xp.chosen(ct, smaller, larger)


def with_sign(xp: XP, ct: RawArray, x: Any, size: Any = None) -> Any:
    """``ct · sign(x)`` of real arrays; `size` is abs(x), where that is known."""
    return ct * xp.sign(x)


def twice(xp: XP, x1: RawArray, x2: RawArray) -> Any:
    """``2 x1 x2``."""
    return 2 * (x1 * x2)


def kink(xp: XP, x1: RawArray, x2: RawArray) -> Any:
    """The identity of `x1`, whose rule makes the derivative by `x2` NaN where `x2` is 0."""
    return x1


def separate(xp: XP, x1: RawArray, x2: RawArray) -> Any:
    """The identity of `x1`, whose rule makes the derivative by `x2` NaN where elements of `x2` are equal."""
    return x1


def varied(xp: XP, x1: RawArray, x2: RawArray, *, axis: Any) -> Any:
    """The identity of `x1`, whose rule makes the derivative by `x2` NaN where all along `axis` are equal."""
    return x1


def leg(xp: XP, x1: RawArray, x2: RawArray, r: RawArray) -> Any:
    """``x1 / √(x1² + x2²)``, given the root `r`; 0 where that is 0."""
    return x1 / xp.where(r == 0, math.inf, r)


def ray(xp: XP, x: Any, r: RawArray) -> Any:
    """``x / |x|`` of complex x, given the size `r`; 0 where that is 0.

    Not by an infinite size there: a complex 0 over ∞ is NaN on a GPU.
    """
    zero = r == 0
    return xp.where(zero, xp.zeros_like(x), x / xp.where(zero, xp.ones_like(r), r))


def over_root_below(xp: XP, x1: RawArray, x2: RawArray) -> Any:
    """``x1 / √(1 − x2²)`` by the factors of the root: a square loses digits near ±1.

    For complex x2 one root for each branch point, whose product has the cuts of asin and acos; ``−(x − 1)`` and
    ``x − (−1)`` keep the sign of a zero imaginary part, which says on what side of a cut x lies.
    """
    if xp.isdtype(x2.dtype, "complex floating"):
        return x1 / (xp.sqrt(-(x2 - 1)) * xp.sqrt(x2 - (-1)))
    return x1 / xp.sqrt((1 - x2) * (1 + x2))


def root_above_one(xp: XP, x: Any) -> Any:
    """``√(1 + x²)`` of real x."""
    return xp.hypot(x, xp.ones_like(x))


def over_root_above(xp: XP, x1: RawArray, x2: RawArray) -> Any:
    """``x1 / √(x2² − 1)`` as ``x1 / (√(x2−1) √(x2+1))``, which has the cuts of acosh."""
    return x1 / (xp.sqrt(x2 - 1) * xp.sqrt(x2 - (-1)))


def over_below(xp: XP, x1: RawArray, x2: RawArray) -> Any:
    """``x1 / (1 − x2²)`` by the factors."""
    return x1 / ((1 - x2) * (1 + x2))


def over_above(xp: XP, x1: RawArray, x2: RawArray) -> Any:
    """``x1 / (1 + x2²)``, in the complex plane by its factors, which keep their digits near ±i."""
    if xp.isdtype(x2.dtype, "complex floating"):
        return x1 / ((x2 - 1j) * (x2 + 1j))
    return x1 / (1 + x2 * x2)


def whole_quotient(xp: XP, x1: RawArray, x2: RawArray, out: Any) -> Any:
    """``floor(x1 / x2)``, given the remainder `out`."""
    return xp.floor_divide(x1, x2)


def over_cosh2(xp: XP, ct: RawArray, x: Any) -> Any:
    """``ct / cosh² x``."""
    return ct * xp.sech2(x)


def power_slope(xp: XP, x1: RawArray, x2: RawArray, out: Any) -> Any:
    """``x2 x1^(x2−1)`` of arrays, given ``out = x1^x2``; 0 for 0**0, where x1^(−1) is infinite."""
    idle = (x1 == 0) & (x2 == 0)
    return x2 * x1 ** xp.where(idle, 1, x2 - 1)


def log_nonzero(xp: XP, x: Any) -> Any:
    """``log x``, and 0 at 0."""
    return xp.log(xp.where(x == 0, xp.ones_like(x), x))


def over_squares(xp: XP, x1: RawArray, x2: RawArray) -> tuple[Any, Any]:
    """``x1 / (x1² + x2²)`` and ``x2 / (x1² + x2²)``; 0 where both are 0 or one is infinite.

    The squares are of numbers up to 1: a scale, whose derivative cancels, keeps them from over- and underflowing.
    """
    size = xp.maximum(abs(x1), abs(x2))
    constant = xp.stop_gradient(size)
    idle = (constant == 0) | xp.isinf(constant)
    scale = xp.where(idle, 1, constant)
    zero = xp.zeros_like(scale)
    a, b = xp.where(idle, zero, x1) / scale, xp.where(idle, zero, x2) / scale
    a, b = xp.kink(a, size), xp.kink(b, size)
    below = a * a + b * b + xp.astype(idle, a.dtype)
    return a / below / scale, b / below / scale


def extreme_share(xp: XP, ct: RawArray, x: Any, top: RawArray, axis: Any) -> Any:
    """The cotangent, in equal shares for the elements of `x` along `axis` that equal `top`.

    `ct` and `top` have that axis kept.

    The ties are counted in 32 bits at least: float16 has no number above 65504.
    """
    attained = x == xp.broadcast_to(top, x.shape)
    count = xp.count_nonzero(attained, axis=axis, keepdims=True)
    counting = xp.float32 if "float16" in str(ct.dtype) else ct.dtype
    ties = xp.astype(xp.where(count == 0, 1, count), counting)
    return xp.masked(xp.broadcast_to(ct / ties, x.shape), attained)


def before(xp: XP, x: Any, axis: int) -> Any:
    """The products of the elements before each one along an axis."""
    products = xp.cumulative_prod(x, axis=axis, include_initial=True)
    return xp.getitem(products, along(axis, slice(0, -1)))


def along(axis: int, part: Any) -> tuple[Any, ...]:
    """The key of a part of one axis, counted from the front."""
    return (*(slice(None),) * axis, part, ...)


def prod_vjp(xp: XP, ct: RawArray, x: Any, out: Any, axis: Any) -> Any:
    """The cotangent times the product of the other elements; never ``out / x``, which fails at zeros.

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


def cumulative_prod_vjp(xp: XP, ct: RawArray, x: Any, out: Any, axis: int) -> Any:
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


def softmax_of(xp: XP, x: Any, out: Any, axis: Any) -> Any:
    """``softmax(x)`` along an axis, given `out`, its logsumexp with that axis kept; 0 where `out` is infinite.

    A row of −inf has no weight anywhere, where ∞ − ∞ would be NaN. A row that holds NaN has the weights NaN.
    """
    infinite = xp.isinf(xp.broadcast_to(out, x.shape))
    zero = xp.zeros_like(x)
    return xp.where(infinite, zero, xp.softmax(xp.where(infinite, zero, x), axis=axis))


def softmax_vjp(xp: XP, ct: RawArray, out: Any, axis: Any) -> Any:
    """``p (ct − Σ p ct)`` along an axis, p being `out`.

    For one p near 1 that is p (1 − p) ct, of which the difference leaves no digits. A number that is added to all of ct
    changes nothing, so ct is counted from that of the p above ½, of which there is no more than one: what remains of
    its line is −p Σ p ct over all others.
    """
    if not xp.isdtype(out.dtype, "complex floating"):
        ct = ct - xp.sum(xp.masked(ct, out > 0.5), axis=axis, keepdims=True)
    return out * (ct - xp.sum(ct * out, axis=axis, keepdims=True))


# ── special functions ─────────────────────────────────────────────────────────────────────────
#
# What is cheap and right as a first derivative cancels when it is differentiated again. Libraries with special
# functions override these by the cheap forms, at the end; here, and so under higher derivatives, are continued
# fractions, whose terms have one sign.

TAIL, TAIL_TERMS = 3.0, 50


def mills_excess(xp: XP, x: Any) -> Any:
    """φ(x)/Φ(−x) − x for x > 3, as 1/(x + 2/(x + 3/(x + …))) (DLMF 7.9.1)."""
    # an approximation of the rest of the fraction
    out = 0.5 * (x + xp.sqrt(x * x + 4.0 * TAIL_TERMS))
    for k in range(TAIL_TERMS, 1, -1):
        out = x + k / out
    return 1 / out


def erfcx_slope(xp: XP, x: Any, out: Any) -> Any:
    """``erfcx'(x) = 2 (x erfcx x − 1/√π)``; for large x, where that is a small difference, as −erfcx(x) √2 m(√2 x).

    With Mills' ratio erfcx(x) = √(2/π) / (y + m(y)) at y = √2 x, m as in `mills_excess`: 2x erfcx − 2/√π = −√2 m erfcx.
    """
    root = math.sqrt(2.0)
    far = x > TAIL / root
    y = xp.where(far, root * x, TAIL)
    near_x = xp.where(far, xp.zeros_like(x), x)
    near = 2.0 * near_x * xp.where(far, xp.ones_like(out), out) - 2.0 / math.sqrt(math.pi)
    return xp.where(far, -root * xp.mills_excess(y) * xp.where(far, out, xp.zeros_like(out)), near)


def log_ndtr_slope(xp: XP, x: Any) -> Any:
    """φ/Φ; for x < −3 as m(−x) − x, m as in `mills_excess`, and for other x < 0 by erfcx, as Φ underflows."""
    far, left = x < -TAIL, x < 0
    zero = xp.zeros_like(x)
    y = xp.where(far, -x, TAIL)
    middle = xp.where(left & ~far, x, zero)
    tail = math.sqrt(2.0 / math.pi) / xp.special.erfcx(middle * (-1.0 / math.sqrt(2.0)))
    right = xp.where(left, zero, x)
    body = xp.exp(-0.5 * right * right) / xp.special.ndtr(right) / math.sqrt(2.0 * math.pi)
    return xp.where(far, y + xp.mills_excess(y), xp.where(left, tail, body))


def cheap_erfcx_slope(xp: XP, x: Any, out: Any) -> Any:
    """The slope of erfcx by the difference up to x = 10, and by its asymptotic series from there.

    The difference loses 2x² times the precision. The series is
    −(1/√π) x^(−2) (1 − 3/2 x^(−2) (1 − 5/2 x^(−2) (1 − …))) (DLMF 7.12.1, term by term).
    """
    border, terms = 10.0, 14
    far = x > border
    near_x = xp.where(far, xp.zeros_like(x), x)
    near = 2.0 * near_x * xp.where(far, xp.ones_like(out), out) - 2.0 / math.sqrt(math.pi)
    inverse = 1.0 / xp.where(far, x, border * xp.ones_like(x))
    square = inverse * inverse
    series = 1.0 - (terms + 0.5) * square
    for k in range(terms - 1, 0, -1):
        series = 1.0 - (k + 0.5) * (square * series)
    return xp.where(far, (-1.0 / math.sqrt(math.pi)) * (square * series), near)


def cheap_log_ndtr_slope(xp: XP, x: Any) -> Any:
    """The slope of log Φ, for x < 0 by erfcx alone.

    There Φ(x) = erfc(−x/√2)/2, and erfcx holds the quotient of the exponentials.
    """
    left = x < 0
    zero = xp.zeros_like(x)
    tail = math.sqrt(2.0 / math.pi) / xp.special.erfcx(
        xp.where(left, x, zero) * (-1.0 / math.sqrt(2.0))
    )
    right = xp.where(left, zero, x)
    body = xp.exp(-0.5 * right * right) / xp.special.ndtr(right) / math.sqrt(2.0 * math.pi)
    return xp.where(left, tail, body)


def cheap_slopes(xp: XP) -> dict[str, Any]:
    """The cheap forms for a library with special functions, bound to its namespace when they are called."""
    return {
        "erfcx_slope": lambda x, out: cheap_erfcx_slope(xp(), x, out),
        "log_ndtr_slope": lambda x: cheap_log_ndtr_slope(xp(), x),
    }


FUNCTIONS = (
    masked, chosen, shares, rest, with_sign, twice, kink, separate, varied, leg, ray, over_root_below, over_root_above,
    root_above_one, over_below, over_above, whole_quotient, over_cosh2, power_slope, log_nonzero, over_squares,
    extreme_share, prod_vjp, cumulative_prod_vjp, softmax_of, softmax_vjp, mills_excess, erfcx_slope, log_ndtr_slope,
)  # fmt: skip
