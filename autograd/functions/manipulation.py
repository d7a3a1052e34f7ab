"""NumPy's and array-api-extra's ways to put arrays together, take them apart and pad them, in `pb.xp`.

Compositions of the standard's functions, which take their derivatives from them.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from copy import copy
from typing import Any, cast

import numpy as np

from ...backend import backend_of
from ..core.array import Array, backend_array
from ..core.dtypes import as_numpy
from ..core.generated import xp as fun
from .aliases import is_contiguous
from .creation import asarray
from .data_type import result_type

# ── axes ──────────────────────────────────────────────────────────────────────────────────────


def atleast_nd(x: Any, /, *, ndim: int) -> Array:
    """`x` with axes of length 1 put in front, until it has `ndim` of them.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.atleast_nd(pb.xp.asarray([1.0, 2.0]), ndim=3).shape
    (1, 1, 2)
    """
    x = asarray(x)
    return fun.reshape(x, (1,) * (ndim - x.ndim) + x.shape) if x.ndim < ndim else x


def atleast_1d(*arrays: Any) -> Any:
    """Each array with one axis at least; a tuple where several are given.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.atleast_1d(3.0)
    Array([3.], dtype=float64, device='cpu')
    """
    return _each(arrays, 1)


def atleast_2d(*arrays: Any) -> Any:
    """Each array with two axes at least, new ones in front; a tuple where several are given.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.atleast_2d(pb.xp.asarray([1.0, 2.0])).shape
    (1, 2)
    """
    return _each(arrays, 2)


def _each(arrays: tuple[Any, ...], ndim: int) -> Any:
    out = tuple(atleast_nd(x, ndim=ndim) for x in arrays)
    return out[0] if len(out) == 1 else out


def ravel(a: Any, order: str = "C") -> Array:
    """All elements of `a` in one axis, the last index fastest.

    Raises
    ------
    NotImplementedError
        For another `order` than "C".

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ravel(pb.xp.asarray([[1.0, 2.0], [3.0, 4.0]]))
    Array([1., 2., 3., 4.], dtype=float64, device='cpu')
    """
    if order != "C":
        raise NotImplementedError(
            f"ravel(order={order!r}): arrays have no memory order here; permute the axes first"
        )
    a = asarray(a)
    # unlike reshape, ravel copies what has gaps in memory
    return fun.reshape(a, (-1,), copy=None if is_contiguous(a) else True)


def swapaxes(a: Any, axis1: int, axis2: int) -> Array:
    """`a` with two axes exchanged.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.swapaxes(pb.xp.ones((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    a = asarray(a)
    order = list(range(a.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return fun.permute_dims(a, tuple(order))


def transpose(a: Any, axes: Sequence[int] | None = None) -> Array:
    """`a` with its axes in another order, by default in the opposite one.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.transpose(pb.xp.ones((2, 3, 4))).shape
    (4, 3, 2)
    """
    a = asarray(a)
    return fun.permute_dims(a, tuple(reversed(range(a.ndim))) if axes is None else tuple(axes))


# ── together and apart ────────────────────────────────────────────────────────────────────────


def hstack(tup: Sequence[Any]) -> Array:
    """Arrays side by side: along the second axis, or the only one.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.hstack([1.0, pb.xp.asarray([2.0, 3.0])])
    Array([1., 2., 3.], dtype=float64, device='cpu')
    """
    arrays = [atleast_nd(x, ndim=1) for x in tup]
    return fun.concat(arrays, axis=0 if arrays and arrays[0].ndim == 1 else 1)


def vstack(tup: Sequence[Any]) -> Array:
    """Arrays above one another; vectors are rows.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.vstack([pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([3.0, 4.0])])
    Array([[1., 2.],
           [3., 4.]], dtype=float64, device='cpu')
    """
    return fun.concat([atleast_nd(x, ndim=2) for x in tup], axis=0)


def column_stack(tup: Sequence[Any]) -> Array:
    """Arrays side by side; vectors are columns.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.column_stack([pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([3.0, 4.0])])
    Array([[1., 3.],
           [2., 4.]], dtype=float64, device='cpu')
    """
    arrays = [asarray(x) for x in tup]
    return fun.concat([x if x.ndim > 1 else fun.reshape(x, (-1, 1)) for x in arrays], axis=1)


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """The parts of an array along an axis: a number of almost equal ones, or between given places.

    Examples
    --------
    >>> import pullback as pb
    >>> [part.shape for part in pb.xp.array_split(pb.xp.ones(7), 3)]
    [(3,), (2,), (2,)]
    """
    ary = asarray(ary)
    axis = operator.index(axis) % ary.ndim
    n = ary.shape[axis]
    if hasattr(indices_or_sections, "__len__"):
        cuts = [0, *(operator.index(i) for i in indices_or_sections), n]
    else:
        sections = operator.index(indices_or_sections)
        if sections < 1:
            raise ValueError(f"array_split: {sections} sections; there has to be one at least")
        size, longer = divmod(n, sections)
        cuts = [0, *itertools.accumulate(size + (i < longer) for i in range(sections))]
    before = (slice(None),) * axis
    # a place behind the end, or before the one before it, makes an empty part, as in NumPy
    parts = [slice(*slice(i, j).indices(n)) for i, j in itertools.pairwise(cuts)]
    return [fun.getitem(ary, (*before, part, ...)) for part in parts]


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """The parts of an array along an axis: a number of equal ones, or between given places.

    Raises
    ------
    ValueError
        If the axis cannot be divided into that many equal parts.

    Examples
    --------
    >>> import pullback as pb
    >>> first, second = pb.xp.split(pb.xp.asarray([1.0, 2.0, 3.0, 4.0]), 2)
    >>> second
    Array([3., 4.], dtype=float64, device='cpu')
    """
    ary = asarray(ary)
    if not hasattr(indices_or_sections, "__len__") and ary.shape[axis] % indices_or_sections:
        raise ValueError(
            f"split: an axis of length {ary.shape[axis]} does not divide into {indices_or_sections} equal parts; "
            "array_split makes almost equal ones"
        )
    return array_split(ary, indices_or_sections, axis)


def create_diagonal(x: Any, /, *, offset: int = 0) -> Array:
    """Matrices with the last axis of `x` on a diagonal.

    Parameters
    ----------
    x
        Array (…, n).
    offset : int
        The diagonal, above (positive) or below the main one.

    Returns
    -------
    Array
        Of shape (…, n + |offset|, n + |offset|).

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.create_diagonal(pb.xp.asarray([1.0, 2.0]))
    Array([[1., 0.],
           [0., 2.]], dtype=float64, device='cpu')
    """
    x = asarray(x)
    if not x.ndim:
        raise ValueError("create_diagonal: an array of one dimension at least is needed")
    n = x.shape[-1] + abs(offset)
    first = offset if offset > 0 else -offset * n
    flat = _zeros((*x.shape[:-1], n * n), x)
    if x.shape[-1]:
        last = first + (x.shape[-1] - 1) * (n + 1)
        flat = fun.setitem(flat, x, (..., slice(first, last + 1, n + 1)))
    return fun.reshape(flat, (*x.shape[:-1], n, n))


def one_hot(x: Any, /, num_classes: int, *, dtype: Any = None, axis: int = -1) -> Array:
    """1 at the place that each integer of `x` names, 0 elsewhere, along a new axis; a constant.

    Parameters
    ----------
    x
        Integers; those outside 0 … num_classes − 1 make zeros alone.
    num_classes : int
        The length of the new axis.
    dtype
        Of the result; by default the default floating dtype.
    axis : int
        Where the new axis stands.

    Returns
    -------
    Array

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.one_hot(pb.xp.asarray([0, 2]), 3)
    Array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float64, device='cpu')
    """
    value = backend_array(asarray(x))
    backend = backend_of(value)
    hot = value[..., None] == backend.xp.arange_like(num_classes, value)
    wanted = backend.dtype(np.dtype("float64") if dtype is None else as_numpy(dtype))
    return fun.moveaxis(Array(backend.xp.astype(hot, wanted)), -1, axis)


def _zeros(shape: tuple[int, ...], x: Array, dtype: Any = None) -> Array:
    backend = backend_of(backend_array(x))
    zeros = backend.xp.zeros_on_device_of(shape, backend_array(x))
    wanted = x.dtype if dtype is None else dtype
    return Array(backend.xp.astype(zeros, backend.dtype(wanted), copy=False))


# ── padding ───────────────────────────────────────────────────────────────────────────────────

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
        What stands there: a constant, the last element, the array mirrored at its last element or behind it, or the
        array once more.
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

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.grad(lambda x: pb.xp.sum(pb.xp.pad(x, 2, mode="reflect")))(np.asarray([1.0, 2.0, 3.0]))
    array([2., 3., 2.])
    """
    x = asarray(array)
    widths = _pairs(pad_width, x.ndim)
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
            places = np.pad(np.arange(x.shape[axis]), pair, mode=chosen)
            x = fun.take(x, Array(backend.asarray(places)), axis=axis)
    return x


def _pairs(widths: Any, ndim: int) -> list[tuple[int, int]]:
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
            return _in_a_frame(x, widths, values)
        values = [[values[..., i, k] for k in (0, 1)] for i in range(values.shape[0])]
    rows = list(values) if isinstance(values[0], tuple | list) else [values]
    rows = [list(row) * (3 - len(row)) for row in rows] * (x.ndim if len(rows) == 1 else 1)
    for axis, (pair, row) in enumerate(zip(widths, rows, strict=True)):
        layers = [(*x.shape[:axis], n, *x.shape[axis + 1 :]) for n in pair]
        before, after = (
            fun.astype(_zeros(layer, x) + value, x.dtype, copy=False)
            for layer, value in zip(layers, row, strict=True)
        )
        x = fun.concat([before, x, after], axis=axis)
    return x


def _in_a_frame(x: Array, widths: list[tuple[int, int]], value: Any) -> Array:
    """`x` written into an array full of one value."""
    shape = tuple(n + i + j for n, (i, j) in zip(x.shape, widths, strict=True))
    frame = _zeros(shape, x)
    if type(value) not in (int, float) or value != 0:
        frame = fun.astype(frame + value, result_type(x), copy=False)
    inside = tuple(slice(i, i + n) for n, (i, _) in zip(x.shape, widths, strict=True))
    return fun.setitem(frame, x, inside)
