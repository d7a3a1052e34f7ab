"""The source of serial kernels: loops, matrix products and functions in one piece, one after another.

All shapes, offsets and strides are numbers in the source, so that the compiler sees every trip count. Arrays that
are not in the program's block of memory are arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..ir.program import ARRAY, NUMBER, Op, Value
from ..ir.views import Ref, contiguous_view
from ..optimise.fuse import Statement, Statements, leading
from ..optimise.fused_ops import FUSED_OPS
from ..optimise.memory_plan import Plan
from .loops import LANES, LoopWriter
from .native.functions.vectorised import definitions

# The bits of a number of rows.
POSITIVE = (1 << 48) - 1


@dataclass(frozen=True)
class Step:
    """A part of a kernel: lines, and the number of rows that two threads share, or 0."""

    length: int
    lines: list[str]


@dataclass
class Kernel:
    """The source of one function, and what it is called with.

    Attributes
    ----------
    shared : bool
        Whether large loops are steps of their own, each done in two halves by two threads. (Products are not: BLAS's
        threads share what they pack.)
    steps : list of Step
        In order. `lines` are those of the last.
    partials : dict
        ``partials[name] = (dtype, size)`` of arrays in which each half adds up what both add to.
    """

    statements: list[Statement]
    shared: bool = False
    lines: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    partials: dict[str, tuple[str, int]] = field(default_factory=dict)
    # by name, each a Value, or a dtype of the block
    arguments: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    # the operations that may refuse their inputs: the kernel returns which did, counted from 1
    refusing: list[Op] = field(default_factory=list)
    # the names of lanes, and their dtypes
    scratch: set[tuple[str, str]] = field(default_factory=set)
    # (name, dtype) of the functions of `native/vectorised.py` that it calls, in order
    functions: dict[tuple[str, str], None] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.begin(0)

    def begin(self, length: int) -> None:
        """Begin a step, shared by two threads if it has a length."""
        if self.steps and not self.steps[-1].lines:
            self.steps.pop()
        self.lines = []
        self.steps.append(Step(length, self.lines))

    def finished(self) -> list[Step]:
        """The steps, none of them empty; none if all is one step of one thread."""
        self.begin(0)
        if len(self.steps) > 1:
            self.steps.pop()
        self.lines = self.steps[-1].lines
        return self.steps if len(self.steps) > 1 or self.steps[0].length else []

    def definitions(self) -> str:
        """The source of the functions that it calls."""
        return definitions(self.functions)

    def fresh(self, letter: str) -> str:
        """A new local name: one name has one type."""
        self.count += 1
        return f"{letter}{self.count}"

    def source(self, name: str) -> str:
        """The function's text: of one step, or of several by number, each from row `lo` to row `hi`."""
        arguments = ", ".join([*self.arguments, *self.partials])
        several = bool(self.finished())
        head = [f"def {name}({f'step, {arguments}, lo, hi, part' if several else arguments}):"]
        for argument, what in self.arguments.items():
            if type(what) is Value and what.value_type == ARRAY and len(what.shape) > 1:
                head.append(f"    {argument} = {argument}.ravel()")
        head += [f"    {a} = np.empty({2 * LANES}, np.{d})" for a, d in sorted(self.scratch)]
        lines = self.lines
        if several:
            # no index is negative, which the compiler has to know or it makes no loops over vectors
            lines = [f"    lo = lo & {POSITIVE}", f"    rows = (hi - lo) & {POSITIVE}"]
            for i, step in enumerate(self.steps):
                lines += [f"    if step == {i}:", *(f"    {line}" for line in step.lines)]
        return "\n".join([*head, *lines, "    return 0", ""])


class Writer:
    """The writer of a kernel, statement by statement."""

    def __init__(self, kernel: Kernel, out: Statements, plan: Plan, inputs: list[Value]) -> None:
        self.kernel, self.out, self.plan, self.inputs = kernel, out, plan, inputs

    def statement(self, s: Statement) -> None:
        """Write the lines of one statement."""
        {"loop": self.loop, "gemm": self.gemm, "fused": self.fused}[s.method](s)

    # ── addresses ────────────────────────────────────────────────────────────────────────────────

    def buffer(self, root: Value) -> tuple[str, int]:
        """The name of the array that a value lies in, and the value's first element there."""
        offset = self.plan.offsets.get(root)
        if offset is not None:
            dtype = np.dtype(root.dtype)
            name = f"block_{dtype.name}"
            self.kernel.arguments.setdefault(name, dtype)
            return name, offset // dtype.itemsize
        # one name for one array, or the compiler has to expect that they overlap
        if root in self.plan.donated:
            root = self.inputs[self.plan.donated[root]]
        self.kernel.arguments.setdefault(root.name, root)
        return root.name, 0

    def element(self, ref: Ref, index: str) -> str:
        """The element of a buffer at an index relative to the value's first."""
        name, first = self.buffer(ref.root)
        if not ref.root.shape and ref.root not in self.plan.offsets:
            return f"{name}[()]"
        first += ref.offset
        text = " + ".join(part for part in (str(first) if first else "", index) if part)
        return f"{name}[{text or '0'}]"

    def address(self, v: Value) -> str:
        """The address of a matrix's first element."""
        ref = self.ref(v)
        name, first = self.buffer(ref.root)
        first += ref.offset
        itemsize = np.dtype(v.dtype).itemsize
        return f"{name}.ctypes.data" + (f" + {first * itemsize}" if first else "")

    def ref(self, v: Value) -> Ref:
        """The buffer, offset and strides of a value."""
        return self.out.refs.get(v) or contiguous_view(v)

    # ── loops ─────────────────────────────────────────────────────────────────────────────────

    def loop(self, s: Statement) -> None:
        """A loop nest, with as few axes as the operands' strides allow."""
        LoopWriter(self, s).write()

    # ── products ──────────────────────────────────────────────────────────────────────────────

    def gemm(self, s: Statement) -> None:
        """C = A B by one call of BLAS, with the operands as they lie."""
        a, b = s.op.args
        c = s.ops[-1].result
        flip_a, lda = leading(self.ref(a), a.shape) or (False, 0)
        flip_b, ldb = leading(self.ref(b), b.shape) or (False, 0)
        k, n = b.shape
        m = a.size // k
        name = "sgemm" if c.dtype.itemsize == 4 else "dgemm"
        one = f"np.{c.dtype.name}(1.0), " if s.start is None else self._scale(s.start, c.dtype.name)
        zero = f"np.{c.dtype.name}({'0.0' if s.start is None else '1.0'}), "
        self.kernel.lines.append(
            f"    {name}(101, {112 if flip_a else 111}, {112 if flip_b else 111}, {m}, {n}, {k}, {one}"
            f"{self.address(a)}, {lda}, {self.address(b)}, {ldb}, {zero}{self.address(c)}, {n})"
        )

    def _scale(self, start: tuple[Value, Any, int], T: str) -> str:
        _, x, sign = start
        minus = "-" if sign < 0 else ""
        if type(x) is not Value or (x.constant and x.shape == ()):
            number = (
                x if type(x) is not Value else x.held if x.value_type == NUMBER else x.held.item()
            )
            name = self.kernel.constants.setdefault(
                f"np.{T}({minus}{number!r})", f"c{len(self.kernel.constants)}"
            )
            return f"{name}, "
        if x.value_type == NUMBER:
            self.kernel.arguments.setdefault(x.name, x)
            return f"np.{T}({minus}{x.name}), "
        return f"{minus}{self.element(self.ref(x), '')}, "

    # ── functions in one piece ────────────────────────────────────────────────────────────────

    def fused(self, s: Statement) -> None:
        """A function that has a record in `FUSED_OPS`."""
        self.kernel.lines += FUSED_OPS[s.op.name].numba(self, s.op)

    def is_stored(self, v: Value) -> bool:
        """Whether a result is written into a buffer."""
        return v in self.plan.own

    def refusal(self, op: Op) -> int:
        """The number that a kernel returns where it refuses the inputs of an operation."""
        self.kernel.refusing.append(op)
        return len(self.kernel.refusing)
