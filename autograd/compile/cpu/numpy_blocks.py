"""Elementwise chains by NumPy alone, on one cache-sized block after another.

An operation on a large array moves it through the memory; the next one moves it again. On blocks that stay in the
second cache a chain of ufunc calls moves each array once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.elementwise import TABLE
from ..ir.program import ARRAY, Value
from ..optimise.fuse import Statement

BLOCK = 1 << 17  # bytes of each array


class BlockWriter:
    """The writer of a loop over blocks."""

    def __init__(self, assembly: Any, s: Statement) -> None:
        self.out, self.s = assembly, s
        self.size = s.ops[0].result.size
        self.length = BLOCK // max(np.dtype(op.result.dtype).itemsize for op in s.ops)
        self.names: dict[Value, str] = {}
        self.slices: list[str] = []

    def write(self) -> list[str]:
        """The lines of the loop."""
        calls: list[str] = []
        last = {v: i for i, op in enumerate(self.s.ops) for v in op.inputs()}
        free: dict[Any, list[str]] = {}
        for i, op in enumerate(self.s.ops):
            operands = [self._operand(x, op) for x in op.args]
            for v in dict.fromkeys(op.inputs()):
                name = self.names.get(v, "")
                if last[v] == i and name.startswith("t_"):
                    free.setdefault(v.dtype, []).append(name)
            target = self._target(op.result, free)
            function = self.out.known(f"np_{op.name.rpartition('.')[2]}", TABLE[op.name].ufunc)
            out = f"out={target}" if op.name in ("maximum", "minimum") else target
            calls.append(f"    {function}({', '.join([*operands, out])})")
        head = f"for i in range(0, {self.size}, {self.length}):"
        return [head, f"    j = min(i + {self.length}, {self.size})", *self.slices, *calls]

    def _operand(self, x: Any, op: Any) -> str:
        if type(x) is not Value or x.value_type != ARRAY or x.shape == ():
            return self.out.operand(x, op)
        if x not in self.names:
            self.names[x] = self._part(x)
        return self.names[x]

    def _part(self, v: Value) -> str:
        """The block of an array."""
        flat, name = self._flat(v), f"p_{v.name}"
        self.slices.append(f"    {name} = {flat}[i:j]")
        return name

    def _flat(self, v: Value) -> str:
        text, name = self.out.value(v), f"f_{v.name}"
        if text.startswith(("b_", "k_")) or text in self.out.made:
            self.out.made[name] = f"{text}.reshape(-1)"
        else:
            self.out.lines.append(f"{name} = {text}.reshape(-1)")
        return name

    def _target(self, v: Value, free: dict[Any, list[str]]) -> str:
        """The name of the block that a result goes to: of its buffer, or of scratch memory that is free again."""
        if v in self.out.plan.own:
            self.names[v] = self._part(v)
        elif free.get(v.dtype):
            self.names[v] = free[v.dtype].pop()
        else:
            scratch = f"s_{v.name}"
            dtype = self.out.bind(v.dtype)
            self.out.made[scratch] = f"{self.out.known('empty', np.empty)}({self.length}, {dtype})"
            self.slices.append(f"    t_{v.name} = {scratch}[: j - i]")
            self.names[v] = f"t_{v.name}"
        return self.names[v]
