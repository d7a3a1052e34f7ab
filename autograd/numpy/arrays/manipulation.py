"""Shapes, axes, joining and splitting: `concatenate`, `block`, `append`, `rot90` and their kin."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.generated import xp as generated
from ...core.typing import DType
from ...functions import manipulation
from ...functions.aliases import layout
from ...functions.creation import asarray as standard_asarray
from ...functions.creation import is_library_array, zeros_on_device_of
from ..arguments import as_array, refuse_out
from ..conversions import (
    axes_in,
    axis_in,
    beside,
    host_integers,
    in_one_dtype,
    lengths,
    library_of,
    together,
    viewed,
)

__all__ = [
    "append", "array_split", "atleast_1d", "atleast_2d", "atleast_3d", "block", "broadcast_arrays", "broadcast_shapes",
    "broadcast_to", "column_stack", "concat", "concatenate", "delete", "dsplit", "dstack", "expand_dims", "flip",
    "fliplr", "flipud", "hsplit", "hstack", "insert", "matrix_transpose", "moveaxis", "permute_dims", "ravel",
    "repeat", "reshape", "resize", "roll", "rollaxis", "rot90", "row_stack", "split", "squeeze", "stack", "swapaxes",
    "tile", "transpose", "trim_zeros", "unstack", "vsplit", "vstack",
]  # fmt: skip


# ── shapes ────────────────────────────────────────────────────────────────────────────────────────


def reshape(a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Array:
    """`a` in another shape; a view, as in NumPy, where no copy is needed.

    Parameters
    ----------
    a
        An array.
    shape : int or tuple of int
        The new shape; one length may be −1.
    order : {"C", "F", "A"}
        The order in which the elements are read and placed: the last index fastest ("C"), the first ("F"), or the
        first if `a` lies so in memory ("A").
    copy : bool, optional
        True copies, False refuses to.

    Returns
    -------
    Array

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.reshape([[1, 2], [3, 4]], 4, order="F")
    Array([1, 3, 2, 4], dtype=int64, device='cpu')
    """
    x = viewed(a)
    wanted = lengths(shape)
    if order in ("C", None) or not _first_index_fastest(x, order, "reshape"):
        return generated.reshape(x, wanted, copy=copy)
    return _reversed(generated.reshape(_reversed(x), tuple(reversed(wanted)), copy=copy))


def _first_index_fastest(x: Array, order: Any, name: str) -> bool:
    if order == "A":
        flags = layout(x).flags
        return bool(flags.f_contiguous and not flags.c_contiguous)
    if order not in ("C", "F"):
        raise ValueError(f"{name}: order={order!r} is not one of 'C', 'F', 'A'")
    return order == "F"


def _reversed(x: Array) -> Array:
    return generated.permute_dims(x, tuple(range(x.ndim))[::-1]) if x.ndim > 1 else x


def ravel(a: Any, order: str = "C") -> Array:
    """The elements of `a` in one axis: a view where they lie so in memory, else a copy.

    Parameters
    ----------
    a
        An array.
    order : {"C", "F", "A", "K"}
        The last index fastest ("C"), the first ("F"), as it lies in memory: the first if that is so ("A"), or the one
        with the smallest stride ("K").

    Returns
    -------
    Array
    """
    x = viewed(a)
    if order == "K":
        strides = [abs(s) for s in layout(x).strides]
        axes = sorted(range(x.ndim), key=lambda k: -strides[k])
        x = x if axes == list(range(x.ndim)) else generated.permute_dims(x, tuple(axes))
    elif order not in ("C", None) and _first_index_fastest(x, order, "ravel"):
        x = _reversed(x)
    return manipulation.ravel(x)


def squeeze(a: Any, axis: Any = None) -> Array:
    """`a` without its axes of length 1, all or the given ones; a view.

    Raises
    ------
    ValueError
        If a given axis has another length.
    """
    x = viewed(a)
    axes = [k for k, n in enumerate(x.shape) if n == 1] if axis is None else axes_in(axis, x.ndim)
    if any(x.shape[k] != 1 for k in axes):
        raise ValueError(
            f"cannot select an axis to squeeze out which has size not equal to one: axis={axis}, shape {x.shape}"
        )
    kept = tuple(n for k, n in enumerate(x.shape) if k not in axes)
    return generated.reshape(x, kept) if axes else generated.getitem(x, ...)


def expand_dims(a: Any, axis: Any) -> Array:
    """`a` with new axes of length 1, which stand at `axis` (one or several) of the result; a view."""
    x = viewed(a)
    count = len(axis) if isinstance(axis, tuple | list) else 1
    axes = axes_in(axis, x.ndim + count)
    rest = iter(x.shape)
    return generated.reshape(
        x, tuple(1 if k in axes else next(rest) for k in range(x.ndim + count))
    )


def atleast_1d(*arys: Any) -> Any:
    """The array with one axis at least, or a tuple of such arrays."""
    return _each(arys, lambda x: generated.reshape(x, (1,)) if x.ndim == 0 else x)


def atleast_2d(*arys: Any) -> Any:
    """The array with two axes at least, new ones in front, or a tuple of such arrays."""
    return _each(arys, lambda x: generated.reshape(x, (1, *x.shape)[-2:] if x.ndim else (1, 1))
                 if x.ndim < 2 else x)  # fmt: skip


def atleast_3d(*arys: Any) -> Any:
    """The array with three axes at least, or a tuple of such: (n,) becomes (1, n, 1), (n, m) becomes (n, m, 1)."""

    def three(x: Array) -> Array:
        if x.ndim > 2:
            return x
        shape = ((1, 1, 1), (1, *x.shape, 1), (*x.shape, 1))[x.ndim]
        return generated.reshape(x, shape)

    return _each(arys, three)


def _each(arrays: tuple[Any, ...], function: Any) -> Any:
    out = tuple(function(viewed(x)) for x in arrays)
    return out[0] if len(out) == 1 else out


def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Array:
    """`array` repeated along new axes and those of length 1; a view that nothing writes to."""
    return generated.broadcast_to(viewed(array), lengths(shape))


def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Array, ...]:
    """The arrays, broadcast against one another."""
    return manipulation.broadcast_arrays(*(viewed(x) for x in _beside_arrays(args)))


def _beside_arrays(args: tuple[Any, ...]) -> list[Any]:
    home = library_of(*args)
    return [x if is_library_array(x) else beside(x, home) for x in args]


def broadcast_shapes(*args: Any) -> tuple[int, ...]:
    """The shape that arrays of these shapes broadcast to."""
    return np.broadcast_shapes(*args)


# ── axes ──────────────────────────────────────────────────────────────────────────────────────────


def transpose(a: Any, axes: Any = None) -> Array:
    """`a` with its axes in another order, by default in the opposite one; a view.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.transpose(pb.numpy.ones((2, 3, 4)), (1, 0, 2)).shape
    (3, 2, 4)
    """
    x = viewed(a)
    if axes is None:
        return generated.permute_dims(x, tuple(range(x.ndim))[::-1])
    order = axes_in(tuple(axes) if not isinstance(axes, int) else (axes,), x.ndim)
    if len(order) != x.ndim:
        raise ValueError(f"axes don't match array: axes={axes}, shape {x.shape}")
    return generated.permute_dims(x, order)


def permute_dims(a: Any, axes: Any = None) -> Array:
    """`transpose` under the name of the array API standard."""
    return transpose(a, axes)


def matrix_transpose(x: Any, /) -> Array:
    """`x` with its last two axes exchanged; a view."""
    return generated.matrix_transpose(viewed(x))


def swapaxes(a: Any, axis1: int, axis2: int) -> Array:
    """`a` with two axes exchanged; a view."""
    x = viewed(a)
    order = list(range(x.ndim))
    first, second = axis_in(axis1, x.ndim), axis_in(axis2, x.ndim)
    order[first], order[second] = order[second], order[first]
    return generated.permute_dims(x, tuple(order))


def moveaxis(a: Any, source: Any, destination: Any) -> Array:
    """`a` with some axes moved to other places; the rest keep their order. A view."""
    x = viewed(a)
    sources, destinations = axes_in(source, x.ndim), axes_in(destination, x.ndim)
    if len(sources) != len(destinations):
        raise ValueError(
            "`source` and `destination` arguments must have the same number of elements"
        )
    order = [k for k in range(x.ndim) if k not in sources]
    for to, axis in sorted(zip(destinations, sources, strict=True)):
        order.insert(to, axis)
    return generated.permute_dims(x, tuple(order))


def rollaxis(a: Any, axis: int, start: int = 0) -> Array:
    """`a` with an axis moved back until it stands before the place `start`; `moveaxis` is easier to read."""
    x = viewed(a)
    axis = axis_in(axis, x.ndim)
    if not -x.ndim <= start <= x.ndim:
        raise np.exceptions.AxisError(start, x.ndim, "'start' arg requires")
    start = start + x.ndim if start < 0 else start
    order = [k for k in range(x.ndim) if k != axis]
    order.insert(start - (axis < start), axis)
    return generated.permute_dims(x, tuple(order))


# ── together ──────────────────────────────────────────────────────────────────────────────────────


def concatenate(
    arrays: Any,
    /,
    axis: int | None = 0,
    out: Any = None,
    *,
    dtype: DType = None,
    casting: str = "same_kind",
) -> Array:
    """Arrays joined along an axis that they have; flattened first if it is None.

    Examples
    --------
    >>> import numpy, pullback as pb
    >>> weights = numpy.array([1.0, 2.0, 3.0])
    >>> pb.grad(lambda x: weights @ pb.numpy.concatenate([[0.0], x]))(numpy.ones(2))
    array([2., 3.])
    """
    refuse_out("concatenate", out)
    parts = in_one_dtype(_sequence(arrays, "concatenate"), dtype, casting)
    if axis is None:
        return generated.concat([generated.reshape(x, (-1,)) for x in parts], axis=0)
    if any(x.ndim == 0 for x in parts):
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    return generated.concat(parts, axis=axis_in(axis, parts[0].ndim))


concat = concatenate


def _sequence(arrays: Any, name: str) -> list[Array]:
    """The arrays of a sequence, or the slices of one array along its first axis."""
    if hasattr(arrays, "ndim"):
        arrays = viewed(arrays)
        return [generated.getitem(arrays, (i, ...)) for i in range(len(arrays))]
    parts = together(*arrays)
    if not parts:
        raise ValueError(f"{name}: need at least one array")
    return parts


def stack(
    arrays: Any,
    axis: int = 0,
    out: Any = None,
    *,
    dtype: DType = None,
    casting: str = "same_kind",
) -> Array:
    """Arrays of one shape joined along a new axis."""
    refuse_out("stack", out)
    parts = in_one_dtype(_sequence(arrays, "stack"), dtype, casting)
    if len({x.shape for x in parts}) > 1:
        raise ValueError("all input arrays must have the same shape")
    return generated.stack(parts, axis=axis_in(axis, parts[0].ndim + 1))


def hstack(tup: Any, *, dtype: DType = None, casting: str = "same_kind") -> Array:
    """Arrays side by side: along the second axis, or the only one."""
    parts = [atleast_1d(x) for x in _sequence(tup, "hstack")]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype, casting=casting)


def vstack(tup: Any, *, dtype: DType = None, casting: str = "same_kind") -> Array:
    """Arrays above one another; vectors are rows."""
    parts = [atleast_2d(x) for x in _sequence(tup, "vstack")]
    return concatenate(parts, 0, dtype=dtype, casting=casting)


row_stack = vstack


def dstack(tup: Any) -> Array:
    """Arrays behind one another, along the third axis."""
    return concatenate([atleast_3d(x) for x in _sequence(tup, "dstack")], 2)


def column_stack(tup: Any) -> Array:
    """Arrays side by side; vectors are columns."""
    parts = _sequence(tup, "column_stack")
    return concatenate([x if x.ndim > 1 else generated.reshape(x, (-1, 1)) for x in parts], 1)


def block(arrays: Any) -> Array:
    """An array from blocks in nested lists, joined along the last axis innermost, along the one before it outside.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.block([[pb.numpy.eye(2), pb.numpy.zeros((2, 1))], [pb.numpy.ones((1, 3))]])
    Array([[1., 0., 0.],
           [0., 1., 0.],
           [1., 1., 1.]], dtype=float64, device='cpu')
    """
    home = library_of(arrays)
    depth = _depth(arrays)
    if depth == 0:
        return standard_asarray(beside(arrays, home), copy=True)
    return _joined(arrays, home, depth, max(depth, _most_axes(arrays, home)))


def _depth(arrays: Any, path: str = "arrays") -> int:
    if isinstance(arrays, tuple):
        raise TypeError(f"{path} is a tuple. Only lists can be used to arrange blocks")
    if not isinstance(arrays, list):
        return 0
    if not arrays:
        raise ValueError(f"List at {path} cannot be empty")
    depths = {_depth(x, f"{path}[{i}]") for i, x in enumerate(arrays)}
    if len(depths) > 1:
        raise ValueError(f"{path}: list depths are mismatched: {sorted(depths)}")
    return depths.pop() + 1


def _most_axes(arrays: Any, home: Any) -> int:
    if isinstance(arrays, list):
        return max(_most_axes(x, home) for x in arrays)
    return beside(arrays, home).ndim


def _joined(arrays: Any, home: Any, depth: int, ndim: int) -> Array:
    if not isinstance(arrays, list):
        x = beside(arrays, home)
        return generated.reshape(x, (1,) * (ndim - x.ndim) + x.shape)
    return concatenate([_joined(x, home, depth - 1, ndim) for x in arrays], -depth)


# ── apart ─────────────────────────────────────────────────────────────────────────────────────────


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """The parts of an array along an axis: a number of almost equal ones, or those between indices; views."""
    return manipulation.array_split(viewed(ary), _cuts(indices_or_sections), axis)


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """The parts of an array along an axis: a number of equal ones, or those between indices; views.

    Raises
    ------
    ValueError
        If the axis does not divide into that many equal parts.
    """
    return manipulation.split(viewed(ary), _cuts(indices_or_sections), axis)


def _cuts(indices_or_sections: Any) -> Any:
    if isinstance(indices_or_sections, int):
        return indices_or_sections
    host = host_integers(indices_or_sections, "split")
    return host.tolist() if host.ndim else int(host)


def hsplit(ary: Any, indices_or_sections: Any) -> list[Array]:
    """The parts of an array along its second axis, or its only one; views."""
    x = viewed(ary)
    if x.ndim == 0:
        raise ValueError("hsplit only works on arrays of 1 or more dimensions")
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


def vsplit(ary: Any, indices_or_sections: Any) -> list[Array]:
    """The parts of an array along its first axis; views."""
    x = viewed(ary)
    if x.ndim < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return split(x, indices_or_sections, 0)


def dsplit(ary: Any, indices_or_sections: Any) -> list[Array]:
    """The parts of an array along its third axis; views."""
    x = viewed(ary)
    if x.ndim < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    return split(x, indices_or_sections, 2)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Array, ...]:
    """The slices of `x` along an axis; views."""
    x = viewed(x)
    if x.ndim == 0:
        raise ValueError("Input array must be at least 1-d.")
    return manipulation.unstack(x, axis=axis_in(axis, x.ndim))


# ── repetitions, longer and shorter ───────────────────────────────────────────────────────────────


def tile(A: Any, reps: Any) -> Array:
    """`A` repeated as a whole, `reps` times along each axis."""
    return generated.tile(as_array(A), lengths(reps))


def repeat(a: Any, repeats: Any, axis: int | None = None) -> Array:
    """Each element of `a`, or each slice along an axis, several times.

    Parameters
    ----------
    a
        An array, which is flattened if `axis` is None.
    repeats : int or array of int
        How often: all alike, or each as often as its own number says (which is read: it decides on the shape).
    axis : int, optional
        The axis.

    Returns
    -------
    Array
    """
    x = as_array(a)
    x = generated.reshape(x, (-1,)) if axis is None else x
    axis = 0 if axis is None else axis_in(axis, x.ndim)
    counts = host_integers(repeats, "repeat").reshape(-1)
    if counts.size == 1:
        return generated.repeat(x, int(counts[0]), axis=axis)
    return _picked(x, np.repeat(np.arange(x.shape[axis]), counts), axis)


def _picked(x: Array, sources: np.ndarray, axis: int) -> Array:
    """The slices of `x` along an axis in an order that the host knows."""
    home = backend_of(backend_array(x))
    return generated.take(x, Array(home.asarray(sources.astype(np.int64))), axis=axis)


def append(arr: Any, values: Any, axis: int | None = None) -> Array:
    """`values` behind `arr`, along an axis; both flattened if it is None."""
    first, second = together(arr, values)
    if axis is None:
        first, second = generated.reshape(first, (-1,)), generated.reshape(second, (-1,))
        axis = 0
    return concatenate((first, second), axis)


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Array:
    """`arr` with `values` put before the given indices along an axis; differentiable in both.

    Parameters
    ----------
    arr
        An array, which is flattened if `axis` is None.
    obj : int, slice, or sequence of int or bool
        Where, counted in `arr`.
    values
        What is put there, cast to the dtype of `arr`; it broadcasts.
    axis : int, optional
        The axis.

    Returns
    -------
    Array

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.insert([1.0, 2.0, 3.0], 1, 9.0)
    Array([1., 9., 2., 3.], dtype=float64, device='cpu')
    """
    x, v = together(arr, values)
    if axis is None:
        x, axis = generated.reshape(x, (-1,)), -1
    elif x.ndim == 0:
        raise np.exceptions.AxisError(axis, 0)
    axis = axis_in(axis, x.ndim)
    n = x.shape[axis]
    one = not isinstance(obj, slice) and host_integers(obj, "insert").ndim == 0
    where: Any = obj if isinstance(obj, slice) else host_integers(obj, "insert")
    v = generated.astype(v, x.dtype, copy=False)
    if one:
        if v.ndim and v.ndim < x.ndim:
            v = generated.reshape(v, (1,) * (x.ndim - v.ndim) + v.shape)
        v = moveaxis(v, 0, axis) if v.ndim == x.ndim else v
        count = v.shape[axis] if v.ndim == x.ndim else 1
        where = int(where)
    else:
        count = len(np.insert(np.arange(n), where, n)) - n
    v = generated.broadcast_to(v, (*x.shape[:axis], count, *x.shape[axis + 1 :]))
    marks = n + np.arange(count)
    sources = np.insert(np.arange(n), where, marks)
    return _picked(generated.concat([x, v], axis=axis), sources, axis)


def delete(arr: Any, obj: Any, axis: int | None = None) -> Array:
    """`arr` without the slices at the given indices along an axis; flattened first if it is None."""
    x = as_array(arr)
    if axis is None:
        x, axis = generated.reshape(x, (-1,)), 0
    axis = axis_in(axis, x.ndim)
    where: Any = obj if isinstance(obj, slice) else host_integers(obj, "delete")
    where = int(where) if getattr(where, "ndim", 1) == 0 and where.dtype != bool else where
    return _picked(x, np.delete(np.arange(x.shape[axis]), where), axis)


def resize(a: Any, new_shape: Any) -> Array:
    """The elements of `a` in another shape, repeated from the first on where they do not fill it, or cut off."""
    x = generated.reshape(as_array(a), (-1,))
    shape = lengths(new_shape)
    if any(n < 0 for n in shape):
        raise ValueError("all elements of `new_shape` must be non-negative")
    size = int(np.prod(shape, dtype=int))
    if x.size == 0:
        return generated.reshape(generated.concat([x, _zeros_beside(x, size)]), shape)
    if size <= x.size:
        return generated.reshape(generated.getitem(x, slice(0, size)), shape, copy=True)
    return generated.reshape(_picked(x, np.arange(size) % x.size, 0), shape)


def _zeros_beside(x: Array, n: int) -> Array:
    return zeros_on_device_of((n,), x)


def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Array:
    """`filt` without the zeros in front ("f") and behind ("b"); which elements are 0 is read.

    With several axes, slices that are all zeros are taken away along each axis, or those given.
    """
    x = as_array(filt)
    sides = trim.lower()
    if sides not in ("fb", "bf", "f", "b"):
        raise ValueError(f"unexpected character(s) in `trim`: {trim!r}")
    value = backend_array(x)
    nonzero = backend_of(value).to_numpy(value) != 0
    axes = range(x.ndim) if axis is None else axes_in(axis, x.ndim)
    key = [slice(None)] * x.ndim
    for k in axes:
        others = tuple(i for i in range(x.ndim) if i != k)
        found = np.flatnonzero(nonzero.any(axis=others))
        first, last = (int(found[0]), int(found[-1]) + 1) if found.size else (0, 0)
        if not found.size and sides == "f":
            first = last = x.shape[k]
        key[k] = slice(first if "f" in sides else 0, last if "b" in sides else x.shape[k])
    return generated.getitem(x, tuple(key))


# ── orders ────────────────────────────────────────────────────────────────────────────────────────


def flip(m: Any, axis: Any = None) -> Array:
    """`m` with the order along axes, all by default, reversed; a view."""
    x = viewed(m)
    if axis is None:
        return generated.flip(x)
    axes = axes_in(axis, x.ndim)
    return generated.flip(x, axis=axes if isinstance(axis, tuple | list) else axes[0])


def flipud(m: Any) -> Array:
    """`m` with its rows in the opposite order; a view."""
    x = viewed(m)
    if x.ndim < 1:
        raise ValueError("Input must be >= 1-d.")
    return generated.flip(x, axis=0)


def fliplr(m: Any) -> Array:
    """`m` with its columns in the opposite order; a view."""
    x = viewed(m)
    if x.ndim < 2:
        raise ValueError("Input must be >= 2-d.")
    return generated.flip(x, axis=1)


def roll(a: Any, shift: Any, axis: Any = None) -> Array:
    """`a` shifted along axes, or flattened; what goes out at one end comes in at the other."""
    x = as_array(a)
    shifts = host_integers(shift, "roll")
    if axis is None:
        return generated.roll(x, int(shifts.sum()))
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    pairs = np.broadcast(shifts.reshape(-1), np.asarray([axis_in(k, x.ndim) for k in axes]))
    moves = [(int(s), int(k)) for s, k in pairs]
    return generated.roll(x, tuple(s for s, _ in moves), axis=tuple(k for _, k in moves))


def rot90(m: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Array:
    """`m` turned by 90 degrees `k` times in the plane of two axes, from the first to the second; a view."""
    x = viewed(m)
    plane = tuple(axes)
    if len(plane) != 2:
        raise ValueError("len(axes) must be 2.")
    first, second = axes_in(plane, x.ndim)
    k = operator.index(k) % 4
    if k == 0:
        return generated.getitem(x, ...)
    if k == 2:
        return generated.flip(x, axis=(first, second))
    if k == 1:
        return swapaxes(generated.flip(x, axis=second), first, second)
    return generated.flip(swapaxes(x, first, second), axis=second)
