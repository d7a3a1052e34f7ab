"""The functions of `generic/vjp_kernels.py` for NumPy, in as few passes over memory as NumPy allows.

A pass over an array that fits a cache takes a few microseconds, and an elementwise function no more than one or two;
`where` takes forty, because a random mask is mispredicted at every other element. So masks are applied to the bits of
the numbers, and what is rare (a tie, a zero, a NaN) is looked for by one reduction and mended where it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..generic import namespace as generic
from ..generic import vjp_kernels as generic_kernels
from .networks.segments import add_rows
from .short_rows import (
    LONGEST_EXTREME,
    LONGEST_SUM,
    extreme_of_rows,
    has_short_rows,
    sum_of_rows,
)
from .standard import STANDARD

PLAIN = generic.extend(STANDARD)  # for dtypes and shapes that have no faster way here
_min_reduce: Any = np.minimum.reduce  # untyped, as in `backend.py`
_max_reduce: Any = np.maximum.reduce
_add_reduce: Any = np.add.reduce
_any: Any = np.logical_or.reduce  # half a µs less than the method

_INTEGERS: dict[str, type] = {"d": np.int64, "f": np.int32, "e": np.int16}
_SIGN: dict[str, Any] = {"d": np.int64(-(2**63)), "f": np.int32(-(2**31)), "e": np.int16(-(2**15))}
_SIGN_BIT: dict[str, Any] = {"d": np.int64(63), "f": np.int32(31)}
_ZERO: dict[str, Any] = {
    char: np.zeros((), char) for char in "fd"
}  # less time than a Python number
_NORMAL = {"d": 2.3e-308, "f": 1.2e-38}  # numbers above have all their digits


def _alike(x1, x2) -> bool:
    """Two floating arrays of one shape and dtype, and not 0-d."""
    return x1.dtype is x2.dtype and x1.shape == x2.shape != () and x1.dtype.char in "fd"


def _arrays(x1, x2) -> bool:
    """Whether neither operand is a Python number."""
    return type(x1) is np.ndarray and type(x2) is np.ndarray


# ── masks ─────────────────────────────────────────────────────────────────────────────────────
#
# What is returned owns its buffer, which is seen as integers meanwhile: a view would have to be copied for the caller.


def masked(x, mask):
    """`x` where the mask holds, by the bits: nine times as fast as `where`, which mispredicts random masks."""
    integers = _INTEGERS.get(x.dtype.char)
    mask = np.asarray(mask)
    if integers is None or x.shape == () or mask.dtype.char != "?":
        return np.where(mask, x, np.zeros((), x.dtype))
    shape = x.shape if x.shape == mask.shape else np.broadcast_shapes(x.shape, mask.shape)
    out = np.empty(shape, x.dtype)
    bits: Any = out.view(integers)
    np.copyto(bits, np.negative(mask.view(np.int8)))  # all bits, or none
    np.bitwise_and(bits, x.view(integers), bits)
    return out


def chosen(ct, larger, smaller):
    """The cotangent as in the generic `chosen`, by the bits of the numbers."""
    return shares(ct, larger, smaller)[0]


def shares(ct, larger, smaller):
    """The chosen cotangent, and the mask of elements that are equal, which got half, or NaN, which got nothing.

    Where there are none, the sign of a difference, spread over the bits of a number, is the mask of those that are
    chosen: two passes less than comparisons take. The mask of ties is an array then too, since a compiled program
    is recorded with some values and run with others.
    """
    if _arrays(larger, smaller) and _alike(ct, larger) and _alike(larger, smaller):
        with np.errstate(over="ignore", invalid="ignore"):
            share = np.subtract(smaller, larger)
        char = share.dtype.char
        if (
            share.size
            and _min_reduce(share, None) > -np.inf  # not if one is NaN
            and not _any(np.equal(share, _ZERO[char]), None)
        ):
            bits: Any = share.view(_INTEGERS[char])
            np.right_shift(bits, _SIGN_BIT[char], bits)
            np.bitwise_and(bits, ct.view(bits.dtype), bits)
            return share, np.zeros(share.shape, np.bool_)
    wins = np.asarray(np.greater_equal(larger, smaller))
    odd = np.equal(wins, np.greater_equal(smaller, larger))
    share = masked(ct, wins)
    if not _any(odd, None):
        return share, odd
    if odd.ndim == 0:
        return np.asarray(share * 0.5, ct.dtype), odd
    indices = odd.nonzero()
    share[indices] *= 0.5
    return share, odd


def rest(ct, shares, smaller, larger):
    """The other share: the bits that `shares` did not take, and the same number again where `odd` holds."""
    share, odd = shares
    integers = _INTEGERS.get(ct.dtype.char)
    if integers is None or ct.shape == () or share.shape != ct.shape or share.dtype is not ct.dtype:
        return chosen(ct, smaller, larger)
    out = np.empty(ct.shape, ct.dtype)
    np.bitwise_xor(ct.view(integers), share.view(integers), out.view(integers))
    if _any(odd, None):
        indices = np.broadcast_to(odd, out.shape).nonzero()
        out[indices] = share[indices]
    return out


def with_sign(ct, x, size=None):
    """The cotangent times the sign of `x`, by the sign bit; the few zeros and NaN are corrected afterwards."""
    if not _alike(ct, x) or not x.size:
        return ct * np.sign(x)
    if size is None:
        size = np.abs(x)
    char = x.dtype.char
    integers: Any = _INTEGERS[char]
    out = np.empty_like(x)
    bits: Any = out.view(integers)
    np.bitwise_and(x.view(integers), _SIGN[char], bits)
    np.bitwise_xor(bits, ct.view(integers), bits)
    if not _min_reduce(size, None) > 0:
        indices = np.logical_not(size > 0).nonzero()
        out[indices] = ct[indices] * x[indices]
    return out


# ── arithmetic in few passes ──────────────────────────────────────────────────────────────────


def twice(x1, x2):
    """The product ``2 x1 x2``, doubled in its own buffer."""
    out = np.multiply(x1, x2)
    return np.add(out, out, out) if isinstance(out, np.ndarray) and out.ndim else 2 * out


def kink(x1, x2):
    """The identity of `x1`."""
    return x1


separate = kink


def leg(x1, x2, r):
    """The quotient ``x1 / r``, without a mask where no root is 0."""
    if r.dtype.char in "fd" and r.size and _min_reduce(r, None) > 0:
        return x1 / r  # an operator: Python numbers are weak
    return generic_kernels.leg(PLAIN, x1, x2, r)


def over_root_below(x1, x2):
    """The quotient ``x1 / √(1 − x2²)``, in two buffers."""
    if not _alike(x1, x2):
        return generic_kernels.over_root_below(PLAIN, x1, x2)
    out, other = 1 - x2, x2 + 1
    np.multiply(out, other, out)
    np.sqrt(out, out)
    return np.divide(x1, out, out)


def root_above_one(x):
    """``√(1 + x²)`` in one buffer, where no square overflows."""
    if x.dtype.char in "fd" and x.ndim and x.size:
        with np.errstate(over="ignore", under="ignore"):
            out = x * x
        out += 1
        if _max_reduce(out, None) < np.inf:
            return np.sqrt(out, out)
    return generic_kernels.root_above_one(PLAIN, x)


def over_below(x1, x2):
    """The quotient ``x1 / (1 − x2²)``, in two buffers."""
    if not _alike(x1, x2):
        return generic_kernels.over_below(PLAIN, x1, x2)
    out, other = 1 - x2, x2 + 1
    np.multiply(out, other, out)
    return np.divide(x1, out, out)


def over_above(x1, x2):
    """The quotient ``x1 / (1 + x2²)``, in one buffer; it is 0 where the square is infinite."""
    if not _alike(x1, x2):
        return generic_kernels.over_above(PLAIN, x1, x2)
    with np.errstate(over="ignore", under="ignore"):
        out = x2 * x2
        np.add(out, 1, out)
        return np.divide(x1, out, out)


def whole_quotient(x1, x2, out):
    """``(x1 − out) / x2``, rounded, as `floor_divide` does after it has computed the remainder again."""
    if not (hasattr(x1, "dtype") and _alike(x1, out) and _alike(x2, out)):
        return np.floor_divide(x1, x2)
    with np.errstate(all="ignore"):
        quotient = np.subtract(x1, out)
        np.divide(quotient, x2, quotient)
        np.rint(quotient, quotient)
    if quotient.size and not _finite(quotient):
        indices = np.logical_not(np.isfinite(quotient)).nonzero()
        quotient[indices] = np.floor_divide(x1[indices], x2[indices])
    return quotient


def over_cosh2(ct, x):
    """The quotient ``ct / cosh² x``, divided twice: where cosh x overflows, the result underflows to 0."""
    if x.dtype.char not in "fd" or ct.dtype is not x.dtype or ct.ndim == 0:
        return generic_kernels.over_cosh2(PLAIN, ct, x)
    with np.errstate(over="ignore", under="ignore"):
        below = np.cosh(x)
        out = np.divide(ct, below)
        return np.divide(out, below, out)


def power_slope(x1, x2, out):
    """``x2 · (out / x1)`` where the base is positive and the power a number with all its digits."""
    if (
        _alike(x1, out)
        and _alike(x2, out)
        and out.size
        and _min_reduce(x1, None) > 0
        and _min_reduce(out, None) > _NORMAL[out.dtype.char]
        and _max_reduce(out, None) < np.inf
    ):
        with np.errstate(over="ignore", under="ignore"):
            slope = np.divide(out, x1)
            return np.multiply(slope, x2, slope)
    return generic_kernels.power_slope(PLAIN, x1, x2, out)


def log_nonzero(x):
    """The logarithm, without a mask where no number is 0."""
    if x.dtype.char in "fd" and x.size and _min_reduce(x, None) > 0:
        return np.log(x)
    return generic_kernels.log_nonzero(PLAIN, x)


_SQUARES = {"d": (1e-290, 1e290), "f": (1e-30, 1e30)}


def over_squares(x1, x2):
    """The quotients by ``x1² + x2²``, without a scale where no square is near the ends of the dtype's range."""
    with np.errstate(over="ignore", under="ignore"):
        squares = x1 * x1 + x2 * x2  # operators: Python numbers are weak
    low, high = _SQUARES.get(squares.dtype.char, (1.0, 0.0))
    integer = any(isinstance(x, np.ndarray) and x.dtype.kind in "iub" for x in (x1, x2))
    if not integer and squares.size and low < squares.min() and squares.max() < high:
        return x1 / squares, x2 / squares
    return generic_kernels.over_squares(PLAIN, x1, x2)


# ── reductions ────────────────────────────────────────────────────────────────────────────────


def extreme_share(ct, x, top, axis):
    """The shares of the cotangent, written to the few elements where the extreme is attained."""
    if ct.dtype is not x.dtype or x.dtype.char not in "fd" or x.size < 64:
        return generic_kernels.extreme_share(PLAIN, ct, x, top, axis)
    attained = np.equal(x, top).reshape(-1)
    if top.size == 1:
        first = attained.argmax()
        if not _any(attained[first + 1 :], None):
            out = np.zeros(x.shape, x.dtype)
            if attained[first]:
                out.reshape(-1)[first] = ct.item()
            return out
    indices = attained.nonzero()[0]
    if 4 * indices.size > attained.size:
        return generic_kernels.extreme_share(PLAIN, ct, x, top, axis)
    out = np.zeros(x.shape, x.dtype)
    flat = out.reshape(-1)
    if top.size == 1:
        flat[indices] = ct.reshape(()) / indices.size
        return out
    # the index of the output that each of these elements belongs to
    lines = np.zeros(indices.shape, np.intp)
    for index, length in zip(np.unravel_index(indices, x.shape), top.shape, strict=True):
        if length != 1:
            lines *= length
            lines += index
    count = np.bincount(lines, minlength=top.size).astype(ct.dtype)
    flat[indices] = (ct.reshape(-1) / np.maximum(count, 1)).take(lines)
    return out


def prod_vjp(ct, x, out, axis):
    """``ct out / x`` where no factor, and no product on the way, is 0, infinite or too small to have all digits."""
    if ct.dtype is out.dtype is x.dtype and x.dtype.char in "fd" and x.size and _exact(x, out):
        terms = ct * out
        if _exact_multiples(ct, terms):
            with np.errstate(under="ignore", over="ignore"):
                if _exact_on_the_way(x, x.size // out.size, axis):
                    return np.divide(terms, x)
    return generic_kernels.prod_vjp(PLAIN, ct, x, out, axis)


def cumulative_prod_vjp(ct, x, out, axis):
    """``(Σ_{i≥k} ct_i out_i) / x_k`` under the same conditions; the sum runs from the end, as the recurrence does."""
    if _alike(x, out) and _alike(ct, out) and out.size and _exact(x, out):
        terms = ct * out
        if _exact_multiples(ct, terms):
            sums = np.flip(np.add.accumulate(np.flip(terms, axis), axis), axis)
            with np.errstate(under="ignore", over="ignore"):
                return np.divide(sums, x, terms)
    return generic_kernels.cumulative_prod_vjp(PLAIN, ct, x, out, axis)


def _exact_on_the_way(x, n, axis) -> bool:
    """Whether no product of some of the `n` elements along `axis` can have been, or was, too small."""
    least = _min_reduce(x, None)
    if least > 0 and min(float(least), 1.0) ** n > _NORMAL[x.dtype.char]:
        return True
    try:
        with np.errstate(under="raise"):
            np.multiply.reduce(x, axis)
    except FloatingPointError:
        return False
    return True


def _exact(x, out) -> bool:
    """Whether no factor and no product is 0, NaN, infinite, or too small to have all its digits."""
    return _smallest(x) and _smallest(out) and _finite(out)


def _exact_multiples(ct, terms) -> bool:
    """Whether all of ``ct · out`` are finite and have all their digits, or are 0 with ct."""
    if not _finite(terms):
        return False
    return _smallest(terms) or bool(np.all((ct == 0) | (np.abs(terms) > _NORMAL[terms.dtype.char])))


def _smallest(x) -> bool:
    """Whether every number has all its digits: none is 0, NaN or nearly 0."""
    least = _NORMAL[x.dtype.char]
    return bool(_min_reduce(x, None) > least or _min_reduce(np.abs(x), None) > least)


def _finite(x) -> bool:
    """Whether no number is infinite or NaN."""
    return bool(_max_reduce(x, None) < np.inf and _min_reduce(x, None) > -np.inf)


def softmax_of(x, out, axis):
    """The softmax, in one buffer where every sum is finite."""
    if x.dtype.char not in "fd" or not np.isfinite(out).all():
        return generic_kernels.softmax_of(PLAIN, x, out, axis)
    weights = np.subtract(x, _max(x, axis))
    if weights.ndim == 0:
        return np.ones((), x.dtype)
    np.exp(weights, weights)
    return np.divide(weights, _sum(weights, axis), weights)


def softmax_vjp(ct, out, axis):
    """The pullback of softmax, in its plain form where no probability is nearly 1."""
    if out.dtype.char in "fd" and out.size and _max_reduce(out, None) < 0.9:
        return out * (ct - _sum(ct * out, axis))
    return generic_kernels.softmax_vjp(PLAIN, ct, out, axis)


def _sum(x, axis):
    """The sum, with the axis kept."""
    if has_short_rows(x, axis, LONGEST_SUM):
        return sum_of_rows(x, True)
    return _add_reduce(x, axis, None, None, True)


def _max(x, axis):
    """The maximum, with the axis kept."""
    if has_short_rows(x, axis, LONGEST_EXTREME):
        return extreme_of_rows(_max_reduce, x, True)
    return _max_reduce(x, axis, None, None, True)


# ── scatter ───────────────────────────────────────────────────────────────────────────────────


def scatter_add(shape, key, values):
    """Zeros of `shape` with `values` added at ``[key]``; one write where no index can repeat."""
    out = np.zeros(shape, values.dtype)
    dtype_kind = key.dtype.kind if type(key) is np.ndarray else ""
    if dtype_kind == "b" or is_basic(key):
        out[key] = values
    # whole rows have faster ways
    elif (
        dtype_kind in ("i", "u")
        and len(shape) > 1
        and values.size > 200
        and values.shape == (*key.shape, *shape[1:])
    ):
        # negative numbers count from the end, and those outside are refused
        rows = np.arange(shape[0]).take(key.reshape(-1))
        return add_rows(values.reshape(-1, *shape[1:]), rows, shape[0])
    else:
        np.add.at(out, key, values)
    return out


def is_basic(key: Any) -> bool:
    """Whether a key holds only integers, slices, None and ellipsis, so that no element repeats."""
    if type(key) is slice or type(key) is int:
        return True
    parts = key if type(key) is tuple else (key,)
    return all(p is None or p is ... or isinstance(p, int | np.integer | slice) for p in parts)


FUNCTIONS = (
    masked, chosen, shares, rest, with_sign, twice, kink, separate, leg, over_root_below, root_above_one, over_below,
    over_above, whole_quotient, over_cosh2, power_slope, log_nonzero, over_squares, extreme_share, prod_vjp,
    cumulative_prod_vjp, softmax_of, softmax_vjp, scatter_add,
)  # fmt: skip
