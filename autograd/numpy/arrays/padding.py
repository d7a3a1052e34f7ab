"""Padding: NumPy's `pad` with all its modes."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.array import Array
from ...core.generated import xp as generated
from ...functions.arrays import padding as standard
from ...functions.creation import zeros_on_device_of
from ...functions.manipulation import select
from ..arguments import as_array
from ..conversions import arange_on_device_of, cast

__all__ = ["pad"]

# The settings of each mode, and their defaults.
SETTINGS: dict[str, dict[str, Any]] = {
    "constant": {"constant_values": 0},
    "edge": {},
    "empty": {},
    "linear_ramp": {"end_values": 0},
    "maximum": {"stat_length": None},
    "mean": {"stat_length": None},
    "median": {"stat_length": None},
    "minimum": {"stat_length": None},
    "reflect": {"reflect_type": "even"},
    "symmetric": {"reflect_type": "even"},
    "wrap": {},
}


def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Array:
    """`array` with a border around it.

    Parameters
    ----------
    array
        An array.
    pad_width : int, pair, pairs or dict
        How much before and after each axis: one number for all, one pair, a pair for each axis, or
        ``{axis: pair or number}``.
    mode : str
        "constant", "edge", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect", "symmetric", "wrap" or
        "empty".
    constant_values, end_values, stat_length, reflect_type
        As in NumPy: the number for "constant", that at the end of a "linear_ramp", how many elements the statistics are
        of, "even" or "odd".

    Returns
    -------
    Array

    Raises
    ------
    NotImplementedError
        If `mode` is a function: NumPy has it write into a buffer.
    ValueError
        For an unknown mode, a setting that the mode does not have, a negative width, or nothing to fill it with.

    Examples
    --------
    >>> import numpy, pullback as pb
    >>> pb.numpy.pad([1.0, 3.0], 2, mode="linear_ramp")
    Array([0. , 0.5, 1. , 3. , 1.5, 0. ], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.numpy.pad(x, 1, mode="mean").sum())(numpy.ones(4))
    array([1.5, 1.5, 1.5, 1.5])
    """
    if callable(mode):
        raise NotImplementedError(
            "pad: a function as mode= writes into NumPy's buffer, which nothing can record; "
            "pad by a constant and write the border by y[key] = v"
        )
    if mode not in SETTINGS:
        raise ValueError(f"mode {mode!r} is not supported")
    unknown = set(kwargs) - set(SETTINGS[mode])
    if unknown:
        raise ValueError(f"unsupported keyword arguments for mode {mode!r}: {unknown}")
    settings = SETTINGS[mode] | kwargs
    x = as_array(array)
    widths = standard.pairs_of(pad_width, x.ndim)
    if any(n < 0 for pair in widths for n in pair):
        raise ValueError(f"pad: pad_width={pad_width!r} can't contain negative values")
    if mode == "constant":
        values = settings["constant_values"]
        return standard.pad(x, widths or 0, constant_values=values)
    if mode == "empty":
        return standard.pad(x, widths or 0)
    odd = settings.get("reflect_type", "even") == "odd"
    if mode in ("edge", "wrap") or (mode in ("reflect", "symmetric") and not odd):
        return standard.pad(x, widths or 0, mode=mode)
    for axis, pair in enumerate(widths):
        if x.shape[axis] == 0 and any(pair):
            raise ValueError(
                f"can't extend empty axis {axis} using modes other than 'constant' or 'empty'"
            )
        if odd:
            x = _reflected(x, axis, pair, include_edge=mode == "symmetric")
        elif mode == "linear_ramp":
            x = _ramps(x, axis, pair, _of_axis(settings["end_values"], x.ndim, axis))
        else:
            x = _statistics(x, axis, pair, mode, _of_axis(settings["stat_length"], x.ndim, axis))
    return x


def _of_axis(setting: Any, ndim: int, axis: int) -> tuple[Any, Any]:
    """The pair of a setting that is given as one value, as a pair, or as a pair for each axis."""
    if setting is None or not isinstance(setting, tuple | list | np.ndarray):
        return setting, setting
    rows = list(setting)
    if not isinstance(rows[0], tuple | list | np.ndarray):
        rows = [rows]
    row = list(rows[axis if len(rows) > 1 else 0])
    return (row[0], row[-1])


def _with_borders(before: Array | None, x: Array, after: Array | None, axis: int) -> Array:
    parts = [cast(part, x.dtype) for part in (before, x, after) if part is not None]
    return generated.concat(parts, axis=axis) if len(parts) > 1 else x


def _ramps(x: Array, axis: int, pair: tuple[int, int], ends: tuple[Any, Any]) -> Array:
    """Borders that go in equal steps from the end value to the outermost element."""
    last = x.shape[axis] - 1

    def ramp(n: int, end: Any, edge: Array) -> Array | None:
        if not n:
            return None
        column = generated.reshape(arange_on_device_of(n, x), (n,) + (1,) * (x.ndim - 1 - axis))
        exact = x.dtype if x.dtype.kind in "fc" else np.dtype("float64")
        t = cast(column, exact.type(0).real.dtype) / n  # 0 at the end value
        start = generated.astype(zeros_on_device_of((), x), edge.dtype) + end
        out = start + t * cast(edge - start, exact)
        return out if x.dtype.kind in "fc" else generated.floor(out)

    before = ramp(pair[0], ends[0], select(x, axis, slice(0, 1)))
    after = ramp(pair[1], ends[1], select(x, axis, slice(last, last + 1)))
    after = None if after is None else generated.flip(after, axis=axis)
    return _with_borders(before, x, after, axis)


def _median(x: Array, axis: int) -> Array:
    from_small = generated.take_along_axis(x, generated.argsort(x, axis=axis), axis=axis)
    n = x.shape[axis]
    middle = select(from_small, axis, slice((n - 1) // 2, n // 2 + 1))
    return generated.mean(middle * 1.0, axis=axis, keepdims=True)


STATISTICS: dict[str, Callable[[Array, int], Array]] = {
    "maximum": lambda x, axis: generated.max(x, axis=axis, keepdims=True),
    "minimum": lambda x, axis: generated.min(x, axis=axis, keepdims=True),
    "mean": lambda x, axis: generated.mean(x * 1.0, axis=axis, keepdims=True),
    "median": _median,
}


def _statistics(
    x: Array, axis: int, pair: tuple[int, int], mode: str, stat_length: tuple[Any, Any]
) -> Array:
    """Borders of a statistic of the elements nearest to them."""
    n = x.shape[axis]
    counts = [n if k is None else min(operator.index(k), n) for k in stat_length]
    if any(k < 0 for k in counts):
        raise ValueError("index can't contain negative values")
    if 0 in counts and mode in ("maximum", "minimum"):
        raise ValueError("stat_length of 0 yields no value for padding")

    def border(part: slice, width: int) -> Array | None:
        if not width:
            return None
        found = STATISTICS[mode](select(x, axis, part), axis)
        found = found if x.dtype.kind in "fc" else generated.round(found)
        return generated.broadcast_to(found, (*x.shape[:axis], width, *x.shape[axis + 1 :]))

    before = border(slice(0, counts[0]), pair[0])
    after = border(slice(n - counts[1], n), pair[1])
    return _with_borders(before, x, after, axis)


def _reflected(x: Array, axis: int, pair: tuple[int, int], *, include_edge: bool) -> Array:
    """Borders mirrored in the outermost elements' points, ``2 x[0] − x[k]``: the "odd" reflection."""
    n = x.shape[axis]
    if n == 1 and not include_edge:
        return standard.pad(x, [pair if k == axis else (0, 0) for k in range(x.ndim)], mode="edge")
    skipped = 0 if include_edge else 1
    left, right = pair
    while left or right:
        # what is reflected next is a multiple of the array's own period, and lies at the ends that there are by now
        length = x.shape[axis]
        whole = length // n * n if include_edge else (length - 1) // (n - 1) * (n - 1)
        first, last = select(x, axis, slice(0, 1)), select(x, axis, slice(length - 1, length))
        before, after = min(whole, left), min(whole, right)
        start = select(x, axis, slice(skipped, skipped + before))
        end = select(x, axis, slice(length - skipped - after, length - skipped))
        x = _with_borders(
            generated.flip(2 * first - start, axis=axis) if before else None,
            x,
            generated.flip(2 * last - end, axis=axis) if after else None,
            axis,
        )
        left, right = left - before, right - after
    return x
