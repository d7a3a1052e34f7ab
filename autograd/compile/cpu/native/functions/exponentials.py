"""exp and its kin as functions of numbers that kernels call and LLVM vectorises.

``math.exp`` in a loop is a call of the C library for each number. These are polynomials and operations on exponent
bits, without branches, so that a loop over them handles as many numbers at once as registers hold. Errors, against the
value rounded correctly, in units of the last place: exp and expm1 2.5, sigmoid 3, tanh 4 (`test_exponentials.py`). In
the tails they are as NumPy's: what is too large is inf, what is too small is subnormal or 0, and NaN stays NaN.

``exp`` is `exp32` or `exp64`, as the dtype of the kernel's arrays says; the others alike.

The polynomial interpolates (e^r - 1 - r) / r² at Chebyshev's points, computed in 80 digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jit import ByDtype, inlined


@inlined
def reduced32(x: Any) -> Any:
    """``(r, n)`` with x = n ln 2 + r, n whole (as float32), |r| ≤ ln 2 / 2."""
    t = x * np.float32(1.4426950408889634) + np.float32(12582912.0)
    n = t - np.float32(12582912.0)
    r = x - n * np.float32(0.693359375)
    return r + n * np.float32(2.12194440e-4), n


@inlined
def expm1_poly32(r: Any) -> Any:
    """``e^r - 1`` for |r| ≤ ln 2 / 2."""
    p = np.float32(0.0013926183587713494)
    p = p * r + np.float32(0.008363179052722578)
    p = p * r + np.float32(0.041666554617204574)
    p = p * r + np.float32(0.16666576989698775)
    p = p * r + np.float32(0.5)
    return p * (r * r) + r


@inlined
def power_of_two32(n: Any) -> Any:
    """``2ⁿ`` for whole n from -126 to 127; anything for NaN."""
    bits = np.float32(n + np.float32(12583039.0)).view(np.int32)  # 1.5 · 2^23 + 127
    return np.int32(bits << np.int32(23)).view(np.float32)


@inlined
def exp32(x: Any) -> Any:
    """``e^x`` in float32."""
    x = np.float32(-104.0) if x < np.float32(-104.0) else x
    x = np.float32(89.0) if x > np.float32(89.0) else x
    r, n = reduced32(x)
    # in two steps, as 2^n is no normal number at the ends
    half = (n * np.float32(0.5) + np.float32(12582912.0)) - np.float32(12582912.0)
    y = expm1_poly32(r) + np.float32(1.0)
    return y * power_of_two32(half) * power_of_two32(n - half)


@inlined
def expm1_32(x: Any) -> Any:
    """``e^x - 1`` in float32."""
    y = np.float32(-20.0) if x < np.float32(-20.0) else x
    y = np.float32(89.0) if y > np.float32(89.0) else y
    r, n = reduced32(y)
    half = (n * np.float32(0.5) + np.float32(12582912.0)) - np.float32(12582912.0)
    a, b = power_of_two32(half), power_of_two32(n - half)
    y = (expm1_poly32(r) * a + (a - power_of_two32(half - n))) * b
    return y if x != np.float32(0.0) else x  # -0 too


@inlined
def tanh32(x: Any) -> Any:
    """``tanh(x)`` in float32."""
    size = abs(x)
    y = np.float32(10.0) if size > np.float32(10.0) else size
    r, n = reduced32(np.float32(-2.0) * y)
    a = power_of_two32(n)
    t = expm1_poly32(r) * a + (a - np.float32(1.0))
    y = t / (t + np.float32(2.0))  # minus tanh |x|
    y = -y if x > np.float32(0.0) else y
    return y if size > np.float32(0.0) else x


@inlined
def sigmoid32(x: Any) -> Any:
    """``1 / (1 + e^-x)`` in float32, small values of negative x included."""
    e = exp32(-abs(x))
    return (np.float32(1.0) if x >= np.float32(0.0) else e) / (np.float32(1.0) + e)


@inlined
def over_cosh2_32(ct: Any, x: Any) -> Any:
    """``ct / cosh² x`` in float32: ``4 e / (1 + e)²`` with e = e^(-2|x|), whose power of 2 goes to ct by three parts.

    Nothing is lost so where ct is as large as 1 / cosh² x is small: no product on the way is larger than ct.
    """
    size = abs(x)
    y = np.float32(104.0) if size > np.float32(104.0) else size
    r, n = reduced32(np.float32(-2.0) * y)
    third = (n * np.float32(0.3333) + np.float32(12582912.0)) - np.float32(12582912.0)
    a, b = power_of_two32(third), power_of_two32(n - (third + third))
    p = expm1_poly32(r) + np.float32(1.0)
    t = np.float32(1.0) + p * (a * a * b)
    return (ct * a) * b * (p / (t * t)) * (np.float32(4.0) * a)


@inlined
def sech2_32(x: Any) -> Any:
    """``1 / cosh² x`` in float32."""
    return over_cosh2_32(np.float32(1.0), x)


@inlined
def reduced64(x: Any) -> Any:
    """``(r, n)`` with x = n ln 2 + r, n whole (as float64), |r| ≤ ln 2 / 2."""
    t = x * 1.4426950408889634 + 6755399441055744.0
    n = t - 6755399441055744.0
    r = x - n * 0.6931471803691238
    return r - n * 1.9082149292705877e-10, n


@inlined
def expm1_poly64(r: Any) -> Any:
    """``e^r - 1`` for |r| ≤ ln 2 / 2."""
    p = 2.510038549551032e-08
    p = p * r + 2.7620088445409746e-07
    p = p * r + 2.7557268459997064e-06
    p = p * r + 2.4801521295954376e-05
    p = p * r + 0.00019841269863053618
    p = p * r + 0.0013888888917213717
    p = p * r + 0.008333333333330062
    p = p * r + 0.04166666666662413
    p = p * r + 0.16666666666666669
    p = p * r + 0.5000000000000001
    return p * (r * r) + r


@inlined
def power_of_two64(n: Any) -> Any:
    """``2ⁿ`` for whole n from -1022 to 1023; anything for NaN."""
    bits = np.float64(n + 6755399441056767.0).view(np.int64)  # 1.5 · 2^52 + 1023
    return np.int64(bits << np.int64(52)).view(np.float64)


@inlined
def exp64(x: Any) -> Any:
    """``e^x`` in float64."""
    x = -746.0 if x < -746.0 else x
    x = 710.0 if x > 710.0 else x
    r, n = reduced64(x)
    half = (n * 0.5 + 6755399441055744.0) - 6755399441055744.0
    return (expm1_poly64(r) + 1.0) * power_of_two64(half) * power_of_two64(n - half)


@inlined
def expm1_64(x: Any) -> Any:
    """``e^x - 1`` in float64."""
    y = -40.0 if x < -40.0 else x
    y = 710.0 if y > 710.0 else y
    r, n = reduced64(y)
    half = (n * 0.5 + 6755399441055744.0) - 6755399441055744.0
    a, b = power_of_two64(half), power_of_two64(n - half)
    y = (expm1_poly64(r) * a + (a - power_of_two64(half - n))) * b
    return y if x != 0.0 else x


@inlined
def tanh64(x: Any) -> Any:
    """``tanh(x)`` in float64."""
    size = abs(x)
    y = 20.0 if size > 20.0 else size
    r, n = reduced64(-2.0 * y)
    a = power_of_two64(n)
    t = expm1_poly64(r) * a + (a - 1.0)
    y = t / (t + 2.0)
    y = -y if x > 0.0 else y
    return y if size > 0.0 else x


@inlined
def sigmoid64(x: Any) -> Any:
    """``1 / (1 + e^-x)`` in float64."""
    e = exp64(-abs(x))
    return (1.0 if x >= 0.0 else e) / (1.0 + e)


@inlined
def over_cosh2_64(ct: Any, x: Any) -> Any:
    """``ct / cosh² x`` in float64, as `over_cosh2_32`."""
    size = abs(x)
    y = 750.0 if size > 750.0 else size
    r, n = reduced64(-2.0 * y)
    third = (n * 0.3333 + 6755399441055744.0) - 6755399441055744.0
    a, b = power_of_two64(third), power_of_two64(n - (third + third))
    p = expm1_poly64(r) + 1.0
    t = 1.0 + p * (a * a * b)
    return (ct * a) * b * (p / (t * t)) * (4.0 * a)


@inlined
def sech2_64(x: Any) -> Any:
    """``1 / cosh² x`` in float64."""
    return over_cosh2_64(1.0, x)


exp: Any = ByDtype(exp32, exp64)
expm1: Any = ByDtype(expm1_32, expm1_64)
tanh: Any = ByDtype(tanh32, tanh64)
sigmoid: Any = ByDtype(sigmoid32, sigmoid64)
sech2: Any = ByDtype(sech2_32, sech2_64)
over_cosh2: Any = ByDtype(over_cosh2_32, over_cosh2_64)
