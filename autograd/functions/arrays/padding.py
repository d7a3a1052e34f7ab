"""Borders around arrays: `pad`."""

from __future__ import annotations

import operator
from copy import copy
from typing import Any, cast

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.generated import xp as generated
from ...core.typing import ArrayLike
from ..creation import asarray, zeros_on_device_of
from ..data_type import result_type

MODES = ("edge", "reflect", "symmetric", "wrap")


def pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Array:
    """`array` with a border, as NumPy has it.

    Parameters
    ----------
    array
        An array.
    pad_width : int, pair, pairs or dict
        How much before and after each axis: one number for all, one pair, a pair for each axis, or
        ``{axis: pair or number}``.
    mode : {"constant", "edge", "reflect", "symmetric", "wrap"}
        The elements of the border: a constant, the last element, the array mirrored at its last element or behind it,
        or the array once more.
    constant_values
        For "constant": a number or array, a pair, or a pair for each axis; differentiable.

    Returns
    -------
    Array

    Raises
    ------
    NotImplementedError
        For NumPy's other modes.
    ValueError
        If a width is negative, or there is nothing to fill the border with.

    Notes
    -----
    What a border repeats receives the sum of the copies' cotangents.

    References
    ----------
    As ``numpy.pad``.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.grad(lambda x: pb.xp.sum(pb.xp.pad(x, 2, mode="reflect")))(np.asarray([1.0, 2.0, 3.0]))
    array([2., 3., 2.])
    """
    x = asarray(array)
    widths = pairs_of(pad_width, x.ndim)
    if any(n < 0 for pair in widths for n in pair):
        raise ValueError(f"pad: pad_width={pad_width!r} has a negative number; slices take away")
    if mode == "constant":
        return _with_constants(x, widths, constant_values)
    if mode not in MODES:
        raise NotImplementedError(
            f"pad(mode={mode!r}): pb.xp has 'constant', {', '.join(map(repr, MODES))}; build other borders by concat"
        )
    backend, chosen = backend_of(backend_array(x)), cast(Any, mode)
    x = copy(x)
    for axis, pair in enumerate(widths):
        if any(pair):
            # NumPy says where each element of the border comes from
            sources = np.pad(np.arange(x.shape[axis]), pair, mode=chosen)
            x = generated.take(x, Array(backend.asarray(sources)), axis=axis)
    return x


def pairs_of(widths: Any, ndim: int) -> list[tuple[int, int]]:
    """A pair of integers for each axis."""
    if isinstance(widths, dict):
        every = [(0, 0)] * ndim
        for axis, pair in widths.items():
            every[axis] = pair if isinstance(pair, tuple | list) else (pair, pair)
        return [(operator.index(i), operator.index(j)) for i, j in every]
    pairs = np.broadcast_to(np.asarray(widths), (ndim, 2))
    return [(operator.index(i), operator.index(j)) for i, j in pairs]


def _with_constants(x: Array, widths: list[tuple[int, int]], values: Any) -> Array:
    if hasattr(values, "shape") or not isinstance(values, tuple | list):
        if getattr(values, "ndim", 0) == 0:
            return _in_larger_array(x, widths, values)
        values = [[values[..., i, k] for k in (0, 1)] for i in range(values.shape[0])]
    rows = list(values) if isinstance(values[0], tuple | list) else [values]
    rows = [list(row) * (3 - len(row)) for row in rows] * (x.ndim if len(rows) == 1 else 1)
    for axis, (pair, row) in enumerate(zip(widths, rows, strict=True)):
        layers = [(*x.shape[:axis], n, *x.shape[axis + 1 :]) for n in pair]
        before, after = (
            generated.astype(zeros_on_device_of(layer, x) + value, x.dtype, copy=False)
            for layer, value in zip(layers, row, strict=True)
        )
        x = generated.concat([before, x, after], axis=axis)
    return x


def _in_larger_array(x: Array, widths: list[tuple[int, int]], value: ArrayLike) -> Array:
    """`x` written into an array full of one value."""
    shape = tuple(n + i + j for n, (i, j) in zip(x.shape, widths, strict=True))
    frame = zeros_on_device_of(shape, x)
    if type(value) not in (int, float) or value != 0:
        frame = generated.astype(frame + value, result_type(x), copy=False)
    inside = tuple(slice(i, i + n) for n, (i, _) in zip(x.shape, widths, strict=True))
    return generated.setitem(frame, x, inside)
