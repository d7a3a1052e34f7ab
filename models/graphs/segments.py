"""Sums, means, maxima and softmax over segments: rows that belong to one of n segments each, by their numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...autograd.core.array import backend_array
from ...autograd.core.dtypes import as_numpy, is_integer
from ...autograd.core.generated import xp as generated
from ...autograd.core.typing import ArrayLike, Value
from ...autograd.functions import namespace as xp
from ...backend import backend_of


def segment_sum(x: ArrayLike, segments: ArrayLike, /, *, num_segments: int) -> Any:
    """The sum of each segment, ``out[s] = Σ_{i: segments[i] = s} x[i]``; 0 of none.

    Parameters
    ----------
    x : array (E, …)
        Rows.
    segments : array of int (E,)
        The segment of each row, in any order.
    num_segments : int
        n.

    Returns
    -------
    Array (n, …)

    Raises
    ------
    TypeError
        If the numbers are not integers.
    ValueError
        If there is not one for each row.
    IndexError
        If one is not 0 … n − 1, negative ones among them. On a device, where they are not read, the result is NaN.

    Notes
    -----
    The pullback is ``x_bar[i] = ct[segments[i]]``. Unsorted rows cost no sort: on NumPy this is a product with a sparse
    matrix of ones. `pb.xp.segment_sum` is JAX's function of this name, which leaves out what is out of range.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.segment_sum([1.0, 2.0, 4.0], [1, 0, 1], num_segments=3)
    Array([2., 5., 0.], dtype=float64, device='cpu')
    """
    x, numbers = _checked("segment_sum", x, segments, num_segments)
    return generated.sum_by_segment(x, numbers, num_segments=num_segments)


def segment_mean(x: ArrayLike, segments: ArrayLike, /, *, num_segments: int) -> Any:
    """The mean of each segment, ``out[s] = Σ_{i: segments[i] = s} x[i] / n_s`` with n_s rows; 0 where n_s = 0.

    Parameters
    ----------
    x, segments, num_segments
        As in `segment_sum`.

    Returns
    -------
    Array (n, …)
        Of integers in float64.

    Raises
    ------
    TypeError, ValueError, IndexError
        As `segment_sum`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.segment_mean([1.0, 2.0, 4.0], [1, 0, 1], num_segments=3)
    Array([2. , 2.5, 0. ], dtype=float64, device='cpu')
    """
    x, numbers = _checked("segment_mean", x, segments, num_segments)
    total = generated.sum_by_segment(x, numbers, num_segments=num_segments)
    counts = segment_counts(numbers, num_segments, x)
    return total / xp.reshape(xp.maximum(counts, 1), (num_segments, *(1,) * (x.ndim - 1)))


def segment_max(
    x: ArrayLike, segments: ArrayLike, /, *, num_segments: int, empty: float = -math.inf
) -> Any:
    """The largest elements of each segment, ``out[s] = max_{i: segments[i] = s} x[i]``.

    Parameters
    ----------
    x, segments, num_segments
        As in `segment_sum`, whose errors it raises; real numbers.
    empty : float
        What a segment without rows has: −∞ as in JAX, or 0 as in PyTorch Geometric.

    Returns
    -------
    Array (n, …)

    Raises
    ------
    TypeError
        For complex numbers, which have no order; for integers with an `empty` of −∞.

    Notes
    -----
    Elements that attain a maximum together share its cotangent equally, as in `pb.xp.max`. NaN is larger than any
    number, and gets no cotangent.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.segment_max([1.0, 2.0, 4.0], [1, 0, 1], num_segments=3)
    Array([  2.,   4., -inf], dtype=float64, device='cpu')
    """
    x, numbers = _checked("segment_max", x, segments, num_segments)
    if xp.isdtype(x.dtype, ("complex floating", "bool")):
        raise TypeError(f"segment_max: rows of dtype {x.dtype} have no order; take real numbers")
    if not xp.isdtype(x.dtype, "real floating"):
        if not float(empty).is_integer():
            raise TypeError(
                f"segment_max: rows of dtype {x.dtype} with empty={empty!r}; give an integer"
            )
        empty = int(empty)  # 0.0 would make the maxima floating
    out = generated.max_by_segment(x, numbers, num_segments=num_segments)
    if empty == -math.inf:
        return out
    there = xp.reshape(
        segment_counts(numbers, num_segments, x) > 0, (num_segments, *(1,) * (x.ndim - 1))
    )
    return xp.where(there, out, empty)


def segment_softmax(x: ArrayLike, segments: ArrayLike, /, *, num_segments: int) -> Any:
    """The softmax over the rows of each segment, ``exp(x[i]) / Σ_{j: segments[j] = segments[i]} exp(x[j])``.

    Parameters
    ----------
    x, segments, num_segments
        As in `segment_sum`, whose errors it raises; floating numbers.

    Returns
    -------
    Array (E, …)

    Raises
    ------
    TypeError
        If the rows are not floating-point numbers.

    Notes
    -----
    Shifted by the segment's maximum, so that nothing overflows. A segment of −∞ alone has NaN, as `pb.xp.softmax` has.
    The pullback is ``x_bar = out (ct − s[segments])``, s the segments' sums of ``out · ct``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.segment_softmax([0.0, 5.0, 0.0], [1, 0, 1], num_segments=2)
    Array([0.5, 1. , 0.5], dtype=float64, device='cpu')
    """
    x, numbers = _checked("segment_softmax", x, segments, num_segments)
    if not xp.isdtype(x.dtype, "real floating"):
        raise TypeError(
            f"segment_softmax: rows of dtype {x.dtype}; it takes floating-point numbers"
        )
    return generated.softmax_by_segment(x, numbers, num_segments=num_segments)


def segment_counts(numbers: Value, num_segments: int, like: Value) -> Any:
    """The number of rows of each segment, (n,), in the dtype of `like` where that is floating."""
    dtype = like.dtype if xp.isdtype(like.dtype, "real floating") else np.dtype("float64")
    ones = xp.ones_like(numbers, dtype=dtype)
    return generated.sum_by_segment(ones, numbers, num_segments=num_segments)


def wide(numbers: Value) -> Any:
    """Integers that other numbers of nodes can be added to: of 8 or 16 bits they would wrap around."""
    if as_numpy(numbers.dtype).name in ("int64", "int32", "uint32"):
        return numbers
    return xp.astype(numbers, np.dtype("int64"))


def _checked(name: str, x: ArrayLike, segments: ArrayLike, num_segments: int) -> tuple[Any, Any]:
    """Rows as an Array, and their numbers as a constant of the same library."""
    x = xp.asarray(x)
    if isinstance(segments, list | tuple):
        segments = backend_of(backend_array(x)).asarray(np.asarray(segments, np.int64))
    numbers = xp.asarray(segments)
    if not is_integer(numbers.dtype):
        raise TypeError(f"{name}: segments are integers, not {numbers.dtype}")
    if x.ndim == 0 or tuple(numbers.shape) != (x.shape[0],):
        raise ValueError(
            f"{name}: segments of shape {tuple(numbers.shape)} for rows of shape {tuple(x.shape)}; there has to be one "
            "for each row"
        )
    numbers = wide(numbers)
    if (
        isinstance(num_segments, bool)
        or not isinstance(num_segments, int | np.integer)
        or num_segments < 0
    ):
        raise ValueError(
            f"{name}: num_segments={num_segments!r}; it has to be an integer of at least 0"
        )
    return x, numbers
