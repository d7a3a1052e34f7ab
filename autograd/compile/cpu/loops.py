"""The source of one loop nest: operands loaded where they first can be, expressions, stores, reductions."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir.elementwise import TABLE, compute_dtype, operands, simple_power
from ..ir.program import ARRAY, NUMBER, Op, Value
from ..ir.views import contiguous, contiguous_view
from ..optimise.fuse import REDUCTIONS, Statement

# Functions of `native/` in the expressions of `ir/elementwise.py`.
_VECTORISED = re.compile(r"\bV\.(\w+)\(")
_IN_MATH = frozenset(("exp", "expm1", "log", "log1p", "tanh", "erf", "erfc"))
# Nanoseconds, as they are estimated, from which two threads share a loop; rows that it has then.
SHARED, FEWEST = 100_000, 16
# Partial sums of a long reduction, which the compiler keeps in vector registers.
LANES = 64
# The length from which the numbers of a row are computed before any is added up, so that a loop over vectors does it.
SHORT = 16


@dataclass(frozen=True)
class Total:
    """A reduction: its name, the element to add, its address, and the register that it is added up in.

    `joined` are the lines that put the two halves' sums together.
    """

    name: str
    element: str
    address: str
    register: str
    zero: str
    dtype: str
    joined: tuple[str, ...] = ()


class LoopWriter:
    """One loop nest."""

    def __init__(self, writer: Any, s: Statement, *, by_rows: bool = False) -> None:
        self.writer, self.s, self.kernel = writer, s, writer.kernel
        self.by_rows = by_rows  # the last axis stays one of its own
        self.loads: dict[tuple[Value, int, tuple[int, ...]], str] = {}
        self.names: dict[Value, str] = {}
        self.dims, self.axes = self._axes()
        self.loop = self.kernel.fresh("loop")  # which sets its numbers apart from those of others
        self.shared = self.kernel.shared and self._is_large()

    def _is_large(self) -> bool:
        """Whether two threads should share the loop."""
        return bool(self.dims) and self.dims[0] >= FEWEST and self.estimate() >= SHARED

    def estimate(self) -> float:
        """An estimate of its nanoseconds."""
        functions = self._functions()
        moved = {v for op in self.s.ops for v in op.inputs() if v not in self.s.made}
        moved |= {op.result for op in self.s.ops if op.result in self.writer.plan.own}
        size = math.prod(self.dims)
        time = size * (0.05 * len(self.s.ops) + 0.4 * functions)
        return time + 0.05 * sum(v.nbytes for v in moved)

    def _axes(self) -> tuple[list[int], list[list[int]]]:
        """The lengths of the axes that remain when those are merged that all operands step through as one."""
        shape, every = self.s.shape, []
        for op in self.s.ops:
            for v in op.inputs():
                if v.value_type == ARRAY and v not in self.s.made:
                    every.append(self._strides(v))
            if op.name in REDUCTIONS:
                every.append(self._kept(op))
        every.append(contiguous(shape))
        axes: list[list[int]] = []
        for i, n in enumerate(shape):
            if n == 1:
                continue
            last = self.by_rows and i == len(shape) - 1
            if axes and not last and all(st[axes[-1][-1]] == st[i] * n for st in every):
                axes[-1].append(i)
            else:
                axes.append([i])
        return [math.prod(shape[i] for i in group) for group in axes], axes

    def _strides(self, v: Value) -> tuple[int, ...]:
        """An operand's strides over the loop's axes, 0 where it is broadcast."""
        ref, shape = self.writer.ref(v), self.s.shape
        lead = len(shape) - len(v.shape)
        return (0,) * lead + tuple(
            0 if n == 1 else st for n, st in zip(v.shape, ref.strides, strict=True)
        )

    def _kept(self, op: Op) -> tuple[int, ...]:
        """The strides of a reduction's result over the loop's axes: 0 along those that are reduced."""
        shape = self.s.shape
        axis = op.settings.get("axis")
        reduced = (
            set(range(len(shape)))
            if axis is None
            else {a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))}
        )
        kept = [i for i in range(len(shape)) if i not in reduced]
        steps = dict(zip(kept, contiguous(tuple(shape[i] for i in kept)), strict=True))
        return tuple(0 if shape[i] == 1 else steps.get(i, 0) for i in range(len(shape)))

    def _steps(self, strides: tuple[int, ...]) -> list[int]:
        return [strides[group[-1]] for group in self.axes]

    def _index(self, strides: tuple[int, ...]) -> str:
        steps, whole = self._steps(strides), self._steps(contiguous(self.s.shape))
        # operands that lie alike have their strides in common
        alike = all(step in (0, full) for step, full in zip(steps, whole, strict=True))
        parts = [
            f"i{k}"
            if step == 1
            else f"i{k} * {self._number(step, 'stride', k) if alike else self._number(step)}"
            for k, step in enumerate(steps)
            if step
        ]
        return " + ".join(parts)

    def _number(self, value: int, *role: Any) -> str:
        """The text of a number that a shape decides."""
        return self.writer.number(value, *((self.loop, *role) if role else ()))

    def _depth(self, strides: tuple[int, ...]) -> int:
        """The number of loops that an access is inside of."""
        used = [k for k, step in enumerate(self._steps(strides)) if step]
        return used[-1] + 1 if used else 0

    def write(self) -> None:
        """All lines of the nest."""
        self.prepare()
        if self.shared:
            self.kernel.begin(self.dims[0])
        self._loops()
        if self.shared:
            self.kernel.begin(0)
            self.kernel.lines += [line for t in self.totals for line in t.joined]

    def prepare(self) -> None:
        """The lines at each depth, and before them those that set the totals to nothing."""
        depth = len(self.dims)
        before: list[list[str]] = [[] for _ in range(depth + 1)]  # what stands at each depth
        body: list[str] = []
        stores: list[str] = []
        reductions: list[tuple[Op, str]] = []
        for op in self.s.ops:
            if op.name in REDUCTIONS:
                reductions.append((op, self._operand(op.args[0], before)))
                continue
            name = self.kernel.fresh("t")
            body.append(f"{name} = {self._expression(op, before)}")
            self.names[op.result] = name
            if op.result in self.writer.plan.own:
                index = self._index(contiguous(self.s.shape))
                stores.append(f"{self.writer.element(contiguous_view(op.result), index)} = {name}")
        self.before, self.body = before, [*body, *stores]
        self.totals = self._totals(reductions)

    # ── operands and expressions ──────────────────────────────────────────────────────────────

    def _operand(self, x: Any, before: list[list[str]], T: str = "") -> str:
        """The name of an operand's element, loaded where it first can be; cast to T."""
        if type(x) is not Value:
            return self._constant(x, T)
        if x in self.names:
            return self._cast(self.names[x], x.dtype, T)
        if x.constant and x.shape == ():
            held = x.held.item() if x.value_type == ARRAY else x.held
            return self._constant(held, T or x.dtype.name, x)
        if x.value_type == NUMBER:
            name = self.kernel.argument(x)
            return f"np.{T}({name})" if T else name
        ref, strides = self.writer.ref(x), self._strides(x)
        key = (ref.root, ref.offset, strides)
        name = self.loads.get(key)
        if name is None:
            name = self.loads[key] = self.kernel.fresh("a")
            access = self.writer.element(ref, self._index(strides))
            before[self._depth(strides)].append(f"{name} = {access}")
        return self._cast(name, x.dtype, T)

    def _cast(self, name: str, dtype: Any, T: str) -> str:
        return name if not T or dtype.name == T else f"np.{T}({name})"

    def _constant(self, number: Any, T: str, *role: Any) -> str:
        if T == "bool":
            return str(bool(number))
        return self.kernel.constant(number, T, *role)

    def _expression(self, op: Op, before: list[list[str]]) -> str:
        dtype = compute_dtype(op)
        T = dtype.name
        text = simple_power(op) or TABLE[op.name].text
        parts = []
        for i, x in enumerate(operands(op)):
            if (op.name, i) in (("where", 0), ("masked", 1)):
                name = self._operand(x, before)
                is_mask = type(x) is Value and x.dtype.kind == "b"
                parts.append(name if is_mask else f"({name} != 0)")
            else:
                fixed = op.name == "pow" and i == 1 and type(x) in (int, float)
                # the compiler takes some exponents for other functions, with other roundings
                parts.append(self.kernel.fixed(x, T) if fixed else self._operand(x, before, T))
        text = text.format(*parts).replace("T(", f"np.{T}(")
        text = _VECTORISED.sub(lambda found: f"{self._function(found[1], T)}(", text)
        if dtype.kind in "iu" and op.result.dtype.kind in "iu":
            text = f"np.{op.result.dtype.name}({text})"
        elif op.name == "astype" and T == "bool":
            text = f"({parts[0]} != 0)" if op.args[0].dtype.kind != "b" else parts[0]
        return text

    def _function(self, name: str, T: str) -> str:
        """The name of a function that LLVM vectorises, whose source the kernel's will hold."""
        if not self.dims and name in _IN_MATH:  # one number, by what needs no compilation
            return f"math.{name}"
        self.kernel.functions[name, T] = None
        return f"{name}_{T}"

    # ── reductions ────────────────────────────────────────────────────────────────────────────

    def _totals(self, reductions: list[tuple[Op, str]]) -> list[Total]:
        """The reductions, each added up in a register along the innermost axis or else in its buffer."""
        totals = []
        for op, element in reductions:
            if op.result not in self.writer.plan.own:
                continue
            dtype = np.dtype(op.result.dtype).name
            start = {"sum": "0.0", "max": "-np.inf", "min": "np.inf"}[op.name]
            target = contiguous_view(op.result)
            steps = self._kept(op)
            every = self.writer.element(target, "k" if op.result.shape else "")
            zero = f"np.{dtype}({start})"
            address, joined = self.writer.element(target, self._index(steps)), []
            kept, size = self._steps(steps), op.result.size
            if self.shared and kept[0] == 0:  # both halves add to it
                partial = f"partial{len(self.kernel.partials)}"
                self.kernel.partials[partial] = (dtype, 2 * size)
                half = self._number(size, "half", partial)
                address = " + ".join(filter(None, (f"{partial}[part * {half}", self._index(steps))))
                address += "]"
                both = self.kernel.fresh("s")
                joined = [
                    f"    for k in range({half}):",
                    f"        {both} = {partial}[k]",
                    f"        {_join(op.name, both, f'{partial}[{half} + k]')}",
                    f"        {every} = {both}",
                ]
                every, size = f"{partial}[k]", 2 * size
            count = self._number(size)
            self.kernel.lines += [f"    for k in range({count}):", f"        {every} = {zero}"]
            register = self.kernel.fresh("s") if kept and kept[-1] == 0 else ""
            totals.append(Total(op.name, element, address, register, zero, dtype, tuple(joined)))
        return totals

    def head(self, k: int, pad: str) -> list[str]:
        """The first lines of the k-th loop."""
        if self.shared and k == 0:
            return [f"{pad}for j in range(rows):", f"{pad}    i0 = lo + j"]
        return [f"{pad}for i{k} in range({self._number(self.dims[k], 'length', k)}):"]

    def _loops(self) -> None:
        lines, pad = self.kernel.lines, "    "
        lines += [pad + line for line in self.before[0]]
        if not self.dims:
            lines += [pad + line for line in [*self.body, *self._adding()]]
            return
        for k in range(len(self.dims) - 1):
            lines += self.head(k, pad)
            pad += "    "
            lines += [pad + line for line in self.before[k + 1]]
        self._innermost(pad)

    def in_row(self, pad: str) -> None:
        """The lines for one row of a group's loop (`rows.py`)."""
        lines = self.kernel.lines
        lines += [pad + line for line in [*self.before[0], *self.before[1]]]
        if len(self.dims) > 1:
            self._innermost(pad)
        else:
            lines += [pad + line for line in self.body]
            lines += [pad + _join(t.name, t.address, t.element) for t in self.totals]

    def _adding(self) -> list[str]:
        return [_join(t.name, t.register or t.address, t.element) for t in self.totals]

    def _innermost(self, pad: str) -> None:
        lines, totals = self.kernel.lines, self.totals
        k, n = len(self.dims) - 1, self.dims[-1]
        registers = [t for t in totals if t.register]
        lines += [f"{pad}{t.register} = {t.zero}" for t in registers]
        inner = [*self.before[k + 1], *self.body]
        if totals and len(registers) == len(totals) and n >= 2 * LANES:
            self._lanes(pad, n, inner, totals)
        elif registers and SHORT <= n < 2 * LANES and self._functions():
            self._row(pad, k, inner, totals)
        else:
            lines += self.head(k, pad)
            lines += [f"{pad}    {line}" for line in [*inner, *self._adding()]]
        lines += [pad + _join(t.name, t.address, t.register) for t in registers]

    def _row(self, pad: str, k: int, body: list[str], totals: list[Total]) -> None:
        """Write a short row in two loops: one that LLVM makes one over vectors, one that adds up."""
        names = [f"row{i}_{t.dtype}" for i, t in enumerate(totals)]
        self.kernel.scratch.update((name, t.dtype) for name, t in zip(names, totals, strict=True))
        at = "j" if self.shared and k == 0 else f"i{k}"
        adding = [
            _join(t.name, t.register or t.address, f"{a}[{at}]")
            for a, t in zip(names, totals, strict=True)
        ]
        self.kernel.lines += [
            *self.head(k, pad),
            *[f"{pad}    {line}" for line in body],
            *[f"{pad}    {a}[{at}] = {t.element}" for a, t in zip(names, totals, strict=True)],
            *self.head(k, pad),
            *[f"{pad}    {line}" for line in adding],
        ]

    def _functions(self) -> int:
        """The number of functions in the loop that are many operations."""
        return sum("V." in TABLE[op.name].text for op in self.s.ops if op.name in TABLE)

    def _lanes(self, pad: str, n: int, body: list[str], totals: list[Total]) -> None:
        """Write long sums as `LANES` partial ones, which are vectorised and have smaller rounding errors."""
        lines, i = self.kernel.lines, f"i{len(self.dims) - 1}"
        first, last = "", self._number(n, "length", len(self.dims) - 1)
        if self.shared and len(self.dims) == 1:
            first, last = "lo + ", "rows"
        whole = f"{last} - {last} % {LANES}"
        names = [f"lanes{k}_{t.dtype}" for k, t in enumerate(totals)]
        self.kernel.scratch.update((name, t.dtype) for name, t in zip(names, totals, strict=True))
        lines += [
            f"{pad}for lane in range({LANES}):",
            *[f"{pad}    {a}[lane] = {t.zero}" for a, t in zip(names, totals, strict=True)],
            f"{pad}for start in range(0, {whole}, {LANES}):",
            f"{pad}    for lane in range({LANES}):",
            f"{pad}        {i} = {first}start + lane",
            *[f"{pad}        {line}" for line in body],
            *[f"{pad}        {line}" for line in self._into(names, totals)],
            f"{pad}for lane in range({LANES}):",
            *[
                f"{pad}    {_join(t.name, t.register, f'{a}[lane]')}"
                for a, t in zip(names, totals, strict=True)
            ],
        ]
        lines.append(f"{pad}for rest in range({whole}, {last}):")
        lines.append(f"{pad}    {i} = {first}rest")
        lines += [f"{pad}    {line}" for line in body]
        lines += [f"{pad}    {_join(t.name, t.register, t.element)}" for t in totals]

    def _into(self, names: list[str], totals: list[Total]) -> list[str]:
        return [_join(t.name, f"{a}[lane]", t.element) for a, t in zip(names, totals, strict=True)]


def _join(name: str, total: str, x: str) -> str:
    """One more element of a reduction."""
    if name == "sum":
        return f"{total} += {x}"
    sign = ">=" if name == "max" else "<="
    return f"{total} = {x} if {x} {sign} {total} or {x} != {x} else {total}"
