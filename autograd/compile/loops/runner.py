"""The runner of a loop: its step as generated code within a `for`, in memory that is laid out once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ....backend import backend_of
from ....backend.common.forks import ForkSafeLock
from ..buffers import compile_text, new_runner
from ..cpu.assemble import assemble
from ..cpu.assembly import Assembly
from ..cpu.numba_cache import CompileError
from ..cpu.numba_kernels import MOST_OPERATIONS, wanted
from ..cuda import assemble as cuda_assemble
from ..cuda.expressions import loopable as is_loopable_on_device
from ..ir.program import ARRAY, Op, Program, op_text
from ..optimise.fuse import goes_into, reducible
from ..optimise.fused_ops import fused_op
from ..optimise.outputs import own_outputs
from ..optimise.rounding import cast_before_transpose
from ..optimise.simplify import simplify
from .body import Body
from .kernel import loop_kernel, unpack_line, vectors_as_matrices

FOREVER = 1 << 62


class Runner:
    """A loop on library arrays: ``runner(carry, rows, constants) -> (last carry, stacked rows)``."""

    def __init__(self, loop: Any) -> None:
        self.loop, self.n, self.reverse, self.loop_type = loop, loop.n, loop.reverse, loop.loop_type
        if loop.body.code is None:
            loop.body.code = StepCode(loop.body, loop.loop_type == "while")
        self.code: StepCode = loop.body.code

    def step(self) -> list[str]:
        """The step, for people: whether the loop is one kernel, and the operations."""
        program = self.code.program
        if program is None:
            return []
        how = "one kernel" if "kernel(order.start" in self.code.source else "a loop of Python"
        steps = (
            "steps"
            if self.n is None
            else f"{self.n} steps at most"
            if self.loop_type != "scan"
            else f"{self.n} steps"
        )
        return [f"{steps}, in {how}:", *(f"  {op_text(op)}" for op in program.ops)]

    def __call__(self, carry: Any, rows: Any, constants: Any, more: Any = None) -> Any:
        """The last carry and the stacked rows."""
        n = self.n
        if self.loop_type == "while":
            most = FOREVER if n is None else n
            order = range(most if bool(self.code.host(more)) else 0)
            return self.code(carry, rows, constants, order, n)
        count = n if more is None else int(self.code.host(more))
        order = range(count - 1, -1, -1) if self.reverse else range(count)
        return self.code(carry, rows, constants, order, n)


@dataclass(eq=False)
class StepCode:
    """The code of a step in a loop, made when it runs first.

    Attributes
    ----------
    body : Body
    ends : bool
        Whether the first result of a step says if there is another step; it is not stacked.
    free : list
        Runners, each with memory of its own, that no thread uses at this moment.
    """

    body: Body
    ends: bool
    backend: Any = None
    # the backend, where its device runs programs
    device: Any = None
    # whether the step writes into memory that is laid out before
    writes: bool = False
    assembly: Assembly | None = None
    source: str = ""
    code: Any = None
    free: list[Any] = field(default_factory=list)
    lock: ForkSafeLock = field(default_factory=ForkSafeLock)
    program: Program | None = None

    def host(self, x: Any) -> Any:
        """A value on the host."""
        return backend_of(x).to_numpy(x)

    def __call__(self, carry: Any, rows: Any, constants: Any, order: range, n: int | None) -> Any:
        """Run the steps of `order`, for stacks of `n` rows."""
        with self.lock.current:
            if self.code is None:
                self.prepare()
            run = self.free.pop() if self.free else None
        if run is None:
            assert self.assembly is not None
            run = new_runner(self.assembly, self.code, {"host": self.host})["loop"]
        try:
            return self._run(run, carry, rows, constants, order, n)
        finally:
            self.free.append(run)

    def _run(
        self, run: Any, carry: Any, rows: Any, constants: Any, order: range, n: int | None
    ) -> Any:
        assert self.program is not None
        results = self.program.outputs[len(carry) :]
        lengths = [1 if self.ends and k == 0 else n or 0 for k in range(len(results))]
        ys: list[Any]
        if self.writes:
            full = len(order) == n and not self.ends
            # in C order
            carry = tuple([x.copy() for x in carry])
            ys = [
                self._rows((m, *v.shape), v.dtype, full)
                for m, v in zip(lengths, results, strict=True)
            ]
            count, carry = run(carry, rows, constants, ys, order)
        else:
            lists: list[Any] = [[None] * m for m in lengths]
            count, last = run(carry, rows, constants, lists, order)
            home = next(iter((*carry, *constants)), None)
            ys = [self._stacked(y, v, home) for y, v in zip(lists, results, strict=True)]
            carry = last if len(order) else [self.backend.xp.copy(x) for x in last]
        if self.ends:
            ys[0] = self.backend.asarray(np.asarray(count))
        return tuple(carry), tuple(ys)

    def _rows(self, shape: tuple[int, ...], dtype: Any, full: bool) -> Any:
        """Memory for stacked rows; with zeros, where not all of them are written."""
        if self.device is None:
            return (np.empty if full else np.zeros)(shape, dtype)
        rows = self.device.programs.empty(shape, dtype)
        if not full:
            rows[...] = 0
        return rows

    def _stacked(self, rows: list[Any], like: Any, home: Any) -> Any:
        """Rows as one array, with zeros for those of steps that were not taken."""
        xp = self.backend.xp
        missing = [y is None for y in rows]
        if any(missing):
            zeros = xp.astype(
                xp.zeros_on_device_of(like.shape, home), self.backend.dtype(like.dtype)
            )
            rows = [zeros if y is None else y for y in rows]
        return xp.stack(rows)

    def _simplified(self) -> Program:
        program = self.body.program("step")
        if self.body.precision != "float32":
            cast_before_transpose(program)
        simplify(program)
        return program

    def prepare(self) -> None:
        """Plan the memory of the step and generate its code."""
        body = self.body
        self.backend = _backend(body)
        runs = self.backend.programs is not None and wanted(body.fast, elsewhere=True)
        self.device = self.backend if runs else None
        native = self.backend.name == "numpy"
        self.writes = native or runs
        kernels = native and not runs and wanted(body.fast)
        if kernels and self._as_one_kernel():
            return
        program = self.program = self._simplified()
        own_outputs(program, [None] * len(program.outputs), self._writes_own_buffer)
        donated = set(range(body.carry)) if self.writes else set()
        settings: dict[str, Any] = {
            "donated": donated, "replaced_inputs": {i: i for i in donated},
        }  # fmt: skip
        if runs and len(program.ops) <= cuda_assemble.MOST_OPERATIONS:
            self.assembly = cuda_assemble.assemble(program, self.backend, **settings)
        else:
            settings["is_generic_library"] = not native
            try:
                kernels = kernels and len(program.ops) <= MOST_OPERATIONS
                self.assembly = assemble(program, kernels=kernels, **settings)
            except CompileError:
                self.assembly = assemble(program, kernels=False, **settings)
        self.source = written(body, program, self.assembly, native=self.writes, ends=self.ends)
        self.code = compile_text(self.source, "loop")

    def _as_one_kernel(self) -> bool:
        """Make the loop one kernel, if it can be one."""
        program = self._simplified()
        vectors_as_matrices(program)
        own_outputs(program, [None] * len(program.outputs), self._writes_own_buffer)
        try:
            found = loop_kernel(program, self.body.carry, self.body.rows, ends=self.ends)
        except CompileError:
            return False
        if found is not None:
            self.program, (self.assembly, self.source) = program, found
            self.code = compile_text(self.source, "loop")
        return found is not None

    def _writes_own_buffer(self, op: Op) -> bool:
        """Whether the result of an operation is a buffer of the program's own, not what a function returned."""
        if self.device is not None:
            new = op.shares is not None and not op.shares
            return is_loopable_on_device(op) or reducible(op) or (goes_into(op) and new)
        return self.writes and (goes_into(op) or fused_op(op) is not None)


def _backend(body: Body) -> Any:
    """The backend of the arrays of a step."""
    return next(backend_of(x.real_value) for x in body.tracers if x.of.value_type == ARRAY)


def written(body: Body, program: Program, out: Assembly, *, native: bool, ends: bool) -> str:
    """The text of ``loop(carry, rows, constants, ys, order)``.

    With `native`, ``x[i]`` is a row, as in NumPy; the standard asks for an ellipsis.
    """
    names = [v.name for v in program.inputs]
    first, second = body.carry, body.carry + body.rows
    columns = [f"c{i}" for i in range(first, second)]
    stacks = [f"y{k}" for k in range(first, len(program.outputs))]
    lines = [
        *unpack_line(names[:first], "carry"), *unpack_line(columns, "rows"),
        *unpack_line(names[second:], "constants"), *unpack_line(stacks, "ys"),
    ]  # fmt: skip
    inner: list[str] = []
    for name, column in zip(names[first:second], columns, strict=True):
        shape = program.inputs[int(name[1:])].shape
        inner.append(f"{name} = {column}[i]" if shape and native else f"{name} = {column}[i, ...]")
    rings = []
    for v, k in out.plan.outputs.items():
        if v in out.plan.donated:
            inner.append(f"o{k} = x{out.plan.donated[v]}")
        elif ends and k == first:
            inner.append(f"o{k} = y{k}[0, ...]")
        elif k >= first:
            inner.append(f"o{k} = y{k}[i]" if v.shape else f"o{k} = y{k}[i, ...]")
        else:
            rings.append(k)
            lines.append(f"p{k}, q{k} = r{k}a, r{k}b")
            inner += [f"o{k} = p{k}", f"p{k} = q{k}", f"q{k} = o{k}"]
    inner += out.lines
    for k in range(first, len(program.outputs)):
        v = program.outputs[k]
        if (v not in out.plan.outputs or out.plan.outputs[v] != k) and not (ends and k == first):
            inner.append(f"y{k}[i] = {out.results[k]}")
    if first:
        inner.append(f"{', '.join(names[:first])}, = {', '.join(out.results[:first])},")
    if ends:
        test = out.results[first] if native else f"host({out.results[first]})"
        inner.append(f"if not {test}: break")
    lines += ["i = -1", "for i in order:", *(f"    {line}" for line in inner or ["pass"])]
    copied = [f"{n}.copy()" if k in rings else n for k, n in enumerate(names[:first])]
    lines.append(f"return i + 1, ({''.join(f'{c}, ' for c in copied)})")
    return "\n".join(
        ["def loop(carry, rows, constants, ys, order):", *(f"    {x}" for x in lines), ""]
    )
