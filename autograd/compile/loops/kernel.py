"""Loops as one compiled kernel, `for` included, where every operation of the step can be part of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cpu import numba_kernels as native
from ..cpu import numpy_calls
from ..cpu.assembly import Assembly
from ..cpu.kernels import Kernel, Writer
from ..cpu.loops import LANES
from ..cpu.templates import FREE
from ..ir.program import ARRAY, NUMBER, Op, Program, Value
from ..ir.views import Ref
from ..optimise.fuse import Statements, build
from ..optimise.gemm_updates import accumulate
from ..optimise.memory_plan import Plan, make_plan

# The number of multiplications up to which a product with a vector is a loop, which costs less than a call of BLAS.
SMALL = 256
_METHODS = frozenset(("loop", "gemm", "fused"))


class StepWriter(Writer):
    """The writer of a step, whose rows lie in stacked arrays; every array is flat."""

    def __init__(
        self, kernel: Kernel, out: Statements, plan: Plan, program: Program, stacked: set[Value]
    ) -> None:
        super().__init__(kernel, out, plan, program.inputs)
        self.stacked = stacked

    def element(self, ref: Ref, index: str) -> str:
        """The element of a buffer at an index relative to the value's first."""
        name, first = self.first(ref)
        row = f"step * {self._row(ref.root, ref.root.size)}" if ref.root in self.stacked else ""
        return f"{name}[{' + '.join(filter(None, (first, row, index))) or '0'}]"

    def address(self, v: Value) -> str:
        """The address of a matrix's first element."""
        ref = self.ref(v)
        name, first = self.first(ref, np.dtype(v.dtype).itemsize)
        row = f"step * {self._row(ref.root, ref.root.nbytes)}" if ref.root in self.stacked else ""
        return " + ".join(filter(None, (f"{name}.ctypes.data", row, first)))

    def _row(self, root: Value, size: int) -> str:
        """The text of the size of a row, in elements or bytes."""
        return self.number(size, "row", root, size)


def vectors_as_matrices(program: Program) -> None:
    """Write products with vectors as products of matrices, which kernels have; small ones as sums."""
    ops: list[Op] = []
    for op in program.ops:
        if op.name != "matmul" or not all(type(x) is Value for x in op.args):
            ops.append(op)
            continue
        a, b = op.args
        dims = len(a.shape), len(b.shape)
        if dims not in ((1, 1), (1, 2), (2, 1)) or op.result.dtype.kind != "f" or not a.size:
            ops.append(op)
        elif max(a.size, b.size) <= SMALL and a.dtype == b.dtype:
            ops += _as_sum(op, a, b)
        else:
            ops += _as_product(op, a, b)
    program.ops = ops


def _made(
    ops: list[Op], name: str, function: Any, args: tuple[Any, ...], shape: tuple[int, ...], dtype: Any, settings: Any
) -> Value:  # fmt: skip
    v = Value(f"m{id(ops)}_{len(ops)}", ARRAY, shape, dtype)
    v.op = Op(name, function, args, settings, v)
    ops.append(v.op)
    return v


def _view(ops: list[Op], x: Value, shape: tuple[int, ...]) -> Value:
    return (
        x if x.shape == shape else _made(ops, "reshape", np.reshape, (x, shape), shape, x.dtype, {})
    )


def _end(ops: list[Op], op: Op, last: Op) -> list[Op]:
    """The operations, of which the last gives the result of `op`."""
    op.name, op.function, op.args, op.settings = last.name, last.function, last.args, last.settings
    return [*ops[:-1], op]


def _as_product(op: Op, a: Value, b: Value) -> list[Op]:
    ops: list[Op] = []
    left = _view(ops, a, a.shape if len(a.shape) == 2 else (1, a.size))
    right = _view(ops, b, b.shape if len(b.shape) == 2 else (b.size, 1))
    shape = (left.shape[0], right.shape[1])
    product = _made(ops, "matmul", op.function, (left, right), shape, op.result.dtype, {})
    last = Op("reshape", np.reshape, (product, op.result.shape), {})
    return _end([*ops, last], op, last)


def _as_sum(op: Op, a: Value, b: Value) -> list[Op]:
    ops: list[Op] = []
    axis = 0 if len(b.shape) == 2 else -1
    if len(b.shape) == 2:
        a = _view(ops, a, (a.size, 1))
    shape = np.broadcast_shapes(a.shape, b.shape)
    terms = _made(ops, "multiply", np.multiply, (a, b), shape, op.result.dtype, {})
    last = Op("sum", np.sum, (terms,), {"axis": axis})
    return _end([*ops, last], op, last)


def loop_kernel(
    program: Program, carry: int, rows: int, *, ends: bool
) -> tuple[Assembly, str] | None:
    """The loop over a step as one kernel, and the text of the function that calls it; None if there is none.

    Parameters
    ----------
    program : Program
        The step, which is changed; its inputs are the carry, the rows and the constants.
    carry, rows : int
        How many of the inputs are the carry, and how many the rows.
    ends : bool
        Whether the first row of results says if there is another step.
    """
    products = native.products(kernels=True)
    out = build(program, kernels=True, products=products, is_generic_library=False)
    if not out.items or any(s.method not in _METHODS for s in out.items):
        return None
    if any(type(v) is not Value or v.op is None for v in program.outputs):
        return None
    donated, replaced = set(range(carry)), {i: i for i in range(carry)}
    plan = make_plan(program, out, donated, replaced)
    if products and accumulate(program, out, plan):
        plan = make_plan(program, out, donated, replaced)
    if any(v not in plan.outputs for v in program.outputs):
        return None
    stacked = set(program.inputs[carry : carry + rows])
    stacked |= {v for v in program.outputs[carry + ends :] if v not in plan.donated}
    kernel = Kernel([])
    writer = StepWriter(kernel, out, plan, program, stacked)
    for s in out.items:
        writer.statement(s)
    if kernel.refusing:
        return None
    assembly = Assembly(program, out, plan)
    return assembly, _text(assembly, kernel, writer, carry, rows, ends=ends)


def _text(
    out: Assembly, kernel: Kernel, writer: StepWriter, carry: int, rows: int, *, ends: bool
) -> str:
    program, plan = out.program, out.plan
    copies = [k for k in range(carry) if program.outputs[k] not in plan.donated]
    # the carry is overwritten when the step ends and nothing reads it any more
    for k in copies:
        kernel.argument(program.inputs[k])
    lines = [f"    {x}" for x in kernel.lines]
    for k in copies:
        new, old = program.outputs[k], program.inputs[k]
        lines += [
            f"        for i in range({writer.number(old.size)}):",
            f"            {kernel.argument(old)}[i] = {kernel.argument(new)}[i]",
        ]
    lines += ["        count += 1"]
    if ends:
        flag = program.outputs[carry]
        lines += [f"        if not {kernel.argument(flag)}[0]:", "            break"]
    source = "\n".join([
        f"def kernel(first, last, stride, {', '.join([FREE, *kernel.arguments.values()])}):",
        *(f"    {a} = np.empty({2 * LANES}, np.{d})" for a, d in sorted(kernel.scratch)),
        "    count = 0", "    for step in range(first, last, stride):", *lines, "    return count", "",
    ])  # fmt: skip
    types: list[Any] = [int, int, int, FREE]
    given: list[str] = []
    names = {v: f"x{i}" for i, v in enumerate(program.inputs)}
    for what, name in kernel.arguments.items():
        if type(what) is not Value:
            out.blocks[name] = what
            given.append(name)
            types.append((what, 1))
        elif what.value_type == NUMBER:
            given.append(out.value(what))
            types.append({"b": int, "i": int, "f": float}[what.dtype.kind])
        else:
            given.append(_argument(out, what, names, carry, rows))
            types.append((np.dtype(what.dtype), 1))
    function, free = out.compiled(*kernel.of_text(source), types)
    out.shared["flat"] = _flat
    for op in out.statements.numbers:
        out.number(op)
    call = ", ".join(["order.start", "order.stop", "order.step", *free, *given])
    taken = [f"x{i}" for i in range(len(program.inputs))]
    stacks = [f"y{k}" for k in range(carry, len(program.outputs))]
    body = [
        *unpack_line(taken[:carry], "carry"), *unpack_line(taken[carry : carry + rows], "rows"),
        *unpack_line(taken[carry + rows :], "constants"), *unpack_line(stacks, "ys"),
        *out.lines, f"count = {function}({call})",
    ]  # fmt: skip
    body.append(f"return count, ({''.join(f'x{k}, ' for k in range(carry))})")
    return "\n".join(
        ["def loop(carry, rows, constants, ys, order):", *(f"    {x}" for x in body), ""]
    )


def unpack_line(names: list[str], sequence: str) -> list[str]:
    """The line that unpacks a sequence into names; no line for an empty one."""
    return [f"{', '.join(names)}, = {sequence}"] if names else []


def _argument(out: Assembly, v: Value, names: dict[Value, str], carry: int, rows: int) -> str:
    """The text of an array that the kernel takes, flat."""
    if v in names:
        text = names[v]
        return f"{text}.reshape(-1)" if int(text[1:]) < carry else f"flat({text})"
    if v.constant:
        return out.bind(_flat(v.held), "k")
    k = out.plan.outputs[v]
    if k >= carry:
        return f"y{k}.reshape(-1)"
    out.output_rings[k] = (v.shape, v.dtype)
    return f"r{k}a.reshape(-1)"


def _flat(x: Any) -> Any:
    """An array in C order, as one row."""
    return numpy_calls.contiguous(np.asarray(x)).reshape(-1)
