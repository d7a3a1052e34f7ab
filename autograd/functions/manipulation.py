"""Manipulation functions that are compositions, of the standard and of NumPy; more are in `arrays/`.

Their derivatives are those of the functions that they are composed of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.array import Array, backend_array
from ..core.generated import xp as generated
from ..core.typing import ArrayLike
from .aliases import is_contiguous
from .creation import asarray

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
