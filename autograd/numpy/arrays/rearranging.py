"""Elements repeated, put in, taken out and in other orders: `tile`, `insert`, `roll`, `rot90` and their kin."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.generated import xp as generated
from ...functions.creation import zeros_on_device_of
from ..arguments import as_array
from ..conversions import (
    axes_in,
    axis_in,
    host_integers,
    lengths,
    together,
    viewed,
)
from .joining import concatenate
from .manipulation import moveaxis, swapaxes

__all__ = [
    "append", "delete", "flip", "fliplr", "flipud", "insert", "repeat", "resize", "roll", "rot90", "tile",
    "trim_zeros",
]  # fmt: skip


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


# ── windows ───────────────────────────────────────────────────────────────────────────────────────


def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Array:
    """`numpy.lib.stride_tricks.sliding_window_view`: windows that slide along axes, whose axes come last.

    A copy, where NumPy's is a view that is not written to. Each element receives the cotangents of all its windows.

    Raises
    ------
    ValueError
        If a window is longer than its axis, or there is not one length for each axis.

    Examples
    --------
    >>> import numpy, pullback as pb
    >>> f = lambda x: numpy.lib.stride_tricks.sliding_window_view(x, 2).sum()
    >>> pb.grad(f)(numpy.ones(4))
    array([1., 2., 2., 1.])
    """
    a = as_array(x)
    sizes = lengths(window_shape)
    axes = tuple(range(a.ndim)) if axis is None else axes_in(axis, a.ndim)
    if len(sizes) != len(axes):
        raise ValueError(f"window_shape {sizes} has to have one length for each of the axes {axes}")
    if writeable:
        raise ValueError(
            "sliding_window_view(writeable=True): windows are copies; write to the array itself"
        )
    for size, k in zip(sizes, axes, strict=True):
        count = a.shape[k] - size + 1
        if size < 0 or count < 1:
            raise ValueError("window shape cannot be larger than input array shape")
        places = np.arange(count)[:, None] + np.arange(size)
        shape = (*a.shape[:k], count, size, *a.shape[k + 1 :])
        a = moveaxis(generated.reshape(_picked(a, places.reshape(-1), k), shape), k + 1, -1)
    return a
