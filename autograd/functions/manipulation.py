"""Manipulation functions: those of the standard that are compositions, and NumPy's.

Their derivatives are those of the functions that they are composed of.
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
from ..core.generated import xp as generated
from ..core.typing import ArrayLike
from .aliases import is_contiguous
from .creation import asarray, zeros_on_device_of
from .data_type import result_type

# ── shapes and axes ─────────────────────────────────────────────────────────────────────────────


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that arrays of these shapes broadcast to.

    Parameters
    ----------
    *shapes : tuple of int
        The shapes.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        If they do not broadcast.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    return np.broadcast_shapes(*shapes)


def broadcast_arrays(*arrays: Any) -> tuple[Array, ...]:
    """The arrays, broadcast against one another.

    Parameters
    ----------
    *arrays : array
        Of any dtypes.

    Returns
    -------
    tuple of Array
        All of one shape, each in its own dtype.

    Raises
    ------
    ValueError
        If they do not broadcast.

    Notes
    -----
    The pullback sums each cotangent over the axes that were added or stretched.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> x, y = pb.xp.broadcast_arrays(pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([[3.0], [4.0]]))
    >>> y
    Array([[3., 3.],
           [4., 4.]], dtype=float64, device='cpu')
    """
    shape = np.broadcast_shapes(*(tuple(backend_array(x).shape) for x in arrays))
    return tuple([generated.broadcast_to(x, shape) for x in arrays])


def atleast_nd(x: ArrayLike, /, *, ndim: int) -> Array:
    """`x` with axes of length 1 put in front, until it has `ndim` of them.

    Parameters
    ----------
    x : array or number
        Of any dtype.
    ndim : int
        The least number of axes.

    Returns
    -------
    Array
        `x` itself if it has enough axes, else a view of it.

    Notes
    -----
    The pullback reshapes the cotangent to the shape of x.

    References
    ----------
    As ``array_api_extra.atleast_nd``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.atleast_nd(pb.xp.asarray([1.0, 2.0]), ndim=3).shape
    (1, 1, 2)
    """
    x = asarray(x)
    return generated.reshape(x, (1,) * (ndim - x.ndim) + x.shape) if x.ndim < ndim else x


def atleast_1d(*arrays: Any) -> Any:
    """The array with at least one axis, or a tuple of such arrays where several are given.

    Parameters
    ----------
    *arrays : array or number
        Of any dtypes.

    Returns
    -------
    Array or tuple of Array

    Notes
    -----
    The pullback reshapes each cotangent to the shape of its array.

    References
    ----------
    As ``numpy.atleast_1d``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.atleast_1d(3.0)
    Array([3.], dtype=float64, device='cpu')
    """
    return _each(arrays, 1)


def atleast_2d(*arrays: Any) -> Any:
    """The array with at least two axes, new ones in front, or a tuple where several are given.

    Parameters
    ----------
    *arrays : array or number
        Of any dtypes.

    Returns
    -------
    Array or tuple of Array

    Notes
    -----
    The pullback reshapes each cotangent to the shape of its array.

    References
    ----------
    As ``numpy.atleast_2d``.

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


def ravel(a: ArrayLike, order: str = "C") -> Array:
    """The elements of `a` in one axis, the last index fastest.

    Parameters
    ----------
    a : array
        Of any dtype.
    order : {"C"}
        Arrays have no other order of memory here.

    Returns
    -------
    Array
        A view of `a` if that has no gaps in memory, as in NumPy: a write to it reaches `a`.

    Raises
    ------
    NotImplementedError
        For another `order` than "C".

    Notes
    -----
    The pullback reshapes the cotangent to the shape of a.

    References
    ----------
    As ``numpy.ravel``.

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
    return generated.reshape(a, (-1,), copy=None if is_contiguous(a) else True)


def swapaxes(a: ArrayLike, axis1: int, axis2: int) -> Array:
    """`a` with two axes exchanged.

    Parameters
    ----------
    a : array
        Of any dtype.
    axis1, axis2 : int
        The axes; negative ones count from the end.

    Returns
    -------
    Array
        A view of `a` on NumPy and CuPy.

    Notes
    -----
    The pullback exchanges the same axes of the cotangent.

    References
    ----------
    As ``numpy.swapaxes``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.swapaxes(pb.xp.ones((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    a = asarray(a)
    order = list(range(a.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return generated.permute_dims(a, tuple(order))


def transpose(a: ArrayLike, axes: Sequence[int] | None = None) -> Array:
    """`a` with its axes in another order, by default in the opposite one.

    Parameters
    ----------
    a : array
        Of any dtype.
    axes : sequence of int, optional
        For each axis of the result, the axis of `a` that it is.

    Returns
    -------
    Array
        A view of `a` on NumPy and CuPy. For stacks of matrices, `matrix_transpose`.

    Notes
    -----
    The pullback puts the axes of the cotangent back.

    References
    ----------
    As ``numpy.transpose``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.transpose(pb.xp.ones((2, 3, 4))).shape
    (4, 3, 2)
    """
    a = asarray(a)
    return generated.permute_dims(
        a, tuple(reversed(range(a.ndim))) if axes is None else tuple(axes)
    )


def normalize_axis(x: ArrayLike, axis: int, name: str) -> int:
    """`axis` counted from the front; `name` is the function that the message speaks of.

    Raises
    ------
    ValueError
        If `x` does not have it.
    """
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"{name}: axis={axis} of an array of {x.ndim} dimensions")
    return axis % x.ndim


def select(x: ArrayLike, axis: int, key: Any) -> Array:
    """``x[:, …, :, key]`` with `key` at an axis that is counted from the front."""
    return generated.getitem(x, (*(slice(None),) * axis, key, ...))


# ── together and apart ──────────────────────────────────────────────────────────────────────────


def hstack(tup: Sequence[Any]) -> Array:
    """Arrays side by side: along the second axis, or the only one.

    Parameters
    ----------
    tup : sequence of arrays or numbers
        Of the same shape but along that axis.

    Returns
    -------
    Array
        In the dtype that all promote to.

    Notes
    -----
    The pullback cuts the cotangent where the arrays met.

    References
    ----------
    As ``numpy.hstack``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.hstack([1.0, pb.xp.asarray([2.0, 3.0])])
    Array([1., 2., 3.], dtype=float64, device='cpu')
    """
    arrays = [atleast_nd(x, ndim=1) for x in tup]
    return generated.concat(arrays, axis=0 if arrays and arrays[0].ndim == 1 else 1)


def vstack(tup: Sequence[Any]) -> Array:
    """Arrays above one another; vectors are rows.

    Parameters
    ----------
    tup : sequence of arrays or numbers
        Of the same shape but along the first axis.

    Returns
    -------
    Array
        In the dtype that all promote to.

    Notes
    -----
    The pullback cuts the cotangent where the arrays met.

    References
    ----------
    As ``numpy.vstack``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.vstack([pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([3.0, 4.0])])
    Array([[1., 2.],
           [3., 4.]], dtype=float64, device='cpu')
    """
    return generated.concat([atleast_nd(x, ndim=2) for x in tup], axis=0)


def column_stack(tup: Sequence[Any]) -> Array:
    """Arrays side by side; vectors are columns.

    Parameters
    ----------
    tup : sequence of arrays
        Vectors (n,), and matrices (n, k).

    Returns
    -------
    Array
        (n, total), in the dtype that all promote to.

    Notes
    -----
    The pullback cuts the cotangent where the arrays met.

    References
    ----------
    As ``numpy.column_stack``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.column_stack([pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([3.0, 4.0])])
    Array([[1., 3.],
           [2., 4.]], dtype=float64, device='cpu')
    """
    arrays = [asarray(x) for x in tup]
    return generated.concat(
        [x if x.ndim > 1 else generated.reshape(x, (-1, 1)) for x in arrays], axis=1
    )


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """The parts of an array along an axis: a number of almost equal ones, or those between given indices.

    Parameters
    ----------
    ary : array
        Of any dtype.
    indices_or_sections : int or sequence of int
        How many parts, of which the first are longer by 1 if need be; or where to cut.
    axis : int
        The axis.

    Returns
    -------
    list of Array
        Views of `ary` on NumPy and CuPy.

    Raises
    ------
    ValueError
        If there is to be no part at all.

    Notes
    -----
    The pullback puts the cotangents of the parts in their places; that of a part which is not used is 0.

    References
    ----------
    As ``numpy.array_split``.

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
    # an index behind the end, or before the last index, makes an empty part, as in NumPy
    parts = [slice(*slice(i, j).indices(n)) for i, j in itertools.pairwise(cuts)]
    return [generated.getitem(ary, (*before, part, ...)) for part in parts]


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """The parts of an array along an axis: a number of equal ones, or those between given indices.

    Parameters
    ----------
    ary : array
        Of any dtype.
    indices_or_sections : int or sequence of int
        How many parts of one length; or where to cut.
    axis : int
        The axis.

    Returns
    -------
    list of Array
        Views of `ary` on NumPy and CuPy.

    Raises
    ------
    ValueError
        If the axis cannot be divided into that many equal parts.

    Notes
    -----
    The pullback puts the cotangents of the parts in their places; that of a part which is not used is 0.

    References
    ----------
    As ``numpy.split``.

    Examples
    --------
    >>> import pullback as pb
    >>> first, second = pb.xp.split(pb.xp.asarray([1.0, 2.0, 3.0, 4.0]), 2)
    >>> second
    Array([3., 4.], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.xp.split(x, 2)[1] ** 2))(pb.xp.asarray([1.0, 2.0, 3.0, 4.0]))
    Array([0., 0., 6., 8.], dtype=float64, device='cpu')
    """
    ary = asarray(ary)
    if not hasattr(indices_or_sections, "__len__") and ary.shape[axis] % indices_or_sections:
        raise ValueError(
            f"split: an axis of length {ary.shape[axis]} does not divide into {indices_or_sections} equal parts; "
            "array_split makes almost equal ones"
        )
    return array_split(ary, indices_or_sections, axis)


def unstack(x: ArrayLike, /, *, axis: int = 0) -> tuple[Array, ...]:
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
        One for each index of the axis, of the other axes' shape.

    Raises
    ------
    ValueError
        If `x` does not have the axis.

    Notes
    -----
    The pullback puts the cotangents of the slices in their places; that of a slice which is not used is 0.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> x, y = pb.xp.unstack(pb.xp.asarray([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    >>> y
    Array([2., 4.], dtype=float64, device='cpu')
    """
    axis = normalize_axis(backend_array(x), axis, "unstack")
    # the elements of a vector are numbers, not views without axes
    if backend_array(x).ndim == 1:
        return tuple([generated.getitem(x, i) for i in range(backend_array(x).shape[0])])
    return tuple([select(x, axis, i) for i in range(backend_array(x).shape[axis])])


# ── padding ─────────────────────────────────────────────────────────────────────────────────────


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
            sources = np.pad(np.arange(x.shape[axis]), pair, mode=chosen)
            x = generated.take(x, Array(backend.asarray(sources)), axis=axis)
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
            generated.astype(zeros_on_device_of(layer, x) + value, x.dtype, copy=False)
            for layer, value in zip(layers, row, strict=True)
        )
        x = generated.concat([before, x, after], axis=axis)
    return x


def _in_a_frame(x: Array, widths: list[tuple[int, int]], value: ArrayLike) -> Array:
    """`x` written into an array full of one value."""
    shape = tuple(n + i + j for n, (i, j) in zip(x.shape, widths, strict=True))
    frame = zeros_on_device_of(shape, x)
    if type(value) not in (int, float) or value != 0:
        frame = generated.astype(frame + value, result_type(x), copy=False)
    inside = tuple(slice(i, i + n) for n, (i, _) in zip(x.shape, widths, strict=True))
    return generated.setitem(frame, x, inside)
