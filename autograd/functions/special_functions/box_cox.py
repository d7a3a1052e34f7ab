"""The power transforms of Box and Cox, and their inverses."""

from __future__ import annotations

import math
from typing import Any

from ...core.array import Array
from ...core.generated import xp as generated
from ...core.typing import ArrayLike
from .elementary import exprel, log1prel
from .operands import array_like, floating

__all__ = ["boxcox", "boxcox1p", "inv_boxcox", "inv_boxcox1p"]


def _power_transform(log: Array, lmbda: Any, zero: Array) -> Array:
    """(e^(λ log) − 1)/λ = log · exprel(λ log); of x = 0, −1/λ or −∞."""
    lmbda = array_like(lmbda, log)
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
    x, lmbda = floating(x, lmbda)
    x = array_like(x, lmbda)
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
    x, lmbda = floating(x, lmbda)
    x = array_like(x, lmbda)
    zero = x == -1
    return _power_transform(generated.log1p(generated.where(zero, 0.0, x)), lmbda, zero)


def _inverse_exponent(y: Any, lmbda: Any) -> Array:
    """log(1 + λ y)/λ = y · log1prel(λ y)."""
    y, lmbda = floating(y, lmbda)
    y = array_like(y, lmbda)
    return y * log1prel(array_like(lmbda, y) * y)


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
