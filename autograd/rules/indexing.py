"""Indexing functions: `take`, `take_along_axis`, ``x[key]`` and writes to ``x[key]``.

Reading ``x[key]`` and adding to ``x[key]`` are each other's pullbacks.
"""

from __future__ import annotations

import math
from typing import Any

from ..core.array import Array, backend_array
from ..core.cotangents import ScatteredCotangent
from ..core.defvjp import library_defvjp as defvjp
from ..core.dtypes import as_numpy
from ..core.index_keys import is_basic
from ..core.typing import XP, Cotangent, DType, Key, Value


def _getitem(ct: Cotangent, x_shape: tuple[int, ...], key: Key, xp: XP) -> Value:
    """ct added at [key] to zeros; repeated indices accumulate."""
    if type(ct) is not Array and is_basic(key):
        return ScatteredCotangent(x_shape, key, ct)
    return xp.scatter_add(x_shape, key, ct)


defvjp("getitem", x=_getitem)
defvjp("scatter_add", values=lambda ct, key, xp: xp.getitem(ct, key))


def _overwritten(ct: Cotangent, key: Key, x_dtype: DType, xp: XP) -> Value:
    """ct, 0 where `value` was written."""
    return xp.setitem(ct, 0, key)


def _written(
    ct: Cotangent, key: Key, x_shape: tuple[int, ...], value_shape: tuple[int, ...], xp: XP
) -> Value:
    """ct at [key]; where an index repeats, only the last write is in the result and gets a share."""
    share = xp.getitem(ct, key)
    if not is_basic(key) and not _is_mask(key):
        turn = xp.reshape(xp.arange_like(math.prod(share.shape), share), share.shape)
        last = xp.setitem(xp.zeros_on_device_of(x_shape, turn), turn, key)
        share = xp.where(xp.getitem(last, key) == turn, share, xp.zeros_like(share))
    extra = len(value_shape) - len(share.shape)
    if extra > 0:  # leading axes of length 1, which NumPy drops from the value
        share = xp.reshape(xp.sum_to_shape(share, value_shape[extra:]), value_shape)
    return share


def _is_mask(key: Key) -> bool:
    """Whether a key is a mask alone, which selects no element twice."""
    return (
        getattr(backend_array(key), "dtype", None) is not None
        and as_numpy(backend_array(key).dtype).kind == "b"
    )


defvjp("setitem", x=_overwritten, value=_written)


# The pullbacks of take and take_along_axis add at indices of the flat array: the standard has no keys that
# mix arrays with slices, and NumPy adds at flat indices four times as fast.


def _flat_indices(
    x_shape: tuple[int, ...],
    axis: int,
    indices: Any,
    ct_shape: tuple[int, ...],
    like: Value,
    xp: XP,
) -> Value:
    """Indices into the flat x that the elements of ct came from; axes of length 1 may have been stretched."""
    flat_indices, stride = xp.arange_like(1, like), 1
    for i in reversed(range(len(x_shape))):
        if i == axis:
            flat_indices = (
                flat_indices + xp.astype(indices, flat_indices.dtype) % x_shape[i] * stride
            )
        elif x_shape[i] != 1:
            steps = xp.arange_like(x_shape[i], like) * stride
            others = len(x_shape) - i - 1
            flat_indices = flat_indices + xp.reshape(steps, (x_shape[i], *(1,) * others))
        stride *= x_shape[i]
    return xp.reshape(xp.broadcast_to(flat_indices, ct_shape), (-1,))


def _add_at(x_shape: tuple[int, ...], flat_indices: Any, ct: Cotangent, xp: XP) -> Value:
    flat = xp.scatter_add(
        (math.prod(x_shape),), (backend_array(flat_indices),), xp.reshape(ct, (-1,))
    )
    return xp.reshape(flat, x_shape)


def take_vjp(
    ct: Cotangent, x_shape: tuple[int, ...], indices: Any, axis: int | None, xp: XP
) -> Value:
    """ct added at the indices that it was taken from, with the axes before and behind each laid out as one."""
    axis = (axis or 0) % len(x_shape)
    count = math.prod(indices.shape)
    if axis == 0 and x_shape[0]:  # whole rows have faster ways
        if len(indices.shape) != 1:
            indices, ct = xp.reshape(indices, (count,)), xp.reshape(ct, (count, *x_shape[1:]))
        return xp.sum_by_segment(ct, indices % x_shape[0], num_segments=x_shape[0])
    folded = (math.prod(x_shape[:axis]), x_shape[axis], math.prod(x_shape[axis + 1 :]))
    column = xp.reshape(indices, (count, 1))
    flat_indices = _flat_indices(folded, 1, column, (folded[0], count, folded[2]), ct, xp)
    return _add_at(x_shape, flat_indices, ct, xp)


defvjp("take", x=take_vjp)


def _take_along_axis(
    ct: Cotangent, x_shape: tuple[int, ...], indices: Any, axis: int, xp: XP
) -> Value:
    """ct added at the indices that it was taken from."""
    flat_indices = _flat_indices(x_shape, axis % len(x_shape), indices, ct.shape, ct, xp)
    return _add_at(x_shape, flat_indices, ct, xp)


defvjp("take_along_axis", x=_take_along_axis)
