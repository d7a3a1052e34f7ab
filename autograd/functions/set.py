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
    """The distinct values of `x`, and their counts."""
    found = unique_all(x)
    return UniqueCountsResult(found.values, found.counts)


def unique_inverse(x: ArrayLike, /) -> UniqueInverseResult:
    """The distinct values of `x`, and the number of each element's value."""
    found = unique_all(x)
    return UniqueInverseResult(found.values, found.inverse_indices)


def unique_values(x: ArrayLike, /) -> Array:
    """The distinct values of `x`, sorted."""
    return unique_all(x).values


def nunique(x: ArrayLike, /) -> Array:
    """The number of distinct values, 0-d; each NaN counts.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.nunique(pb.xp.asarray([1.0, 3.0, 1.0]))
    Array(2, dtype=int64, device='cpu')
    """
    values = backend_array(unique_values(Array(backend_array(asarray(x)))))
    return Array(backend_of(values).asarray(np.asarray(values.shape[0])))


def setdiff1d(x1: Any, x2: Any, /, *, assume_unique: bool = False) -> Array:
    """The distinct values of `x1` that `x2` lacks, sorted; with `assume_unique`, all of `x1` in order.

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
    """The distinct values of two arrays, sorted.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.union1d(pb.xp.asarray([3.0, 1.0]), pb.xp.asarray([1.0, 2.0]))
    Array([1., 2., 3.], dtype=float64, device='cpu')
    """
    return unique_values(generated.concat([asarray(a), asarray(b)], axis=None))
