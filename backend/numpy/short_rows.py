"""Reductions over a short last axis, on a transposed copy: NumPy pays for each row as much as for fifty numbers.

Along the first axis of the copy, which stays in the second cache, all rows are reduced at once. The results are those
of NumPy to the bit: sums are added up in the order of its pairwise summation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Lengths up to which the copy costs less than it saves, and elements from which on.
LONGEST_SUM, LONGEST_EXTREME, FEWEST = 15, 32, 1024
_add_reduce: Any = np.add.reduce
_add: Any = np.add


def has_short_rows(x: Any, axis: Any, longest: int) -> bool:
    """Whether a reduction of `x` over `axis` is one of many short rows that lie one after another."""
    return (
        type(axis) is int
        and x.ndim > 1
        and (axis == -1 or axis == x.ndim - 1)
        and 1 < x.shape[-1] <= longest
        and x.size >= FEWEST
        and x.dtype.char in "fd"
        and x.flags.c_contiguous
    )


def sum_of_rows(x: Any, keepdims: bool) -> Any:
    """``sum(x, axis=-1)`` for up to 15 columns."""
    columns = _columns(x)
    n = columns.shape[0]
    if n < 8:
        out = _add_reduce(columns, 0)
    else:
        pairs = _add(columns[0:8:2], columns[1:8:2])
        fours = _add(pairs[0::2], pairs[1::2])
        out = _add(fours[0], fours[1])
        for column in columns[8:]:
            _add(out, column, out)
    return _shaped(_add(out, 0, out), x, keepdims)  # NumPy adds to 0, so that −0 alone is 0


def extreme_of_rows(reduce: Any, x: Any, keepdims: bool) -> Any:
    """``max(x, axis=-1)`` or ``min``, by the ufunc's `reduce`."""
    return _shaped(reduce(_columns(x), 0), x, keepdims)


def _columns(x: Any) -> Any:
    return x.reshape(-1, x.shape[-1]).T.copy()


def _shaped(out: Any, x: Any, keepdims: bool) -> Any:
    if x.ndim == 2 and not keepdims:
        return out
    return out.reshape((*x.shape[:-1], 1) if keepdims else x.shape[:-1])
