"""erf and erfc as functions of numbers that kernels call and LLVM vectorises, as `exponentials.py` has exp.

Errors in units of the last place: erf 3, erfc 4 and 8 where it is subnormal (`test_error_functions.py`). The tail of
SciPy's erfc, by which programs without numba compute, is hundreds of units off, since it squares x in one rounding.

The polynomials interpolate erf(√z) / √z, e^(x²) erfc(x) as one of 2 / (2 + x), and (1 + 2x) e^(x²) erfc(x) as one of
(x - k) / (x + k), at Chebyshev's points, computed in 80 digits. The last is by Shepherd and Laframboise (Chebyshev
approximation of (1 + 2x) exp(x²) erfc x, 1981).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jit import ByDtype, inlined
from .exponentials import exp32, exp64, expm1_poly32, expm1_poly64


@inlined
def erf32(x: Any) -> Any:
    """``2/√π ∫₀ˣ e^(-t²) dt`` in float32."""
    size = abs(x)
    z = x * x
    p = np.float32(7.875875062685488e-05)
    p = p * z + np.float32(-0.000801686428716587)
    p = p * z + np.float32(0.005189087423433974)
    p = p * z + np.float32(-0.026854212010626412)
    p = p * z + np.float32(0.11283594715160218)
    p = p * z + np.float32(-0.37612626666720334)
    p = p * z + np.float32(1.1283791658483509)
    inner = x * p
    y = np.float32(4.0) if size > np.float32(4.0) else size
    t = np.float32(2.0) / (np.float32(2.0) + y)
    q = np.float32(0.12085243316317101)
    q = q * t + np.float32(-0.47652527438460934)
    q = q * t + np.float32(0.5712651758119816)
    q = q * t + np.float32(-0.11020829405569384)
    q = q * t + np.float32(0.3510303231787886)
    q = q * t + np.float32(0.2587513663855191)
    q = q * t + np.float32(0.2850616201155706)
    q = q * t + np.float32(-0.00016423638708161766)
    outer = np.float32(1.0) - exp32(-y * y) * q
    outer = -outer if x < np.float32(0.0) else outer
    return outer if size > np.float32(1.0) else inner


@inlined
def _near_zero32(x: Any) -> Any:
    """``1 - erf(x)`` in float32 for |x| ≤ 0.3, where the quotient of `erfc32` is near 1 and loses more."""
    z = x * x
    p = np.float32(-0.025943610817193985)
    p = p * z + np.float32(0.11278629302978516)
    p = p * z + np.float32(-0.3761254549026489)
    p = p * z + np.float32(1.1283791065216064)
    return np.float32(1.0) - x * p


@inlined
def erfc32(x: Any) -> Any:
    """``1 - erf(x)`` in float32, its tail for large x included."""
    size = abs(x)
    y = np.float32(10.5) if size > np.float32(10.5) else size
    u = (y - np.float32(2.0)) / (y + np.float32(2.0))
    p = np.float32(2.1667789318207367e-05)
    p = p * u + np.float32(-0.0003730590675364627)
    p = p * u + np.float32(-0.0012513748068165183)
    p = p * u + np.float32(0.0012824424978298311)
    p = p * u + np.float32(0.008639491471215021)
    p = p * u + np.float32(-0.00804796595931893)
    p = p * u + np.float32(-0.054205721699438644)
    p = p * u + np.float32(0.1640536474439599)
    p = p * u + np.float32(-0.16603129749266193)
    p = p * u + np.float32(-0.0927639169344334)
    p = p * u + np.float32(1.276978391144088)
    # y² in two parts, as its rounding error would be that of the exponent
    high = np.int32(np.float32(y).view(np.int32) & np.int32(-4096)).view(np.float32)
    rest = (y - high) * (y + high)
    e = exp32(-high * high)
    e = e + e * expm1_poly32(-rest)
    y = e * p / (np.float32(1.0) + np.float32(2.0) * y)
    y = np.float32(2.0) - y if x < np.float32(0.0) else y
    return _near_zero32(x) if size < np.float32(0.3) else y


@inlined
def erf64(x: Any) -> Any:
    """``2/√π ∫₀ˣ e^(-t²) dt`` in float64."""
    size = abs(x)
    z = x * x
    p = -7.795898827002142e-10
    p = p * z + 1.3720064546777686e-08
    p = p * z + -1.6208483801871705e-07
    p = p * z + 1.6447424703317362e-06
    p = p * z + -1.492473690741966e-05
    p = p * z + 0.00012055294904839707
    p = p * z + -0.0008548325975389692
    p = p * z + 0.0052239776071164225
    p = p * z + -0.02686617064323777
    p = p * z + 0.11283791670945006
    p = p * z + -0.37612638903183543
    p = p * z + 1.1283791670955126
    inner = x * p
    y = 6.0 if size > 6.0 else size
    t = 2.0 / (2.0 + y)
    q = 0.055250793978112514
    q = q * t + -0.5045145749271821
    q = q * t + 2.11898635993507
    q = q * t + -5.391195430729784
    q = q * t + 9.201032354735213
    q = q * t + -11.027166089681996
    q = q * t + 9.504834641895664
    q = q * t + -6.07131404297764
    q = q * t + 3.07138698220628
    q = q * t + -1.2694736835598905
    q = q * t + 0.3237592340830136
    q = q * t + -0.0983919865492457
    q = q * t + 0.10188117584549979
    q = q * t + 0.1736301999270906
    q = q * t + 0.24712577070718897
    q = q * t + 0.2820724702225144
    q = q * t + 0.2820958513854485
    q = q * t + -2.3585086223305635e-08
    outer = 1.0 - exp64(-y * y) * q
    outer = -outer if x < 0.0 else outer
    return outer if size > 1.0 else inner


@inlined
def _near_zero64(x: Any) -> Any:
    """``1 - erf(x)`` in float64, as `_near_zero32`."""
    z = x * x
    p = 0.000115944445431952
    p = p * z + -0.0008542656475600584
    p = p * z + 0.0052239429052758635
    p = p * z + -0.026866169552230135
    p = p * z + 0.11283791669315656
    p = p * z + -0.3761263890317452
    p = p * z + 1.1283791670955126
    return 1.0 - x * p


@inlined
def erfc64(x: Any) -> Any:
    """``1 - erf(x)`` in float64, its tail for large x included."""
    size = abs(x)
    y = 27.5 if size > 27.5 else size
    u = (y - 4.0) / (y + 4.0)
    p = -1.9073886270079705e-09
    p = p * u + -1.3952812123042382e-08
    p = p * u + -7.796210935750396e-09
    p = p * u + 1.1597564919712835e-07
    p = p * u + 6.326381936013845e-08
    p = p * u + -8.356886054802244e-07
    p = p * u + 3.006053020270926e-07
    p = p * u + 5.718067004785881e-06
    p = p * u + -1.1224293594679385e-05
    p = p * u + -2.4403160497192634e-05
    p = p * u + 0.0001506220523230599
    p = p * u + -0.00019925553476007838
    p = p * u + -0.0007577732963739462
    p = p * u + 0.005031969765051122
    p = p * u + -0.016197734065502876
    p = p * u + 0.03716751556105671
    p = p * u + -0.0663303658110103
    p = p * u + 0.09373283499690535
    p = p * u + -0.10103906603637362
    p = p * u + 0.0680970542547336
    p = p * u + 0.015379652102621091
    p = p * u + -0.13962111684056286
    p = p * u + 1.2329951186255526
    high = np.int64(np.float64(y).view(np.int64) & np.int64(-134217728)).view(np.float64)
    rest = (y - high) * (y + high)
    e = exp64(-high * high)
    e = e + e * expm1_poly64(-rest)
    y = e * p / (1.0 + 2.0 * y)
    y = 2.0 - y if x < 0.0 else y
    return _near_zero64(x) if size < 0.3 else y


erf: Any = ByDtype(erf32, erf64)
erfc: Any = ByDtype(erfc32, erfc64)
