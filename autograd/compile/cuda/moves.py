"""Operations that only move data, written as loops over elements, so that kernels compute them.

A call between kernels ends the segment of the device, and costs the host some launches and Python time. What is moved
is read where it lies and is never computed twice: a loop reads other elements of memory alone.
"""

from __future__ import annotations

from ..ir.program import ARRAY, Op, Program, Value
from ..ir.views import Ref, contiguous_view, is_view, view_of
from .expressions import loopable


def in_loops(program: Program) -> None:
    """Rewrite the moves of a program that loops can do; the program itself is changed."""
    writer = _Writer()
    for op in program.ops:
        writer.add(op)
    program.ops = writer.ops


class _Writer:
    """The operations so far, and how the views among their results lie."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.refs: dict[Value, Ref] = {}

    def add(self, op: Op) -> None:
        """Add an operation, or those that do the same in loops."""
        if op.name == "recomputed" and type(op.args[0]) is Value:  # another name for the same
            self.refs[op.result] = self._ref(op.args[0])
        elif is_view(op) and self._view(op) is None and op.name == "reshape":
            self._reshape(op)
        self.ops.append(op)

    def _ref(self, v: Value) -> Ref:
        return self.refs.get(v) or contiguous_view(v)

    def _view(self, op: Op) -> Ref | None:
        """How the result of a view operation lies; None where it is a copy."""
        ref = view_of(op, self._ref(op.args[0]))
        if ref is not None:
            self.refs[op.result] = ref
        return ref

    def _reshape(self, op: Op) -> None:
        """Copy the operand of a reshape in the order of its indices, of which the result is a view then."""
        x = op.args[0]
        copy = Value(f"{op.result.name}c", ARRAY, x.shape, x.dtype)
        copy.op = Op("astype", op.function, (x, x.dtype), {}, copy, op.line, frozenset())
        if not loopable(copy.op):
            return
        self.ops.append(copy.op)
        op.args = (copy, *op.args[1:])
        self._view(op)
