"""Convolutions, phases, interpolation and integrals; and the names of `differences.py` and `windows.py`."""

from __future__ import annotations

import math
from typing import Any

from ...core.array import Array
from ...core.defvjp import function_of
from ...core.dtypes import is_complex, is_inexact
from ...core.registry import find
from ...functions import namespace as xp
from ...functions.creation import as_floating
from ..arguments import as_array
from ..conversions import normalize_axis
from ..operands import arrays, as_array_like, constant, of_one_dtype
from . import differences, windows
from .differences import *  # noqa: F403 - the names of the other files of this section
from .windows import *  # noqa: F403 - as above

__all__ = [
    "convolve",
    "correlate",
    "interp",
    "trapezoid",
    "unwrap",
    *differences.__all__,
    *windows.__all__,
]

# ── convolutions ────────────────────────────────────────────────────────────────────────────────


def convolve(a: Any, v: Any, mode: str = "full") -> Array:
    """The convolution of two vectors, ``Σ_j a_j v_{k−j}``; its pullbacks are convolutions with the other one reversed.

    Parameters
    ----------
    a, v
        Vectors (n,) and (m,), not empty; real or complex.
    mode : {"full", "same", "valid"}
        All n + m − 1 elements; the max(n, m) in the middle; or the max(n, m) − min(n, m) + 1 where both overlap
        completely.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> v = np.asarray([1.0, 10.0])
    >>> pb.grad(lambda a: np.sum(np.convolve(a, v, "valid")))(np.asarray([1.0, 2.0, 3.0]))
    Array([10., 11.,  1.], dtype=float64, device='cpu')
    """
    a, v = _vectors("convolve", a, v)
    return _middle(function_of(find("convolve"))(a, v), a.size, v.size, mode, "convolve", False)


def correlate(a: Any, v: Any, mode: str = "valid") -> Array:
    """The cross-correlation of two vectors, ``Σ_j a_{j+k} conj(v_j)``; the modes are those of `convolve`.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.correlate([1.0, 2.0, 3.0], [0.0, 1.0])
    Array([2., 3.], dtype=float64, device='cpu')
    """
    a, v = _vectors("correlate", a, v)
    turned = xp.flip(xp.conj(v) if is_complex(v.dtype) else v)
    full = function_of(find("convolve"))(a, turned)
    return _middle(full, a.size, v.size, mode, "correlate", a.size < v.size)


def _vectors(name: str, a: Any, v: Any) -> tuple[Array, ...]:
    a, v = of_one_dtype(a, v)
    a, v = (xp.reshape(x, (1,)) if not x.ndim else x for x in (a, v))
    if a.ndim != 1 or v.ndim != 1:
        raise ValueError(f"{name}: two vectors are needed, not shapes {a.shape} and {v.shape}")
    if not (a.size and v.size):
        raise ValueError(f"{name}: {'v' if a.size else 'a'} cannot be empty")
    return a, v


def _middle(full: Array, n: int, m: int, mode: Any, name: str, late: bool) -> Array:
    """The part of a full convolution that a mode is; `late` rounds the middle up."""
    mode = {0: "valid", 1: "same", 2: "full"}.get(mode, mode)
    short, long = min(n, m), max(n, m)
    if mode == "full":
        return full
    if mode == "same":
        first = short // 2 if late else (short - 1) // 2
        return full[first : first + long]
    if mode == "valid":
        return full[short - 1 : long]
    raise ValueError(f'{name}(mode={mode!r}) has to be "full", "same" or "valid"')


# ── phases, interpolation, integrals ────────────────────────────────────────────────────────────


def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Array:
    """Angles without jumps: multiples of the period, which are constants, added so that neighbours are close.

    Parameters
    ----------
    p
        An array of angles, or of what else is periodic.
    discont : number, optional
        The least jump that is taken away; at least, and by default, half a period.
    axis : int
        The axis along which neighbours are compared.
    period
        The period; differentiable.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.unwrap([0.0, 5.0, 4.0], period=4.0)
    Array([0., 1., 0.], dtype=float64, device='cpu')
    """
    p = as_array(p)
    axis = normalize_axis(axis, p.ndim)
    fixed, width = constant(p), float(constant(period)) if hasattr(period, "shape") else period
    step = xp.diff(fixed, axis=axis)
    discont = width / 2 if discont is None else discont
    whole = not is_inexact(p.dtype) and isinstance(width, int)
    high, ambiguous = (width // 2, width % 2 == 0) if whole else (width / 2, True)
    near = xp.remainder(step + high, width) - high
    if ambiguous:
        near = xp.where((near == -high) & (step > 0), high, near)
    change = xp.where(xp.abs(step) < discont, 0, near - step)
    turns = xp.cumulative_sum(change, axis=axis)
    if hasattr(period, "shape"):
        turns = xp.round(turns / width) * period
    before = (slice(None),) * axis
    first = xp.astype(p[(*before, slice(0, 1), ...)], turns.dtype, copy=False)
    return xp.concat([first, p[(*before, slice(1, None), ...)] + turns], axis=axis)


def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Array:
    """Linear interpolation between points, differentiable in all of them: `pb.xp.interp`, of lists and numbers, too.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.interp(1.5, [0.0, 1.0, 2.0], [0.0, 1.0, 5.0])
    Array(3., dtype=float64, device='cpu')
    """
    home = next((v for v in (x, xp, fp) if type(v) is Array), as_array(xp))
    x, xp, fp = (as_array_like(v, home) for v in (x, xp, fp))
    return _of_xp("interp")(x, xp, fp, left, right, period)


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Array:
    """The integral along an axis by the trapezoidal rule, differentiable in `y`, `x` and `dx`.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.trapezoid([0.0, 1.0, 4.0], dx=0.5)
    Array(1.5, dtype=float64, device='cpu')
    """
    if x is None:
        return xp.trapezoid(as_floating(as_array(y)), None, dx, axis)
    y, x = arrays(y, x)
    return xp.trapezoid(as_floating(y), as_floating(x), dx, axis)


def _of_xp(name: str) -> Any:
    return getattr(xp, name)
