"""Sorting and searching: `sort`, `argsort`, `lexsort`, `searchsorted`, `argmax` and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.array import Array
from ...core.dtypes import is_complex
from ...core.generated import xp as generated
from ...functions import sorting
from ..arguments import as_array, refuse_out
from ..conversions import (
    as_array_in,
    as_arrays,
    cast,
    check_sorting,
    host_integers,
    library_of,
    normalize_axes,
    normalize_axis,
)

__all__ = [
    "argmax", "argmin", "argpartition", "argsort", "count_nonzero", "lexsort", "partition", "searchsorted", "sort",
    "sort_complex",
]  # fmt: skip

_NO_VALUE: Any = np._NoValue


def sort(
    a: Any,
    axis: int | None = -1,
    kind: Any = None,
    order: Any = None,
    *,
    stable: bool | None = None,
) -> Array:
    """The elements along an axis in order, all of them if it is None; cotangents go back to where they came from.

    Complex numbers are ordered by their real parts, equal ones by their imaginary parts.

    Examples
    --------
    >>> import numpy, pullback as pb
    >>> weights = numpy.array([1.0, 10.0, 100.0])
    >>> pb.grad(lambda x: weights @ pb.numpy.sort(x))(numpy.array([3.0, 1.0, 2.0]))
    array([100.,   1.,  10.])
    """
    check_sorting("sort", kind, order, stable)
    x = as_array(a)
    if axis is None:
        x, axis = generated.reshape(x, (-1,)), -1
    axis = normalize_axis(axis, x.ndim)
    if is_complex(x.dtype) or x.dtype.kind == "b":
        return generated.take_along_axis(x, _argsort(x, axis), axis=axis)
    return sorting.sort(x, axis=axis)


def _argsort(x: Array, axis: int) -> Array:
    """The stable order along an axis; of complex numbers by their parts."""
    if is_complex(x.dtype):
        by_imaginary = generated.argsort(generated.imag(x), axis=axis)
        real = generated.take_along_axis(generated.real(x), by_imaginary, axis=axis)
        return generated.take_along_axis(
            by_imaginary, generated.argsort(real, axis=axis), axis=axis
        )
    # the standard orders numbers alone
    return generated.argsort(cast(x, np.int8) if x.dtype.kind == "b" else x, axis=axis)


def argsort(
    a: Any,
    axis: int | None = -1,
    kind: Any = None,
    order: Any = None,
    *,
    stable: bool | None = None,
) -> Array:
    """The indices that sort `a` along an axis; a constant. Equal elements keep their order, whatever `kind` says."""
    check_sorting("argsort", kind, order, stable)
    x = as_array(a)
    if axis is None or not x.ndim:
        x, axis = generated.reshape(x, (-1,)), -1
    return _argsort(x, normalize_axis(axis, x.ndim))


def sort_complex(a: Any) -> Array:
    """The elements in order of their real, then their imaginary parts, as complex numbers."""
    out = sort(a)
    if is_complex(out.dtype):
        return out
    return cast(out, np.complex64 if out.dtype.char in "bhBH" else np.complex128)  # as NumPy has it


def lexsort(keys: Any, axis: int = -1) -> Array:
    """The indices that sort by several keys, the last of which comes first; a constant."""
    rows = list(as_array(keys)) if hasattr(keys, "ndim") else as_arrays(*keys)
    if not rows:
        raise TypeError("need sequence of keys with len > 0 in lexsort")
    if not rows[0].ndim:
        rows = [generated.reshape(x, (1,)) for x in rows]
    axis = normalize_axis(axis, rows[0].ndim)
    order = _argsort(rows[0], axis)
    for key in rows[1:]:
        again = _argsort(generated.take_along_axis(key, order, axis=axis), axis)
        order = generated.take_along_axis(order, again, axis=axis)
    return order


def _check_kth(kth: Any, n: int, name: str) -> Any:
    found = host_integers(kth, name)
    if found.dtype.kind == "b" or ((found < -n) | (found >= n)).any():
        raise ValueError(f"kth(={found.tolist()}) out of bounds ({n})")
    return int(found) if found.ndim == 0 else tuple(int(k) for k in found)


def partition(
    a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None
) -> Array:
    """The elements along an axis with the k-th smallest at index k, smaller ones before and larger ones behind it."""
    check_sorting("partition", None, order)
    x = as_array(a)
    if axis is None:
        x, axis = generated.reshape(x, (-1,)), -1
    axis = normalize_axis(axis, x.ndim)
    return sorting.partition(x, _check_kth(kth, x.shape[axis], "partition"), axis)


def argpartition(
    a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None
) -> Array:
    """The indices of the elements of a `partition`; a constant."""
    check_sorting("argpartition", None, order)
    x = as_array(a)
    if axis is None:
        x, axis = generated.reshape(x, (-1,)), -1
    axis = normalize_axis(axis, x.ndim)
    return sorting.argpartition(x, _check_kth(kth, x.shape[axis], "argpartition"), axis)


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Array:
    """The indices at which `v` would be put into a sorted vector to keep it sorted; a constant."""
    home = library_of(a, v)
    x, values = as_array_in(a, home), as_array_in(v, home)
    common = np.result_type(x.dtype, values.dtype)
    order = None if sorter is None else as_array_in(sorter, home)
    if side not in ("left", "right"):
        raise ValueError(f"search side must be 'left' or 'right' (got {side!r})")
    return generated.searchsorted(cast(x, common), cast(values, common), side=side, sorter=order)


def argmax(a: Any, axis: int | None = None, out: Any = None, *, keepdims: Any = _NO_VALUE) -> Array:
    """The index of the first largest element along an axis, or in the flattened array; a constant."""
    refuse_out("argmax", out)
    return _extreme(generated.argmax, a, axis, keepdims)


def argmin(a: Any, axis: int | None = None, out: Any = None, *, keepdims: Any = _NO_VALUE) -> Array:
    """The index of the first smallest element along an axis, or in the flattened array; a constant."""
    refuse_out("argmin", out)
    return _extreme(generated.argmin, a, axis, keepdims)


def _extreme(function: Any, a: Any, axis: int | None, keepdims: Any) -> Array:
    x = as_array(a)
    if not x.size and (axis is None or not x.shape[normalize_axis(axis, x.ndim)]):
        raise ValueError("attempt to get the index of the extreme of an empty sequence")
    if x.dtype.kind == "b":
        x = cast(x, np.int8)
    keep = bool(keepdims) and keepdims is not _NO_VALUE
    return function(x, axis=None if axis is None else normalize_axis(axis, x.ndim), keepdims=keep)


def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The number of elements that are not 0, in all or along axes; a constant."""
    x = as_array(a)
    if axis is None:
        return generated.count_nonzero(x, keepdims=keepdims)
    axes = normalize_axes(axis, x.ndim)
    return generated.count_nonzero(x, axis=axes if len(axes) > 1 else axes[0], keepdims=keepdims)
