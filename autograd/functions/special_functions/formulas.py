"""Special functions that are compositions: SciPy's names and arguments, on every library, differentiable at any order.

Where the textbook's formula loses digits (near 0, or for large arguments), the one here does not; the derivatives are
those of the composition, and are looked at there too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...core.array import Array, backend_array
from ...core.defvjp import function_of
from ...core.generated import xp as generated
from ...core.registry import find
from ...core.typing import ArrayLike
from ..creation import as_floating, asarray, zeros_on_device_of

__all__ = [
    "bdtr", "bdtrc", "boxcox", "boxcox1p", "cbrt", "chdtr", "chdtrc", "comb", "cosdg", "cosm1", "cotdg", "diric",
    "exp10", "exp2", "exprel", "factorial", "fdtr", "fdtrc", "gammasgn", "gdtr", "gdtrc", "huber", "inv_boxcox",
    "inv_boxcox1p", "multigammaln", "nbdtr", "nbdtrc", "pdtr", "pdtrc", "perm", "powm1", "pseudo_huber", "radian",
    "sindg", "tandg", "voigt_profile",
]  # fmt: skip


def _special(name: str) -> Callable[..., Any]:
    return function_of(find(f"special.{name}"))


def _floating(*values: ArrayLike) -> list[Any]:
    """Arrays of floating dtype; Python's numbers as they are, where an array is beside them."""
    arrays = [v if isinstance(v, int | float) else as_floating(v) for v in values]
    if any(type(v) is Array for v in arrays):
        return arrays
    return [as_floating(arrays[0]), *arrays[1:]]


def _array(x: Any, other: Any) -> Array:
    """A number as an array of the library and dtype of `other`."""
    return x if type(x) is Array else _beside(x, other)


def _beside(x: Any, other: Any) -> Array:
    return zeros_on_device_of((), other if type(other) is Array else as_floating(other)) + x


def _constant(x: Array) -> Array:
    return Array(backend_array(x))


# ── near zero ─────────────────────────────────────────────────────────────────────────────────


def _by_series(
    x: Array, border: float, coefficients: list[float], far: Callable[[Array], Array]
) -> Array:
    """A function by its series for |x| < border, and by its formula elsewhere; neither sees what is the other's."""
    near = generated.abs(x) < border
    small = generated.where(near, x, 0.0)
    series = small * 0.0
    for c in reversed(coefficients):
        series = series * small + c
    return generated.where(near, series, far(generated.where(near, 1.0, x)))


def exprel(x: ArrayLike, /) -> Array:
    """``(eˣ − 1)/x``, 1 at 0.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.grad(pb.special.exprel)(0.0)
    0.5
    """
    coefficients = [1.0 / math.factorial(k + 1) for k in range(22)]
    return _by_series(as_floating(x), 1.0, coefficients, lambda x: generated.expm1(x) / x)


def _log1prel(x: Array) -> Array:
    """log(1 + x)/x, 1 at 0."""
    coefficients = [(-1.0) ** k / (k + 1) for k in range(30)]
    return _by_series(x, 0.25, coefficients, lambda x: generated.log1p(x) / x)


def cosm1(x: ArrayLike, /) -> Array:
    """``cos x − 1``, by −2 sin²(x/2)."""
    half = generated.sin(0.5 * as_floating(x))
    return -2.0 * (half * half)


def powm1(x: ArrayLike, y: ArrayLike, /) -> Array:
    """``x^y − 1`` for x > 0, by expm1(y log x); elsewhere as it is written."""
    x, y = _floating(x, y)
    x, y = _array(x, y), _array(y, x)
    inside = x > 0
    by_log = generated.expm1(y * generated.log(generated.where(inside, x, 1.0)))
    plain = generated.pow(generated.where(inside, 1.0, x), y) - 1.0
    return generated.where(inside, by_log, plain)


# ── roots, powers, degrees ────────────────────────────────────────────────────────────────────


def cbrt(x: ArrayLike, /) -> Array:
    """The real cube root of real numbers; its derivative at 0 is infinite."""
    x = as_floating(x)
    return generated.copysign(generated.pow(generated.abs(x), 1.0 / 3.0), x)


def exp2(x: ArrayLike, /) -> Array:
    """``2^x``."""
    x = as_floating(x)
    return generated.pow(_beside(2.0, x), x)


def exp10(x: ArrayLike, /) -> Array:
    """``10^x``."""
    x = as_floating(x)
    return generated.pow(_beside(10.0, x), x)


def sindg(x: ArrayLike, /) -> Array:
    """The sine of an angle in degrees; exactly 0 at multiples of 180."""
    x = as_floating(x)
    one = zeros_on_device_of(x.shape, x) + 1.0
    below = generated.where(x < 0, -one, one)
    turned = generated.remainder(below * x, 360.0)
    # of the nearest multiple of 180
    offset = generated.where(
        turned > 270.0, 360.0, generated.where(turned > 90.0, 180.0, 0.0 * one)
    )
    sign = generated.where(offset == 180.0, -one, one)
    return below * sign * generated.sin((turned - offset) * (math.pi / 180.0))


def cosdg(x: ArrayLike, /) -> Array:
    """The cosine of an angle in degrees; exactly 0 at odd multiples of 90."""
    x = as_floating(x)
    return sindg(generated.remainder(generated.abs(x), 360.0) + 90.0)


def tandg(x: ArrayLike, /) -> Array:
    """The tangent of an angle in degrees."""
    return sindg(x) / cosdg(x)


def cotdg(x: ArrayLike, /) -> Array:
    """The cotangent of an angle in degrees."""
    return cosdg(x) / sindg(x)


def radian(d: ArrayLike, m: ArrayLike, s: ArrayLike, /) -> Array:
    """Degrees, minutes and seconds in radians."""
    d, m, s = _floating(d, m, s)
    return (d + m / 60.0 + s / 3600.0) * (math.pi / 180.0)


def diric(x: ArrayLike, n: int) -> Array:
    """The periodic sinc function ``sin(n x/2) / (n sin(x/2))``, ±1 where both are 0."""
    x = as_floating(x)
    below = generated.sin(0.5 * x)
    zero = generated.abs(below) < 1e-7
    ratio = generated.sin(0.5 * n * x) / (n * generated.where(zero, 1.0, below))
    turns = generated.round(_constant(x) / (2.0 * math.pi))
    limit = 1.0 - 2.0 * generated.remainder(turns * (n - 1), 2.0)
    return generated.where(zero, limit, ratio)


# ── losses ────────────────────────────────────────────────────────────────────────────────────


def huber(delta: ArrayLike, r: ArrayLike, /) -> Array:
    """Huber's loss: ``r²/2`` for |r| ≤ δ, ``δ (|r| − δ/2)`` beyond; ∞ for δ < 0.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.grad(lambda r: pb.special.huber(1.0, r))(3.0)
    1.0
    """
    delta, r = _floating(delta, r)
    size = generated.abs(r) if type(r) is Array else abs(r)
    inner = generated.where(size <= delta, 0.5 * (r * r), delta * (size - 0.5 * delta))
    return generated.where(_array(delta, inner) < 0, math.inf, inner)


def pseudo_huber(delta: ArrayLike, r: ArrayLike, /) -> Array:
    """``δ² (√(1 + (r/δ)²) − 1)``, smooth, by r²/(1 + √(1 + (r/δ)²)); 0 for δ = 0, ∞ for δ < 0 or r < 0."""
    delta, r = _floating(delta, r)
    delta, r = _array(delta, r), _array(r, delta)
    positive = delta > 0
    ratio = r / generated.where(positive, delta, 1.0)
    out = (r * r) / (1.0 + generated.sqrt(1.0 + ratio * ratio))
    outside = (delta < 0) | (r < 0)
    out = generated.where(delta == 0, 0.0, out)
    return generated.where(outside, math.inf, out)


# ── Box and Cox ───────────────────────────────────────────────────────────────────────────────


def _power_transform(log: Array, lmbda: Any, zero: Array) -> Array:
    """(e^(λ log) − 1)/λ = log · exprel(λ log); of x = 0, −1/λ or −∞."""
    lmbda = _array(lmbda, log)
    inside = log * exprel(lmbda * log)
    positive = lmbda > 0
    at_zero = generated.where(positive, -1.0 / generated.where(positive, lmbda, 1.0), -math.inf)
    return generated.where(zero, at_zero, inside)


def boxcox(x: ArrayLike, lmbda: ArrayLike, /) -> Array:
    """The transform of Box and Cox: ``(x^λ − 1)/λ``, log x for λ = 0; NaN for x < 0.

    Smooth in λ, at 0 too.

    Examples
    --------
    >>> import pullback as pb
    >>> round(pb.grad(lambda v: pb.special.boxcox(2.0, v))(0.0), 12)  # (log 2)²/2
    0.240226506959
    """
    x, lmbda = _floating(x, lmbda)
    x = _array(x, lmbda)
    zero = x == 0
    return _power_transform(generated.log(generated.where(zero, 1.0, x)), lmbda, zero)


def boxcox1p(x: ArrayLike, lmbda: ArrayLike, /) -> Array:
    """``((1 + x)^λ − 1)/λ``, log(1 + x) for λ = 0."""
    x, lmbda = _floating(x, lmbda)
    x = _array(x, lmbda)
    zero = x == -1
    return _power_transform(generated.log1p(generated.where(zero, 0.0, x)), lmbda, zero)


def _inverse_exponent(y: Any, lmbda: Any) -> Array:
    """log(1 + λ y)/λ = y · log1prel(λ y)."""
    y, lmbda = _floating(y, lmbda)
    y = _array(y, lmbda)
    return y * _log1prel(_array(lmbda, y) * y)


def inv_boxcox(y: ArrayLike, lmbda: ArrayLike, /) -> Array:
    """x with ``boxcox(x, λ) = y``."""
    return generated.exp(_inverse_exponent(y, lmbda))


def inv_boxcox1p(y: ArrayLike, lmbda: ArrayLike, /) -> Array:
    """x with ``boxcox1p(x, λ) = y``."""
    return generated.expm1(_inverse_exponent(y, lmbda))


# ── gamma functions and counts ────────────────────────────────────────────────────────────────


def gammasgn(x: ArrayLike, /) -> Array:
    """The sign of Γ(x), whose derivative is 0; NaN at the poles."""
    x = _constant(as_floating(x))
    below = generated.floor(x)
    odd = generated.remainder(below, 2.0) == 1
    pole = (x < 0) & (below == x)
    sign = generated.where((x < 0) & odd, -1.0, generated.where(x == x, 1.0, x))
    sign = generated.where((x == 0) & generated.signbit(x), -1.0, sign)
    return generated.astype(generated.where(pole, math.nan, sign), x.dtype)


def multigammaln(a: ArrayLike, d: int) -> Array:
    """The logarithm of the multivariate gamma function, ``log π d(d−1)/4 + Σ_{j<d} log Γ(a − j/2)``.

    Raises
    ------
    ValueError
        If d is not a positive integer.
    """
    if d != int(d) or d < 1:
        raise ValueError(f"multigammaln: d={d!r}; a positive integer is wanted")
    a, d = as_floating(a), int(d)
    gammaln = _special("gammaln")
    total = gammaln(a)
    for j in range(1, d):
        total = total + gammaln(a - 0.5 * j)
    return total + 0.25 * d * (d - 1) * math.log(math.pi)


def factorial(n: ArrayLike, exact: bool = False) -> Any:
    """``Γ(n + 1)``; 0 for n < 0. With ``exact=True`` for Python's integers, `math.factorial`.

    Examples
    --------
    >>> import pullback as pb
    >>> float(pb.special.factorial(4.0))
    24.0
    """
    if exact:
        return _exact("factorial", math.factorial, n)
    n = as_floating(n)
    return generated.where(n < 0, 0.0, _special("gamma")(generated.where(n < 0, 0.0, n) + 1.0))


def comb(N: ArrayLike, k: ArrayLike, *, exact: bool = False, repetition: bool = False) -> Any:
    """The number of ways to choose k of N, ``Γ(N+1)/(Γ(k+1) Γ(N−k+1))``; 0 unless 0 ≤ k ≤ N."""
    if repetition:
        return comb(N + k - 1, k, exact=exact)
    if exact:
        return _exact("comb", math.comb, N, k)
    N, k = _floating(N, k)
    N, k = _array(N, k), _array(k, N)
    inside = (k >= 0) & (k <= N)
    return generated.where(
        inside,
        _special("binom")(generated.where(inside, N, 1.0), generated.where(inside, k, 0.0)),
        0.0,
    )


def perm(N: ArrayLike, k: ArrayLike, exact: bool = False) -> Any:
    """The number of ordered choices of k of N, ``Γ(N+1)/Γ(N−k+1)``; 0 unless 0 ≤ k ≤ N."""
    if exact:
        return _exact("perm", math.perm, N, k)
    N, k = _floating(N, k)
    N, k = _array(N, k), _array(k, N)
    inside = (k >= 0) & (k <= N)
    safe_N, safe_k = generated.where(inside, N, 1.0), generated.where(inside, k, 0.0)
    return generated.where(inside, _special("poch")(safe_N - safe_k + 1.0, safe_k), 0.0)


def _exact(name: str, function: Callable[..., int], *args: Any) -> int:
    if not all(isinstance(a, int) for a in args):
        raise TypeError(
            f"{name}(exact=True): Python's integers alone, not {', '.join(type(a).__name__ for a in args)}"
        )
    return function(*args) if all(a >= 0 for a in args) else 0


# ── distribution functions under their names in SciPy's special ───────────────────────────────


def chdtr(v: ArrayLike, x: ArrayLike, /) -> Array:
    """The distribution function of χ² with v degrees of freedom."""
    v, x = _floating(v, x)
    return _special("gammainc")(0.5 * v, 0.5 * x)


def chdtrc(v: ArrayLike, x: ArrayLike, /) -> Array:
    """1 minus `chdtr`."""
    v, x = _floating(v, x)
    return _special("gammaincc")(0.5 * v, 0.5 * x)


def gdtr(a: ArrayLike, b: ArrayLike, x: ArrayLike, /) -> Array:
    """The distribution function of the gamma distribution with rate a and shape b."""
    a, b, x = _floating(a, b, x)
    return _special("gammainc")(b, a * x)


def gdtrc(a: ArrayLike, b: ArrayLike, x: ArrayLike, /) -> Array:
    """1 minus `gdtr`."""
    a, b, x = _floating(a, b, x)
    return _special("gammaincc")(b, a * x)


def fdtr(dfn: ArrayLike, dfd: ArrayLike, x: ArrayLike, /) -> Array:
    """The distribution function of Fisher's F."""
    dfn, dfd, x = _floating(dfn, dfd, x)
    return _special("betainc")(0.5 * dfn, 0.5 * dfd, dfn * x / (dfd + dfn * x))


def fdtrc(dfn: ArrayLike, dfd: ArrayLike, x: ArrayLike, /) -> Array:
    """1 minus `fdtr`."""
    dfn, dfd, x = _floating(dfn, dfd, x)
    return _special("betainc")(0.5 * dfd, 0.5 * dfn, dfd / (dfd + dfn * x))


def pdtr(k: ArrayLike, m: ArrayLike, /) -> Array:
    """The distribution function of Poisson's distribution with mean m."""
    k, m = _floating(k, m)
    return _special("gammaincc")(_floor(k) + 1.0, m)


def pdtrc(k: ArrayLike, m: ArrayLike, /) -> Array:
    """1 minus `pdtr`."""
    k, m = _floating(k, m)
    return _special("gammainc")(_floor(k) + 1.0, m)


def bdtr(k: ArrayLike, n: ArrayLike, p: ArrayLike, /) -> Array:
    """The distribution function of the binomial distribution, for k < n."""
    k, n, p = _floating(k, n, p)
    return _special("betainc")(n - _floor(k), _floor(k) + 1.0, 1.0 - p)


def bdtrc(k: ArrayLike, n: ArrayLike, p: ArrayLike, /) -> Array:
    """1 minus `bdtr`."""
    k, n, p = _floating(k, n, p)
    return _special("betainc")(_floor(k) + 1.0, n - _floor(k), p)


def nbdtr(k: ArrayLike, n: ArrayLike, p: ArrayLike, /) -> Array:
    """The distribution function of the negative binomial distribution."""
    k, n, p = _floating(k, n, p)
    return _special("betainc")(n, _floor(k) + 1.0, p)


def nbdtrc(k: ArrayLike, n: ArrayLike, p: ArrayLike, /) -> Array:
    """1 minus `nbdtr`."""
    k, n, p = _floating(k, n, p)
    return _special("betainc")(_floor(k) + 1.0, n, 1.0 - p)


def _floor(k: Any) -> Any:
    return generated.floor(_constant(k)) if type(k) is Array else math.floor(k)


def voigt_profile(x: ArrayLike, sigma: ArrayLike, gamma: ArrayLike, /) -> Array:
    """Voigt's profile ``Re w(z)/(σ √(2π))``, z = (x + iγ)/(σ √2), for σ > 0."""
    x, sigma, gamma = _floating(x, sigma, gamma)
    scale = sigma * math.sqrt(2.0)
    z = x / scale + 1j * (gamma / scale)
    return generated.real(_special("wofz")(asarray(z))) / (scale * math.sqrt(math.pi))
