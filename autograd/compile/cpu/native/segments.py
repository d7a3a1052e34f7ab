"""Rows by their numbers: gathered, added up and compared by segment, into buffers of the program's own.

NumPy's functions return fresh arrays, and what megabytes of fresh memory cost is more than what is done with them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.program import ARRAY, Op, Value
from .jit import T, kernel
from .record import Native


@kernel()
def add_rows(x: Any, numbers: Any, out: Any) -> None:
    """Zeros with each row of x added at its number."""
    for s in range(out.shape[0]):
        for f in range(out.shape[1]):
            out[s, f] = T(0.0)
    for e in range(x.shape[0]):
        s = numbers[e]
        for f in range(x.shape[1]):
            out[s, f] += x[e, f]


@kernel()
def largest_rows(x: Any, numbers: Any, out: Any) -> None:
    """The largest elements of the rows of each number; −∞ of none, NaN where one is."""
    for s in range(out.shape[0]):
        for f in range(out.shape[1]):
            out[s, f] = T(-np.inf)
    for e in range(x.shape[0]):
        s = numbers[e]
        for f in range(x.shape[1]):
            if x[e, f] > out[s, f] or x[e, f] != x[e, f]:
                out[s, f] = x[e, f]


def _rows_and_numbers(op: Op) -> bool:
    """Whether it is of floating rows and integers."""
    if not all(type(a) is Value and a.value_type == ARRAY for a in op.args[:2]) or len(op.args) < 2:
        return False
    x, numbers = op.args[:2]
    kinds = np.dtype(x.dtype).char, np.dtype(numbers.dtype).kind
    return kinds[0] in "fd" and kinds[1] in "iu" and len(x.shape) > 0


def _one_number_a_row(op: Op) -> bool:
    return _rows_and_numbers(op) and len(op.args[1].shape) == 1


def _by_segment(name: str, kernel_of_rows: Any) -> Native:
    public = {"sum_by_segment": "segment_sum", "max_by_segment": "segment_max"}[name]

    def make(op: Op) -> Callable[..., None]:
        n, dtype = op.result.shape[0], np.dtype(op.result.dtype)
        width = math.prod(op.result.shape[1:])
        rows = op.args[0].shape[0]
        run = kernel_of_rows.compiled(
            (dtype, 2, "C", "read"), (np.int64, 1, "C", "read"), (dtype, 2)
        )

        def call(x: Any, numbers: Any, out: Any) -> None:
            if rows and not (numbers.min() >= 0 and numbers.max() < n):
                wrong = numbers[(numbers < 0) | (numbers >= n)][0]
                raise IndexError(f"{public}: index {wrong} is not one of the segments 0 … {n - 1}")
            run(x.reshape(rows, width), numbers.astype(np.int64, copy=False), out.reshape(n, width))

        return call

    return Native(name, takes=_one_number_a_row, make=make)


def _takes_rows(op: Op) -> bool:
    axis = op.settings.get("axis")
    return _rows_and_numbers(op) and (axis == 0 or (axis is None and len(op.args[0].shape) == 1))


def _make_take(op: Op) -> Callable[..., None]:
    n = op.args[0].shape[0]

    def take(x: Any, numbers: Any, out: Any) -> None:
        # NumPy fills a buffer of its own first where it is to look at the numbers
        if not (numbers.min() >= -n and numbers.max() < n):
            wrong = numbers[(numbers < -n) | (numbers >= n)][0]
            raise IndexError(f"index {wrong} is out of bounds for axis 0 with size {n}")
        x.take(numbers, 0, out, "wrap")

    return take


SUM_BY_SEGMENT = _by_segment("sum_by_segment", add_rows)
MAX_BY_SEGMENT = _by_segment("max_by_segment", largest_rows)
TAKE = Native("take", takes=_takes_rows, make=_make_take)
