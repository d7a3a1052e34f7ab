"""Formulas of the ufuncs that the standard does not have, by functions of the standard that carry their derivatives.

Each takes operands of the dtypes that NumPy computes in. Derivatives that the formula shows on its own are not
spelled out; where a branch is taken by value, the value is a constant.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.dtypes import is_complex
from ...core.namespaces import namespace_of
from ...functions import namespace as xp
from ..operands import constant

LOG_2 = math.log(2.0)


def exp2(x: Array) -> Array:
    """2ˣ; its derivative is 2ˣ log 2."""
    return xp.pow(2.0, x)


def degrees(x: Array) -> Array:
    """Degrees from radians."""
    return x * (180.0 / math.pi)


def radians(x: Array) -> Array:
    """Radians from degrees."""
    return x * (math.pi / 180.0)


def float_power(x1: Any, x2: Any) -> Array:
    """x1ˣ²; the operands have double precision."""
    return xp.pow(x1, x2)


def fabs(x: Array) -> Array:
    """The absolute value of real numbers."""
    return xp.abs(x)


def rint(x: Array) -> Array:
    """The nearest integer, the even one of two; its derivative is 0."""
    return xp.round(x)


def fmax(x1: Any, x2: Any) -> Array:
    """The larger operand, or the one that is not NaN; equal ones share the cotangent."""
    return _skipping_nan(xp.maximum, x1, x2)


def fmin(x1: Any, x2: Any) -> Array:
    """The smaller operand, or the one that is not NaN; equal ones share the cotangent."""
    return _skipping_nan(xp.minimum, x1, x2)


def _skipping_nan(extreme: Any, x1: Any, x2: Any) -> Array:
    first, second = (xp.isnan(constant(x)) for x in (x1, x2))
    return xp.where(first, x2, xp.where(second, x1, extreme(x1, x2)))


def fmod(x1: Any, x2: Any) -> Array:
    """x1 − x2 trunc(x1/x2), with the sign of x1; the derivatives are 1 and −trunc(x1/x2)."""
    value = constant(x1)
    sign = xp.where(value < 0, -1, xp.ones_like(value))
    return sign * xp.remainder(sign * x1, xp.abs(x2))


def heaviside(x1: Any, x2: Any) -> Array:
    """0 below 0, x2 at 0, 1 above; the derivative is 0 in x1, and 1 in x2 where x1 = 0."""
    x1 = constant(x1)
    step = xp.where(x1 < 0, 0.0, xp.where(x1 > 0, 1.0, x1))
    return xp.where(x1 == 0, x2, step)


def ldexp(x1: Any, x2: Any) -> Array:
    """x1 2ˣ² for integers x2, in two steps, neither of which overflows before the result does."""
    exponent = xp.astype(constant(x2), x1.dtype, copy=False)
    half = xp.floor(exponent * 0.5)
    return x1 * xp.pow(2.0, half) * xp.pow(2.0, exponent - half)


def frexp(x: Array) -> tuple[Array, Array]:
    """The mantissa, 0.5 ≤ |m| < 1, and the exponent e of x = m 2ᵉ; the derivative of m is 2⁻ᵉ."""
    value = constant(x)
    usual = xp.isfinite(value) & (value != 0)
    size = xp.abs(xp.where(usual, value, 1.0))
    exponent = xp.where(usual, xp.floor(xp.log2(size)) + 1, 0.0)
    # log2 may be rounded across an integer
    mantissa = ldexp(size, -exponent)
    exponent = xp.where(usual & (mantissa >= 1), exponent + 1, exponent)
    exponent = xp.where(usual & (mantissa < 0.5), exponent - 1, exponent)
    return ldexp(x, -exponent), xp.astype(exponent, np.dtype("int32"))


def modf(x: Array) -> tuple[Array, Array]:
    """The fractional and the integral part; the derivatives are 1 and 0."""
    whole = xp.trunc(x)
    return xp.where(xp.isinf(constant(x)), 0.0, x - whole), whole


def divmod(x1: Any, x2: Any) -> tuple[Array, Array]:
    """The quotient ⌊x1/x2⌋, with derivative 0, and the remainder."""
    return xp.floor_divide(x1, x2), xp.remainder(x1, x2)


def logaddexp2(x1: Any, x2: Any) -> Array:
    """log2(2ˣ¹ + 2ˣ²), by `logaddexp` of the distances from the larger one."""
    top = xp.maximum(constant(x1), constant(x2))
    top = xp.where(xp.isfinite(top), top, 0.0)
    return xp.logaddexp((x1 - top) * LOG_2, (x2 - top) * LOG_2) * (1 / LOG_2) + top


def spacing(x: Array) -> Array:
    """The distance to the next number away from 0; a constant."""
    x = constant(x)
    size = xp.abs(x)
    gap = xp.nextafter(size, xp.full_like(x, math.inf)) - size
    return xp.where(x < 0, -gap, gap)


def matvec(x1: Any, x2: Any) -> Array:
    """A v of matrices (…, m, n) and vectors (…, n)."""
    return xp.squeeze(xp.matmul(x1, xp.expand_dims(x2, axis=-1)), axis=-1)


def vecmat(x1: Any, x2: Any) -> Array:
    """vᴴ A of vectors (…, n) and matrices (…, n, m)."""
    row = xp.conj(x1) if is_complex(x1.dtype) else x1
    return xp.squeeze(xp.matmul(xp.expand_dims(row, axis=-2), x2), axis=-2)


# ── integers and truth, which carry no derivative ───────────────────────────────────────────────


def gcd(x1: Any, x2: Any) -> Array:
    """The greatest common divisor, by Euclid's algorithm where the library has none."""
    return _of_library("gcd", x1, x2)


def lcm(x1: Any, x2: Any) -> Array:
    """The least common multiple."""
    return _of_library("lcm", x1, x2)


def _of_library(name: str, x1: Any, x2: Any) -> Array:
    a, b = (backend_array(x) for x in (x1, x2))
    home = a if hasattr(a, "dtype") else b
    backend = backend_of(home)
    if backend.recording:
        raise TypeError(
            f"{name} in a compiled function: it takes a number of steps that depends on values; compute it outside"
        )
    library = namespace_of(home)
    found = getattr(library, name, None)
    if found is not None:
        return Array(backend.normalise(found(a, b)))
    x, y = library.abs(a), library.abs(b)
    x, y = library.broadcast_arrays(x, y)
    product = x * y
    while bool(library.any(y != 0)):
        one = library.ones_like(y)
        zero = y == 0
        rest = library.remainder(x, library.where(zero, one, y))
        x, y = library.where(zero, x, y), library.where(zero, y, rest)
    if name == "gcd":
        return Array(x)
    return Array(
        library.where(x == 0, x, product // library.where(x == 0, library.ones_like(x), x))
    )


def bitwise_count(x: Array) -> Array:
    """The number of bits that are 1 in |x|, as uint8."""
    x = constant(x)
    if x.dtype.kind == "b":
        return xp.astype(x, np.dtype("uint8"))
    rest = xp.abs(x)
    count = rest & 1
    for _ in range(8 * x.dtype.itemsize - 1):
        rest = xp.bitwise_right_shift(rest, 1)
        count = count + (rest & 1)
    return xp.astype(count, np.dtype("uint8"))


def isnat(x: Array) -> Array:
    """Whether a date is missing; no array here holds dates.

    Raises
    ------
    TypeError
        Always, as NumPy does for numbers.
    """
    raise TypeError(
        f"isnat of an array of dtype {x.dtype}: it is for dates and times, which no pullback array holds; "
        "isnan is for numbers"
    )
