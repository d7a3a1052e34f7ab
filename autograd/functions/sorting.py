"""Functions of the namespace that are compositions of others, and take their derivatives from them.

None of them would be more accurate, or keep less for the backward pass, with a rule of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...backend import backend_of
from ..core.array import Array, backend_array, unwrap_closed
from ..core.defvjp import function_of
from ..core.dispatch import SCALARS
from ..core.registry import find
from .creation import asarray, broadcast_arrays
from .data_type import result_type


def _call(name: str, *args: Any, **settings: Any) -> Array:
    return function_of(find(name))(*args, **settings)


def _part(x: Any, axis: int, part: Any) -> Array:
    return _call("getitem", x, (*(slice(None),) * axis, part, ...))


def _axis(x: Any, axis: int, name: str) -> int:
    """`axis` counted from the front.

    Raises
    ------
    ValueError
        If `x` does not have it.
    """
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"{name}: axis={axis} of an array of {x.ndim} dimensions")
    return axis % x.ndim


# ── manipulation ──────────────────────────────────────────────────────────────────────────────


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Array, ...]:
    """The slices of `x` along an axis; differentiable.

    Parameters
    ----------
    x
        An array of at least one dimension.
    axis : int
        The axis that is taken apart.

    Returns
    -------
    tuple of Array
        One for each place on the axis, of the other axes' shape.

    Raises
    ------
    ValueError
        If `x` does not have the axis.

    Examples
    --------
    >>> import pullback as pb
    >>> x, y = pb.xp.unstack(pb.xp.asarray([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    >>> y
    Array([2., 4.], dtype=float64, device='cpu')
    """
    axis = _axis(backend_array(x), axis, "unstack")
    if backend_array(x).ndim == 1:  # its elements are numbers, not views without axes
        return tuple([_call("getitem", x, i) for i in range(backend_array(x).shape[0])])
    return tuple([_part(x, axis, i) for i in range(backend_array(x).shape[axis])])


# ── sorting ───────────────────────────────────────────────────────────────────────────────────


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """The elements of `x` in order along an axis; differentiable.

    Each element's cotangent goes back to where it came from, by the permutation that was found forward, so
    that among equal elements, too, each receives what its own copy caused.

    Parameters
    ----------
    x
        An array of real numbers, of at least one dimension.
    axis : int
        The axis that is sorted.
    descending : bool
        From the largest to the smallest.
    stable : bool
        Keep the order of equal elements.

    Returns
    -------
    Array
        Of the shape and dtype of `x`.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> weights = np.asarray([1.0, 10.0, 100.0])
    >>> pb.grad(lambda x: pb.xp.sum(weights * pb.xp.sort(x)))(np.asarray([3.0, 1.0, 2.0]))
    array([100.,   1.,  10.])
    """
    value = backend_array(x)
    backend = backend_of(value)
    settings = {"axis": axis, "descending": descending, "stable": stable}
    if type(unwrap_closed(x)) is not Array:
        return Array(backend.normalise(backend.xp.sort(value, **settings)))
    order = Array(backend.xp.argsort(value, **settings))
    if value.ndim == 1:
        return _call("take", x, order, axis=0)
    return _call("take_along_axis", x, order, axis=axis)


# ── differences ───────────────────────────────────────────────────────────────────────────────


def diff(
    x: Any, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None
) -> Array:
    """The differences of neighbours along an axis, taken `n` times; differentiable.

    Parameters
    ----------
    x
        An array of numbers, of at least one dimension.
    axis : int
        The axis along which neighbours are subtracted.
    n : int
        How many times; 0 returns `x`.
    prepend, append
        What is put before and behind `x` first: arrays of the shape of `x` but for the axis, or numbers.

    Returns
    -------
    Array
        Shorter than `x` (with what was put to it) by `n` along the axis, and empty where that is not possible.

    Raises
    ------
    ValueError
        If `n` is negative, or `x` does not have the axis.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.diff(pb.xp.asarray([1.0, 4.0, 9.0]), prepend=0.0)
    Array([1., 3., 5.], dtype=float64, device='cpu')
    """
    if n < 0:
        raise ValueError(f"diff: n={n} has to be at least 0")
    axis = _axis(backend_array(x), axis, "diff")
    if n == 0:
        return asarray(x)
    pieces = [_beside(piece, x, axis) for piece in (prepend, x, append) if piece is not None]
    out = _call("concat", pieces, axis=axis) if len(pieces) > 1 else x
    for _ in range(min(n, backend_array(out).shape[axis])):
        out = _call("subtract", _part(out, axis, slice(1, None)), _part(out, axis, slice(0, -1)))
    return out


def _beside(piece: Any, x: Any, axis: int) -> Any:
    """What stands beside `x` along an axis; numbers and 0-d arrays as one layer of that shape."""
    value = backend_array(x)
    layer = (*value.shape[:axis], 1, *value.shape[axis + 1 :])
    if type(piece) in SCALARS:
        return backend_of(value).xp.zeros_on_device_of(layer, value) + piece
    return piece if backend_array(piece).ndim else _call("broadcast_to", piece, layer)


# ── choosing ──────────────────────────────────────────────────────────────────────────────────


def apply_where(
    cond: Any,
    args: Any,
    f1: Callable[..., Any],
    f2: Callable[..., Any] | None = None,
    /,
    *,
    fill_value: Any = None,
    kwargs: dict[str, Any] | None = None,
) -> Array:
    """``where(cond, f1(*args), f2(*args))`` with each function evaluated only where it is chosen.

    ``where(x > 0, log(x), 0)`` has the derivative NaN at x ≤ 0, in every library: the unchosen logarithm is
    evaluated too, and its infinite slope is multiplied by the cotangent 0. Here nothing is evaluated where it
    is not chosen. (Within a function of one's own, the same is had by two `where`:
    ``where(x > 0, log(where(x > 0, x, 1)), 0)``.) As in array-api-extra.

    Parameters
    ----------
    cond
        A boolean array.
    args
        An array, or a tuple of arrays, that broadcast with `cond`.
    f1 : callable
        An elementwise function; receives one-dimensional arrays of the chosen elements of `args`.
    f2 : callable, optional
        The same, for where `cond` is false.
    fill_value
        Instead of `f2`: a number or array for where `cond` is false.
    kwargs : dict, optional
        Further keyword arguments of `f1` and `f2`.

    Returns
    -------
    Array
        Of the shape that `cond` and `args` broadcast to.

    Raises
    ------
    TypeError
        If both or neither of `f2` and `fill_value` are given.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> xp = pb.xp
    >>> x = np.asarray([-1.0, 0.0, 2.0])
    >>> pb.grad(lambda x: xp.sum(xp.apply_where(x > 0, x, xp.log, fill_value=0.0)))(x)
    array([0. , 0. , 0.5])
    """
    if (f2 is None) is (fill_value is None):
        raise TypeError(
            "apply_where: give one of f2 and fill_value: what holds where cond is false"
        )
    args = tuple(args) if isinstance(args, tuple | list) else (args,)
    known = [fill_value] if hasattr(fill_value, "shape") else []
    chosen, *args_and_fill = broadcast_arrays(cond, *args, *known)
    shape = chosen.shape
    flat = [_call("reshape", x, (-1,)) for x in args_and_fill]
    here = _call("reshape", chosen, (-1,)).value

    def values(f: Callable[..., Any], where: Any) -> Any:
        out = f(*(_call("getitem", x, where) for x in flat[: len(args)]), **(kwargs or {}))
        return out if type(out) in SCALARS else asarray(out)

    first = values(f1, here)
    other = values(f2, ~here) if f2 is not None else (flat[-1] if known else fill_value)
    dtype = result_type(first, other)
    if f2 is None and known:
        out = _call("astype", other, dtype, copy=False)
    else:
        backend = backend_of(here)
        out = Array(backend.xp.zeros_like(here, dtype=backend.dtype(dtype)))
        out = _call("setitem", out, _cast(other, dtype), ~here if f2 is not None else ...)
    return _call("reshape", _call("setitem", out, _cast(first, dtype), here), shape)


def _cast(x: Any, dtype: Any) -> Any:
    return x if type(x) in SCALARS else _call("astype", x, dtype, copy=False)
