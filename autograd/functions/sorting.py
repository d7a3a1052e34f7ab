"""Sorting functions: `sort` of the array API standard, and NumPy's `partition` and `argpartition`.

Each takes its derivative from `take` or `take_along_axis` with the order that was found forward.
"""

from __future__ import annotations

from typing import Any

from ...backend import backend_of
from ..core.array import Array, backend_array, is_traced
from ..core.generated import xp as generated
from ..core.typing import ArrayLike
from .creation import asarray


def sort(
    x: ArrayLike, /, *, axis: int = -1, descending: bool = False, stable: bool = True
) -> Array:
    """The elements of `x` in order along an axis; differentiable.

    Each element's cotangent goes back to where it came from, by the permutation that was found forward, so
    that among equal elements, too, each receives what its own copy caused.

    Parameters
    ----------
    x
        An array of real numbers, of at least one dimension.
    axis : int
        The axis that is sorted.
    descending : bool
        From the largest to the smallest.
    stable : bool
        Keep the order of equal elements.

    Returns
    -------
    Array
        Of the shape and dtype of `x`.

    Notes
    -----
    NaNs go to the end on NumPy. The standard has no order of complex numbers.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> weights = np.asarray([1.0, 10.0, 100.0])
    >>> pb.grad(lambda x: pb.xp.sum(weights * pb.xp.sort(x)))(np.asarray([3.0, 1.0, 2.0]))
    array([100.,   1.,  10.])
    """
    value = backend_array(x)
    backend = backend_of(value)
    settings = {"axis": axis, "descending": descending, "stable": stable}
    if not is_traced(x):
        return Array(backend.normalise(backend.xp.sort(value, **settings)))
    order = Array(backend.xp.argsort(value, **settings))
    if value.ndim == 1:
        return generated.take(x, order, axis=0)
    return generated.take_along_axis(x, order, axis=axis)


def partition(a: ArrayLike, kth: Any, axis: int | None = -1) -> Array:
    """The elements along an axis, with the k-th smallest at index k, smaller ones before and larger ones behind.

    Parameters
    ----------
    a
        An array of real numbers.
    kth : int or sequence of int
        The indices whose elements are those of the sorted array.
    axis : int, optional
        The axis; None for the flattened array.

    Returns
    -------
    Array
        The order of the others is not defined. Each element's cotangent goes back to where it came from.

    Notes
    -----
    The pullback is a_bar = ct, put back by the permutation that was found forward.

    References
    ----------
    As ``numpy.partition``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.partition(pb.xp.asarray([3.0, 1.0, 2.0]), 1)[1]
    Array(2., dtype=float64, device='cpu')
    """
    a = asarray(a)
    if axis is None:
        a, axis = generated.reshape(a, (-1,)), -1
    return generated.take_along_axis(a, argpartition(a, kth, axis), axis=axis)


def argpartition(a: ArrayLike, kth: Any, axis: int | None = -1) -> Array:
    """The indices of the elements of a `partition`, along the axis; a constant.

    Parameters
    ----------
    a : array
        Of real numbers.
    kth : int or sequence of int
        The indices whose elements are those of the sorted array.
    axis : int, optional
        The axis; None for the flattened array.

    Returns
    -------
    Array
        Integers, of the shape of `a`. The order of the others is not defined; where the library has no partition, they
        are sorted.

    References
    ----------
    As ``numpy.argpartition``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.argpartition(pb.xp.asarray([3.0, 1.0, 2.0]), 1)[1]
    Array(2, dtype=int64, device='cpu')
    """
    value = backend_array(asarray(a))
    if axis is None:
        value, axis = backend_of(value).xp.reshape(value, (-1,)), -1
    xp = backend_of(value).xp
    if hasattr(xp, "argpartition"):
        return Array(xp.argpartition(value, kth, axis=axis))
    return Array(xp.argsort(value, axis=axis))
