"""The source of kernels: loops, matrix products and functions in one piece, one after another.

Arrays that are not in the program's block of memory are arguments. Lengths, offsets and strides are holes of a
template, which `families.py` fills in: with numbers, so that the compiler sees every trip count, or, where shapes
change, with more arguments.
"""

from __future__ import annotations

import itertools
import math
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
from .rows import write_rows
from .templates import FREE, POSITIVE, Holes, Number, Template


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
    # what they are called in the kernel: Values, and the dtypes of the block
    arguments: dict[Any, str] = field(default_factory=dict)
    holes: Holes = field(default_factory=Holes)
    # by expression, the names of constants that are no holes
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

    def argument(self, what: Any) -> str:
        """The name of an argument: by its number, not by the value's, so that equal kernels have equal text."""
        name = f"arg{len(self.arguments)}" if type(what) is Value else f"block_{what.name}"
        return self.arguments.setdefault(what, name)

    def constant(self, value: Any, T: str, *role: Any) -> str:
        """The text of a constant of dtype T, or of none: a hole where it can be one, else a name."""
        hole = self.holes.constant(value, T, *role)
        return hole or self.fixed(value, T)

    def fixed(self, value: Any, T: str) -> str:
        """The name of a constant that is part of the structure."""
        text = repr(value)
        if isinstance(value, float) and not math.isfinite(value):
            text = f'float("{value}")'
        text = f"np.{T}({text})" if T else text
        return self.constants.setdefault(text, f"k{len(self.constants)}")

    def template(self) -> tuple[Template, tuple[Number, ...]]:
        """The template ``kernel``, and what stands in its holes."""
        return self.of_text(self.source("kernel"))

    def of_text(self, text: str) -> tuple[Template, tuple[Number, ...]]:
        """A template with the holes of this kernel."""
        holes = self.holes
        made = Template(text, tuple(holes.kinds), self.constants, self.definitions())
        return made, tuple(holes.numbers)

    def source(self, name: str) -> str:
        """The function's text: of one step, or of several by number, each from row `lo` to row `hi`."""
        arguments = ", ".join([FREE, *self.arguments.values(), *self.partials])
        several = bool(self.finished())
        head = [f"def {name}({f'step, {arguments}, lo, hi, part' if several else arguments}):"]
        for what, argument in self.arguments.items():
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

    def statements(self, every: list[Statement]) -> None:
        """Write the lines of several statements, those of loops over the same rows together."""
        for number, group in itertools.groupby(every, lambda s: s.rows):
            together = list(group)
            if number and len(together) > 1:
                write_rows(self, together)
            else:
                for s in together:
                    self.statement(s)

    def statement(self, s: Statement) -> None:
        """Write the lines of one statement."""
        {"loop": self.loop, "gemm": self.gemm, "fused": self.fused}[s.method](s)

    # ── addresses ────────────────────────────────────────────────────────────────────────────────

    def buffer(self, root: Value) -> tuple[str, int]:
        """The name of the array that a value lies in, and the value's first element there."""
        offset = self.plan.offsets.get(root)
        if offset is not None:
            dtype = np.dtype(root.dtype)
            return self.kernel.argument(dtype), offset // dtype.itemsize
        # one name for one array, or the compiler has to expect that they overlap
        if root in self.plan.donated:
            root = self.inputs[self.plan.donated[root]]
        return self.kernel.argument(root), 0

    def number(self, value: int, *role: Any) -> str:
        """The text of a number that a shape decides: a hole."""
        return self.kernel.holes.number(value, *role)

    def first(self, ref: Ref, itemsize: int = 1) -> tuple[str, str]:
        """The name of the array that a value lies in, and the text of `itemsize` times its index there, empty for 0."""
        name, first = self.buffer(ref.root)
        first += ref.offset
        if not first and ref.root not in self.plan.offsets:
            return name, ""
        # one hole for one place, or the compiler has to expect that they overlap
        role = self.plan.heirs.get(ref.root, ref.root), ref.offset, itemsize
        return name, self.kernel.holes.offset(first * itemsize, *role)

    def element(self, ref: Ref, index: str) -> str:
        """The element of a buffer at an index relative to the value's first."""
        name, first = self.first(ref)
        if not ref.root.shape and ref.root not in self.plan.offsets:
            return f"{name}[()]"
        return f"{name}[{' + '.join(filter(None, (first, index))) or '0'}]"

    def address(self, v: Value) -> str:
        """The address of a matrix's first element."""
        ref = self.ref(v)
        name, first = self.first(ref, np.dtype(v.dtype).itemsize)
        return " + ".join(filter(None, (f"{name}.ctypes.data", first)))

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
        sizes = (a.size // b.shape[0], b.shape[1], b.shape[0], lda, ldb)
        m, n, k, step_a, step_b = map(self.number, sizes)
        name = "sgemm" if c.dtype.itemsize == 4 else "dgemm"
        one = f"np.{c.dtype.name}(1.0), " if s.start is None else self._scale(s.start, c.dtype.name)
        zero = f"np.{c.dtype.name}({'0.0' if s.start is None else '1.0'}), "
        self.kernel.lines.append(
            f"    {name}(101, {112 if flip_a else 111}, {112 if flip_b else 111}, {m}, {n}, {k}, {one}"
            f"{self.address(a)}, {step_a}, {self.address(b)}, {step_b}, {zero}{self.address(c)}, {n})"
        )

    def _scale(self, start: tuple[Value, Any, int], T: str) -> str:
        _, x, sign = start
        minus = "-" if sign < 0 else ""
        if type(x) is not Value or (x.constant and x.shape == ()):
            number = (
                x if type(x) is not Value else x.held if x.value_type == NUMBER else x.held.item()
            )
            return f"{self.kernel.constant(-number if minus else number, T)}, "
        if x.value_type == NUMBER:
            return f"np.{T}({minus}{self.kernel.argument(x)}), "
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
