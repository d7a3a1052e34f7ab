"""Statements made of operations: elementwise chains, and the reductions that end them, become single loops.

A statement is a call that makes its own result, a call into a buffer, a matrix product, or a loop over elements in
which many operations are done at once. An operation joins a loop where all that it reads is there: made in the same
loop at the same element, or before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..ir.elementwise import TABLE, compute_dtype, is_elementwise, simple_power
from ..ir.program import ARRAY, Op, Program, Value
from ..ir.views import Ref, contiguous, contiguous_view, is_view, view_of
from .fused_ops import fused_op

# Elements up to which a loop with exp in it beats NumPy's vectorised one and its call.
LARGEST_SLOW = 2048
# Bytes from which NumPy's elementwise chains run block by block.
LARGE = 1 << 20
# Statements that are looked at for a loop to join, besides the operand's own.
NEAR = 64
# Operations in one loop.
LONGEST = 48

REDUCTIONS = frozenset(("sum", "max", "min"))


@dataclass(eq=False)
class Statement:
    """One step of the program.

    Attributes
    ----------
    method : str
        "call": makes its own result; "into": NumPy writes into a buffer; "native": kernels written by hand do, of
        `cpu/native/`; "blocks": NumPy does several operations on
        one block after another; "fused": one of `FUSED_OPS`, by NumPy or part of a kernel; "loop", "gemm":
        parts of a kernel; "batch": products of two batches of matrices, by one call of BLAS.
    ops : list of Op
        What is done, in order.
    shape : tuple of int
        What a loop runs over.
    shared : bool
        Whether several threads compute each element, so that none may be written over.
    halves : bool
        Whether NumPy's function is run by two threads.
    rows : int
        The number of the group of loops over the same rows that it belongs to (`rows.py`), or 0.
    """

    method: str
    ops: list[Op]
    shape: tuple[int, ...] = ()
    # results that are read at the same element alone
    made: set[Value] = field(default_factory=set)
    # the array that a product is added to, the factor and its sign
    start: tuple[Value, Any, int] | None = None
    shared: bool = False
    halves: bool = False
    rows: int = 0

    @property
    def op(self) -> Op:
        """The operation, where there is one."""
        return self.ops[0]

    def results(self) -> list[Value]:
        """The values that it makes."""
        return [v for op in self.ops for v in op.outputs()]


@dataclass
class Statements:
    """A program as statements, with the views that are none."""

    items: list[Statement]
    numbers: list[Op]  # operations on Python numbers, which come first
    refs: dict[Value, Ref]
    views: dict[Value, Op]
    # the first statement that may read each of these
    floors: dict[Value, int] = field(default_factory=dict)
    # the time of each statement, where some are done at once
    times: list[int] = field(default_factory=list)
    # in whose buffers the results of calls may lie: `plan.find_aliases`
    alias: dict[Value, frozenset[Value]] = field(default_factory=dict)

    def time(self, i: int) -> int:
        """The time at which a statement is done."""
        return self.times[i] if self.times else i

    def root(self, v: Value) -> Value:
        """The value whose buffer `v` lies in."""
        ref = self.refs.get(v)
        return ref.root if ref is not None else v

    def lies_in(self, v: Value) -> tuple[Value, ...]:
        """All values whose buffers `v` may lie in."""
        root = self.root(v)
        return (root, *self.alias.get(root, ()))

    def read(self, s: Statement) -> set[Value]:
        """All values whose buffers a statement may read."""
        return {x for op in s.ops for v in op.inputs() for x in self.lies_in(v)}


def build(
    program: Program,
    *,
    kernels: bool,
    products: bool,
    is_generic_library: bool,
    in_loops: Callable[[Op], bool] | None = None,
    is_native: Callable[[Op], bool] | None = None,
) -> Statements:
    """The statements of a program.

    Parameters
    ----------
    program : Program
    kernels : bool
        Whether loops can be compiled.
    products : bool
        Whether matrix products can be called from a kernel.
    is_generic_library : bool
        Arrays of another library than NumPy: every operation is a call.
    in_loops : callable, optional
        Which elementwise operations can be part of a loop, where that is not numba's to say.
    is_native : callable, optional
        Which operations kernels written by hand compute.
    """
    can_loop = in_loops or loopable
    out = Statements([], [], {}, {})
    where: dict[Value, int] = {}
    for op in program.ops:
        if op.name.startswith("py.") and not any(v in where for v in op.inputs()):
            out.numbers.append(op)
            continue
        if op.name == "recomputed" and type(op.args[0]) is Value and not is_generic_library:
            _recompute_barrier(out, op)
            continue
        if is_generic_library:
            where |= dict.fromkeys(op.outputs(), len(out.items))
            out.items.append(Statement("call", [op]))
            continue
        if is_view(op):
            ref = view_of(op, _ref(out, op.args[0]))
            if ref is not None:
                out.refs[op.result], out.views[op.result] = ref, op
                if op.args[0] in out.floors:
                    out.floors[op.result] = out.floors[op.args[0]]
                continue
        if (can_loop(op) or reducible(op)) if kernels else blockable(op, out):
            _add_to_loop(out, where, op)
            continue
        # The kernel of a whole loop has neither of these, and calls BLAS for single matrices alone.
        stacked = is_native is not None or in_loops is not None
        if (
            products
            and is_product(op, out, stacked=stacked)
            and (kernels or op.result.nbytes >= LARGE)
        ):
            # without kernels, only if it takes an update in: `gemm_updates.py`
            method = "gemm"
        elif products and in_loops is not None and is_batch(op, out):
            method = "batch"
        elif is_native is not None and is_native(op):
            method = "native"
        elif is_fused(op, out, kernels=kernels):
            method = "fused"
        else:
            method = "into" if goes_into(op) else "call"
        for v in op.outputs():
            where[v] = len(out.items)
        out.items.append(Statement(method, [op]))
    # without the loops that went into others
    out.items = [s for s in out.items if s.ops]
    for s in out.items:
        if s.method == "loop" and not kernels:
            s.method = "blocks" if len(s.ops) > 1 else "into"
    return out


def _recompute_barrier(out: Statements, op: Op) -> None:
    """Give a checkpoint's input another name: nothing that is computed from it goes into an earlier statement."""
    x = op.args[0]
    out.refs[op.result] = _ref(out, x)
    out.views[op.result] = op
    out.floors[op.result] = len(out.items)


def _ref(out: Statements, v: Value) -> Ref:
    return out.refs.get(v) or contiguous_view(v)


# ── what each method can do ──────────────────────────────────────────────────────────────────────


def loopable(op: Op) -> bool:
    """Whether an elementwise operation can be part of a loop."""
    if not is_elementwise(op) or not op.result.size:
        return False
    how = TABLE[op.name]
    if not how.text or (how.slow and op.result.size > LARGEST_SLOW and not simple_power(op)):
        return False
    every = [v for v in (*op.inputs(), op.result) if v.value_type == ARRAY]
    if not all(_simple(v.dtype) for v in every):
        return False
    dtype = compute_dtype(op)
    if not _simple(dtype) or dtype.kind not in how.dtype_kinds:
        return False
    if op.name == "astype":  # NumPy's cast of NaN to integers is its own
        return not (op.args[0].dtype.kind == "f" and op.result.dtype.kind != "f")
    return True


def blockable(op: Op, out: Statements) -> bool:
    """Whether NumPy gains by running an operation and its neighbours over blocks that stay in the second cache."""
    if not is_elementwise(op) or op.result.nbytes < LARGE or TABLE[op.name].ufunc is None:
        return False
    return all(
        v.shape == ()
        or (v.shape == op.result.shape and _ref(out, v).strides == contiguous(v.shape))
        for v in op.inputs()
    )


def _simple(dtype: Any) -> bool:
    return dtype.kind in "iub" or (dtype.kind == "f" and dtype.itemsize in (4, 8))


def reducible(op: Op) -> bool:
    """Whether a reduction can be part of a loop."""
    if op.name not in REDUCTIONS or type(op.result) is not Value or len(op.args) != 1:
        return False
    x = op.args[0]
    if type(x) is not Value or x.dtype.kind != "f" or x.dtype.itemsize not in (4, 8) or not x.size:
        return False
    return op.result.dtype == x.dtype and op.result.value_type == ARRAY


def is_product(op: Op, out: Statements, *, stacked: bool = False) -> bool:
    """Whether a product is one call of BLAS on matrices as they lie.

    With `stacked`, also of a stack of matrices with one matrix, if the stack lies as one tall matrix.
    """
    if op.name != "matmul" or not all(type(x) is Value for x in op.args):
        return False
    a, b = op.args
    if not (len(b.shape) == 2 <= len(a.shape) and a.dtype == b.dtype and a.size and b.size):
        return False
    if len(a.shape) > 2 and not stacked:
        return False
    # 16 bits, as `optimise/rounding.py` has it
    narrow = a.dtype.itemsize == 2 and op.result.dtype.itemsize == 4
    if op.result.dtype.kind != "f" or not (narrow or a.dtype == op.result.dtype):
        return False
    if op.result.dtype.itemsize not in (4, 8):
        return False
    return leading(_ref(out, a), a.shape) is not None and leading(_ref(out, b), b.shape) is not None


def is_batch(op: Op, out: Statements) -> bool:
    """Whether products of two batches of matrices are one call of BLAS on matrices as they lie, evenly apart."""
    if op.name != "matmul" or not all(type(x) is Value for x in op.args) or not op.result.size:
        return False
    a, b = op.args
    if not (len(a.shape) > 1 < len(b.shape)) or a.dtype != b.dtype or not a.size:
        return False
    if a.dtype != op.result.dtype or a.dtype.kind != "f" or a.dtype.itemsize not in (4, 8):
        return False
    batch = op.result.shape[:-2]
    return all(matrices(_ref(out, x), x.shape, batch) is not None for x in (a, b))


def matrices(
    ref: Ref, shape: tuple[int, ...], batch: tuple[int, ...]
) -> tuple[bool, int, int] | None:
    """Whether BLAS has to transpose the matrices of a batch, their leading dimension, and how far they are apart.

    The matrices are broadcast to `batch`. None if BLAS cannot take them.
    """
    found = leading(Ref(ref.root, ref.offset, ref.strides[-2:]), shape[-2:])
    missing = len(batch) - len(shape[:-2])
    steps = (0,) * missing + tuple(
        0 if n == 1 else step for n, step in zip(shape[:-2], ref.strides, strict=False)
    )
    axes = [(n, step) for n, step in zip(batch, steps, strict=True) if n > 1]
    stride = axes[-1][1] if axes else 0
    reach = stride
    for n, step in reversed(axes):
        if step != reach or step < 0:
            return None
        reach *= n
    return None if found is None else (*found, stride)


def leading(ref: Ref, shape: tuple[int, ...]) -> tuple[bool, int] | None:
    """Whether BLAS has to transpose a matrix, and its leading dimension; None if it cannot take it.

    A stack of matrices counts as one tall matrix, if it lies so.
    """
    *stack, rows, columns = shape
    *steps, down, across = ref.strides
    for n, step in zip(reversed(stack), reversed(steps), strict=True):
        if n > 1 and rows > 1 and step != down * rows:
            return None
        down, rows = (step if rows == 1 else down), rows * n
    if (across == 1 or columns == 1) and (down >= columns or rows == 1):
        return False, max(down, columns)
    if (down == 1 or rows == 1) and (across >= rows or columns == 1):
        return True, max(across, rows)
    return None


def is_fused(op: Op, out: Statements, *, kernels: bool) -> bool:
    """Whether an operation is computed in one piece; a kernel reads its operands in C order."""
    if fused_op(op) is None:
        return False
    return not kernels or all(_ref(out, v).strides == contiguous(v.shape) for v in op.inputs())


def goes_into(op: Op) -> bool:
    """Whether NumPy can write the result of an operation into a buffer."""
    result = op.result
    if type(result) is not Value or result.value_type != ARRAY or not result.size:
        return False
    if is_elementwise(op):
        how = TABLE[op.name]
        if op.name == "relu":
            return result.dtype.char in "fd" and bool(result.shape)
        if op.name == "relu_vjp":
            return result.dtype.char in "fd" and all(
                v.shape == result.shape and v.dtype == result.dtype for v in op.args
            )
        if op.name in ("astype", "copied"):
            return True
        return how.ufunc is not None or op.name == "where"
    if op.name in REDUCTIONS:
        return _same_kind_of_sum(op)
    if op.name == "matmul":
        return all(type(x) is Value and len(x.shape) >= 2 for x in op.args)
    if op.name == "linalg.outer" and str(result.dtype) in ("float32", "float64"):  # by BLAS
        return all(type(x) is Value and len(x.shape) == 1 and x.dtype == result.dtype for x in op.args)  # fmt: skip
    return False


def _same_kind_of_sum(op: Op) -> bool:
    return type(op.args[0]) is Value and op.args[0].dtype.kind == "f" and op.args[0].size > 0


# ── loops ─────────────────────────────────────────────────────────────────────────────────────


def _add_to_loop(out: Statements, where: dict[Value, int], op: Op) -> None:
    """Put an operation into a loop: the one that made its operand, a later one over the same array, or a new one."""
    shape = op.args[0].shape if op.name in REDUCTIONS else op.result.shape
    read = [v for v in op.inputs() if v.value_type == ARRAY or v in where]
    earliest = 0
    for v in read:
        root = out.root(v)
        index = where.get(root, -1)
        earliest = max(earliest, out.floors.get(v, 0))
        if index < 0:
            continue
        together = v is root and v.shape == shape and v in out.items[index].made
        earliest = max(earliest, index if together else index + 1)
    roots = {out.root(v) for v in read}
    near = range(max(earliest, len(out.items) - NEAR), len(out.items))
    for index in dict.fromkeys([*range(earliest, min(earliest + 1, len(out.items))), *near]):
        loop = out.items[index]
        if loop.method == "loop" and loop.shape == shape and len(loop.ops) < LONGEST:
            used = {out.root(v) for each in loop.ops for v in (*each.inputs(), *each.outputs())}
            if used & roots and _reads_same_element(out, where, index, read):
                break
    else:
        index = len(out.items)
        out.items.append(Statement("loop", [], shape))
    loop = out.items[index]
    for v in read:
        _merge_earlier_loop(out, where, v, index, read)
    loop.ops.append(op)
    where[op.result] = index
    if op.name not in REDUCTIONS:
        loop.made.add(op.result)


def _merge_earlier_loop(
    out: Statements, where: dict[Value, int], v: Value, index: int, read: list[Value]
) -> None:
    """Move the loop that makes an operand into the one at `index`, where nothing in between needs it."""
    start = where.get(v, -1)
    if not 0 <= start < index:
        return
    early, loop = out.items[start], out.items[index]
    if early.method != "loop" or early.shape != loop.shape or v not in early.made:
        return
    if len(early.ops) + len(loop.ops) > LONGEST:
        return
    results = set(early.results())
    between = [op for s in out.items[start + 1 : index] for op in s.ops]
    if any(out.root(x) in results for op in between for x in op.inputs()):
        return
    inside = [*read, *(x for op in loop.ops for x in op.inputs())]
    if any(
        out.root(x) in results and not (x in early.made and x.shape == loop.shape) for x in inside
    ):
        return
    loop.ops[:0], loop.made = early.ops, loop.made | early.made
    for result in results:
        where[result] = index
    early.ops, early.made = [], set()


def _reads_same_element(
    out: Statements, where: dict[Value, int], index: int, read: list[Value]
) -> bool:
    """Whether what the loop itself makes is read at the same element only."""
    loop = out.items[index]
    return all(
        where.get(out.root(v)) != index or (v in loop.made and v.shape == loop.shape) for v in read
    )


def stored(program: Program, out: Statements) -> set[Value]:
    """The values that need a buffer: all but those that only their own loop reads."""
    where = {v: s for s in out.items for v in s.results()}
    kept = {v for v in program.outputs if type(v) is Value}
    for s in out.items:
        for op in s.ops:
            for v in op.inputs():
                root = out.root(v)
                if where.get(root) is not s or root not in s.made:
                    kept.add(root)
    for v in program.outputs:
        if type(v) is Value:
            kept.add(out.root(v))
    return {v for v in kept if v in where and v.value_type == ARRAY}
