"""NumPy: special functions of derivative rules that SciPy has not, or computes many times slower than their primitives.

SciPy's polygamma functions go through Hurwitz' zeta function for every element, 25 times as slow as digamma.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..common.typing import XP
from ..generic import namespace as generic
from ..generic import special as generic_special
from .standard import STANDARD

SCIPY = generic_special.Later("scipy.special")  # loaded when the first of its functions is used
PLAIN = generic.extend(STANDARD)
_BLOCK = 16384  # elements at a time, so that the passes below run in the second cache

# B_2k / (2k)! of the Euler-Maclaurin formula
_BERNOULLI = tuple(
    b / math.factorial(2 * k)
    for k, b in enumerate(
        (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510), start=1
    )
)
POLYGAMMA_ORDERS = 8  # from there on the series needs more terms


def polygamma(xp: XP, n: Any, x: Any) -> Any:
    """``ψ⁽ⁿ⁾(x) = (−1)ⁿ⁺¹ n! ζ(n + 1, x)``, for x > 0 by the Euler-Maclaurin formula, all elements at once.

    With s = n + 1, ζ(s, x) = Σ_{k<N} (x+k)^(−s) + z^(1−s)/(s−1) + z^(−s)/2 + Σ_k B_2k/(2k)! (s)_(2k−1) z^(1−s−2k) at
    z = x + N (DLMF 25.11.43 with 25.11.3; (s)_m is Pochhammer's symbol): 8 terms at N = 10 + n leave an error below the
    precision of float64. At x ≤ 0, as elsewhere, by SciPy's ζ.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    """
    n = operator.index(n)
    if not 0 < n < POLYGAMMA_ORDERS or not hasattr(x, "dtype") or x.dtype.char not in "fd":
        return generic_special.polygamma(xp, n, x)
    out = np.empty(x.shape, x.dtype)
    flat, results = x.reshape(-1), out.reshape(-1)
    factor = (-1.0) ** (n + 1) * math.gamma(n + 1)
    with np.errstate(all="ignore"):
        for start in range(0, flat.shape[0], _BLOCK):
            part = flat[start : start + _BLOCK]
            np.multiply(_hurwitz(n + 1, part), factor, results[start : start + _BLOCK])
    outside = np.logical_not(flat > 0).nonzero()[0]
    if outside.size:
        results[outside] = SCIPY.zeta(float(n + 1), flat[outside]) * factor
    return out


def _hurwitz(s: int, x: Any) -> Any:
    """ζ(s, x) for x > 0 and a whole s from 2 to POLYGAMMA_ORDERS."""
    steps = 9 + s
    total = np.zeros_like(x)
    term, z = np.empty_like(x), np.empty_like(x)
    for k in range(steps - 1, -1, -1):  # the smallest first
        np.reciprocal(np.add(x, k, z), z)
        total += _power(z, s, term)
    np.reciprocal(np.add(x, steps, z), z)
    square = z * z
    series = np.full_like(x, _coefficient(s, 8))
    for k in range(7, 0, -1):
        series *= square
        series += _coefficient(s, k)
    series *= z
    series += 0.5
    series *= z
    series += 1.0 / (s - 1)
    series *= _power(z, s - 1, term)
    total += series
    return total


def _coefficient(s: int, k: int) -> float:
    return _BERNOULLI[k - 1] * math.prod(range(s, s + 2 * k - 1))


def _power(x: Any, n: int, out: Any) -> Any:
    """``xⁿ`` of a small whole n ≥ 1, by products, in `out`."""
    np.copyto(out, x)
    for _ in range(n - 1):
        out *= x
    return out


def sinc_derivative(x: Any, *, n: int) -> Any:
    """The derivative by the recurrence everywhere, and by the series for those elements alone that need it."""
    if not hasattr(x, "dtype") or x.dtype.char not in "fd" or x.ndim == 0:
        return generic_special.sinc_derivative(PLAIN, x, n=n)
    t = math.pi * x
    near = (np.abs(t) < generic_special.sinc_border(n)).reshape(-1).nonzero()[0]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        out = np.ascontiguousarray(generic_special.sinc_recurrence(PLAIN, t, n))
    out.reshape(-1)[near] = generic_special.sinc_series(t.reshape(-1)[near], n)
    out *= math.pi**n
    return out


FUNCTIONS = (sinc_derivative,)
