"""A program for a CUDA device: kernels and products in segments, calls of array functions between them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....backend import Backend, to_numpy
from ....backend.common.launches import Matrix, Product, Step
from ..cpu.assembly import Assembly
from ..cpu.freeing import free_early
from ..ir.program import ARRAY, NUMBER, Op, Program, Value
from ..optimise.fuse import Statement, Statements, build, leading, matrices
from ..optimise.gemm_updates import accumulate
from ..optimise.memory_plan import Plan, make_plan
from ..optimise.memory_use import memory_needed
from ..optimise.rematerialise import rematerialise
from ..optimise.rounding import store_rounded
from .context import ALIGN, Context, Scratch
from .epilogues import Epilogue, take_in
from .expressions import loopable
from .kernels import KernelWriter
from .moves import in_loops
from .order import Access, Span, waits
from .schedule import Slot, schedule

# Bytes of a program's values that need not share memory, so that more of it runs side by side.
APART = 64 << 20

# The number of operations up to which a program is compiled to kernels: to lay 4,000 out takes a second, and twice as
# many take twice that.
MOST_OPERATIONS = 20_000

Layout = tuple[Statements, dict[Statement, Epilogue], list[Slot], Plan]


class Segment:
    """Steps of the device that follow each other without a call between them."""

    def __init__(self, context: Context, epilogues: dict[Statement, Epilogue]) -> None:
        self.context, self.epilogues = context, epilogues
        self.steps: list[Step] = []
        self.access: list[Access] = []
        self.made: set[Value] = set()  # in this segment, not in one before
        self.tf32: set[Op] = set()
        self.precision = "float32"

    def names(self) -> list[str]:
        """The names of the arrays that are passed, in the order of the slots."""
        return sorted(self.context.slots, key=self.context.slots.__getitem__)


class Numbers:
    """The Python numbers of a call in a small array on the device, sent when they have changed."""

    def __init__(self, runtime: Any, number_types: str) -> None:
        self.runtime, self.number_types = runtime, number_types
        self.host = np.zeros(len(number_types), np.int64)
        self.device = runtime.memory(8 * len(number_types))
        self.last: Any = None

    def __call__(self, segment: Any, *values: Any) -> Any:
        """The array that holds them, written anew after the segment's last call has read it, on whichever stream."""
        # 0.0 and -0.0 are equal, so zeros are always sent.
        if values != self.last or 0 in values:
            segment.follow()
            self.last = None  # if an interrupt comes before they are sent
            for i, (number_type, value) in enumerate(zip(self.number_types, values, strict=True)):
                self.host[i] = (
                    np.float64(value).view(np.int64) if number_type == "f" else int(value)
                )
            self.runtime.upload(self.device, self.host)
            self.last = values
        return self.device


def assemble(
    program: Program,
    backend: Backend,
    *,
    donated: set[int],
    replaced_inputs: dict[int, int],
    memory: int | None = None,
) -> Assembly:
    """Lay a program out and write its body.

    Parameters
    ----------
    program : Program
    backend : Backend
        With `programs`, which runs kernels and products.
    donated, replaced_inputs
        As in `plan.make_plan`.
    memory : int, optional
        The most bytes that the program may take.
    """
    _as_casts(program)
    in_loops(program)
    tf32 = store_rounded(program)

    def laid_out(program: Program, apart: int = 0) -> Layout:
        for updates in (True, False):
            layout = _laid_out(program, backend, donated, replaced_inputs, tf32, updates, apart)
            if layout is not None:
                return layout
        raise AssertionError("without updates in products, a program can always be laid out")

    statements, epilogues, slots, plan = laid_out(program, APART)
    if memory is not None and memory_needed(program, statements, plan) > memory:
        source = rematerialise(program, memory, lambda program: laid_out(program)[::3])
        tf32 = {op for op in program.ops if source.get(op, op) in tf32}
        statements, epilogues, slots, plan = laid_out(program)
    scratch = Scratch(plan.size)
    out = Assembly(program, statements, plan, asarray=backend.normalise)
    out.device = DeviceMemory(backend.programs, scratch)
    for op in statements.numbers:
        out.number(op)
    segment: Segment | None = None
    for i, slot in enumerate(slots):
        if slot.statement is not None and slot.statement.method == "call":
            if segment is not None:
                _close(out, segment)
                segment = None
            out.call(slot.statement)
            continue
        if segment is None:
            segment = Segment(Context(statements, plan, program.inputs, scratch), epilogues)
            segment.tf32 = tf32
            segment.precision = program.precision
        segment.made |= {v for s in slot.statements for v in s.results()}
        segment.steps.append(_step(segment, slot, f"kernel_{i}"))
        segment.access.append(_access(segment.context, slot))
    if segment is not None:
        _close(out, segment)
    _outputs(out)
    free_early(out)  # the next call is on the same stream, behind what still reads this
    return out


def _laid_out(
    program: Program,
    backend: Backend,
    donated: set[int],
    replaced_inputs: dict[int, int],
    tf32: set[Op],
    updates: bool,
    apart: int,
) -> Layout | None:
    """The statements of a program, in slots, and where their values lie.

    With `updates`, ``p ← p − s · A B`` is one product where p is donated. That is decided before the statements are
    in order; None where they come into an order in which p is still read afterwards.
    """
    statements = build(
        program, kernels=True, products=True, is_generic_library=False, in_loops=loopable
    )
    for s in statements.items:
        if s.method in ("fused", "into"):
            s.method = "call"
    runtime = backend.programs
    epilogues = take_in(program, statements, runtime.pays, tf32) if runtime.epilogues else {}
    if updates:
        accumulate(
            program,
            statements,
            make_plan(program, statements, donated, replaced_inputs),
            constant=True,
        )
    slots = schedule(statements)
    plan = make_plan(program, statements, donated, replaced_inputs, apart=apart, tight=not apart)
    for s in statements.items:
        if s.start is not None and plan.donated.get(s.ops[-1].result) != s.start[0].input_index:
            return None
    return statements, epilogues, slots, plan


def _as_casts(program: Program) -> None:
    """``asarray`` of an array is a cast, which a kernel can do."""
    for op in program.ops:
        if op.name == "asarray" and type(op.args[0]) is Value and op.args[0].value_type == ARRAY:
            op.name, op.args, op.settings = "astype", (op.args[0], op.result.dtype), {}


class DeviceMemory:
    """The source of the memory of a device program's runners."""

    def __init__(self, runtime: Any, scratch: Scratch) -> None:
        self.runtime, self.scratch = runtime, scratch

    def block(self) -> Any:
        """The memory of one runner."""
        scratch = self.scratch
        block = self.runtime.memory(max(scratch.start + scratch.size, ALIGN))
        for offset, nbytes in scratch.counters:
            block[offset : offset + nbytes] = 0
        return block


def _step(segment: Segment, slot: Slot, name: str) -> Step:
    if slot.statement is None:
        return KernelWriter(segment.context, name).launch(slot.parts)
    return _product(segment, slot.statement)


def _access(context: Context, slot: Slot) -> Access:
    """The memory that a slot reads and writes; scratch memory belongs to one slot, or goes with what fills it."""
    found = Access()
    made = {v for s in slot.statements for v in s.results()}
    for s in slot.statements:
        roots = {context.out.root(v) for op in s.ops for v in op.inputs()}
        found.reads |= {_span(context, v) for v in roots - made if _in_memory(v)}
    plan = context.plan
    stored = (v for v in made if v in plan.own)
    found.writes |= {_span(context, v) for v in stored}
    return found


def _in_memory(v: Value) -> bool:
    return v.value_type == ARRAY and not v.constant


def _span(context: Context, root: Value) -> Span:
    offset = context.plan.offsets.get(root)
    if offset is not None:
        return "block", offset, offset + root.nbytes
    return context.name(root), 0, max(root.nbytes, 1)


def _product(segment: Segment, s: Statement) -> Product:
    context, epilogue = segment.context, segment.epilogues.get(s)
    a, b = s.op.args
    c = s.ops[-1].result if epilogue is None else epilogue.result
    more: dict[str, Any] = {}
    if s.start is not None:
        _, factor, sign = s.start
        more = {"alpha": sign * _number(factor), "beta": 1.0}
    if epilogue is not None:
        more = {
            "epilogue": epilogue.name,
            "vector": context.address(context.out.root(epilogue.vector)),
        }
        if epilogue.masked is not None:
            more["mask"] = context.mask(epilogue.masked)
    m, k, n = math.prod(a.shape[:-1]), a.shape[-1], b.shape[-1]  # a stack counts as one tall matrix
    batch = c.shape[:-2] if s.method == "batch" else None
    if batch is not None:
        m = a.shape[-2]
        more = {"batch": math.prod(batch)}
    return Product(
        m, n, k, _matrix(context, a, batch), _matrix(context, b, batch), _matrix(context, c, batch),
        dtype=c.dtype.name, tf32=s.op in segment.tf32,
        operands=segment.precision if a.dtype == np.uint16 else a.dtype.name, **more,
    )  # fmt: skip


def _number(x: Any) -> float:
    """A factor that is known: a number, or a constant of no dimension."""
    if type(x) is not Value:
        return float(x)
    return float(x.held if x.value_type == NUMBER else to_numpy(x.held))


def _matrix(context: Context, v: Value, batch: tuple[int, ...] | None = None) -> Matrix:
    """A matrix, or those that are broadcast to a batch, as they lie in memory."""
    ref = context.ref(v)
    stride = 0
    if batch is None:
        found = leading(ref, v.shape)
    else:
        several = matrices(ref, v.shape, batch)
        found, stride = several and several[:2], several[2] if several else 0
    assert found is not None
    transposed, step = found
    address = context.address(ref.root)
    offset = ref.offset * ref.root.dtype.itemsize
    return Matrix(type(address)(address.slot, address.offset + offset), step, transposed, stride)


def _close(out: Assembly, segment: Segment) -> None:
    """Bind a segment, and write its call."""
    context, runtime = segment.context, out.device.runtime
    names = segment.names()
    function = f"segment_{len(out.lines)}"
    if context.numbers:
        number_types = "".join("f" if v.dtype.kind == "f" else "i" for v in context.numbers)
        maker = f"numbers_{len(out.made)}"
        out.made[maker] = f"{out.bind(Numbers)}({out.bind(runtime)}, {number_types!r})"
        values = ", ".join(out.value(v) for v in context.numbers)
        numbers = f"{maker}({function}, {values})"
    arguments, external = [], []
    for name in names:
        if name == "numbers":
            arguments.append(numbers)
            external.append("in")
            continue
        root = context.roots[name]
        text, access = _argument(out, root, segment.made)
        arguments.append(text)
        external.append(access)
    steps = out.bind(tuple(segment.steps))
    out.made[function] = (
        f"{out.bind(runtime)}.segment({steps}, block, {len(names)}, {tuple(external)!r}, {waits(segment.access)!r})"
    )
    out.kernels += [step.source for step in segment.steps if hasattr(step, "source")]
    out.lines.append(f"{function}({', '.join(arguments)})")


def _argument(out: Assembly, root: Value, made: set[Value]) -> tuple[str, str]:
    """The text of an array that is passed to a segment, and whether the segment reads or writes it."""
    donated = set(out.plan.donated.values())
    written = {index for v, index in out.plan.donated.items() if v in made}
    contiguous = out.known("contiguous", _contiguous)
    if root.constant:
        return out.constant_in_order(root, _contiguous), "in"
    text = out.value(root)
    if root.input_index >= 0:
        access = "inout" if root.input_index in written else "in"
        return (text if root.input_index in donated else f"{contiguous}({text})"), access
    if root in out.plan.outputs:
        return text, "out" if root in made else "in"
    return f"{contiguous}({text})", "in"


def _contiguous(x: Any) -> Any:
    return x if x.flags.c_contiguous else x.copy()


def _outputs(out: Assembly) -> None:
    for v in out.program.outputs:
        if type(v) is not Value:
            out.results.append(out.literal(v))
            continue
        text = out.value(v)
        if v in out.plan.outputs and v not in out.plan.donated:
            out.output_rings.setdefault(out.plan.outputs[v], (v.shape, v.dtype))
        out.results.append(text)
