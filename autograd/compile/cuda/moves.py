"""Operations that only move data, written as loops over elements, so that kernels compute them.

A call between kernels ends the segment of the device, and costs the host some launches and Python time. What is moved
is read where it lies and is never computed twice: a loop reads other elements of memory alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ir.program import ARRAY, Op, Program, Value
from ..ir.views import Ref, contiguous_view, is_view, view_of
from .expressions import C_NAMES, loopable

# Arrays that one kernel joins: each thread asks of each whether its element lies there.
MOST = 32

# A box in an array, as a key of slices with positive steps: one for each axis.
Box = tuple[slice, ...]


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
        elif is_view(op):
            if op.name == "getitem" and op.result.shape == ():
                op.args = (op.args[0], _as_view(op.args[1]))
            if self._view(op) is None and op.name == "reshape":
                self._reshape(op)
        elif op.name in ("concat", "stack") and self._join(op):
            return
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

    def _join(self, op: Op) -> bool:
        """Write ``concat`` and ``stack`` as the choice of an operand by the index."""
        result, axis = op.result, op.settings.get("axis", 0)
        given = [v for v in op.args[0] if type(v) is not Value or v.size]
        if type(axis) is not int or len(op.args) != 1 or not 0 < len(given) <= MOST:
            return False
        if not all(_is_moved(v, result.dtype) for v in given):
            return False
        dims = len(result.shape)
        axis, whole = axis % dims, (slice(None),) * dims
        boxes, operands, start = [], [], 0
        for v in given:
            if op.name == "stack":
                count, axes = 1, [*range(axis), -1, *range(axis, dims - 1)]
            else:
                count, axes = v.shape[axis], list(range(dims))
            boxes.append((*whole[:axis], slice(start, start + count), *whole[axis + 1 :]))
            operands.append(self._placed(op, v, boxes[-1], [(i, False) for i in axes]))
            start += count
        self._piecewise(op, operands, boxes)
        return True

    def _placed(self, op: Op, v: Value, box: Box, axes: Sequence[tuple[int, bool]]) -> Value:
        """A value as it lies in a box of the result of an operation: `axes` as in `views.py`."""
        result = op.result
        view = Value(f"{result.name}p{len(self.ops)}", ARRAY, result.shape, v.dtype)
        settings = {"box": box, "axes": tuple(axes)}
        view.op = Op("placed", op.function, (v,), settings, view, op.line, frozenset((0,)))
        self.ops.append(view.op)
        self._view(view.op)
        return view

    def _piecewise(self, op: Op, operands: list[Any], boxes: list[Box]) -> None:
        """Make an operation the choice of the first operand whose box an index lies in; the last needs none."""
        settings = {"boxes": tuple(boxes[: len(operands) - 1])}
        made = Op("piecewise", op.function, tuple(operands), settings, op.result, op.line)
        made.shares = frozenset()
        op.result.op = made
        self.ops.append(made)


def _is_moved(v: Any, dtype: Any) -> bool:
    """Whether a kernel can hold an array, and the result that it becomes a part of."""
    if type(v) is not Value or v.value_type != ARRAY or dtype.name not in C_NAMES:
        return False
    if v.dtype.name not in C_NAMES:
        return False
    return (
        v.dtype == dtype
        or (v.dtype.kind in "iubf" and dtype.kind == "f")
        or (v.dtype.kind in "iub" and dtype.kind in "iu")
    )


def _as_view(key: Any) -> Any:
    """A key of one element, by which NumPy takes a view: without an ellipsis, it returns a number."""
    parts = key if type(key) is tuple else (key,)
    return parts if any(part is ... for part in parts) else (*parts, ...)
