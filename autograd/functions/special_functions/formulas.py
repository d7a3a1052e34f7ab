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
    """``(eˣ − 1)/x``, elementwise, 1 at 0.

    Parameters
    ----------
    x : array or number
        Real.

    Returns
    -------
    Array
        Of the shape of `x`.

    Notes
    -----
    The pullback is x_bar = ct · (eˣ − out) / x, near 0 by the series, which has derivatives of every order there:
    1/2 at 0.

    References
    ----------
    As ``scipy.special.exprel``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([0.0, 1.0])
    >>> pb.special.exprel(x)
    Array([1.        , 1.71828183], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.exprel(x)))(x)
    Array([0.5, 1. ], dtype=float64, device='cpu')
    """
    coefficients = [1.0 / math.factorial(k + 1) for k in range(22)]
    return _by_series(as_floating(x), 1.0, coefficients, lambda x: generated.expm1(x) / x)


def _log1prel(x: Array) -> Array:
    """log(1 + x)/x, 1 at 0."""
    coefficients = [(-1.0) ** k / (k + 1) for k in range(30)]
    return _by_series(x, 0.25, coefficients, lambda x: generated.log1p(x) / x)


def cosm1(x: ArrayLike, /) -> Array:
    """``cos x − 1``, elementwise, with all its digits near 0.

    Parameters
    ----------
    x : array or number
        Real.

    Returns
    -------
    Array
        Of the shape of `x`.

    Notes
    -----
    By −2 sin²(x/2). The pullback is x_bar = −ct · sin x.

    References
    ----------
    As ``scipy.special.cosm1``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([1e-6, 1.0])
    >>> pb.special.cosm1(x)
    Array([-5.00000000e-13, -4.59697694e-01], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.cosm1(x)))(x)
    Array([-1.00000000e-06, -8.41470985e-01], dtype=float64, device='cpu')
    """
    half = generated.sin(0.5 * as_floating(x))
    return -2.0 * (half * half)


def powm1(x: ArrayLike, y: ArrayLike, /) -> Array:
    """``x^y − 1``, elementwise, with all its digits where the power is near 1.

    Parameters
    ----------
    x, y : array or number
        Real; their shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    For x > 0 by expm1(y log x). The pullback is that of the power: x_bar = ct · y · x^(y − 1) and
    y_bar = ct · x^y · log x.

    References
    ----------
    As ``scipy.special.powm1``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.special.powm1(pb.xp.asarray([1.0, 2.0]), 1e-10)
    Array([0.00000000e+00, 6.93147181e-11], dtype=float64, device='cpu')
    >>> round(pb.grad(lambda x: pb.special.powm1(x, 3.0))(2.0), 12)
    12.0
    """
    x, y = _floating(x, y)
    x, y = _array(x, y), _array(y, x)
    inside = x > 0
    by_log = generated.expm1(y * generated.log(generated.where(inside, x, 1.0)))
    plain = generated.pow(generated.where(inside, 1.0, x), y) - 1.0
    return generated.where(inside, by_log, plain)


# ── roots, powers, degrees ────────────────────────────────────────────────────────────────────


def cbrt(x: ArrayLike, /) -> Array:
    """The real cube root of real numbers, elementwise.

    Parameters
    ----------
    x : array or number
        Real.

    Returns
    -------
    Array
        Of the shape of `x`.

    Notes
    -----
    The pullback is x_bar = ct / (3 · out²). At 0, where the derivative is infinite, it is NaN.

    References
    ----------
    As ``scipy.special.cbrt``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([8.0, -27.0])
    >>> pb.special.cbrt(x)
    Array([ 2., -3.], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.cbrt(x)))(x)
    Array([0.08333333, 0.03703704], dtype=float64, device='cpu')
    """
    x = as_floating(x)
    return generated.copysign(generated.pow(generated.abs(x), 1.0 / 3.0), x)


def exp2(x: ArrayLike, /) -> Array:
    """``2^x``, elementwise.

    Parameters
    ----------
    x : array or number
        Real.

    Returns
    -------
    Array
        Of the shape of `x`.

    Notes
    -----
    The pullback is x_bar = ct · out · log 2.

    References
    ----------
    As ``scipy.special.exp2``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([0.0, 3.0])
    >>> pb.special.exp2(x)
    Array([1., 8.], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.exp2(x)))(x)
    Array([0.69314718, 5.54517744], dtype=float64, device='cpu')
    """
    x = as_floating(x)
    return generated.pow(_beside(2.0, x), x)


def exp10(x: ArrayLike, /) -> Array:
    """``10^x``, elementwise.

    Parameters
    ----------
    x : array or number
        Real.

    Returns
    -------
    Array
        Of the shape of `x`.

    Notes
    -----
    The pullback is x_bar = ct · out · log 10.

    References
    ----------
    As ``scipy.special.exp10``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([0.0, 3.0])
    >>> pb.special.exp10(x)
    Array([   1., 1000.], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.exp10(x)))(x)
    Array([   2.30258509, 2302.58509299], dtype=float64, device='cpu')
    """
    x = as_floating(x)
    return generated.pow(_beside(10.0, x), x)


def sindg(x: ArrayLike, /) -> Array:
    """The sine of an angle in degrees, elementwise; exactly 0 at multiples of 180.

    Parameters
    ----------
    x : array or number
        Real.

    Returns
    -------
    Array
        Of the shape of `x`.

    Notes
    -----
    The pullback is x_bar = ct · (π/180) · cosdg x.

    References
    ----------
    As ``scipy.special.sindg``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([30.0, 180.0])
    >>> pb.special.sindg(x)
    Array([ 0.5, -0. ], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.sindg(x)))(x)
    Array([ 0.01511499, -0.01745329], dtype=float64, device='cpu')
    """
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
    """The cosine of an angle in degrees, elementwise; exactly 0 at odd multiples of 90.

    Parameters
    ----------
    x : array or number
        Real.

    Returns
    -------
    Array
        Of the shape of `x`.

    Notes
    -----
    The pullback is x_bar = −ct · (π/180) · sindg x.

    References
    ----------
    As ``scipy.special.cosdg``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([60.0, 90.0])
    >>> pb.special.cosdg(x)
    Array([ 0.5, -0. ], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.cosdg(x)))(x)
    Array([-0.01511499, -0.01745329], dtype=float64, device='cpu')
    """
    x = as_floating(x)
    return sindg(generated.remainder(generated.abs(x), 360.0) + 90.0)


def tandg(x: ArrayLike, /) -> Array:
    """The tangent of an angle in degrees, elementwise.

    Parameters
    ----------
    x : array or number
        Real.

    Returns
    -------
    Array
        Of the shape of `x`.

    Notes
    -----
    The pullback is x_bar = ct · (π/180) · (1 + out²). Infinite at odd multiples of 90.

    References
    ----------
    As ``scipy.special.tandg``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([0.0, 45.0])
    >>> pb.special.tandg(x)
    Array([0., 1.], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.tandg(x)))(x)
    Array([0.01745329, 0.03490659], dtype=float64, device='cpu')
    """
    return sindg(x) / cosdg(x)


def cotdg(x: ArrayLike, /) -> Array:
    """The cotangent of an angle in degrees, elementwise.

    Parameters
    ----------
    x : array or number
        Real.

    Returns
    -------
    Array
        Of the shape of `x`.

    Notes
    -----
    The pullback is x_bar = −ct · (π/180) · (1 + out²). Infinite at multiples of 180.

    References
    ----------
    As ``scipy.special.cotdg``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([45.0, 30.0])
    >>> pb.special.cotdg(x)
    Array([1.        , 1.73205081], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.cotdg(x)))(x)
    Array([-0.03490659, -0.06981317], dtype=float64, device='cpu')
    """
    return cosdg(x) / sindg(x)


def radian(d: ArrayLike, m: ArrayLike, s: ArrayLike, /) -> Array:
    """Degrees, minutes and seconds in radians, elementwise.

    Parameters
    ----------
    d, m, s : array or number
        Real; their shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    Linear: d_bar = ct · π/180, m_bar = d_bar / 60 and s_bar = d_bar / 3600.

    References
    ----------
    As ``scipy.special.radian``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.special.radian(pb.xp.asarray(180.0), 30.0, 0.0)
    Array(3.1503193, dtype=float64, device='cpu')
    >>> pb.grad(lambda d: pb.special.radian(d, 0.0, 0.0))(1.0)
    0.017453292519943295
    """
    d, m, s = _floating(d, m, s)
    return (d + m / 60.0 + s / 3600.0) * (math.pi / 180.0)


def diric(x: ArrayLike, n: int) -> Array:
    """The periodic sinc function ``sin(n x/2) / (n sin(x/2))``, elementwise.

    Parameters
    ----------
    x : array or number
        Real, in radians.
    n : int
        The number of samples; it has no derivative.

    Returns
    -------
    Array
        Of the shape of `x`. ±1 at the multiples of 2π.

    Notes
    -----
    The pullback is that of the quotient; at the multiples of 2π it is 0.

    References
    ----------
    As ``scipy.special.diric``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([0.0, 1.0])
    >>> pb.special.diric(x, 3)
    Array([1.        , 0.69353487], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.diric(x, 3)))(x)
    Array([ 0.        , -0.56098066], dtype=float64, device='cpu')
    """
    x = as_floating(x)
    below = generated.sin(0.5 * x)
    zero = generated.abs(below) < 1e-7
    ratio = generated.sin(0.5 * n * x) / (n * generated.where(zero, 1.0, below))
    turns = generated.round(_constant(x) / (2.0 * math.pi))
    limit = 1.0 - 2.0 * generated.remainder(turns * (n - 1), 2.0)
    return generated.where(zero, limit, ratio)


# ── losses ────────────────────────────────────────────────────────────────────────────────────


def huber(delta: ArrayLike, r: ArrayLike, /) -> Array:
    """Huber's loss, elementwise: ``r²/2`` for |r| ≤ δ, ``δ (|r| − δ/2)`` beyond.

    Parameters
    ----------
    delta : array or number
        Where the loss turns from a square to a line; ∞ is the result for δ < 0.
    r : array or number
        The residual, real; both shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    The pullback is r_bar = ct · r within, ct · δ · sign(r) beyond, and delta_bar = ct · (|r| − δ) beyond, else 0.

    References
    ----------
    Huber, Robust estimation of a location parameter, 1964.

    Examples
    --------
    >>> import pullback as pb
    >>> r = pb.xp.asarray([0.5, 3.0])
    >>> pb.special.huber(1.0, r)
    Array([0.125, 2.5  ], dtype=float64, device='cpu')
    >>> pb.grad(lambda r: pb.xp.sum(pb.special.huber(1.0, r)))(r)
    Array([0.5, 1. ], dtype=float64, device='cpu')
    """
    delta, r = _floating(delta, r)
    size = generated.abs(r) if type(r) is Array else abs(r)
    inner = generated.where(size <= delta, 0.5 * (r * r), delta * (size - 0.5 * delta))
    return generated.where(_array(delta, inner) < 0, math.inf, inner)


def pseudo_huber(delta: ArrayLike, r: ArrayLike, /) -> Array:
    """The smooth form of Huber's loss, elementwise: ``δ² (√(1 + (r/δ)²) − 1)``.

    Parameters
    ----------
    delta : array or number
        The scale; 0 for δ = 0, ∞ for δ < 0.
    r : array or number
        The residual, real, ≥ 0: as in SciPy the result is ∞ for a negative one. Both shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    By r²/(1 + √(1 + (r/δ)²)), which keeps the digits of a small r. The pullback is r_bar = ct · r / √(1 + (r/δ)²).

    References
    ----------
    As ``scipy.special.pseudo_huber``.

    Examples
    --------
    >>> import pullback as pb
    >>> r = pb.xp.asarray([0.5, 3.0])
    >>> pb.special.pseudo_huber(1.0, r)
    Array([0.11803399, 2.16227766], dtype=float64, device='cpu')
    >>> pb.grad(lambda r: pb.xp.sum(pb.special.pseudo_huber(1.0, r)))(r)
    Array([0.4472136, 0.9486833], dtype=float64, device='cpu')
    """
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
    """The transform of Box and Cox, elementwise: ``(x^λ − 1)/λ``, log x for λ = 0.

    Parameters
    ----------
    x : array or number
        Real, ≥ 0; NaN below.
    lmbda : array or number
        The exponent λ; both shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    The pullback is x_bar = ct · x^(λ − 1); by λ it is smooth at 0 too: (log x)²/2 there.

    References
    ----------
    Box and Cox, An analysis of transformations, 1964.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([1.0, 2.0])
    >>> pb.special.boxcox(x, 0.5)
    Array([0.        , 0.82842712], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.boxcox(x, 0.5)))(x)
    Array([1.        , 0.70710678], dtype=float64, device='cpu')
    >>> round(pb.grad(lambda v: pb.special.boxcox(2.0, v))(0.0), 12)
    0.240226506959
    """
    x, lmbda = _floating(x, lmbda)
    x = _array(x, lmbda)
    zero = x == 0
    return _power_transform(generated.log(generated.where(zero, 1.0, x)), lmbda, zero)


def boxcox1p(x: ArrayLike, lmbda: ArrayLike, /) -> Array:
    """The transform of Box and Cox of 1 + x, elementwise: ``((1 + x)^λ − 1)/λ``, log(1 + x) for λ = 0.

    Parameters
    ----------
    x : array or number
        Real, ≥ −1; NaN below.
    lmbda : array or number
        The exponent λ; both shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    It keeps the digits of a small x. The pullback is x_bar = ct · (1 + x)^(λ − 1); by λ it is smooth at 0 too.

    References
    ----------
    Box and Cox, An analysis of transformations, 1964.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([1e-10, 1.0])
    >>> pb.special.boxcox1p(x, 0.5)
    Array([1.00000000e-10, 8.28427125e-01], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.boxcox1p(x, 0.5)))(x)
    Array([1.        , 0.70710678], dtype=float64, device='cpu')
    """
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
    """The x with ``boxcox(x, λ) = y``, elementwise.

    Parameters
    ----------
    y : array or number
        Real.
    lmbda : array or number
        The exponent λ; both shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    It is (1 + λ y)^(1/λ), e^y for λ = 0; the pullback is y_bar = ct · out^(1 − λ).

    References
    ----------
    Box and Cox, An analysis of transformations, 1964.

    Examples
    --------
    >>> import pullback as pb
    >>> y = pb.xp.asarray([0.0, 1.0])
    >>> pb.special.inv_boxcox(y, 0.5)
    Array([1.  , 2.25], dtype=float64, device='cpu')
    >>> pb.grad(lambda y: pb.xp.sum(pb.special.inv_boxcox(y, 0.5)))(y)
    Array([1. , 1.5], dtype=float64, device='cpu')
    """
    return generated.exp(_inverse_exponent(y, lmbda))


def inv_boxcox1p(y: ArrayLike, lmbda: ArrayLike, /) -> Array:
    """The x with ``boxcox1p(x, λ) = y``, elementwise.

    Parameters
    ----------
    y : array or number
        Real.
    lmbda : array or number
        The exponent λ; both shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    It is (1 + λ y)^(1/λ) − 1, e^y − 1 for λ = 0; the pullback is y_bar = ct · (1 + out)^(1 − λ).

    References
    ----------
    Box and Cox, An analysis of transformations, 1964.

    Examples
    --------
    >>> import pullback as pb
    >>> y = pb.xp.asarray([1e-10, 1.0])
    >>> pb.special.inv_boxcox1p(y, 0.5)
    Array([1.00e-10, 1.25e+00], dtype=float64, device='cpu')
    >>> pb.grad(lambda y: pb.xp.sum(pb.special.inv_boxcox1p(y, 0.5)))(y)
    Array([1. , 1.5], dtype=float64, device='cpu')
    """
    return generated.expm1(_inverse_exponent(y, lmbda))


# ── gamma functions and counts ────────────────────────────────────────────────────────────────


def gammasgn(x: ArrayLike, /) -> Array:
    """The sign of Γ(x), elementwise; NaN at the poles.

    Parameters
    ----------
    x : array or number
        Real.

    Returns
    -------
    Array
        Of the shape of `x`.

    Notes
    -----
    A constant: the derivative is 0.

    References
    ----------
    As ``scipy.special.gammasgn``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.special.gammasgn(pb.xp.asarray([-0.5, 0.5]))
    Array([-1.,  1.], dtype=float64, device='cpu')
    """
    x = _constant(as_floating(x))
    below = generated.floor(x)
    odd = generated.remainder(below, 2.0) == 1
    pole = (x < 0) & (below == x)
    sign = generated.where((x < 0) & odd, -1.0, generated.where(x == x, 1.0, x))
    sign = generated.where((x == 0) & generated.signbit(x), -1.0, sign)
    return generated.astype(generated.where(pole, math.nan, sign), x.dtype)


def multigammaln(a: ArrayLike, d: int) -> Array:
    """The logarithm of the multivariate gamma function, ``log π d(d−1)/4 + Σ_{j<d} log Γ(a − j/2)``.

    Parameters
    ----------
    a : array or number
        Real, > (d − 1)/2.
    d : int
        The dimension, > 0; it has no derivative.

    Returns
    -------
    Array
        Of the shape of `a`.

    Raises
    ------
    ValueError
        If d is not a positive integer.

    Notes
    -----
    The pullback is a_bar = ct · Σ_{j<d} ψ(a − j/2).

    References
    ----------
    Muirhead, Aspects of multivariate statistical theory, 1982, section 2.1.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.special.multigammaln(pb.xp.asarray([2.0, 3.0]), 2)
    Array([0.45158271, 1.55019499], dtype=float64, device='cpu')
    >>> pb.grad(lambda a: pb.special.multigammaln(a, 2))(3.0)
    1.6259409757437102
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
    """``Γ(n + 1)``, elementwise; 0 for n < 0.

    Parameters
    ----------
    n : array or number
        Real; a Python integer for `exact`.
    exact : bool
        Compute with Python's integers, by `math.factorial`.

    Returns
    -------
    Array or int
        Of the shape of `n`; a Python integer if `exact`.

    Raises
    ------
    TypeError
        If `exact` is given something else than integers.

    Notes
    -----
    The pullback is n_bar = ct · out · ψ(n + 1), 0 for n < 0; an exact result carries no derivative.

    References
    ----------
    As ``scipy.special.factorial``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.special.factorial(pb.xp.asarray([4.0, 0.5]))
    Array([24.        ,  0.88622693], dtype=float64, device='cpu')
    >>> pb.special.factorial(20, exact=True)
    2432902008176640000
    """
    if exact:
        return _exact("factorial", math.factorial, n)
    n = as_floating(n)
    return generated.where(n < 0, 0.0, _special("gamma")(generated.where(n < 0, 0.0, n) + 1.0))


def comb(N: ArrayLike, k: ArrayLike, *, exact: bool = False, repetition: bool = False) -> Any:
    """The number of ways to choose k of N, elementwise: ``Γ(N+1)/(Γ(k+1) Γ(N−k+1))``; 0 unless 0 ≤ k ≤ N.

    Parameters
    ----------
    N, k : array or number
        Real; Python integers for `exact`.
    exact : bool
        Compute with Python's integers, by `math.comb`.
    repetition : bool
        Each may be chosen several times: N + k − 1 stands for N.

    Returns
    -------
    Array or int
        Of the shape that both broadcast to; a Python integer if `exact`.

    Raises
    ------
    TypeError
        If `exact` is given something else than integers.

    Notes
    -----
    The pullback is that of `binom`, 0 outside; an exact result carries no derivative.

    References
    ----------
    As ``scipy.special.comb``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.special.comb(pb.xp.asarray([5.0, 6.0]), 2.0)
    Array([10., 15.], dtype=float64, device='cpu')
    >>> pb.special.comb(60, 30, exact=True)
    118264581564861424
    """
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
    """The number of ordered choices of k of N, elementwise: ``Γ(N+1)/Γ(N−k+1)``; 0 unless 0 ≤ k ≤ N.

    Parameters
    ----------
    N, k : array or number
        Real; Python integers for `exact`.
    exact : bool
        Compute with Python's integers, by `math.perm`.

    Returns
    -------
    Array or int
        Of the shape that both broadcast to; a Python integer if `exact`.

    Raises
    ------
    TypeError
        If `exact` is given something else than integers.

    Notes
    -----
    The pullback is that of `poch`, 0 outside; an exact result carries no derivative.

    References
    ----------
    As ``scipy.special.perm``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.special.perm(pb.xp.asarray([5.0, 6.0]), 2.0)
    Array([20., 30.], dtype=float64, device='cpu')
    >>> pb.special.perm(30, 20, exact=True)
    73096577329197271449600000
    """
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
    """The distribution function of χ² with v degrees of freedom, elementwise: ``gammainc(v/2, x/2)``.

    Parameters
    ----------
    v : array or number
        The degrees of freedom, > 0.
    x : array or number
        Real, ≥ 0; both shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    The pullback is x_bar = ct · p(x) with the density p; by v it is that of `gammainc`.

    References
    ----------
    Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1, 1994.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([1.0, 3.0])
    >>> pb.special.chdtr(3.0, x)
    Array([0.19874804, 0.60837482], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.chdtr(3.0, x)))(x)
    Array([0.24197072, 0.15418033], dtype=float64, device='cpu')
    """
    v, x = _floating(v, x)
    return _special("gammainc")(0.5 * v, 0.5 * x)


def chdtrc(v: ArrayLike, x: ArrayLike, /) -> Array:
    """1 minus `chdtr`, elementwise, with all its digits in the right tail.

    Parameters
    ----------
    v : array or number
        The degrees of freedom, > 0.
    x : array or number
        Real, ≥ 0; both shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    The pullback is minus that of `chdtr`.

    References
    ----------
    Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1, 1994.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([1.0, 3.0])
    >>> pb.special.chdtrc(3.0, x)
    Array([0.80125196, 0.39162518], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.chdtrc(3.0, x)))(x)
    Array([-0.24197072, -0.15418033], dtype=float64, device='cpu')
    """
    v, x = _floating(v, x)
    return _special("gammaincc")(0.5 * v, 0.5 * x)


def gdtr(a: ArrayLike, b: ArrayLike, x: ArrayLike, /) -> Array:
    """The distribution function of the gamma distribution of rate a and shape b, elementwise: ``gammainc(b, a x)``.

    Parameters
    ----------
    a : array or number
        The rate, > 0.
    b : array or number
        The shape, > 0.
    x : array or number
        Real, ≥ 0; all shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    The pullback is x_bar = ct · p(x) with the density p, a_bar = ct · p(x) · x / a; by b it is that of `gammainc`.

    References
    ----------
    Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1, 1994.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([1.0, 3.0])
    >>> pb.special.gdtr(2.0, 3.0, x)
    Array([0.32332358, 0.9380312 ], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.gdtr(2.0, 3.0, x)))(x)
    Array([0.54134113, 0.08923508], dtype=float64, device='cpu')
    """
    a, b, x = _floating(a, b, x)
    return _special("gammainc")(b, a * x)


def gdtrc(a: ArrayLike, b: ArrayLike, x: ArrayLike, /) -> Array:
    """1 minus `gdtr`, elementwise, with all its digits in the right tail.

    Parameters
    ----------
    a : array or number
        The rate, > 0.
    b : array or number
        The shape, > 0.
    x : array or number
        Real, ≥ 0; all shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    The pullback is minus that of `gdtr`.

    References
    ----------
    Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1, 1994.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([1.0, 3.0])
    >>> pb.special.gdtrc(2.0, 3.0, x)
    Array([0.67667642, 0.0619688 ], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.gdtrc(2.0, 3.0, x)))(x)
    Array([-0.54134113, -0.08923508], dtype=float64, device='cpu')
    """
    a, b, x = _floating(a, b, x)
    return _special("gammaincc")(b, a * x)


def fdtr(dfn: ArrayLike, dfd: ArrayLike, x: ArrayLike, /) -> Array:
    """The distribution function of Fisher's F, elementwise: ``betainc(dfn/2, dfd/2, dfn x/(dfd + dfn x))``.

    Parameters
    ----------
    dfn, dfd : array or number
        The degrees of freedom of numerator and denominator, > 0; they have no derivative.
    x : array or number
        Real, ≥ 0; all shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    The pullback is x_bar = ct · p(x) with the density p; one by dfn or dfd raises MissingRuleError.

    References
    ----------
    Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2, 1995.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([1.0, 3.0])
    >>> pb.special.fdtr(2.0, 3.0, x)
    Array([0.535242  , 0.80754991], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.fdtr(2.0, 3.0, x)))(x)
    Array([0.2788548 , 0.06415003], dtype=float64, device='cpu')
    """
    dfn, dfd, x = _floating(dfn, dfd, x)
    return _special("betainc")(0.5 * dfn, 0.5 * dfd, dfn * x / (dfd + dfn * x))


def fdtrc(dfn: ArrayLike, dfd: ArrayLike, x: ArrayLike, /) -> Array:
    """1 minus `fdtr`, elementwise, with all its digits in the right tail.

    Parameters
    ----------
    dfn, dfd : array or number
        The degrees of freedom of numerator and denominator, > 0; they have no derivative.
    x : array or number
        Real, ≥ 0; all shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    The pullback is minus that of `fdtr`.

    References
    ----------
    Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2, 1995.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([1.0, 3.0])
    >>> pb.special.fdtrc(2.0, 3.0, x)
    Array([0.464758  , 0.19245009], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.fdtrc(2.0, 3.0, x)))(x)
    Array([-0.2788548 , -0.06415003], dtype=float64, device='cpu')
    """
    dfn, dfd, x = _floating(dfn, dfd, x)
    return _special("betainc")(0.5 * dfd, 0.5 * dfn, dfd / (dfd + dfn * x))


def pdtr(k: ArrayLike, m: ArrayLike, /) -> Array:
    """The distribution function of Poisson's distribution, elementwise: the probability of at most k events.

    Parameters
    ----------
    k : array or number
        Rounded down, and a constant.
    m : array or number
        The mean, ≥ 0; both shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    It is gammaincc(⌊k⌋ + 1, m); the pullback is m_bar = −ct · e^(−m) m^⌊k⌋ / ⌊k⌋!.

    References
    ----------
    Johnson, Kemp and Kotz, Univariate Discrete Distributions, 2005.

    Examples
    --------
    >>> import pullback as pb
    >>> m = pb.xp.asarray([1.0, 3.0])
    >>> pb.special.pdtr(2.0, m)
    Array([0.9196986 , 0.42319008], dtype=float64, device='cpu')
    >>> pb.grad(lambda m: pb.xp.sum(pb.special.pdtr(2.0, m)))(m)
    Array([-0.18393972, -0.22404181], dtype=float64, device='cpu')
    """
    k, m = _floating(k, m)
    return _special("gammaincc")(_floor(k) + 1.0, m)


def pdtrc(k: ArrayLike, m: ArrayLike, /) -> Array:
    """1 minus `pdtr`, elementwise: the probability of more than k events.

    Parameters
    ----------
    k : array or number
        Rounded down, and a constant.
    m : array or number
        The mean, ≥ 0; both shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    It is gammainc(⌊k⌋ + 1, m); the pullback is minus that of `pdtr`.

    References
    ----------
    Johnson, Kemp and Kotz, Univariate Discrete Distributions, 2005.

    Examples
    --------
    >>> import pullback as pb
    >>> m = pb.xp.asarray([1.0, 3.0])
    >>> pb.special.pdtrc(2.0, m)
    Array([0.0803014 , 0.57680992], dtype=float64, device='cpu')
    >>> pb.grad(lambda m: pb.xp.sum(pb.special.pdtrc(2.0, m)))(m)
    Array([0.18393972, 0.22404181], dtype=float64, device='cpu')
    """
    k, m = _floating(k, m)
    return _special("gammainc")(_floor(k) + 1.0, m)


def bdtr(k: ArrayLike, n: ArrayLike, p: ArrayLike, /) -> Array:
    """The distribution function of the binomial distribution, elementwise: at most k successes of n, for k < n.

    Parameters
    ----------
    k : array or number
        Rounded down, and a constant.
    n : array or number
        The number of trials; it has no derivative.
    p : array or number
        The probability of a success, in [0, 1]; all shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    It is betainc(n − ⌊k⌋, ⌊k⌋ + 1, 1 − p); the pullback is that of `betainc` by p.

    References
    ----------
    Johnson, Kemp and Kotz, Univariate Discrete Distributions, 2005.

    Examples
    --------
    >>> import pullback as pb
    >>> p = pb.xp.asarray([0.25, 0.5])
    >>> pb.special.bdtr(2.0, 5.0, p)
    Array([0.89648438, 0.5       ], dtype=float64, device='cpu')
    >>> pb.grad(lambda p: pb.xp.sum(pb.special.bdtr(2.0, 5.0, p)))(p)
    Array([-1.0546875, -1.875    ], dtype=float64, device='cpu')
    """
    k, n, p = _floating(k, n, p)
    return _special("betainc")(n - _floor(k), _floor(k) + 1.0, 1.0 - p)


def bdtrc(k: ArrayLike, n: ArrayLike, p: ArrayLike, /) -> Array:
    """1 minus `bdtr`, elementwise: more than k successes of n.

    Parameters
    ----------
    k : array or number
        Rounded down, and a constant.
    n : array or number
        The number of trials; it has no derivative.
    p : array or number
        The probability of a success, in [0, 1]; all shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    It is betainc(⌊k⌋ + 1, n − ⌊k⌋, p); the pullback is minus that of `bdtr`.

    References
    ----------
    Johnson, Kemp and Kotz, Univariate Discrete Distributions, 2005.

    Examples
    --------
    >>> import pullback as pb
    >>> p = pb.xp.asarray([0.25, 0.5])
    >>> pb.special.bdtrc(2.0, 5.0, p)
    Array([0.10351562, 0.5       ], dtype=float64, device='cpu')
    >>> pb.grad(lambda p: pb.xp.sum(pb.special.bdtrc(2.0, 5.0, p)))(p)
    Array([1.0546875, 1.875    ], dtype=float64, device='cpu')
    """
    k, n, p = _floating(k, n, p)
    return _special("betainc")(_floor(k) + 1.0, n - _floor(k), p)


def nbdtr(k: ArrayLike, n: ArrayLike, p: ArrayLike, /) -> Array:
    """The distribution function of the negative binomial distribution: at most k failures before n successes.

    Parameters
    ----------
    k : array or number
        Rounded down, and a constant.
    n : array or number
        The number of successes; it has no derivative.
    p : array or number
        The probability of a success, in [0, 1]; all shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    It is betainc(n, ⌊k⌋ + 1, p); the pullback is that of `betainc` by p.

    References
    ----------
    Johnson, Kemp and Kotz, Univariate Discrete Distributions, 2005.

    Examples
    --------
    >>> import pullback as pb
    >>> p = pb.xp.asarray([0.25, 0.5])
    >>> pb.special.nbdtr(2.0, 5.0, p)
    Array([0.01287842, 0.2265625 ], dtype=float64, device='cpu')
    >>> pb.grad(lambda p: pb.xp.sum(pb.special.nbdtr(2.0, 5.0, p)))(p)
    Array([0.23071289, 1.640625  ], dtype=float64, device='cpu')
    """
    k, n, p = _floating(k, n, p)
    return _special("betainc")(n, _floor(k) + 1.0, p)


def nbdtrc(k: ArrayLike, n: ArrayLike, p: ArrayLike, /) -> Array:
    """1 minus `nbdtr`, elementwise: more than k failures before n successes.

    Parameters
    ----------
    k : array or number
        Rounded down, and a constant.
    n : array or number
        The number of successes; it has no derivative.
    p : array or number
        The probability of a success, in [0, 1]; all shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    It is betainc(⌊k⌋ + 1, n, 1 − p); the pullback is minus that of `nbdtr`.

    References
    ----------
    Johnson, Kemp and Kotz, Univariate Discrete Distributions, 2005.

    Examples
    --------
    >>> import pullback as pb
    >>> p = pb.xp.asarray([0.25, 0.5])
    >>> pb.special.nbdtrc(2.0, 5.0, p)
    Array([0.98712158, 0.7734375 ], dtype=float64, device='cpu')
    >>> pb.grad(lambda p: pb.xp.sum(pb.special.nbdtrc(2.0, 5.0, p)))(p)
    Array([-0.23071289, -1.640625  ], dtype=float64, device='cpu')
    """
    k, n, p = _floating(k, n, p)
    return _special("betainc")(_floor(k) + 1.0, n, 1.0 - p)


def _floor(k: Any) -> Any:
    return generated.floor(_constant(k)) if type(k) is Array else math.floor(k)


def voigt_profile(x: ArrayLike, sigma: ArrayLike, gamma: ArrayLike, /) -> Array:
    """Voigt's profile, elementwise: the density of the sum of a normal and a Cauchy variable.

    Parameters
    ----------
    x : array or number
        Real.
    sigma : array or number
        The standard deviation of the normal part, > 0.
    gamma : array or number
        The half width of the Cauchy part, ≥ 0; all shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Raises
    ------
    NotImplementedError
        Of CuPy's arrays: cupyx.scipy.special has no such function.

    Notes
    -----
    It is Re w(z) / (σ √(2π)) with z = (x + iγ)/(σ √2) and the function w of `wofz`, whose pullback it takes.

    References
    ----------
    NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, 7.19.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([0.0, 1.0], device="cpu")
    >>> pb.special.voigt_profile(x, 1.0, 0.5)
    Array([0.27895547, 0.20017964], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.special.voigt_profile(x, 1.0, 0.5)))(x)
    Array([ 0.        , -0.12957327], dtype=float64, device='cpu')
    """
    x, sigma, gamma = _floating(x, sigma, gamma)
    scale = sigma * math.sqrt(2.0)
    z = x / scale + 1j * (gamma / scale)
    return generated.real(_special("wofz")(asarray(z))) / (scale * math.sqrt(math.pi))
