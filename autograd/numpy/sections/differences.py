"""Differences of neighbours: `diff`, `ediff1d` and `gradient`."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...core.array import Array
from ...core.dtypes import is_inexact
from ...functions import namespace as xp
from ...functions.creation import as_floating
from ..arguments import as_array
from ..operands import NO_VALUE, axes_of, beside

__all__ = [
    "diff",
    "ediff1d",
    "gradient",
]


def diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = NO_VALUE, append: Any = NO_VALUE
) -> Array:
    """The differences of neighbours along an axis, taken `n` times, with elements put before and behind first.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.diff([1.0, 4.0, 9.0], prepend=0.0)
    Array([1., 3., 5.], dtype=float64, device='cpu')
    """
    x = as_array(a)
    before, behind = (
        None if piece is NO_VALUE else piece if type(piece) in (int, float) else beside(piece, x)
        for piece in (prepend, append)
    )
    if x.dtype.kind != "b":
        return xp.diff(x, axis=axis, n=operator.index(n), prepend=before, append=behind)
    whole: Any = [
        None if v is None else xp.astype(beside(v, x), np.dtype("int8"))
        for v in (x, before, behind)
    ]
    x, before, behind = whole
    for _ in range(operator.index(n)):
        x = xp.abs(xp.diff(x, axis=axis, prepend=before, append=behind))
        before = behind = None
    return x != 0


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Array:
    """The differences of neighbours in the flattened array, with elements put before and behind them.

    Raises
    ------
    TypeError
        If these elements do not go into the dtype of the array.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.ediff1d([1.0, 4.0, 9.0], to_end=0.0)
    Array([3., 5., 0.], dtype=float64, device='cpu')
    """
    x = xp.reshape(as_array(ary), (-1,))
    parts = [x[1:] - x[:-1]]
    for name, piece in (("to_begin", to_begin), ("to_end", to_end)):
        if piece is None:
            continue
        given = beside(piece, x)
        if not np.can_cast(given.dtype, x.dtype, "same_kind"):
            raise TypeError(f"ediff1d: {name} of dtype {given.dtype} does not go into {x.dtype}")
        given = xp.reshape(xp.astype(given, x.dtype, copy=False), (-1,))
        parts.insert(0 if name == "to_begin" else len(parts), given)
    return parts[0] if len(parts) == 1 else xp.concat(parts)


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Derivatives along axes by central differences, one-sided at the ends, of values on a grid.

    Parameters
    ----------
    f
        Values on the grid.
    *varargs
        The distance of neighbours, for all axes or for each, or the coordinates along an axis (n,); differentiable.
    axis : int or tuple of int, optional
        The axes; all of them by default.
    edge_order : {1, 2}
        The order of accuracy at the ends.

    Returns
    -------
    Array or tuple of Array
        One for each axis.

    Raises
    ------
    ValueError
        If the shapes do not fit, or there are too few elements.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.gradient([1.0, 2.0, 4.0, 7.0], 0.5)
    Array([2., 3., 5., 6.], dtype=float64, device='cpu')
    """
    f = as_floating(as_array(f))
    axes = axes_of(axis, f.ndim)
    spacings = _spacings(f, axes, varargs)
    if edge_order not in (1, 2):
        raise ValueError(f"gradient(edge_order={edge_order!r}) has to be 1 or 2")
    outs = tuple(_gradient(f, k, h, edge_order) for k, h in zip(axes, spacings, strict=True))
    return outs[0] if len(outs) == 1 else outs


def _spacings(f: Array, axes: tuple[int, ...], given: tuple[Any, ...]) -> list[Any]:
    """For each axis a distance, or the distances of neighbours (n − 1,)."""
    if not given:
        return [1.0] * len(axes)
    given = tuple(beside(h, f) if isinstance(h, list | tuple) else h for h in given)
    if len(given) == 1 and np.ndim(given[0]) == 0:
        return list(given) * len(axes)
    if len(given) != len(axes):
        raise TypeError(f"gradient: {len(given)} distances for {len(axes)} axes")
    found = []
    for k, h in zip(axes, given, strict=True):
        if np.ndim(h) == 0:
            found.append(h)
            continue
        h = beside(h, f)
        if h.ndim != 1:
            raise ValueError("distances must be either scalars or 1d")
        if h.shape[0] != f.shape[k]:
            raise ValueError(
                "when 1d, distances must match the length of the corresponding dimension"
            )
        found.append(xp.diff(h if is_inexact(h.dtype) else xp.astype(h, f.dtype)))
    return found


def _gradient(f: Array, axis: int, h: Any, edge_order: int) -> Array:
    if f.shape[axis] < edge_order + 1:
        raise ValueError(
            f"gradient: {f.shape[axis]} elements along axis {axis}; at least {edge_order + 1} are needed"
        )

    def part(start: int | None, stop: int | None) -> Array:
        return f[(*(slice(None),) * axis, slice(start, stop), ...)]

    first, second, third = part(0, 1), part(1, 2), part(2, 3)
    last, before, earlier = part(-1, None), part(-2, -1), part(-3, -2)
    even = np.ndim(h) == 0
    if even:
        inside = (part(2, None) - part(None, -2)) / (2.0 * h)
    else:
        shape = (-1,) + (1,) * (f.ndim - axis - 1)
        left, right = (xp.reshape(d, shape) for d in (h[:-1], h[1:]))
        inside = (
            part(None, -2) * (-right / (left * (left + right)))
            + part(1, -1) * ((right - left) / (left * right))
            + part(2, None) * (left / (right * (left + right)))
        )
    if edge_order == 1:
        ends = [(second - first) / (h if even else h[0]), (last - before) / (h if even else h[-1])]
    elif even:
        ends = [
            first * (-1.5 / h) + second * (2.0 / h) + third * (-0.5 / h),
            earlier * (0.5 / h) + before * (-2.0 / h) + last * (1.5 / h),
        ]
    else:
        a, b, c, d = h[0], h[1], h[-2], h[-1]
        ends = [
            first * (-(2.0 * a + b) / (a * (a + b)))
            + second * ((a + b) / (a * b))
            + third * (-a / (b * (a + b))),
            earlier * (d / (c * (c + d)))
            + before * (-(d + c) / (c * d))
            + last * ((2.0 * d + c) / (d * (c + d))),
        ]
    return xp.concat([ends[0], inside, ends[1]], axis=axis)
