"""Set functions: `unique_*` of the array API standard, `nunique`, `setdiff1d` and `union1d`.

The values carry a derivative, to the first element of `x` that has each. They come sorted, in the order of the
indices, with and without a derivative; NaNs are all distinct.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...backend import backend_of
from ..core.array import Array, backend_array, unwrap_closed
from ..core.dtypes import is_inexact
from ..core.generated import xp as generated
from ..core.typing import ArrayLike
from .creation import asarray


class UniqueAllResult(NamedTuple):
    """The result of `unique_all`."""

    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class UniqueCountsResult(NamedTuple):
    """The result of `unique_counts`."""

    values: Array
    counts: Array


class UniqueInverseResult(NamedTuple):
    """The result of `unique_inverse`."""

    values: Array
    inverse_indices: Array


def unique_all(x: ArrayLike, /) -> UniqueAllResult:
    """The distinct values of `x`, their first indices, the number of each element's value, and their counts.

    Parameters
    ----------
    x
        An array of any shape.

    Returns
    -------
    UniqueAllResult
        ``values`` (k,), of the dtype of `x`; ``indices`` (k,), into the flattened `x`; ``inverse_indices``, of the
        shape of `x`; ``counts`` (k,).

    Notes
    -----
    The pullback adds the cotangent of each value at its first occurrence in x; indices and counts are constants.
    Every NaN counts as distinct. How many values there are depends on x: `pb.compile` refuses it.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.unique_all(pb.xp.asarray([3.0, 1.0, 3.0])).counts
    Array([1, 2], dtype=int64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.xp.unique_values(x) ** 2))(pb.xp.asarray([3.0, 1.0, 3.0]))
    Array([6., 2., 0.], dtype=float64, device='cpu')
    """
    value = backend_array(x)
    backend = backend_of(value)
    found = UniqueAllResult(*(Array(backend.normalise(o)) for o in backend.xp.unique_all(value)))
    traced = unwrap_closed(x)
    if type(traced) is not Array or not is_inexact(traced.dtype):
        return found
    flat = generated.reshape(traced, (-1,))
    return found._replace(values=generated.take(flat, found.indices, axis=0))


def unique_counts(x: ArrayLike, /) -> UniqueCountsResult:
    """The distinct values of `x`, and their counts.

    Parameters
    ----------
    x : array
        Of any shape and dtype.

    Returns
    -------
    UniqueCountsResult
        The named pair ``values`` (k,), sorted, and ``counts`` (k,), integers.

    Notes
    -----
    The pullback adds the cotangent of each value at its first occurrence in x. Every NaN counts as distinct. How many
    there are depends on the values: `pb.compile` refuses it.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.unique_counts(pb.xp.asarray([3.0, 1.0, 3.0])).counts
    Array([1, 2], dtype=int64, device='cpu')
    """
    found = unique_all(x)
    return UniqueCountsResult(found.values, found.counts)


def unique_inverse(x: ArrayLike, /) -> UniqueInverseResult:
    """The distinct values of `x`, and the number of each element's value.

    Parameters
    ----------
    x : array
        Of any shape and dtype.

    Returns
    -------
    UniqueInverseResult
        The named pair ``values`` (k,), sorted, and ``inverse_indices``, integers of the shape of `x`, with
        ``values[inverse_indices]`` equal to `x`.

    Notes
    -----
    The pullback adds the cotangent of each value at its first occurrence in x. Every NaN counts as distinct. How many
    there are depends on the values: `pb.compile` refuses it.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.unique_inverse(pb.xp.asarray([3.0, 1.0, 3.0])).inverse_indices
    Array([1, 0, 1], dtype=int64, device='cpu')
    """
    found = unique_all(x)
    return UniqueInverseResult(found.values, found.inverse_indices)


def unique_values(x: ArrayLike, /) -> Array:
    """The distinct values of `x`.

    Parameters
    ----------
    x : array
        Of any shape and dtype.

    Returns
    -------
    Array
        (k,), sorted, of the dtype of `x`.

    Notes
    -----
    The pullback adds the cotangent of each value at its first occurrence in x. Every NaN counts as distinct. How many
    there are depends on the values: `pb.compile` refuses it.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([3.0, 1.0, 3.0])
    >>> pb.xp.unique_values(x)
    Array([1., 3.], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.xp.unique_values(x) ** 2))(x)
    Array([6., 2., 0.], dtype=float64, device='cpu')
    """
    return unique_all(x).values


def nunique(x: ArrayLike, /) -> Array:
    """The number of distinct values; a constant.

    Parameters
    ----------
    x : array
        Of any shape and dtype.

    Returns
    -------
    Array
        0-d, an integer. Every NaN counts.

    References
    ----------
    As ``array_api_extra.nunique``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.nunique(pb.xp.asarray([1.0, 3.0, 1.0]))
    Array(2, dtype=int64, device='cpu')
    """
    values = backend_array(unique_values(Array(backend_array(asarray(x)))))
    return Array(backend_of(values).asarray(np.asarray(values.shape[0])))


def setdiff1d(x1: Any, x2: Any, /, *, assume_unique: bool = False) -> Array:
    """The distinct values of `x1` that `x2` lacks.

    Parameters
    ----------
    x1 : array
        Of any shape.
    x2 : array
        Of any shape; carries no derivative.
    assume_unique : bool
        The elements of `x1` are distinct already, and are left in their order.

    Returns
    -------
    Array
        One axis, sorted unless `assume_unique`.

    Notes
    -----
    The pullback adds the cotangent of each value at its first occurrence in x1.

    References
    ----------
    As ``numpy.setdiff1d`` and ``array_api_extra.setdiff1d``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.setdiff1d(pb.xp.asarray([3.0, 1.0, 3.0, 2.0]), pb.xp.asarray([1.0]))
    Array([2., 3.], dtype=float64, device='cpu')
    """
    values = generated.reshape(asarray(x1), (-1,)) if assume_unique else unique_values(x1)
    return generated.getitem(
        values, backend_array(generated.isin(values, asarray(x2), invert=True))
    )


def union1d(a: ArrayLike, b: ArrayLike, /) -> Array:
    """The distinct values of two arrays.

    Parameters
    ----------
    a, b : array
        Of any shape.

    Returns
    -------
    Array
        One axis, sorted.

    Notes
    -----
    The pullback adds the cotangent of each value at its first occurrence, in a before b.

    References
    ----------
    As ``numpy.union1d`` and ``array_api_extra.union1d``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.union1d(pb.xp.asarray([3.0, 1.0]), pb.xp.asarray([1.0, 2.0]))
    Array([1., 2., 3.], dtype=float64, device='cpu')
    """
    return unique_values(generated.concat([asarray(a), asarray(b)], axis=None))
