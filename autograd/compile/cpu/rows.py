"""The source of loops that go over the same rows as one loop: `optimise/rows.py` says which."""

from __future__ import annotations

import math
from typing import Any

from ..optimise.fuse import Statement
from .loops import SHARED, LoopWriter


def write_rows(writer: Any, group: list[Statement]) -> None:
    """The lines of a group; loop after loop, where an operand's strides do not let rows be one axis."""
    kernel, rows = writer.kernel, math.prod(group[0].shape[:-1])
    loops = [LoopWriter(writer, s, by_rows=True) for s in group]
    if any(loop.dims[:1] != [rows] or len(loop.dims) > 2 for loop in loops):
        for s in group:
            writer.loop(s)
        return
    shared = kernel.shared and sum(loop.estimate() for loop in loops) >= SHARED
    for loop in loops:
        loop.shared = shared
        loop.prepare()
    if shared:
        kernel.begin(rows)
    kernel.lines += loops[0].head(0, "    ")
    for loop in loops:
        loop.in_row("        ")
    if shared:
        kernel.begin(0)
        kernel.lines += [line for loop in loops for t in loop.totals for line in t.joined]
