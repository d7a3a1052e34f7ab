"""Elementary functions that keep their digits near 0, powers, and functions of degrees.

Where the textbook's formula loses digits (near 0, or for large arguments), the one here does not; the derivatives are
those of the composition, and are tested there too.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ...core.array import Array
from ...core.generated import xp as generated
from ...core.typing import ArrayLike
from ..creation import as_floating, zeros_on_device_of
from .operands import array_like, constant, floating

__all__ = [
    "cbrt",
    "cosdg",
    "cosm1",
    "cotdg",
    "diric",
    "exp10",
    "exp2",
    "exprel",
    "powm1",
    "radian",
    "sindg",
    "tandg",
]


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


def log1prel(x: Array) -> Array:
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
    x, y = floating(x, y)
    x, y = array_like(x, y), array_like(y, x)
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
    return generated.pow(array_like(2.0, x), x)


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
    return generated.pow(array_like(10.0, x), x)


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
    d, m, s = floating(d, m, s)
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
    turns = generated.round(constant(x) / (2.0 * math.pi))
    limit = 1.0 - 2.0 * generated.remainder(turns * (n - 1), 2.0)
    return generated.where(zero, limit, ratio)
