"""Sums, maxima and softmax over segments: rows x (E, …) that belong to one of n segments each, by their numbers (E,).

Numbers outside 0 … n − 1 are an error on a host. On a device they are not read: floating results are NaN there.
"""

from __future__ import annotations

import math
from typing import Any

from ...common.typing import XP, RawArray


def sum_by_segment(xp: XP, x: Any, indices: RawArray, /, *, num_segments: int) -> Any:
    """The sum of the rows of each segment, (n, …); 0 of none."""
    out = xp.scatter_add((num_segments, *x.shape[1:]), indices, x)
    return _unless_outside(xp, out, indices, num_segments)


def max_by_segment(xp: XP, x: Any, indices: RawArray, /, *, num_segments: int) -> Any:
    """The largest elements of each segment, (n, …); of none, −∞, or the least integer.

    By sorting twice, by the values and then stably by the segments: the last one of each segment is its maximum. NaN
    comes last, and so is the maximum. No order of atomic operations is in it, and no loop.
    """
    rest = tuple(x.shape[1:])
    lowest = _lowest(xp, x.dtype)
    empty = xp.zeros_on_device_of((num_segments, *rest), x) + lowest
    E, width = x.shape[0], math.prod(rest)
    if E * width * num_segments == 0:
        return empty
    flat = xp.reshape(x, (E, width))
    by_value = xp.argsort(flat, axis=0)
    segments = xp.reshape(xp.take(indices, xp.reshape(by_value, (-1,)), axis=0), (E, width))
    by_segment = xp.argsort(segments, axis=0, stable=True)
    ordered = xp.take_along_axis(xp.take_along_axis(flat, by_value, axis=0), by_segment, axis=0)
    ones = xp.arange_like(E, indices) * 0 + 1
    counts = xp.scatter_add((num_segments,), indices, ones)
    last = xp.cumulative_sum(counts) - 1
    tops = xp.take(ordered, xp.where(last < 0, xp.zeros_like(last), last), axis=0)
    tops = xp.reshape(tops, (num_segments, *rest))
    there = xp.reshape(counts > 0, (num_segments, *(1,) * len(rest)))
    return _unless_outside(xp, xp.where(there, tops, empty), indices, num_segments)


def softmax_by_segment(xp: XP, x: Any, indices: RawArray, /, *, num_segments: int) -> Any:
    """``exp(x) / Σ exp(x)`` over the rows of the own segment, (E, …), shifted by the segment's maximum."""
    top = xp.max_by_segment(x, indices, num_segments=num_segments)
    top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    weights = xp.exp(x - xp.take(top, indices, axis=0))
    total = xp.sum_by_segment(weights, indices, num_segments=num_segments)
    return weights / xp.take(total, indices, axis=0)


def _lowest(xp: XP, dtype: Any) -> Any:
    return -math.inf if xp.isdtype(dtype, "real floating") else int(xp.iinfo(dtype).min)


def _unless_outside(xp: XP, out: Any, indices: RawArray, n: int) -> Any:
    """`out`, or NaN everywhere if a number is no segment's: nothing is read from the device."""
    if not xp.isdtype(out.dtype, ("real floating", "complex floating")):
        return out
    return xp.where(xp.any((indices < 0) | (indices >= n)), math.nan, out)


FUNCTIONS = (sum_by_segment, max_by_segment, softmax_by_segment)
