"""`pb.special`: special functions under SciPy's names, differentiable at any order.

The same namespace is `pb.xp.special`, where SciPy's own functions look for it. The elementwise functions are
generated from `core/signatures.py`, and computed by `scipy.special` or `cupyx.scipy.special`; the others are
written out here, with SciPy's signatures. Rules and edge cases are in `rules/special.py`.

Examples
--------
>>> import numpy as np, pullback as pb
>>> pb.grad(lambda x: pb.xp.special.erf(x))(0.0)
1.1283791670955126
>>> pb.hessian(lambda x: pb.xp.sum(pb.xp.special.log_ndtr(x)))(np.asarray([-40.0]))
array([[-0.99937733]])
"""

from __future__ import annotations

import math
from typing import Any

from ..core.array import Array, backend_array
from ..core.defvjp import function_of
from ..core.generated import xp as generated
from ..core.namespaces import namespace_of
from ..core.registry import find, names
from ..core.signatures import ALIASES
from ..core.typing import ArrayLike
from .creation import as_floating, asarray
from .data_type import finfo
from .documentation.lookup import documented, importing
from .special_functions import (
    box_cox,
    combinatorics,
    continuous_distributions,
    discrete_distributions,
    elementary,
    losses,
)
from .special_functions.box_cox import *  # noqa: F403 - the names of its `__all__`
from .special_functions.combinatorics import *  # noqa: F403 - the names of its `__all__`
from .special_functions.continuous_distributions import *  # noqa: F403 - the names of its `__all__`
from .special_functions.discrete_distributions import *  # noqa: F403 - the names of its `__all__`
from .special_functions.elementary import *  # noqa: F403 - the names of its `__all__`
from .special_functions.losses import *  # noqa: F403 - the names of its `__all__`

_PREFIX = "special."


def logsumexp(
    a: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    b: ArrayLike = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any:
    """``log Σ b exp(a)`` along axes, without overflow.

    Parameters
    ----------
    a
        Real floating-point array.
    axis : int or tuple of int, optional
        The axes that are summed over; all of them by default.
    b
        Factors that broadcast with `a`, of any sign.
    keepdims : bool
        Keep the axes that are summed over, with length 1.
    return_sign : bool
        Return ``(log|s|, sign(s))`` for the sum s; else the logarithm of a negative sum is NaN.

    Returns
    -------
    Array or tuple of Array

    Notes
    -----
    The derivative by a is b exp(a) / s, by b it is exp(a) / s; both are 0 where s = 0 (all a = −∞, or all b = 0).

    References
    ----------
    Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, 2021.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.special.logsumexp(pb.xp.asarray([1000.0, 1000.0]))
    Array(1000.69314718, dtype=float64, device='cpu')
    """
    a = as_floating(a)
    if b is None:
        out = generated.logsumexp(a, axis=axis, keepdims=keepdims)
        if not return_sign:
            return out
        return out, generated.where(out == -math.inf, 0.0, generated.where(out == out, 1.0, out))
    b = asarray(b)
    shift = _shift(a, b, axis)
    exponent = a - shift
    # a factor of 0 leaves its element out, even one so large that its exponential is infinite
    left_out = (b == 0) & (exponent > math.log(finfo(a.dtype).max))
    weights = generated.exp(generated.where(left_out, -math.inf, exponent))
    total = generated.sum(b * weights, axis=axis, keepdims=True)
    sign = generated.sign(total)
    size = generated.abs(total) if return_sign else total
    outside = size <= 0
    out = generated.log(generated.where(outside, 1.0, size)) + shift
    out = generated.where(outside, generated.where(total == 0, -math.inf, math.nan * sign), out)
    if not keepdims:
        axes = tuple(range(total.ndim)) if axis is None else axis
        out, sign = generated.squeeze(out, axes), generated.squeeze(sign, axes)
    return (out, sign) if return_sign else out


def _shift(a: ArrayLike, b: ArrayLike, axis: Any) -> Array:
    """The largest `a` with a factor, along the axes, as a constant; 0 where it is infinite."""
    xp = namespace_of(backend_array(a))
    top = xp.max(
        xp.where(backend_array(b) == 0, -math.inf, backend_array(a)), axis=axis, keepdims=True
    )
    return Array(xp.where(xp.isfinite(top), top, 0.0))


def softmax(x: ArrayLike, axis: int | tuple[int, ...] | None = None) -> Array:
    """``exp(x) / Σ exp(x)`` along axes.

    Parameters
    ----------
    x
        Real floating-point array.
    axis : int or tuple of int, optional
        The axes that are summed over; all of them by default, as in SciPy. (``pb.xp.softmax`` and
        ``pb.xp.log_softmax`` take the last.)

    Returns
    -------
    Array
        Of the shape of `x`.

    Notes
    -----
    The pullback is x_bar = out · (ct − Σ ct · out).

    References
    ----------
    Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, 2021.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.special.softmax(pb.xp.asarray([[1.0, 1.0], [1.0, 1.0]]))
    Array([[0.25, 0.25],
           [0.25, 0.25]], dtype=float64, device='cpu')
    """
    return generated.softmax(as_floating(x), axis=axis)


def log_softmax(x: ArrayLike, axis: int | tuple[int, ...] | None = None) -> Array:
    """``x − log Σ exp(x)`` along axes, without underflow.

    Parameters
    ----------
    x
        Real floating-point array.
    axis : int or tuple of int, optional
        The axes that are summed over; all of them by default, as in SciPy. (``pb.xp.log_softmax`` takes the last.)

    Returns
    -------
    Array
        Of the shape of `x`.

    Notes
    -----
    The pullback is x_bar = ct − p · Σ ct with p = exp(out).

    References
    ----------
    Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, 2021.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.special.log_softmax(pb.xp.asarray([0.0, 1000.0]))
    Array([-1000.,     0.], dtype=float64, device='cpu')
    """
    return generated.log_softmax(as_floating(x), axis=axis)


# The generated functions come from `__getattr__`.
_SECTIONS = (
    box_cox, combinatorics, continuous_distributions, discrete_distributions, elementary, losses,
)  # fmt: skip
__all__ = ["log_softmax", "logsumexp", "softmax"]
__all__ += [name for section in _SECTIONS for name in section.__all__]


def __getattr__(name: str) -> Any:
    full = _PREFIX + name
    try:
        full = ALIASES.get(full, full)
        found = function_of(find(full))
    except KeyError:
        raise AttributeError(
            f"pb.special has no function {name!r}; it has {', '.join(__dir__())}"
            if not name.startswith("_")
            else f"module {__name__!r} has no attribute {name!r}"
        ) from None
    if not importing():
        globals()[name] = documented(found, full)
    return found


def __dir__() -> list[str]:
    every = (name for name in (*names(), *ALIASES) if name.startswith(_PREFIX))
    return sorted({*__all__, *(name.removeprefix(_PREFIX) for name in every)})
