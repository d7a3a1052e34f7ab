"""Sets of distinct values: the values carry a derivative, to the first element of `x` that has each.

The values come sorted, in the order of the indices, with and without a derivative; NaNs are all distinct.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ...backend import backend_of
from ..core.array import Array, backend_array, unwrap_closed
from ..core.defvjp import function_of
from ..core.dtypes import is_inexact
from ..core.registry import find


class UniqueAllResult(NamedTuple):
    """What `unique_all` returns."""

    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class UniqueCountsResult(NamedTuple):
    """What `unique_counts` returns."""

    values: Array
    counts: Array


class UniqueInverseResult(NamedTuple):
    """What `unique_inverse` returns."""

    values: Array
    inverse_indices: Array


def unique_all(x: Any, /) -> UniqueAllResult:
    """The distinct values of `x`, where each is first, which one each element is, and how often each occurs.

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
    flat = function_of(find("reshape"))(traced, (-1,))
    return found._replace(values=function_of(find("take"))(flat, found.indices, axis=0))


def unique_counts(x: Any, /) -> UniqueCountsResult:
    """The distinct values of `x`, and how often each occurs."""
    found = unique_all(x)
    return UniqueCountsResult(found.values, found.counts)


def unique_inverse(x: Any, /) -> UniqueInverseResult:
    """The distinct values of `x`, and which one each element is."""
    found = unique_all(x)
    return UniqueInverseResult(found.values, found.inverse_indices)


def unique_values(x: Any, /) -> Array:
    """The distinct values of `x`, sorted."""
    return unique_all(x).values
