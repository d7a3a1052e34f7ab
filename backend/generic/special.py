"""Special functions: SciPy's and CuPy's own, and formulas where those lack one.

`special_of(xp, base)` makes the namespace ``xp.special``: the functions of the module `base`, imported when
the first of them is asked for, under what this file overrides. A library without such a module has the few
functions that are formulas in the standard; for all others it raises, since nothing is moved to NumPy silently.
"""

from __future__ import annotations

import functools
import importlib
import math
import operator
from collections.abc import Callable
from typing import Any

from ..common.base import Namespace
from ..common.typing import XP, RawArray


class Later:
    """A module that is imported when the first of its names is asked for."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __getattr__(self, name: str) -> Any:
        found = self.__dict__[name] = getattr(importlib.import_module(self.__name__), name)
        return found


class Lacking:
    """Stands where a library's special functions would."""

    def __init__(self, library: str) -> None:
        self.__name__ = f"{library}.special"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotImplementedError(
            f"special.{name}: {self.__name__.removesuffix('.special')} has no such function; NumPy and CuPy arrays do "
            "(pb.to_numpy(x), pb.xp.from_dlpack(x))"
        )


def _with_number_arrays(xp: XP, *args: Any) -> list[Any]:
    """Python numbers as 0-d arrays in the dtype of the arrays that they meet."""
    arrays = [x for x in args if hasattr(x, "dtype")]
    like = arrays[0] if arrays else None
    if (
        len(arrays) == len(args)
        or like is None
        or not xp.isdtype(like.dtype, ("real floating", "complex floating"))
    ):
        return list(args)
    zero = xp.zeros_on_device_of((), like)
    return [x if hasattr(x, "dtype") or x is None else zero + x for x in args]


# ── formulas in the standard ──────────────────────────────────────────────────────────────────


def log_expit(xp: XP, x: Any) -> Any:
    """``log(1 / (1 + exp(−x)))``."""
    return -xp.softplus(-x)


def logit(xp: XP, x: Any) -> Any:
    """``log(x / (1 − x))``."""
    return xp.log(x) - xp.log1p(-x)


def xlogy(xp: XP, x: Any, y: Any) -> Any:
    """``x log y``; 0 at x = 0, unless y is NaN."""
    x, y = _with_number_arrays(xp, x, y)
    idle = (x == 0) & ~xp.isnan(y)
    return xp.where(idle, xp.zeros_like(y), x * xp.log(xp.where(idle, xp.ones_like(y), y)))


def xlog1py(xp: XP, x: Any, y: Any) -> Any:
    """``x log(1 + y)``; 0 at x = 0, unless y is NaN."""
    x, y = _with_number_arrays(xp, x, y)
    idle = (x == 0) & ~xp.isnan(y)
    return xp.where(idle, xp.zeros_like(y), x * xp.log1p(xp.where(idle, xp.zeros_like(y), y)))


def entr(xp: XP, x: Any) -> Any:
    """``−x log x``; 0 at 0, −inf below."""
    return xp.where(x < 0, -math.inf, -xlogy(xp, x, xp.where(x < 0, xp.ones_like(x), x)))


def rel_entr(xp: XP, x: Any, y: Any) -> Any:
    """``x log(x / y)``; 0 at x = 0 ≤ y, inf outside x, y ≥ 0."""
    x, y = _with_number_arrays(xp, x, y)
    inside = (x > 0) & (y > 0)
    ratio = xp.where(inside, x, xp.ones_like(x)) / xp.where(inside, y, xp.ones_like(y))
    outside = xp.where((x == 0) & (y >= 0), xp.zeros_like(ratio), math.inf)
    outside = xp.where(xp.isnan(x) | xp.isnan(y), math.nan, outside)
    return xp.where(inside, x * xp.log(ratio), outside)


def kl_div(xp: XP, x: Any, y: Any) -> Any:
    """``x log(x / y) − x + y``; inf outside x, y ≥ 0."""
    x, y = _with_number_arrays(xp, x, y)
    out = rel_entr(xp, x, y)
    return xp.where(out == math.inf, out, out - x + y)


FORMULAS: dict[str, Callable[..., Any]] = {
    f.__name__: f for f in (log_expit, logit, xlogy, xlog1py, entr, rel_entr, kl_div)
}


# ── in addition to SciPy's and CuPy's ─────────────────────────────────────────────────────────


# SciPy lists the loops of these for double precision first: a Python number with float32 would choose that one.
SEVERAL = (
    "beta", "betainc", "betaincc", "betainccinv", "betaincinv", "betaln", "binom", "gammainc", "gammaincc",
    "gammainccinv", "gammaincinv", "hankel1", "hankel1e", "hankel2", "hankel2e", "hyp0f1", "hyp1f1", "hyp2f1", "jv",
    "kv", "kve", "owens_t", "poch", "stdtrit", "xlog1py", "xlogy", "yv",
)  # fmt: skip

# What SciPy has and CuPy lacks, of one array or of an order and an array.
OF_SCIPY_ALONE = (
    "airy", "dawsn", "ellipe", "erfi", "fresnel", "ndtri_exp", "spence", "wofz", "wrightomega",
)  # fmt: skip


def weak(base: Any, name: str) -> Callable[..., Any]:
    """A function of several arrays, with Python numbers in the dtype of the arrays."""

    def call(xp: XP, *args: Any) -> Any:
        function = getattr(base, name, None)
        return (lacking(base, name) if function is None else function)(
            *_with_number_arrays(xp, *args)
        )

    return call


# SciPy's loops with an order that is an integer, and of Lambert's W, are in double precision alone.
WIDE = (
    "eval_chebyt", "eval_chebyu", "eval_gegenbauer", "eval_genlaguerre", "eval_hermite", "eval_hermitenorm",
    "eval_jacobi", "eval_laguerre", "eval_legendre", "expn", "kn", "lambertw", "yn",
)  # fmt: skip


def narrow(base: Any, name: str) -> Callable[..., Any]:
    """A function that is computed in double precision, of arrays in single precision in theirs."""

    def call(xp: XP, *args: Any) -> Any:
        function = getattr(base, name, None) or lacking(base, name)
        out = function(*args)
        inexact = [a.dtype for a in args if hasattr(a, "dtype") and a.dtype.kind in "fc"]
        if inexact and all(dtype.char in "efF" for dtype in inexact):
            return out.astype("complex64" if out.dtype.kind == "c" else "float32")
        return out

    return call


def lacking(base: Any, name: str) -> Callable[..., Any]:
    """Stands where a library has no function of a name that SciPy has."""

    def refuse(*_: Any) -> Any:
        raise NotImplementedError(
            f"special.{name}: {base.__name__} has no such function; SciPy has, for NumPy's arrays (pb.to_numpy(x))"
        )

    return refuse


def _require_integer(n: Any, name: str) -> int:
    """A whole number, of an integer array of no dimension too, whatever its library.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if hasattr(n, "dtype") and not hasattr(n, "__index__") and n.ndim == 0 and n.dtype.kind in "iu":
        return int(n)  # CuPy's arrays are no indices
    try:
        return operator.index(n)
    except TypeError:
        raise TypeError(f"special.{name}: the order {n!r} is not a whole number") from None


def polygamma(xp: XP, n: Any, x: Any) -> Any:
    """``ψ⁽ⁿ⁾(x) = (−1)ⁿ⁺¹ n! ζ(n + 1, x)``; SciPy's own makes float64 of float32.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    """
    n = _require_integer(n, "polygamma")
    if n == 0:
        return xp.special.digamma(x)
    return xp.special.zeta(float(n + 1), x) * ((-1.0) ** (n + 1) * math.gamma(n + 1))


def ive(xp: XP, v: RawArray, x: Any) -> Any:
    """``e^(−|x|) I_v(x)`` for one order v: a number.

    Near zero by the series Σ_k (x/2)^(v+2k) / (k! Γ(v+k+1)), whose terms have one sign for v ≥ 0; far out by the series
    in 1/x (`_ive_far`); between them, for large orders, from the order within [0, 1) by the ratios I_{k+1}/I_k =
    1 / (2(k+1)/x + I_{k+2}/I_{k+1}), taken downwards, which forgets where it began (DLMF 10.25.2, 10.40.1, 10.33.1).
    Where x < 0 the function of an order that is not whole is not real: NaN.

    Raises
    ------
    NotImplementedError
        If v is an array of several orders, or below −4 and not whole.
    """
    if getattr(v, "ndim", 0):
        raise NotImplementedError(
            f"special.ive: an array of {v.size} orders; CuPy has no such function: give one number, or take the array "
            "to the host by pb.to_numpy(x)"
        )
    order = float(v)
    whole = order == int(order)
    order = abs(order) if whole else order
    if order < -4:
        raise NotImplementedError(
            f"special.ive: order {v}: CuPy has no such function; below −4, whole orders alone"
        )
    if order in (0, 1):
        return xp.special.i1e(x) if order else xp.special.i0e(x)
    size = xp.abs(x)
    near = size < _NEAR
    out = _ive_near(xp, order, xp.where(near, size, 1.0))
    far = xp.where(near, _NEAR, size)
    end = order * order  # I_v and I_(−v) are one there
    out = xp.where(near, out, _ive_far(xp, order, far))
    if end > _NEAR:
        between = (size >= _NEAR) & (size < end)
        out = xp.where(between, _ive_by_ratios(xp, abs(order), xp.where(between, size, _NEAR)), out)
    if whole:
        return xp.where(x < 0, -out, out) if order % 2 else out
    return xp.where(x < 0, math.nan, out)


_NEAR = 30.0


def _ive_near(xp: XP, v: float, x: Any) -> Any:
    """The series in x, for x below 30."""
    half = 0.5 * x
    square = half * half
    decay = xp.exp(-half)  # once at each end: between them, nothing overflows
    steps = max(int(v), 0)
    first = v - steps
    term = half**first / math.gamma(first + 1) * decay
    for k in range(1, steps + 1):
        term = term * (half / (first + k))
    total = term
    k, largest = 1, 1.0
    while largest > 1e-18 or k <= abs(v):
        term = term * (square / (k * (k + v)))
        total = total + term
        largest *= (_NEAR / 2) ** 2 / abs(k * (k + v))
        k += 1
    return total * decay


def _ive_far(xp: XP, v: float, x: Any) -> Any:
    """``(2πx)^(−1/2) Σ_k c_k x^(−k)``, c_k = −c_{k−1} (4v² − (2k−1)²)/(8k): for x above 30 and v²."""
    coefficients = [1.0]
    for k in range(1, 22):
        coefficients.append(-coefficients[-1] * (4.0 * v * v - (2 * k - 1) ** 2) / (8 * k))
    border = max(_NEAR, v * v)  # the powers are of border / x, so that no dtype overflows
    ratio = border / x
    ratio = xp.where(ratio > 1, xp.ones_like(ratio), ratio)
    total = ratio * 0.0
    for k in reversed(range(len(coefficients))):
        total = total * ratio + coefficients[k] / border**k
    return total * xp.sqrt((0.5 / math.pi) / x)


def _ive_by_ratios(xp: XP, v: float, x: Any) -> Any:
    """The function by ratios from the order within [0, 1), for x from 30 to v²."""
    first = v - int(v)
    ratio, out = xp.zeros_like(x), xp.ones_like(x)
    # Σ 2k/x steps beyond v are above 36
    for k in range(int(math.sqrt(v * v + 40 * v * v)) + 20, -1, -1):
        ratio = 1.0 / ((2.0 * (first + k + 1)) / x + ratio)
        if k < int(v):
            out = out * ratio
    return out * _ive_far(xp, first, x)


def iv(xp: XP, v: RawArray, x: Any) -> Any:
    """``I_v(x)`` for one order v."""
    return ive(xp, v, x) * xp.exp(xp.abs(x))


def stdtr(xp: XP, df: Any, t: Any) -> Any:
    """Student's distribution function, by the incomplete beta function."""
    like = next((a for a in (t, df) if hasattr(a, "dtype") and xp.isdtype(a.dtype, "real floating")), None)  # fmt: skip
    zero = xp.asarray(0.0) if like is None else xp.zeros_on_device_of((), like)
    df, t = zero + df, zero + t
    tail = 0.5 * xp.special.betainc(0.5 * df, 0.5, df / (df + t * t))
    return xp.where(t < 0, tail, 1 - tail)


def betaincc(xp: XP, a: Any, b: Any, x: Any) -> Any:
    """``1 − I_x(a, b)``, which is I_{1−x}(b, a)."""
    return xp.special.betainc(b, a, 1.0 - x)


def betainccinv(xp: XP, a: Any, b: Any, y: Any) -> Any:
    """x with ``1 − I_x(a, b) = y``."""
    return 1.0 - xp.special.betaincinv(b, a, y)


def stdtrit(xp: XP, df: Any, y: Any) -> Any:
    """Student's quantile, by the inverse of the incomplete beta function."""
    df, y = _with_number_arrays(xp, df, y)
    below = y < 0.5
    z = xp.special.betaincinv(0.5 * df, 0.5 + xp.zeros_like(y), 2.0 * xp.where(below, y, 1.0 - y))
    size = xp.sqrt(df * ((1.0 - z) / z))
    return xp.where(below, -size, size)


def special_of(xp: XP, base: Any, **functions: Callable[..., Any]) -> Namespace:
    """The special functions of the namespace `xp`: those of `base`, under `functions`.

    Parameters
    ----------
    xp : Namespace
        Passed on to `functions` as their first argument.
    base
        A module, or what stands for one.
    **functions
        What `base` lacks, or does otherwise.
    """
    for name in SEVERAL:
        functions.setdefault(name, weak(base, name))
    for name in WIDE:
        functions.setdefault(name, narrow(base, name))
    return Namespace(base, {name: functools.partial(f, xp) for name, f in functions.items()})


# ── sin(πx) / (πx) ────────────────────────────────────────────────────────────────────────────


def sinc(xp: XP, x: Any) -> Any:
    """``sin(πx) / (πx)``, 1 at 0."""
    return sinc_derivative(xp, x, n=0)


def sinc_derivative(xp: XP, x: Any, *, n: int) -> Any:
    """The n-th derivative of ``sinc(x) = sin(πx)/(πx)``.

    With t = πx and f_n = dⁿ/dtⁿ (sin t / t), differentiating t f_0 = sin t gives t f_n + n f_{n−1} = sin(t + nπ/2), a
    recurrence that keeps its digits for |t| > 1 + n/2; nearer to 0 the series f_n = Σ_k (−1)^k t^(2k−n) /
    ((2k+1) (2k−n)!), from which the recurrence would subtract almost equal numbers.
    """
    t = math.pi * x
    border = sinc_border(n)
    near = xp.abs(t) < border
    far = sinc_recurrence(xp, xp.where(near, border, t), n)
    return math.pi**n * xp.where(near, sinc_series(xp.where(near, t, 0.0), n), far)


def sinc_border(n: int) -> float:
    """Up to which |t| the series is the better one."""
    return 1.0 + 0.5 * n


def sinc_recurrence(xp: XP, t: Any, n: int) -> Any:
    """The functions f_n(t) by recurrence from f_0 = sin t / t upwards."""
    sine = xp.sin(t)
    cosine = xp.cos(t) if n else sine
    out = sine / t
    for k in range(1, n + 1):
        turned = cosine if k % 2 else sine  # ± sin(t + kπ/2)
        out = ((-turned if k % 4 > 1 else turned) - k * out) / t
    return out


def sinc_series(t: Any, n: int) -> Any:
    """The functions f_n(t) near 0, by their series."""
    border = sinc_border(n)
    first = (n + 1) // 2  # the first k with 2k ≥ n
    coefficients, power, k = [], 1.0, first
    while power > 1e-18:
        j = 2 * k - n
        power = border**j / math.gamma(j + 1)
        coefficients.append((-1.0) ** k / ((2 * k + 1) * math.gamma(j + 1)))
        k += 1
    square = t * t
    total = coefficients[-1] + 0.0 * square
    for c in reversed(coefficients[:-1]):
        total = total * square + c
    return total if 2 * first == n else total * t
