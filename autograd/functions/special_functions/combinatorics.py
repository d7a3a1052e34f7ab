"""Functions of gamma functions: signs, factorials, combinations and permutations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...core.array import Array
from ...core.generated import xp as generated
from ...core.typing import ArrayLike
from ..creation import as_floating
from .operands import array_like, constant, floating, special

__all__ = ["comb", "factorial", "gammasgn", "multigammaln", "perm"]


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
    x = constant(as_floating(x))
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
    gammaln = special("gammaln")
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
    return generated.where(n < 0, 0.0, special("gamma")(generated.where(n < 0, 0.0, n) + 1.0))


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
    N, k = floating(N, k)
    N, k = array_like(N, k), array_like(k, N)
    inside = (k >= 0) & (k <= N)
    return generated.where(
        inside,
        special("binom")(generated.where(inside, N, 1.0), generated.where(inside, k, 0.0)),
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
    N, k = floating(N, k)
    N, k = array_like(N, k), array_like(k, N)
    inside = (k >= 0) & (k <= N)
    safe_N, safe_k = generated.where(inside, N, 1.0), generated.where(inside, k, 0.0)
    return generated.where(inside, special("poch")(safe_N - safe_k + 1.0, safe_k), 0.0)


def _exact(name: str, function: Callable[..., int], *args: Any) -> int:
    if not all(isinstance(a, int) for a in args):
        raise TypeError(
            f"{name}(exact=True): Python's integers alone, not {', '.join(type(a).__name__ for a in args)}"
        )
    return function(*args) if all(a >= 0 for a in args) else 0
