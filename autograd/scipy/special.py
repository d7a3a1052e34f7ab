"""`pullback.scipy.special`: SciPy's special functions under SciPy's names, differentiable at any order.

They are those of `pb.special`, which take arrays; here lists and numbers are taken too, as SciPy takes them. What has
no derivative (zeros of Bessel functions, nodes of quadratures, …) runs by SciPy, on constants; a traced array is
refused.

Examples
--------
>>> import pullback as pb
>>> from pullback.scipy import special
>>> special.gammaln([1.0, 2.0, 5.0])
Array([0.        , 0.        , 3.17805383], dtype=float64, device='cpu')
>>> f"{pb.grad(special.j0)(1.0):.12f}"
'-0.440050585745'
"""

from __future__ import annotations

import functools
from typing import Any

import scipy.special

from ..core.typing import ArrayLike
from ..functions import special as _ours
from ..functions.special import log_softmax, logsumexp, softmax
from .operands import floating_arrays, on_constants

__all__ = ["lambertw", "log_softmax", "logsumexp", "polygamma", "softmax", "zeta"]

# Functions whose first argument is an order, which is a setting.
_ORDERS = frozenset(name for name in dir(_ours) if name.startswith("eval_")) | {"expn", "kn", "yn"}
# Those with a signature of their own, which arguments are passed to as they are.
_AS_THEY_ARE = frozenset(("comb", "diric", "factorial", "multigammaln", "perm"))


def lambertw(z: ArrayLike, k: int = 0, tol: float = 1e-8) -> Any:
    """Lambert's W: ``W e^W = z`` on branch k, complex; dW/dz = e^(−W)/(1 + W).

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.scipy.special import lambertw
    >>> lambertw(1.0)
    Array(0.56714329+0.j, dtype=complex128, device='cpu')
    """
    return _ours.lambertw(*floating_arrays(z), k, tol)


def polygamma(n: int, x: ArrayLike) -> Any:
    """The n-th derivative of digamma, for a whole number n."""
    return _ours.polygamma(n, *floating_arrays(x))


def zeta(x: ArrayLike, q: ArrayLike = None) -> Any:
    """Riemann's zeta function, or Hurwitz' of q, in which it is differentiable."""
    if q is None:
        return _ours.zeta(*floating_arrays(x))
    return _ours.zeta(*floating_arrays(x, q))


def _of_array_likes(name: str, function: Any) -> Any:
    """A function that takes lists and numbers too."""
    if name in _AS_THEY_ARE:
        return function

    @functools.wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        if name in _ORDERS:
            return function(args[0], *floating_arrays(*args[1:]), **settings)
        return function(*floating_arrays(*args), **settings)

    return call


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in dir(_ours):
        found = _of_array_likes(name, getattr(_ours, name))
    elif callable(getattr(scipy.special, name, None)):
        found = on_constants("scipy.special", name)
    else:
        raise AttributeError(f"pullback.scipy.special has no function {name!r}, nor has SciPy")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*__all__, *dir(_ours)})
