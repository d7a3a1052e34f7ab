"""Operations that only move data, written as loops over elements, so that kernels compute them.

A call between kernels ends the segment of the device, and costs the host some launches and Python time. A loop that
moves data reads other elements than it writes, which other threads make. It therefore reads them from memory, where an
earlier loop has stored them, and computes none of them again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir.program import ARRAY, NUMBER, Op, Program, Value, values_in
from ..ir.views import Ref, contiguous_view, is_basic, is_view, view_of
from ..optimise.fuse import Statements, is_batch, is_product, matrices
from ..optimise.simplify import without_use
from .expressions import C_NAMES, loopable

# The most arrays that one kernel joins: each thread goes through all of them to find the one that has its element.
MOST_JOINED = 32

# A box in an array, as a key of slices with positive steps: one for each axis.
Box = tuple[slice, ...]


def in_loops(program: Program) -> None:
    """Rewrite the moves of a program that loops can do; the program itself is changed."""
    writer = _Writer()
    for op in program.ops:
        writer.add(op)
    program.ops = writer.ops
    without_use(program)


class _Writer:
    """The operations so far, and how the views among their results lie."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.out = Statements([], [], {}, {})
        self.refs = self.out.refs

    def add(self, op: Op) -> None:
        """Add an operation, or those that do the same in loops."""
        if op.name == "recomputed" and type(op.args[0]) is Value:  # another name for the same
            self.refs[op.result] = self._ref(op.args[0])
        elif is_view(op):
            if op.name == "getitem" and op.result.shape == ():
                op.args = (op.args[0], _as_view(op.args[1]))
            if self._view(op) is None and op.name == "reshape":
                self._reshape(op)
        elif op.name in _REWRITTEN and op.result.size and _REWRITTEN[op.name](self, op):
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
        """Copy the operand of a reshape in the order of its indices, so that the result is a view of the copy."""
        copy = self._copied(op, op.args[0], f"{op.result.name}c")
        if copy is not None:
            op.args = (copy, *op.args[1:])
            self._view(op)

    def _copied(self, op: Op, x: Value, name: str, dtype: Any = None) -> Value | None:
        """A copy in the order of the indices, in its own dtype or another; None of what no kernel can hold."""
        copy = Value(name, ARRAY, x.shape, x.dtype if dtype is None else dtype)
        copy.op = Op("astype", op.function, (x, copy.dtype), {}, copy, op.line, frozenset())
        if not loopable(copy.op):
            return None
        self.ops.append(copy.op)
        return copy

    def _multiply(self, op: Op) -> bool:
        """Copy those operands of products of batches that do not lie as BLAS can take them."""
        if is_product(op, self.out, stacked=True) or not is_batch(op, Statements([], [], {}, {})):
            return False
        batch = op.result.shape[:-2]
        op.args = tuple(
            x
            if matrices(self._ref(x), x.shape, batch) is not None
            else self._copied(op, x, f"{op.result.name}m{i}") or x
            for i, x in enumerate(op.args)
        )
        return False

    def _join(self, op: Op) -> bool:
        """Write ``concat`` and ``stack`` as the choice of an operand by the index."""
        result, axis = op.result, op.settings.get("axis", 0)
        given = [v for v in op.args[0] if type(v) is not Value or v.size]
        if type(axis) is not int or len(op.args) != 1 or not 0 < len(given) <= MOST_JOINED:
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
        self._boxed("piecewise", op, operands, boxes[:-1])
        return True

    def _roll(self, op: Op) -> bool:
        """Write ``roll`` as the join of two parts along each axis; without an axis, along that of all elements."""
        x, axes = op.args[0], op.settings.get("axis")
        shifts = op.args[1] if len(op.args) > 1 else op.settings.get("shift")
        flat = axes is None
        axes, shifts = (v if type(v) is tuple else (v,) for v in (0 if flat else axes, shifts))
        if not all(type(v) is int for v in (*axes, *shifts)) or not _is_moved(x, op.result.dtype):
            return False
        if not axes or not shifts:
            return False
        result = made = op.result
        if flat and len(x.shape) != 1:
            x = self._reshaped(op, x, Value(f"{result.name}f", ARRAY, (x.size,), x.dtype))
            made = Value(f"{result.name}r", ARRAY, x.shape, x.dtype)
        count = max(len(axes), len(shifts))  # one of either goes with all of the other
        axes, shifts = (v * count if len(v) == 1 else v for v in (axes, shifts))
        pairs = list(zip(axes, shifts, strict=True))
        for k, (axis, shift) in enumerate(pairs):
            last = k == len(pairs) - 1
            into = made if last else Value(f"{result.name}r{k}", ARRAY, x.shape, x.dtype)
            x = self._rolled(op, x, into, axis % len(x.shape), shift % x.shape[axis])
        if made is not result:
            self._reshaped(op, made, result)
        return True

    def _rolled(self, op: Op, x: Value, made: Value, axis: int, shift: int) -> Value:
        whole, cut = (slice(None),) * len(x.shape), x.shape[axis] - shift
        operands, boxes = [], []
        for part, start in ((slice(cut), shift), (slice(cut, None), 0)):
            count = len(range(x.shape[axis])[part])
            if count:
                shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
                view = Value(f"{made.name}v{len(self.ops)}", ARRAY, shape, x.dtype)
                key = (*whole[:axis], part, *whole[axis + 1 :])
                view.op = Op("getitem", op.function, (x, key), {}, view, op.line, frozenset((0,)))
                self.add(view.op)
                box = (*whole[:axis], slice(start, start + count), *whole[axis + 1 :])
                axes = [(i, False) for i in range(len(x.shape))]
                operands.append(self._placed(op, view, box, axes, made.shape))
                boxes.append(box)
        self._boxed("piecewise", op, operands, boxes[:-1], made)
        return made

    def _repeat(self, op: Op) -> bool:
        """Write ``repeat`` as a copy along a new axis behind the one that is repeated."""
        x, repeats = op.args
        axis = op.settings.get("axis")
        if type(repeats) is not int or not _is_moved(x, op.result.dtype):
            return False
        dims = len(x.shape)
        at = dims if axis is None else axis % dims + 1
        shape = (*x.shape[:at], repeats, *x.shape[at:])
        self._spread(op, x, shape, [*range(at), -1, *range(at, dims)])
        return True

    def _tile(self, op: Op) -> bool:
        """Write ``tile`` as a copy along a new axis before each."""
        x, repetitions = op.args
        times = repetitions if type(repetitions) is tuple else (repetitions,)
        if not all(type(n) is int for n in times) or not _is_moved(x, op.result.dtype):
            return False
        dims = max(len(times), len(x.shape))
        missing = dims - len(x.shape)
        times = (1,) * (dims - len(times)) + times
        lengths = (1,) * missing + x.shape
        shape = tuple(n for pair in zip(times, lengths, strict=True) for n in pair)
        self._spread(op, x, shape, [k for i in range(dims) for k in (-1, max(i - missing, -1))])
        return True

    def _spread(self, op: Op, x: Value, shape: tuple[int, ...], axes: list[int]) -> None:
        """Copy a value along new axes, where `axes` has −1; the result of an operation is a reshape of that."""
        result = op.result
        made = Value(f"{result.name}c", ARRAY, shape, x.dtype)
        box = (slice(None),) * len(shape)
        operand = self._placed(op, x, box, [(i, False) for i in axes], shape)
        self._boxed("piecewise", op, [operand], [], made)
        self._reshaped(op, made, result)

    def _reshaped(self, op: Op, x: Value, made: Value) -> Value:
        """Make a value the reshape of another one."""
        made.op = Op("reshape", op.function, (x, made.shape), {}, made, op.line, frozenset((0,)))
        self.add(made.op)
        return made

    def _set(self, op: Op) -> bool:
        """Write ``setitem`` as the choice of the new value in a box; ``x[k] += y`` as a sum there."""
        x, value, key = op.args
        if not _is_moved(x, op.result.dtype):
            return False
        if type(key) is Value:
            return self._set_under_mask(op)
        if not is_basic(key) or values_in(key):
            return False
        region = Region(x.shape, key)
        if region.empty:
            self._boxed("piecewise", op, [x], [])
            return True
        added = _added(x, value, key) if x.dtype.kind == "f" else None
        if added is not None:
            operand = self._written(op, added, region)
            if operand is not None:
                self._boxed("add_at", op, [x, operand], [region.box])
                return True
        operand = self._written(op, value, region)
        if operand is not None:
            self._boxed("piecewise", op, [operand, x], [region.box])
        return operand is not None

    def _set_under_mask(self, op: Op) -> bool:
        """Write one value where a mask of all elements is true as ``where``."""
        x, value, mask = op.args
        if mask.value_type != ARRAY or mask.dtype.kind != "b" or mask.shape != x.shape:
            return False
        if type(value) is Value and value.value_type == ARRAY:
            if value.shape != () or not _is_moved(value, x.dtype):
                return False
            if value.dtype != x.dtype:
                value = self._copied(op, value, f"{op.result.name}v", x.dtype)
                if value is None:
                    return False
        elif not _is_number_of(value, x.dtype):
            return False
        made = Op("where", op.function, (mask, value, x), {}, op.result, op.line, frozenset())
        if loopable(made):
            op.result.op = made
            self.ops.append(made)
        return loopable(made)

    def _scatter(self, op: Op) -> bool:
        """Write ``scatter_add`` by a key that names no element twice as the choice of a value or 0."""
        shape, key, value = op.args
        if not is_basic(key) or values_in(key) or not _is_moved(value, op.result.dtype):
            return False
        region, zero = Region(tuple(shape), key), op.result.dtype.type(0).item()
        if region.empty:
            self._boxed("piecewise", op, [zero], [])
        else:
            operand = self._written(op, value, region)
            self._boxed("piecewise", op, [operand, zero], [region.box])
        return True

    def _number(self, op: Op) -> bool:
        """Write an array of a number of the call as the number itself."""
        x = op.args[0]
        if type(x) is not Value or x.value_type != NUMBER or op.result.dtype.name not in C_NAMES:
            return False
        if not _is_number_of(x, op.result.dtype):
            return False
        self._boxed("piecewise", op, [x], [])
        return True

    def _written(self, op: Op, value: Any, region: Region) -> Any:
        """What is written into a region, as an operand; None for what no kernel can hold."""
        dtype = op.result.dtype
        if type(value) is not Value or value.value_type == NUMBER:
            return value if _is_number_of(value, dtype) else None
        if not _is_moved(value, dtype):
            return None
        if value.shape == ():
            return value
        return self._placed(op, value, region.box, region.axes_of(value))

    def _placed(
        self,
        op: Op,
        v: Value,
        box: Box,
        axes: Sequence[tuple[int, bool]],
        shape: tuple[int, ...] | None = None,
    ) -> Value:
        """A value as it lies in a box of `shape`, else of an operation's result: `axes` as in `views.py`."""
        name = f"{op.result.name}p{len(self.ops)}"
        view = Value(name, ARRAY, op.result.shape if shape is None else shape, v.dtype)
        settings = {"box": box, "axes": tuple(axes)}
        view.op = Op("placed", op.function, (v,), settings, view, op.line, frozenset((0,)))
        self.ops.append(view.op)
        self._view(view.op)
        return view

    def _boxed(
        self, name: str, op: Op, operands: list[Any], boxes: list[Box], into: Value | None = None
    ) -> None:
        """Add an operation of `expressions.BOXED` with the result of another one, or another value."""
        result = op.result if into is None else into
        settings = {"boxes": tuple(boxes)}
        made = Op(name, op.function, tuple(operands), settings, result, op.line, frozenset())
        result.op = made
        self.ops.append(made)


# Each says whether it has added the operation in another form.
_REWRITTEN: dict[str, Callable[[_Writer, Op], bool]] = {
    "concat": _Writer._join,
    "stack": _Writer._join,
    "roll": _Writer._roll,
    "repeat": _Writer._repeat,
    "tile": _Writer._tile,
    "setitem": _Writer._set,
    "scatter_add": _Writer._scatter,
    "asarray": _Writer._number,
    "matmul": _Writer._multiply,
}


class Region:
    """The elements that a key of integers, slices, None and an ellipsis selects.

    Attributes
    ----------
    box : tuple of slice
        Their indices, in rising order.
    axes : list of (int, bool)
        For each axis of the array, the axis of what the key selects, or −1, and whether it runs backwards.
    dims : int
        The number of axes of what the key selects.
    empty : bool
    """

    def __init__(self, shape: tuple[int, ...], key: Any) -> None:
        parts = key if type(key) is tuple else (key,)
        if not any(part is ... for part in parts):
            parts = (*parts, ...)
        rest = len(shape) - sum(part is not None and part is not ... for part in parts)
        self.axes: list[tuple[int, bool]] = []
        self.dims, self.empty = 0, False
        box: list[slice] = []
        for part in parts:
            if part is None:
                self.dims += 1
                continue
            for each in [slice(None)] * rest if part is ... else [part]:
                n = shape[len(box)]
                if type(each) is int:
                    box.append(slice(each % n, each % n + 1))
                    self.axes.append((-1, False))
                    continue
                found = range(n)[each]
                rising = found if found.step > 0 else found[::-1]
                self.empty |= not found
                step = rising.step if len(found) > 1 and rising.step > 1 else None
                box.append(slice(rising.start, rising[-1] + 1 if found else 0, step))
                self.axes.append((self.dims, found.step < 0))
                self.dims += 1
        self.box: Box = tuple(box)

    def axes_of(self, value: Value) -> list[tuple[int, bool]]:
        """The axes of a value that is broadcast to the region, or has axes of length 1 before it."""
        lead = self.dims - len(value.shape)
        return [
            (max(axis - lead, -1), backwards) if axis >= 0 else (-1, False)
            for axis, backwards in self.axes
        ]


def _added(x: Value, value: Any, key: Any) -> Any:
    """What ``x[key]`` is added to in a value that is written there; None where it is no such sum."""
    add = value.op if type(value) is Value else None
    if add is None or add.name != "add":
        return None
    for part, other in (add.args, add.args[::-1]):
        read = part.op if type(part) is Value else None
        if read is None or read.name != "getitem" or read.args[0] is not x:
            continue
        if is_basic(read.args[1]) and read.args[1] == key and value.dtype == x.dtype:
            return other
    return None


def _is_number_of(x: Any, dtype: Any) -> bool:
    """Whether NumPy writes a number into an array of a dtype as it is, or rounded, whatever its value in a call is."""
    if type(x) is Value:
        return dtype.kind == "f" and x.dtype.kind in "iubf"
    if type(x) is int and dtype.kind in "iu":
        return bool(np.iinfo(dtype).min <= x <= np.iinfo(dtype).max)
    return type(x) is bool or (type(x) in (int, float) and dtype.kind == "f")


def _is_moved(v: Any, dtype: Any) -> bool:
    """Whether kernels know the dtypes of an array and of the result that it becomes a part of, and the cast between."""
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
    """A key of one element with an ellipsis, by which NumPy returns a view; without, it returns a number."""
    parts = key if type(key) is tuple else (key,)
    return parts if any(part is ... for part in parts) else (*parts, ...)
