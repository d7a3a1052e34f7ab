"""Reading and writing parts of an array: ``x[key]`` and scatter-add are each other's pullbacks."""

from __future__ import annotations

import math
from typing import Any

from ..array import Array
from ..backward import Scatter
from ..primitive import defvjp


def is_basic(key: Any) -> bool:
    """Whether a key has only integers, slices, None and ellipsis, and so selects no element twice."""
    if type(key) is not tuple:
        return type(key) in _BASIC
    return all(type(part) in _BASIC for part in key)


_BASIC = frozenset((int, slice, type(None), type(...)))


def _getitem(ct: Any, x_shape: tuple[int, ...], key: Any, xp: Any) -> Any:
    """ct added at [key] to zeros; repeated indices accumulate."""
    if type(ct) is not Array and is_basic(key):
        return Scatter(x_shape, key, ct)
    return xp.scatter_add(x_shape, key, ct)


defvjp("getitem", x=_getitem)
defvjp("scatter_add", values=lambda ct, key, xp: xp.getitem(ct, key))


def _overwritten(ct: Any, key: Any, x_dtype: Any, xp: Any) -> Any:
    """ct, 0 where `value` was written."""
    return xp.setitem(ct, 0, key)


def _written(ct: Any, key: Any, x_shape: tuple[int, ...], xp: Any) -> Any:
    """ct at [key]; where an index repeats, only the last write is in the result and gets a share."""
    share = xp.getitem(ct, key)
    if is_basic(key):
        return share
    turn = xp.reshape(xp.arange_like(math.prod(share.shape), share), share.shape)
    last = xp.setitem(xp.zeros_beside(x_shape, turn), turn, key)
    return xp.where(xp.getitem(last, key) == turn, share, xp.zeros_like(share))


defvjp("setitem", x=_overwritten, value=_written)


def _along(axis: int, indices: Any) -> Any:
    return (slice(None),) * axis + (indices,)


def _take(ct: Any, x_shape: tuple[int, ...], indices: Any, axis: int | None, xp: Any) -> Any:
    return xp.scatter_add(x_shape, _along((axis or 0) % len(x_shape), indices), ct)


defvjp("take", x=_take)


def _take_along_axis(ct: Any, x_shape: tuple[int, ...], indices: Any, axis: int, xp: Any) -> Any:
    """ct added at the same places; the other axes are indexed by their own ranges."""
    axis %= len(x_shape)
    key = []
    for i in range(len(x_shape)):
        if i == axis:
            key.append(indices)
        else:
            ones = [1] * len(x_shape)
            ones[i] = ct.shape[i]
            steps = xp.arange_like(ct.shape[i], ct)
            key.append(xp.reshape(steps if x_shape[i] != 1 else xp.zeros_like(steps), tuple(ones)))
    return xp.scatter_add(x_shape, tuple(key), ct)


defvjp("take_along_axis", x=_take_along_axis)
