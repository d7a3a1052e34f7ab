"""Sets: `unique` and its kin, unions, intersections and differences of one-dimensional arrays.

Values carry a derivative to the elements that they were taken from; which elements those are is read.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.generated import xp as generated
from ...functions import set as standard
from ..arguments import as_array
from ..conversions import as_arrays, cast, normalize_axis
from .manipulation import moveaxis
from .sorting import argsort, lexsort

__all__ = [
    "intersect1d", "isin", "setdiff1d", "setxor1d", "union1d", "unique", "unique_all", "unique_counts",
    "unique_inverse", "unique_values",
]  # fmt: skip


def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """The distinct elements, or slices along an axis, in order; the first of each receives its cotangent.

    Parameters
    ----------
    ar
        An array, which is flattened if `axis` is None.
    return_index, return_inverse, return_counts : bool
        Return the index of the first of each; the number of each element's value; how often each is there.
    axis : int, optional
        The axis whose slices are compared.
    equal_nan : bool
        Whether all NaNs are one.
    sorted : bool
        The result is in order in either case.

    Returns
    -------
    Array or tuple of Array

    Examples
    --------
    >>> import numpy, pullback as pb
    >>> values, counts = pb.numpy.unique([3.0, 1.0, 3.0], return_counts=True)
    >>> values, counts
    (Array([1., 3.], dtype=float64, device='cpu'), Array([1, 2], dtype=int64, device='cpu'))
    >>> pb.grad(lambda x: (pb.numpy.unique(x) ** 2).sum())(numpy.array([3.0, 1.0, 3.0]))
    array([6., 2., 0.])
    """
    x = as_array(ar)
    given_shape = x.shape if axis is None else (x.shape[normalize_axis(axis, x.ndim)],)
    if axis is None:
        x = generated.reshape(x, (-1,))
        order = argsort(x)
        new = _differs(generated.take(x, order, axis=0), equal_nan)
    else:
        axis = normalize_axis(axis, x.ndim)
        x = moveaxis(x, axis, 0)
        rows = generated.reshape(x, (x.shape[0], math.prod(x.shape[1:])))
        if x.shape[0] and rows.shape[1]:
            columns = [generated.getitem(rows, (slice(None), k)) for k in range(rows.shape[1])]
            order = lexsort(columns[::-1])
            ordered = generated.take(rows, order, axis=0)
            changes = [
                _differs(generated.getitem(ordered, (slice(None), k)), equal_nan=False)
                for k in range(rows.shape[1])
            ]
            new = generated.any(generated.stack(changes), axis=0)
        else:
            order = argsort(generated.reshape(rows, (-1,)))
            new = generated.astype(order, np.dtype(bool))
    (starts,) = generated.nonzero(new) if new.size else (order,)
    first = generated.take(order, starts, axis=0)
    values = generated.take(x, first, axis=0)
    out = [values if axis is None else moveaxis(values, 0, axis)]
    if return_index:
        out.append(first)
    if return_inverse:
        numbers = generated.cumulative_sum(generated.astype(new, np.dtype("int64"))) - 1
        back = argsort(order)
        out.append(generated.reshape(generated.take(numbers, back, axis=0), given_shape))
    if return_counts:
        end = Array(backend_of(backend_array(starts)).asarray(np.asarray([order.size])))
        bounds = generated.concat([starts, generated.astype(end, starts.dtype)], axis=0)
        out.append(
            generated.getitem(bounds, slice(1, None)) - generated.getitem(bounds, slice(0, -1))
        )
    return out[0] if len(out) == 1 else tuple(out)


def _differs(ordered: Array, equal_nan: bool) -> Array:
    """Whether each element differs from the one before it; the first does."""
    value = Array(backend_array(ordered))
    if not value.size:
        return generated.astype(value, np.dtype(bool))
    after, before = generated.getitem(value, slice(1, None)), generated.getitem(value, slice(0, -1))
    changes = after != before
    if equal_nan and value.dtype.kind in "fc":
        changes = changes & ~(generated.isnan(after) & generated.isnan(before))
    first = generated.getitem(value, slice(0, 1))
    first = generated.logical_or(first == first, first != first)
    return generated.concat([first, changes], axis=0)


def unique_all(x: Any) -> Any:
    """The distinct values, their first indices, the number of each element's value, and their counts."""
    return standard.unique_all(as_array(x))


def unique_counts(x: Any) -> Any:
    """The distinct values and their counts."""
    return standard.unique_counts(as_array(x))


def unique_inverse(x: Any) -> Any:
    """The distinct values and the number of each element's value."""
    return standard.unique_inverse(as_array(x))


def unique_values(x: Any) -> Array:
    """The distinct values; NaNs are all distinct."""
    return standard.unique_values(as_array(x))


def _joined(first: Array, second: Array) -> Array:
    common = np.result_type(first.dtype, second.dtype)
    parts = [generated.reshape(cast(x, common), (-1,)) for x in (first, second)]
    return generated.concat(parts, axis=0)


def union1d(ar1: Any, ar2: Any) -> Array:
    """The distinct values of two arrays, in order."""
    return unique(_joined(*as_arrays(ar1, ar2)))


def intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False
) -> Any:
    """The distinct values that are in both arrays, in order.

    With `return_indices`, also the indices of the first of each in either array. The values carry the derivative of
    the first array.
    """
    first, second = (generated.reshape(x, (-1,)) for x in as_arrays(ar1, ar2))
    if assume_unique:
        at_first = at_second = None
    else:
        first, at_first = unique(first, return_index=True)
        second, at_second = unique(second, return_index=True)
    both = _joined(first, second)
    order = argsort(both)
    ordered = generated.take(both, order, axis=0)
    same = generated.getitem(ordered, slice(1, None)) == generated.getitem(ordered, slice(0, -1))
    (places,) = generated.nonzero(same)
    i = generated.take(order, places, axis=0)
    values = generated.take(both, i, axis=0)
    if not return_indices:
        return values
    j = generated.take(order, places + 1, axis=0) - first.size
    if at_first is not None and at_second is not None:
        i, j = generated.take(at_first, i, axis=0), generated.take(at_second, j, axis=0)
    return values, i, j


def isin(
    element: Any,
    test_elements: Any,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    kind: str | None = None,
) -> Array:
    """Whether each element is among others; a constant."""
    if kind not in (None, "sort", "table"):
        raise ValueError(f"Invalid kind: {kind!r}. Please use None, 'sort' or 'table'.")
    x, others = as_arrays(element, test_elements)
    common = np.result_type(x.dtype, others.dtype)
    return generated.isin(cast(x, common), cast(others, common), invert=invert)


def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Array:
    """The distinct values of the first array that are not in the second, in order."""
    first, second = as_arrays(ar1, ar2)
    first = generated.reshape(first, (-1,)) if assume_unique else unique(first)
    (kept,) = generated.nonzero(isin(first, generated.reshape(second, (-1,)), invert=True))
    return generated.take(first, kept, axis=0)


def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Array:
    """The distinct values that are in one of two arrays alone, in order."""
    first, second = (generated.reshape(x, (-1,)) for x in as_arrays(ar1, ar2))
    if not assume_unique:
        first, second = unique(first), unique(second)
    both = _joined(first, second)
    if not both.size:
        return both
    both = generated.take(both, argsort(both), axis=0)
    changes = _differs(both, equal_nan=False)
    end = generated.logical_not(
        generated.logical_and(changes[:1], generated.logical_not(changes[:1]))
    )
    flags = generated.concat([changes, end], axis=0)
    (kept,) = generated.nonzero(
        generated.logical_and(
            generated.getitem(flags, slice(1, None)), generated.getitem(flags, slice(0, -1))
        )
    )
    return generated.take(both, kept, axis=0)
