"""Distribution functions of counts under their names in ``scipy.special``."""

from __future__ import annotations

from ...core.array import Array
from ...core.typing import ArrayLike
from .operands import floating, floor, special

__all__ = ["bdtr", "bdtrc", "nbdtr", "nbdtrc", "pdtr", "pdtrc"]


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
    k, m = floating(k, m)
    return special("gammaincc")(floor(k) + 1.0, m)


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
    k, m = floating(k, m)
    return special("gammainc")(floor(k) + 1.0, m)


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
    k, n, p = floating(k, n, p)
    return special("betainc")(n - floor(k), floor(k) + 1.0, 1.0 - p)


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
    k, n, p = floating(k, n, p)
    return special("betainc")(floor(k) + 1.0, n - floor(k), p)


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
    k, n, p = floating(k, n, p)
    return special("betainc")(n, floor(k) + 1.0, p)


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
    k, n, p = floating(k, n, p)
    return special("betainc")(floor(k) + 1.0, n, 1.0 - p)
