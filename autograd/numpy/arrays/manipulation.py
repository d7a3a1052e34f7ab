"""Shapes and axes: `reshape`, `ravel`, `transpose`, `moveaxis`, `broadcast_to` and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.array import Array
from ...core.generated import xp as generated
from ...functions import manipulation
from ...functions.aliases import layout
from ...functions.creation import is_library_array
from ..conversions import (
    as_array_in,
    lengths,
    library_of,
    normalize_axes,
    normalize_axis,
    viewed,
)

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_shapes", "broadcast_to", "expand_dims",
    "matrix_transpose", "moveaxis", "permute_dims", "ravel", "reshape", "rollaxis", "squeeze", "swapaxes",
    "transpose",
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
    axes = (
        [k for k, n in enumerate(x.shape) if n == 1]
        if axis is None
        else normalize_axes(axis, x.ndim)
    )
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
    axes = normalize_axes(axis, x.ndim + count)
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
    return manipulation.broadcast_arrays(*(viewed(x) for x in _as_library_arrays(args)))


def _as_library_arrays(args: tuple[Any, ...]) -> list[Any]:
    home = library_of(*args)
    return [x if is_library_array(x) else as_array_in(x, home) for x in args]


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
    order = normalize_axes(tuple(axes) if not isinstance(axes, int) else (axes,), x.ndim)
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
    first, second = normalize_axis(axis1, x.ndim), normalize_axis(axis2, x.ndim)
    order[first], order[second] = order[second], order[first]
    return generated.permute_dims(x, tuple(order))


def moveaxis(a: Any, source: Any, destination: Any) -> Array:
    """`a` with some axes moved to other positions; the rest keep their order. A view."""
    x = viewed(a)
    sources, destinations = normalize_axes(source, x.ndim), normalize_axes(destination, x.ndim)
    if len(sources) != len(destinations):
        raise ValueError(
            "`source` and `destination` arguments must have the same number of elements"
        )
    order = [k for k in range(x.ndim) if k not in sources]
    for to, axis in sorted(zip(destinations, sources, strict=True)):
        order.insert(to, axis)
    return generated.permute_dims(x, tuple(order))


def rollaxis(a: Any, axis: int, start: int = 0) -> Array:
    """`a` with an axis moved back to the position before axis `start`; `moveaxis` is easier to read."""
    x = viewed(a)
    axis = normalize_axis(axis, x.ndim)
    if not -x.ndim <= start <= x.ndim:
        raise np.exceptions.AxisError(start, x.ndim, "'start' arg requires")
    start = start + x.ndim if start < 0 else start
    order = [k for k in range(x.ndim) if k != axis]
    order.insert(start - (axis < start), axis)
    return generated.permute_dims(x, tuple(order))
