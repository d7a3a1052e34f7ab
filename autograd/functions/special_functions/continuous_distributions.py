"""Distribution functions of continuous variables under their names in ``scipy.special``, and Voigt's profile."""

from __future__ import annotations

import math

from ...core.array import Array
from ...core.generated import xp as generated
from ...core.typing import ArrayLike
from ..creation import asarray
from .operands import floating, special

__all__ = ["chdtr", "chdtrc", "fdtr", "fdtrc", "gdtr", "gdtrc", "voigt_profile"]


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
    v, x = floating(v, x)
    return special("gammainc")(0.5 * v, 0.5 * x)


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
    v, x = floating(v, x)
    return special("gammaincc")(0.5 * v, 0.5 * x)


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
    a, b, x = floating(a, b, x)
    return special("gammainc")(b, a * x)


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
    a, b, x = floating(a, b, x)
    return special("gammaincc")(b, a * x)


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
    dfn, dfd, x = floating(dfn, dfd, x)
    return special("betainc")(0.5 * dfn, 0.5 * dfd, dfn * x / (dfd + dfn * x))


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
    dfn, dfd, x = floating(dfn, dfd, x)
    return special("betainc")(0.5 * dfd, 0.5 * dfn, dfd / (dfd + dfn * x))


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
    x, sigma, gamma = floating(x, sigma, gamma)
    scale = sigma * math.sqrt(2.0)
    z = x / scale + 1j * (gamma / scale)
    return generated.real(special("wofz")(asarray(z))) / (scale * math.sqrt(math.pi))
