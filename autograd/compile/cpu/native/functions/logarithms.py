"""log, log1p and logaddexp as functions of numbers that kernels call and LLVM vectorises, as `exponentials.py` has exp.

Errors in units of the last place: 1, and 3 of logaddexp's larger term (`test_logarithms.py`). The polynomial in s²
interpolates (log((1 + s) / (1 - s)) - 2s) / s³ at Chebyshev's points, computed in 80 digits; log(1 + f) comes of it as
in Sun's fdlibm, with s = f / (2 + f).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jit import ByDtype, inlined
from .exponentials import exp32, exp64


@inlined
def log32(x: Any) -> Any:
    """``log x`` in float32."""
    tiny = x < np.float32(1.1754944e-38)  # subnormal, or no positive number
    y = x * np.float32(8388608.0) if tiny else x
    bits = np.float32(y).view(np.int32)
    n = np.int32(bits - np.int32(0x3F3504F3)) >> np.int32(23)  # the bits of √½
    f = np.int32(bits - (n << np.int32(23))).view(np.float32) - np.float32(1.0)
    k = np.float32(n) - (np.float32(23.0) if tiny else np.float32(0.0))
    s = f / (np.float32(2.0) + f)
    z = s * s
    p = np.float32(0.29580985929974424)
    p = p * z + np.float32(0.39988757716604845)
    p = p * z + np.float32(0.6666668509542907)
    half = np.float32(0.5) * f * f
    y = f - (half - (s * (half + z * p) + k * np.float32(-2.12194440e-4)))
    y = k * np.float32(0.693359375) + y
    y = x if x == np.float32(np.inf) or x != x else y
    y = np.float32(np.nan) if x < np.float32(0.0) else y
    return np.float32(-np.inf) if x == np.float32(0.0) else y


@inlined
def log1p32(x: Any) -> Any:
    """``log(1 + x)`` in float32: log of u = 1 + x, rounded, and what was rounded off over u."""
    u = np.float32(1.0) + x
    bits = np.float32(u).view(np.int32)
    n = np.int32(bits - np.int32(0x3F3504F3)) >> np.int32(23)
    f = np.int32(bits - (n << np.int32(23))).view(np.float32) - np.float32(1.0)
    k = np.float32(n)
    s = f / (np.float32(2.0) + f)
    # 1/u is 2^-n (1 - s) / (1 + s), of which three digits do
    off = (x - (u - np.float32(1.0))) * np.int32((np.int32(128) - n) << np.int32(23)).view(
        np.float32
    )
    off = off * (np.float32(0.5) - s * (np.float32(1.0) - s * (np.float32(1.0) - s)))
    z = s * s
    p = np.float32(0.29580985929974424)
    p = p * z + np.float32(0.39988757716604845)
    p = p * z + np.float32(0.6666668509542907)
    half = np.float32(0.5) * f * f
    y = f - (half - (s * (half + z * p) + (k * np.float32(-2.12194440e-4) + off)))
    y = k * np.float32(0.693359375) + y
    y = y if u < np.float32(np.inf) else x
    y = np.float32(np.nan) if u < np.float32(0.0) else y
    y = np.float32(-np.inf) if u == np.float32(0.0) else y
    return x if x == np.float32(0.0) else y


@inlined
def log64(x: Any) -> Any:
    """``log x`` in float64."""
    tiny = x < 2.2250738585072014e-308
    y = x * 4503599627370496.0 if tiny else x
    bits = np.float64(y).view(np.int64)
    n = np.int64(bits - np.int64(0x3FE6A09E667F3BCD)) >> np.int64(52)
    f = np.int64(bits - (n << np.int64(52))).view(np.float64) - 1.0
    # as a number by its bits, for which there are instructions on vectors everywhere: 1.5 · 2^52
    k = np.int64(n + np.int64(0x4338000000000000)).view(np.float64) - 6755399441055744.0
    k = k - (52.0 if tiny else 0.0)
    s = f / (2.0 + f)
    z = s * s
    p = 0.14617807153417325
    p = p * z + 0.15331611722055008
    p = p * z + 0.1818289243253687
    p = p * z + 0.22222211089379496
    p = p * z + 0.28571428626253836
    p = p * z + 0.3999999999989889
    p = p * z + 0.666666666666667
    half = 0.5 * f * f
    y = f - (half - (s * (half + z * p) + k * 1.9082149292705877e-10))
    y = k * 0.6931471803691238 + y
    y = x if x == np.inf or x != x else y
    y = np.nan if x < 0.0 else y
    return -np.inf if x == 0.0 else y


@inlined
def log1p64(x: Any) -> Any:
    """``log(1 + x)`` in float64, as `log1p32`."""
    u = 1.0 + x
    bits = np.float64(u).view(np.int64)
    n = np.int64(bits - np.int64(0x3FE6A09E667F3BCD)) >> np.int64(52)
    f = np.int64(bits - (n << np.int64(52))).view(np.float64) - 1.0
    k = np.int64(n + np.int64(0x4338000000000000)).view(np.float64) - 6755399441055744.0
    s = f / (2.0 + f)
    off = (x - (u - 1.0)) * np.int64((np.int64(1024) - n) << np.int64(52)).view(np.float64)
    off = off * (0.5 - s * (1.0 - s * (1.0 - s)))
    z = s * s
    p = 0.14617807153417325
    p = p * z + 0.15331611722055008
    p = p * z + 0.1818289243253687
    p = p * z + 0.22222211089379496
    p = p * z + 0.28571428626253836
    p = p * z + 0.3999999999989889
    p = p * z + 0.666666666666667
    half = 0.5 * f * f
    y = f - (half - (s * (half + z * p) + (k * 1.9082149292705877e-10 + off)))
    y = k * 0.6931471803691238 + y
    y = y if u < np.inf else x
    y = np.nan if u < 0.0 else y
    y = -np.inf if u == 0.0 else y
    return x if x == 0.0 else y


@inlined
def logaddexp32(x1: Any, x2: Any) -> Any:
    """``log(e^x1 + e^x2)`` in float32."""
    y = (x1 if x1 > x2 else x2) + log1p32(exp32(-abs(x1 - x2)))
    return y if x1 != x2 else x1 + np.float32(0.6931471805599453)  # of equal infinities, too


@inlined
def logaddexp64(x1: Any, x2: Any) -> Any:
    """``log(e^x1 + e^x2)`` in float64."""
    y = (x1 if x1 > x2 else x2) + log1p64(exp64(-abs(x1 - x2)))
    return y if x1 != x2 else x1 + 0.6931471805599453


log: Any = ByDtype(log32, log64)
log1p: Any = ByDtype(log1p32, log1p64)
logaddexp: Any = ByDtype(logaddexp32, logaddexp64)
