"""Logarithms that stand alone go to NumPy, whose own function is faster than a loop of ours.

NumPy's `log` takes its polynomial from a table in registers, for which numba has no words: a loop takes a quarter more
time for float64. With other operations beside it a loop is faster again, as it passes over memory once.
"""

from __future__ import annotations

import numpy as np

from ..ir.program import ARRAY, Op, Value
from .fuse import REDUCTIONS, Statement, Statements

# Elements from which the difference is worth a call of NumPy.
WORTH = 1 << 13
# Those from which a second thread is worth its time.
SHARED = 1 << 17


def leave_logarithms(out: Statements) -> None:
    """Take logarithms out of the loops that are one, or one and the reductions of it."""
    items: list[Statement] = []
    for s in out.items:
        if s.method == "loop" and _is_logarithm(s):
            items.append(Statement("into", s.ops[:1], s.shape, halves=s.op.result.size >= SHARED))
            if len(s.ops) > 1:
                items.append(Statement("loop", s.ops[1:], s.shape))
        else:
            items.append(s)
    out.items = items


def _is_logarithm(s: Statement) -> bool:
    first, *others = s.ops
    return (
        first.name == "log"
        and _is_plain(first)
        and all(op.name in REDUCTIONS and op.args[0] is first.result for op in others)
        # float32's sums are faster in one loop
        and (not others or first.result.dtype.itemsize == 8)
    )


def _is_plain(op: Op) -> bool:
    """Whether the operand is an array like the result, of many numbers."""
    x = op.args[0]
    return (
        type(x) is Value
        and x.value_type == ARRAY
        and x.dtype == op.result.dtype
        and np.dtype(x.dtype).char in "fd"
        and x.shape == op.result.shape
        and op.result.size >= WORTH
    )
